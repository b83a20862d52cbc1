//! Leaving in order: everything is sent, then every peer is told that we leave on purpose.

use std::time::Duration;

use super::{Node, PortHub, note};

/// What senders may take to hang up after our goodbye.
const LAST_WORDS_TIME: Duration = Duration::from_secs(1);

/// Leaves all links, within `limit`.
pub(crate) async fn leave(node: &Node, ports: &[PortHub], limit: Duration) {
    node.stop();
    for port in ports {
        match port {
            PortHub::Input(hub) => hub.say_goodbye(),
            PortHub::Output(hub) => {
                for queue in hub.queues.borrow().iter().filter(|queue| queue.is_connected()) {
                    queue.push_goodbye("stopping");
                }
            }
        }
    }
    let _ = tokio::time::timeout(limit, flushed(ports)).await;
    let _ = tokio::time::timeout(LAST_WORDS_TIME, heard_out(ports)).await;
    for port in ports {
        let PortHub::Output(hub) = port else { continue };
        hub.hang_up();
        let unsent = hub.pending_records();
        if unsent > 0 {
            note(format_args!(
                "{}: {unsent} items were not delivered: their peers are not there or take nothing",
                hub.face.name
            ));
        }
        let left_out = hub.left_out();
        if left_out > 0 {
            note(format_args!("{}: {left_out} items were left out: the link is lossy", hub.face.name));
        }
        if hub.dropped() > 0 {
            note(format_args!("{}: {} items were dropped in all", hub.face.name, hub.dropped()));
        }
    }
}

/// Waits until senders have hung up. A connection that is closed before it is read out is reset, and the reset would overtake our goodbye.
async fn heard_out(ports: &[PortHub]) {
    for port in ports {
        if let PortHub::Input(hub) = port {
            hub.hear_out().await;
        }
    }
}

/// Waits until every connection has taken everything; the writer tasks do the work.
async fn flushed(ports: &[PortHub]) {
    for port in ports {
        let PortHub::Output(hub) = port else { continue };
        let queues = hub.queues.borrow().clone();
        for queue in queues {
            queue.drained().await;
        }
    }
}
