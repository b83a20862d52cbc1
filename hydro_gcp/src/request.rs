//! One request: its credentials, what is tried again and after which pause, and its answer.
//!
//! Knows no API: paths, queries and bodies go in, JSON comes out.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Method, Response};
use serde::de::DeserializeOwned;

use crate::auth::{Credentials, trust};
use crate::error::{Error, Kind, may_pass, reason_of};

/// How often a request is sent at most.
const TRIES: u32 = 6;
/// The longest pause between two of them.
const LONGEST_PAUSE: Duration = Duration::from_secs(32);
/// How long an answer may take; operations are waited for up to two minutes by Google itself.
const ANSWER: Duration = Duration::from_secs(150);
const CONNECT: Duration = Duration::from_secs(15);

/// Sends requests to one address.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    http: reqwest::Client,
    credentials: Credentials,
    endpoint: String,
    /// The pause before the second try; each further one is twice as long.
    pause: Duration,
}

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// What it is for, for people: ``create `x` ``.
    pub(crate) what: String,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) body: Option<String>,
}

impl Ask {
    pub(crate) fn new(what: impl Into<String>, method: Method, path: impl Into<String>) -> Self {
        Self { what: what.into(), method, path: path.into(), query: Vec::new(), body: None }
    }

    pub(crate) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Gives the request a name, by which Google knows the second try of a change for what it is.
    pub(crate) fn once(self) -> Self {
        let name = random_name();
        self.query("requestId", name)
    }
}

/// What came of one try.
enum Try {
    Answer(String),
    Failed(Error),
    /// It may go better after a pause, of this length if the answer says one.
    Later(Error, Option<Duration>),
}

impl Sender {
    /// Makes a sender. Tokens are not sent in the clear, but to this very machine.
    pub(crate) fn new(endpoint: &str, credentials: Credentials, pause: Duration) -> Result<Self, Error> {
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        let wrong = |words: &str| Error::new(Kind::Invalid, format!("use `{endpoint}`"), words);
        let url = reqwest::Url::parse(&endpoint).map_err(|error| wrong(&error.to_string()))?;
        let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if url.scheme() != "https" && !(url.scheme() == "http" && is_here) {
            return Err(wrong("credentials are sent over https only"));
        }
        trust();
        let builder = reqwest::Client::builder().connect_timeout(CONNECT).timeout(ANSWER);
        let builder = builder.user_agent(concat!("cargo-hydro/", env!("CARGO_PKG_VERSION")));
        let http = builder.build().map_err(|error| wrong(&chain(&error)))?;
        Ok(Self { http, credentials, endpoint, pause })
    }

    pub(crate) fn pause(&self) -> Duration {
        self.pause
    }

    /// Sends a request until there is an answer that stays.
    pub(crate) async fn send<T: DeserializeOwned>(&self, ask: &Ask) -> Result<T, Error> {
        let mut pause = self.pause;
        let mut tries = 1;
        loop {
            match self.attempt(ask).await {
                Try::Answer(body) => return read(ask, &body),
                Try::Failed(error) => return Err(error),
                Try::Later(error, _) if tries == TRIES => return Err(error),
                Try::Later(_, wished) => {
                    let wished = wished.unwrap_or_default().min(LONGEST_PAUSE);
                    // Whoever failed together shall not come back together.
                    tokio::time::sleep(wished.max(spread(pause))).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    tries += 1;
                }
            }
        }
    }

    async fn attempt(&self, ask: &Ask) -> Try {
        let headers = match self.credentials.headers().await {
            Ok(headers) => headers,
            Err(error) => return Try::Failed(error),
        };
        let mut request = self.http.request(ask.method.clone(), format!("{}/{}", self.endpoint, ask.path));
        request = request.headers(headers).query(&ask.query);
        request = match &ask.body {
            Some(body) => request.header("content-type", "application/json").body(body.clone()),
            // Servers want to be told that there is none.
            None if ask.method == Method::POST => request.header("content-length", "0"),
            None => request,
        };
        match request.send().await {
            Ok(response) => answer(ask, response).await,
            Err(error) => Try::Later(Error::new(Kind::Unreachable, &ask.what, chain(&error)), None),
        }
    }
}

async fn answer(ask: &Ask, response: Response) -> Try {
    let status = response.status();
    let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let body = match response.text().await {
        Ok(body) => body,
        Err(error) => return Try::Later(Error::new(Kind::Unreachable, &ask.what, chain(&error)), None),
    };
    if status.is_success() {
        return Try::Answer(body);
    }
    let error = Error::of_answer(&ask.what, status.as_u16(), &body);
    if may_pass(status.as_u16(), reason_of(&body).as_deref()) {
        Try::Later(error, after.map(Duration::from_secs))
    } else {
        Try::Failed(error)
    }
}

fn read<T: DeserializeOwned>(ask: &Ask, body: &str) -> Result<T, Error> {
    serde_json::from_str(body)
        .map_err(|error| Error::new(Kind::Other, &ask.what, format!("the answer cannot be read: {error}")))
}

/// Returns an error's words with those of its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        words.push(cause.to_string());
        next = cause.source();
    }
    words.join(": ")
}

/// Between half of a pause and the whole of it.
fn spread(pause: Duration) -> Duration {
    let part = f64::from(u32::try_from(random() & 0xffff).unwrap_or_default()) / f64::from(0xffff);
    pause.mul_f64(0.5 + part / 2.0)
}

/// A number that nobody needs to be unable to guess.
fn random() -> u64 {
    RandomState::new().hash_one(std::time::SystemTime::now())
}

/// A random UUID.
fn random_name() -> String {
    let (high, low) = (random(), random());
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        (low >> 48) & 0xfff,
        low & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_over_https_or_stay_on_this_machine() {
        let sender = |endpoint: &str| {
            let credentials = Credentials::token("t").unwrap();
            Sender::new(endpoint, credentials, Duration::ZERO).map(drop).map_err(|error| error.to_string())
        };
        for good in [
            "https://compute.googleapis.com/compute/v1",
            "http://127.0.0.1:80/x",
            "http://localhost:1",
            "http://[::1]:5",
        ] {
            assert_eq!(sender(good), Ok(()), "{good}");
        }
        for bad in ["http://compute.googleapis.com", "http://localhost.example", "ftp://localhost", "nonsense"] {
            assert!(sender(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_of_requests_are_uuids_of_their_own() {
        let names = [random_name(), random_name()];
        assert_ne!(names[0], names[1]);
        for name in names {
            let parts: Vec<usize> = name.split('-').map(str::len).collect();
            assert_eq!(parts, [8, 4, 4, 4, 12], "{name}");
        }
    }
}
