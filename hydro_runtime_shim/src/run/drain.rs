//! The run loop, and its end: what has arrived when the program is asked to stop is still worked on.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use dfir_rs::scheduled::context::{Dfir, TickClosure};

use crate::link::Node;

/// What the dataflow may take to become idle after the wish to stop.
const DRAIN_TIME: Duration = Duration::from_secs(1);
/// How often the runtime looks at the sockets before a dataflow that nothing woke counts as idle.
const QUIET_TURNS: u32 = 3;

/// Runs the dataflow until `stop` is ready, calls `stopping`, and runs on until nothing wakes the dataflow any more.
pub(super) async fn run_until<Tick: TickClosure>(
    dataflow: &mut Dfir<Tick>,
    node: &Node,
    stop: impl Future<Output = ()>,
    stopping: impl FnOnce(),
) {
    let woken = Arc::new(Woken { woken: AtomicBool::new(false), task: futures::task::AtomicWaker::new() });
    let waker = Waker::from(Arc::clone(&woken));
    // The future is kept, not dropped and made anew: it may be in the middle of a tick.
    let mut ticks = pin!(dataflow.run());
    let mut poll_ticks = |context: &mut Context<'_>| {
        woken.task.register(context.waker());
        match ticks.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(never) => match never {},
            Poll::Pending => {}
        }
    };
    {
        let running = std::future::poll_fn(|context| {
            poll_ticks(context);
            Poll::<()>::Pending
        });
        tokio::select! {
            biased;
            () = stop => {}
            () = running => {}
        }
    }
    stopping();
    node.stopping.set(true);
    let drain = async {
        let mut quiet = 0;
        while quiet < QUIET_TURNS || node.gate.is_shut() {
            woken.woken.store(false, Ordering::Relaxed);
            std::future::poll_fn(|context| {
                poll_ticks(context);
                Poll::Ready(())
            })
            .await;
            tokio::task::yield_now().await;
            quiet = if woken.woken.load(Ordering::Relaxed) { 0 } else { quiet + 1 };
        }
    };
    // A dataflow with a timer or an endless source never becomes idle; then the time is up.
    let _ = tokio::time::timeout(DRAIN_TIME, drain).await;
}

/// Notices that something woke the dataflow, and passes it on.
struct Woken {
    woken: AtomicBool,
    task: futures::task::AtomicWaker,
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
