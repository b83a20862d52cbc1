//! Records on their way to one receiver: numbered, kept until they are acknowledged, bounded.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Bytes that are kept for a receiver; who writes more has to wait.
const KEPT: usize = 1 << 20;

/// See the module. One task fills it and one empties it.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    /// Something came.
    more: Notify,
    /// Something went.
    room: Notify,
}

#[derive(Debug, Default)]
struct State {
    records: VecDeque<Arc<[u8]>>,
    /// Number of the first of them.
    first: u64,
    bytes: usize,
    is_closed: bool,
}

impl Outbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a record when there is room. One that is closed takes none, and needs no room for that.
    pub(super) async fn push(&self, record: &Arc<[u8]>) {
        loop {
            {
                let mut state = self.state();
                if state.is_closed {
                    return;
                }
                if state.bytes < KEPT {
                    state.bytes += record.len();
                    state.records.push_back(Arc::clone(record));
                    self.more.notify_one();
                    return;
                }
            }
            self.room.notified().await;
        }
    }

    /// Returns the number of the first record that is kept.
    pub(super) fn first(&self) -> u64 {
        self.state().first
    }

    /// Returns a record; none: it has not come yet.
    pub(super) fn record(&self, number: u64) -> Option<Arc<[u8]>> {
        let state = self.state();
        let at = usize::try_from(number.checked_sub(state.first)?).ok()?;
        state.records.get(at).cloned()
    }

    /// Counts the bytes of the records below `next`.
    pub(super) fn bytes_below(&self, next: u64) -> usize {
        let state = self.state();
        let count = usize::try_from(next.saturating_sub(state.first)).unwrap_or(usize::MAX);
        state.records.iter().take(count).map(|record| record.len()).sum()
    }

    /// Waits until something has come.
    pub(super) async fn more(&self) {
        self.more.notified().await;
    }

    /// Forgets all records below this number, which arrived.
    pub(super) fn arrived(&self, number: u64) {
        let mut state = self.state();
        while state.first < number
            && let Some(record) = state.records.pop_front()
        {
            state.bytes -= record.len();
            state.first += 1;
        }
        self.room.notify_one();
    }

    /// Waits until all have arrived, or nobody is to get them any more.
    pub(super) async fn emptied(&self) {
        loop {
            {
                let state = self.state();
                if state.records.is_empty() || state.is_closed {
                    return;
                }
            }
            self.room.notified().await;
        }
    }

    /// Takes no more, and lets go who waits.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.room.notify_one();
        self.more.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn records_stay_until_they_have_arrived_and_a_full_box_waits() {
        let outbox = Arc::new(Outbox::default());
        let half: Arc<[u8]> = vec![b'x'; KEPT / 2].into();
        outbox.push(&half).await;
        outbox.push(&half).await;
        let (pushed, pusher) = (Arc::clone(&half), Arc::clone(&outbox));
        let waiting = tokio::spawn(async move { pusher.push(&pushed).await });
        tokio::task::yield_now().await;
        assert_eq!((outbox.record(2), outbox.bytes_below(2), waiting.is_finished()), (None, KEPT, false));
        outbox.arrived(1);
        waiting.await.unwrap();
        assert_eq!((outbox.first(), outbox.record(0), outbox.bytes_below(3)), (1, None, KEPT));
        outbox.arrived(7);
        outbox.emptied().await;
        outbox.close();
        outbox.push(&half).await;
        assert_eq!(outbox.record(3), None, "who is gone gets nothing");
    }
}
