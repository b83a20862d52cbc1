//! Bounded memory without waiting in a tick: while an output holds too much, inputs are not read.
//!
//! A program that has no input cannot be on a cycle, so its outputs may wait inside the tick instead; others may not, since two
//! programs that flood each other would stop for ever.

use std::cell::{Cell, RefCell};
use std::task::Waker;

/// Bytes a queue may hold before the gate shuts.
pub(crate) const QUEUE_LIMIT_BYTES: usize = 8 << 20;

/// The same where outputs may wait in the tick: what they made lately is in the processor's cache then, and no peer can be waiting for us.
pub(crate) const WAITING_LIMIT_BYTES: usize = 1 << 20;

/// Open unless some queue is over its limit.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    over: Cell<usize>,
    outputs_may_wait: Cell<bool>,
    waiting: RefCell<Vec<Waker>>,
}

impl Gate {
    /// Lets outputs wait inside the tick: to be said of programs without inputs.
    pub(crate) fn let_outputs_wait(&self) {
        self.outputs_may_wait.set(true);
    }

    /// Returns the bytes a queue may hold before the gate shuts.
    pub(super) fn limit(&self) -> usize {
        if self.outputs_may_wait.get() { WAITING_LIMIT_BYTES } else { QUEUE_LIMIT_BYTES }
    }

    /// The program has an input after all: outputs wait no longer.
    pub(crate) fn keep_outputs_going(&self) {
        self.outputs_may_wait.set(false);
        for waker in self.waiting.take() {
            waker.wake();
        }
    }

    /// Tells whether inputs must not be read now.
    #[inline]
    pub(crate) fn is_shut(&self) -> bool {
        self.over.get() > 0
    }

    /// Tells whether outputs wait when the gate is shut: then nobody can be waiting for us.
    pub(super) fn lets_outputs_wait(&self) -> bool {
        self.outputs_may_wait.get()
    }

    /// Tells whether outputs must wait now.
    #[inline]
    pub(crate) fn holds_outputs(&self) -> bool {
        self.outputs_may_wait.get() && self.is_shut()
    }

    /// Wakes the task when the gate opens.
    pub(crate) fn wait(&self, waker: &Waker) {
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.iter().any(|other| other.will_wake(waker)) {
            waiting.push(waker.clone());
        }
    }

    /// A queue went over its limit.
    pub(crate) fn shut(&self) {
        self.over.set(self.over.get() + 1);
    }

    /// That queue is below again.
    pub(crate) fn open(&self) {
        self.over.set(self.over.get() - 1);
        if !self.is_shut() {
            for waker in self.waiting.take() {
                waker.wake();
            }
        }
    }
}
