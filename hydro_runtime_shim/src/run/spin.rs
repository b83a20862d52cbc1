//! Waiting without sleeping (`HYDRO_POLL=spin`): the links are looked at again and again, for as long as that was worth it lately.
//!
//! Sleeping costs some 20 µs at each end of a round trip, most of it for waking a processor. A program that nothing comes to sleeps all the same.

use std::time::{Duration, Instant};

use super::woken::Woken;
use crate::transport::watch;

/// How long to look for work at most. Work that sleep delays comes within this time, and lets us look again for as long.
const LONGEST: Duration = Duration::from_micros(100);
/// Looking for less than this is not worth it.
const SHORTEST: Duration = Duration::from_micros(3);
/// Looks at the rings between two of the system, which cost as much as many of these.
const LOOKS: usize = 64;
/// How often work may come before anybody looks at the clock, which takes as long as many looks at the rings.
const WORKS: u32 = 64;
/// How often the system is asked before anybody looks at the clock: work that comes by then came soon.
const ASKS: u32 = 8;
/// A busy dataflow lets the sockets and the other tasks have their turn after this time.
const TURN: Duration = Duration::from_micros(20);

/// How long looking for work is worth it: all the time while work comes soon, and half as long after each time it did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Patience(Duration);

impl Patience {
    fn after(self, waited: Duration) -> Self {
        match self.0 / 2 {
            _ if waited <= LONGEST => Self(LONGEST),
            half if half < SHORTEST => Self(Duration::ZERO),
            half => Self(half),
        }
    }
}

/// A run loop that looks at the rings itself. When it ends, whoever waits for a ring is woken by the other end again.
#[derive(Debug)]
pub(super) struct Spin {
    patience: Patience,
    works: u32,
    /// Since when the dataflow is busy.
    busy: Option<Instant>,
}

impl Spin {
    /// Begins to look.
    pub(super) fn new() -> Self {
        watch::wake_up();
        Self { patience: Patience(LONGEST), works: 0, busy: None }
    }

    /// Waits until the dataflow is woken.
    pub(super) async fn until(&mut self, woken: &Woken) {
        if woken.is_set() {
            let now = Instant::now();
            if now - *self.busy.get_or_insert(now) >= TURN {
                self.give_way().await;
            }
            return;
        }
        watch::look(LOOKS);
        self.works += 1;
        if woken.is_set() && self.works < WORKS {
            return;
        }
        for _ in 0..ASKS {
            self.give_way().await;
            watch::look(LOOKS);
            if woken.is_set() {
                self.patience = Patience(LONGEST);
                return;
            }
        }
        self.wait(woken).await;
    }

    async fn wait(&mut self, woken: &Woken) {
        let start = Instant::now();
        while !woken.is_set() {
            if start.elapsed() >= self.patience.0 {
                if !watch::fall_asleep() {
                    woken.wait().await;
                }
                watch::wake_up();
            }
            self.give_way().await;
            watch::look(LOOKS);
        }
        self.patience = self.patience.after(start.elapsed());
    }

    /// Lets the sockets, the clock and the other tasks have their turn.
    async fn give_way(&mut self) {
        tokio::task::yield_now().await;
        (self.works, self.busy) = (0, None);
    }
}

impl Drop for Spin {
    fn drop(&mut self) {
        watch::fall_asleep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_lost_by_waiting_in_vain_and_won_by_work_that_comes_soon() {
        let mut patience = Patience(LONGEST);
        for _ in 0..10 {
            patience = patience.after(Duration::from_secs(1));
        }
        assert_eq!(patience, Patience(Duration::ZERO));
        assert_eq!(patience.after(LONGEST), Patience(LONGEST));
        assert!(Patience(LONGEST).after(Duration::from_secs(1)).0 < LONGEST);
    }
}
