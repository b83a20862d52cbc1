//! What happens to a deployment, kept for those who listen.
//!
//! Bounded: who does not read for long misses the oldest, and is told how many. Knows nothing of the script's connection. Read [`Events`] first.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::broadcast::{self, error::RecvError};

use super::protocol::{Happening, What};
use crate::report::{Event, Reporter};

/// Events kept for one who does not read.
const KEPT: usize = 4096;

/// Where what happens is told. Clones are one.
#[derive(Clone, Debug)]
pub(super) struct Events {
    told: broadcast::Sender<Arc<Happening>>,
}

impl Events {
    /// Makes one, and a reporter whose events are told here too.
    pub(super) fn of(reporter: &Reporter) -> (Self, Reporter) {
        let events = Self { told: broadcast::channel(KEPT).0 };
        let heard = events.clone();
        let reporter = reporter.heard_by(move |event: &Event| {
            if let Some(what) = What::of(event) {
                heard.tell(what);
            }
        });
        (events, reporter)
    }

    /// Tells something.
    pub(super) fn tell(&self, what: What) {
        // Nobody needs to listen.
        let _ = self.told.send(Arc::new(now(what)));
    }

    /// Listens from now on.
    pub(super) fn listen(&self) -> Listener {
        Listener { told: self.told.subscribe(), over: false }
    }
}

fn now(what: What) -> Happening {
    let ts = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    Happening { ts: u64::try_from(ts).unwrap_or(u64::MAX), what }
}

/// One who listens.
#[derive(Debug)]
pub(super) struct Listener {
    told: broadcast::Receiver<Arc<Happening>>,
    over: bool,
}

impl Listener {
    /// Waits for what happens next, as JSON; none: nothing follows.
    pub(super) async fn next(&mut self) -> Option<String> {
        if self.over {
            return None;
        }
        let happening = match self.told.recv().await {
            Ok(happening) => happening,
            Err(RecvError::Lagged(count)) => Arc::new(now(What::Missed { count })),
            Err(RecvError::Closed) => return None,
        };
        self.over = happening.what == What::Stopped;
        // Names and numbers: nothing that JSON cannot say.
        serde_json::to_string(&*happening).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ReportOptions;

    #[tokio::test]
    async fn who_is_too_slow_learns_how_much_it_missed() {
        let (events, reporter) = Events::of(&Reporter::captured(ReportOptions::default()).0);
        let mut listener = events.listen();
        for number in 0..KEPT + 3 {
            reporter.warning(number.to_string());
        }
        let missed = listener.next().await.unwrap_or_default();
        assert!(missed.ends_with(r#""kind":"missed","count":3}"#), "{missed}");
        assert!(listener.next().await.is_some_and(|next| next.contains(r#""message":"3""#)));
        let mut late = events.listen();
        events.tell(What::Stopped);
        assert!(late.next().await.is_some_and(|next| next.contains("stopped")));
        assert_eq!(late.next().await, None, "nothing follows");
    }
}
