//! The task beside an input that tells senders what is worked on.
//!
//! It runs between ticks, never in one: what the stream gave away in the tick before is worked on by then. An acknowledgement is delayed a
//! little, so that one stands for many.

use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::{InputHub, Node, PULSE};

/// So many bytes are acknowledged at once.
const ACK_BYTES: usize = 256 << 10;
/// Anything else waits this long.
const ACK_DELAY: Duration = Duration::from_millis(2);

/// Acknowledges what `hub`'s stream gave away, for ever.
pub(crate) async fn acknowledge(node: Rc<Node>, hub: Rc<InputHub>) {
    let mut pulse = tokio::time::interval(PULSE);
    pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut deadline: Option<Instant> = None;
    loop {
        tokio::select! {
            biased;
            () = hub.due_work.notified() => {
                let waits = hub.send_acks(ACK_BYTES);
                deadline = match deadline {
                    _ if !waits => None,
                    Some(deadline) => Some(deadline),
                    None => Some(Instant::now() + ACK_DELAY),
                };
            }
            () = tokio::time::sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                hub.send_acks(0);
                deadline = None;
            }
            _ = pulse.tick() => hub.beat(&node),
        }
    }
}
