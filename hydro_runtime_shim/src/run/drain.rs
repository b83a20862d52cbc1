//! The run loop, and its end: what has arrived when the program is asked to stop is still worked on.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use dfir_rs::scheduled::context::{Dfir, TickClosure};

use super::spin::Spin;
use super::woken::Woken;
use crate::contract::Waiting;
use crate::link::Node;

/// What the dataflow may take to become idle after the wish to stop.
const DRAIN_TIME: Duration = Duration::from_secs(1);
/// How often the runtime looks at the sockets before a dataflow that nothing woke counts as idle.
const QUIET_TURNS: u32 = 3;

/// Runs the dataflow until `stop` is ready, calls `stopping`, and runs on until nothing wakes the dataflow any more.
pub(super) async fn run_until<Tick: TickClosure>(
    dataflow: &mut Dfir<Tick>,
    waiting: Waiting,
    node: &Node,
    stop: impl Future<Output = ()>,
    stopping: impl FnOnce(),
) {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    // The future is kept, not dropped and made anew: it may be in the middle of a tick.
    let mut ticks = pin!(dataflow.run());
    let mut poll_ticks = || {
        node.meters.tick(|| match ticks.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(never) => match never {},
            Poll::Pending => {}
        });
    };
    {
        let running = async {
            match waiting {
                Waiting::Park => {
                    std::future::poll_fn(|context| {
                        woken.pass_on(context);
                        poll_ticks();
                        Poll::<()>::Pending
                    })
                    .await;
                }
                Waiting::Spin => spin(&woken, &mut poll_ticks).await,
            }
        };
        tokio::select! {
            biased;
            () = stop => {}
            () = running => {}
        }
    }
    stopping();
    node.stop();
    let drain = async {
        let mut quiet = 0;
        while quiet < QUIET_TURNS || node.gate.is_shut() {
            woken.forget();
            poll_ticks();
            tokio::task::yield_now().await;
            quiet = if woken.is_set() { 0 } else { quiet + 1 };
        }
    };
    // A dataflow with a timer or an endless source never becomes idle; then the time is up.
    let _ = tokio::time::timeout(DRAIN_TIME, drain).await;
}

/// Runs ticks for ever, and looks for the next reason for one instead of sleeping at once.
async fn spin(woken: &Woken, poll_ticks: &mut impl FnMut()) {
    let mut spin = Spin::new();
    loop {
        woken.forget();
        poll_ticks();
        spin.until(woken).await;
    }
}
