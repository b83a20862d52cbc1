//! Answers that go wrong on demand.

use super::http::{Answer, Asked};

/// What goes wrong, with which requests, and how often.
#[derive(Clone, Debug)]
pub struct Fault {
    method: &'static str,
    path: String,
    times: usize,
    answer: Option<(u16, String, String)>,
    after: Option<u64>,
}

impl Fault {
    /// The next requests of this method whose path holds this are answered with an error.
    #[must_use]
    pub fn error(method: &'static str, path: &str, (status, reason, message): (u16, &str, &str)) -> Self {
        let answer = Some((status, reason.to_owned(), message.to_owned()));
        Self { method, path: path.to_owned(), times: 1, answer, after: None }
    }

    /// What is asked is done, and the connection ends without an answer.
    #[must_use]
    pub fn cut(method: &'static str, path: &str) -> Self {
        Self { method, path: path.to_owned(), times: 1, answer: None, after: None }
    }

    /// So many times.
    #[must_use]
    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// The answer says when to come back, in seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { after: Some(seconds), ..self }
    }

    pub(super) fn answer(&self) -> Option<Answer> {
        let (status, reason, message) = self.answer.as_ref()?;
        let mut answer = Answer::error(*status, reason, message);
        answer.headers.extend(self.after.map(|seconds| ("retry-after".to_owned(), seconds.to_string())));
        Some(answer)
    }
}

#[derive(Default)]
pub(super) struct Faults {
    waiting: Vec<Fault>,
}

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        self.waiting.push(fault);
    }

    /// Returns what goes wrong with a request.
    pub(super) fn take(&mut self, asked: &Asked) -> Option<Fault> {
        let is_meant =
            |fault: &&mut Fault| fault.times > 0 && fault.method == asked.method && asked.path.contains(&fault.path);
        let fault = self.waiting.iter_mut().find(is_meant)?;
        fault.times -= 1;
        Some(fault.clone())
    }
}
