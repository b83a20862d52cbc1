//! Which connections may have something to read: with a thousand idle connections a tick looks at none of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

use futures::task::AtomicWaker;

/// Numbers of connections that were woken since the last look, and the stream to wake with them.
#[derive(Debug, Default)]
pub(super) struct ReadySet {
    numbers: Mutex<Vec<usize>>,
    /// Whether there are any: a tick asks several times, and a lock takes as long as all else that it does without a reason.
    any: AtomicBool,
    stream: AtomicWaker,
}

impl ReadySet {
    /// Wakes the task whenever a connection becomes ready.
    pub(super) fn register(&self, waker: &Waker) {
        self.stream.register(waker);
    }

    /// Moves the numbers to `into`.
    #[inline]
    pub(super) fn drain(&self, into: &mut Vec<usize>) {
        // Who adds a number wakes the stream afterwards: what is overlooked now is found then.
        if !self.any.load(Ordering::Acquire) {
            return;
        }
        self.any.store(false, Ordering::Relaxed);
        into.append(&mut self.numbers.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Makes a connection ready.
    pub(super) fn wake(&self, number: usize) {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner).push(number);
        self.any.store(true, Ordering::Release);
        self.stream.wake();
    }

    /// Wakes the stream without a connection: something else happened.
    pub(super) fn wake_stream(&self) {
        self.stream.wake();
    }
}

/// The waker of one connection.
#[derive(Debug)]
pub(super) struct Readiness {
    number: usize,
    set: Arc<ReadySet>,
}

impl Readiness {
    /// Returns a waker that adds `number` to the set.
    pub(super) fn waker(number: usize, set: &Arc<ReadySet>) -> Waker {
        Waker::from(Arc::new(Self { number, set: Arc::clone(set) }))
    }
}

impl Wake for Readiness {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.set.wake(self.number);
    }
}
