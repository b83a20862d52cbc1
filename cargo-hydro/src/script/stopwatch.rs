//! How long something has been going on in all, whoever does it and with whatever pauses.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Counts the time during which at least one [`Doing`] exists. Clones are one watch.
#[derive(Clone, Debug, Default)]
pub(super) struct Stopwatch {
    state: Rc<RefCell<State>>,
}

#[derive(Debug, Default)]
struct State {
    doers: usize,
    since: Option<Instant>,
    before: Duration,
}

/// Keeps the watch running until it is dropped.
#[derive(Debug)]
pub(super) struct Doing {
    watch: Stopwatch,
}

impl Stopwatch {
    /// Lets the time count.
    pub(super) fn start(&self) -> Doing {
        let mut state = self.state.borrow_mut();
        state.doers += 1;
        state.since.get_or_insert_with(Instant::now);
        Doing { watch: self.clone() }
    }

    /// Returns the time so far.
    pub(super) fn elapsed(&self) -> Duration {
        let state = self.state.borrow();
        state.before + state.since.map(|since| since.elapsed()).unwrap_or_default()
    }
}

impl Drop for Doing {
    fn drop(&mut self) {
        let mut state = self.watch.state.borrow_mut();
        state.doers -= 1;
        if state.doers == 0
            && let Some(since) = state.since.take()
        {
            state.before += since.elapsed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_time_of_doing_counts_and_counts_once() {
        let watch = Stopwatch::default();
        assert_eq!(watch.elapsed(), Duration::ZERO);
        let one = watch.start();
        let two = watch.start();
        drop(one);
        let at = watch.elapsed();
        drop(two);
        let stopped = watch.elapsed();
        assert!(stopped >= at);
        assert_eq!(watch.elapsed(), stopped);
    }
}
