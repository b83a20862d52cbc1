//! Calls of hooks that wait for the script, and those that wait for their end.
//!
//! Knows numbers and channels; what is called, and why, is [`hooks`](super::hooks())'s affair.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use tokio::sync::{mpsc, oneshot};

use super::protocol::{HookCall, HookError};

/// How a hook ended.
pub(super) type Ended = oneshot::Receiver<Option<HookError>>;

/// The calls of one session.
#[derive(Debug)]
pub(super) struct Turns {
    calls: mpsc::UnboundedSender<HookCall>,
    waiting: RefCell<Option<mpsc::UnboundedReceiver<HookCall>>>,
    running: RefCell<BTreeMap<u64, oneshot::Sender<Option<HookError>>>>,
    last: Cell<u64>,
}

impl Default for Turns {
    fn default() -> Self {
        let (calls, waiting) = mpsc::unbounded_channel();
        Self { calls, waiting: RefCell::new(Some(waiting)), running: RefCell::default(), last: Cell::new(0) }
    }
}

impl Turns {
    /// Calls; `with` makes the call of its number. One that nobody will hear has ended at once.
    pub(super) fn call(&self, with: impl FnOnce(u64) -> HookCall) -> Ended {
        let number = self.last.get() + 1;
        self.last.set(number);
        let (done, ended) = oneshot::channel();
        self.running.borrow_mut().insert(number, done);
        if self.calls.send(with(number)).is_err() {
            self.running.borrow_mut().remove(&number);
        }
        ended
    }

    /// Takes what reads the calls; it is one reader's alone.
    pub(super) fn take(&self) -> Option<mpsc::UnboundedReceiver<HookCall>> {
        self.waiting.borrow_mut().take()
    }

    /// Tells how a call ended; false: nobody waits for it.
    pub(super) fn done(&self, number: u64, error: Option<HookError>) -> bool {
        self.running.borrow_mut().remove(&number).is_some_and(|done| done.send(error).is_ok())
    }
}
