//! Whether something woke the dataflow: its waker, which remembers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake};

use futures::task::AtomicWaker;

/// Notices that something woke the dataflow, and passes it on.
#[derive(Debug, Default)]
pub(super) struct Woken {
    woken: AtomicBool,
    task: AtomicWaker,
}

impl Woken {
    /// Tells whether the dataflow was woken since this was forgotten.
    #[inline]
    pub(super) fn is_set(&self) -> bool {
        self.woken.load(Ordering::Relaxed)
    }

    /// Forgets. To be called before the dataflow runs: what wakes it meanwhile counts.
    #[inline]
    pub(super) fn forget(&self) {
        self.woken.store(false, Ordering::Relaxed);
    }

    /// Passes the next wish on to the task of `context`.
    pub(super) fn pass_on(&self, context: &Context<'_>) {
        self.task.register(context.waker());
    }

    /// Sleeps until the dataflow is woken.
    pub(super) async fn wait(&self) {
        std::future::poll_fn(|context| {
            self.pass_on(context);
            if self.is_set() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Relaxed);
        self.task.wake();
    }
}
