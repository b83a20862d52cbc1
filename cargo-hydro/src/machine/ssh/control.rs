//! Asks the host of a deployment, over and over where the connection breaks: what is asked can be said twice.
//!
//! One task per machine has the conversation; everybody else waits for an answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hydro_host::words::{Answer, Ask, Line, Request};
use tokio::sync::{mpsc, oneshot};

use super::SshError;
use super::machine::Inner;
use super::wire::Wire;

/// How often the host is told that we are there.
const PING: Duration = Duration::from_secs(2);
/// The first pause before another try to connect, and the longest.
pub(super) const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3));

type Asked = (Ask, oneshot::Sender<Answer>);

/// The way to the task.
#[derive(Debug)]
pub(super) struct Control {
    asks: mpsc::UnboundedSender<Asked>,
}

/// What the task takes its orders from.
pub(super) struct Orders(mpsc::UnboundedReceiver<Asked>);

impl Control {
    pub(super) fn new() -> (Self, Orders) {
        let (asks, orders) = mpsc::unbounded_channel();
        (Self { asks }, Orders(orders))
    }

    /// Asks, and waits for the answer as long as it takes to have a connection.
    pub(super) async fn ask(&self, ask: Ask) -> Result<Answer, SshError> {
        let (sender, answer) = oneshot::channel();
        let gone = || SshError::new("the machine is not asked any more", "its deployment is over", "deploy again");
        self.asks.send((ask, sender)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())
    }
}

/// Has the conversation until the machine is not needed any more.
pub(super) async fn converse(inner: Arc<Inner>, mut wire: Wire, Orders(mut orders): Orders) {
    let mut waiting: BTreeMap<u64, Asked> = BTreeMap::new();
    let mut last = 0;
    loop {
        let over = one(&mut wire, &mut orders, (&mut waiting, &mut last), &inner).await;
        if over || inner.is_over() {
            return;
        }
        inner.lost.store(true, Ordering::Release);
        inner.reporter.warning(format!("lost the connection to the machine `{}`; trying again", inner.name));
        let mut pause = PAUSES.0;
        wire = loop {
            tokio::time::sleep(pause).await;
            if inner.is_over() {
                return;
            }
            match inner.join(inner.looks).await {
                Ok((wire, _)) => break wire,
                Err(_) => pause = (pause * 2).min(PAUSES.1),
            }
        };
        inner.lost.store(false, Ordering::Release);
        inner.reporter.status("Connected", format!("to the machine `{}` again", inner.name));
        for (id, (ask, _)) in &waiting {
            // A conversation that is over shows when it is listened to.
            let _ = wire.say(&Request { id: *id, ask: ask.clone() }).await;
        }
    }
}

/// Asks and hears until the conversation is over; returns whether nobody will ask any more.
async fn one(
    wire: &mut Wire,
    orders: &mut mpsc::UnboundedReceiver<Asked>,
    (waiting, last): (&mut BTreeMap<u64, Asked>, &mut u64),
    inner: &Inner,
) -> bool {
    let mut ping = tokio::time::interval(PING);
    ping.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let said = tokio::select! {
            line = wire.hear() => match line {
                Some(Line::Reply { id, answer }) => {
                    if let Some((_, sender)) = waiting.remove(&id) {
                        // Whoever asked may not care any more.
                        let _ = sender.send(answer);
                    }
                    Ok(())
                }
                Some(Line::Event(_)) => Ok(()),
                None => return inner.is_over(),
            },
            order = orders.recv() => match order {
                Some((ask, sender)) => {
                    *last += 1;
                    let request = Request { id: *last, ask };
                    let said = wire.say(&request).await;
                    waiting.insert(request.id, (request.ask, sender));
                    said
                }
                None => return true,
            },
            _ = ping.tick() => wire.say(&Request { id: 0, ask: Ask::Ping {} }).await,
        };
        if said.is_err() {
            return inner.is_over();
        }
    }
}
