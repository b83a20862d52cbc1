//! The receiving end of a link: which records are expected, which are worked on, what is to be acknowledged.
//!
//! Holds no bytes: frames are judged by their header and stay where they are. It outlives connections; a restarted program begins a new one.

use super::Violation;
use crate::contract::{Expectation, Offer};

/// What to do with a frame of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its records are next.
    Take,
    /// Its records came before; they must not be seen again.
    Duplicate,
    /// It came over a connection that a newer one replaced; nothing of it counts any more.
    Fenced,
    /// Records before it are missing: the connection must be closed.
    Gap,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Receiver {
    /// The stream whose records are counted.
    stream: Option<u64>,
    /// Whether an earlier stream may replace it: clocks go back, and the next start of the sender must not wait for them.
    is_sender_gone: bool,
    lossy: bool,
    /// Number of the first record that was not taken.
    next: u64,
    /// Number of the first record that is not worked on.
    worked: u64,
    /// What was last acknowledged.
    told: u64,
    /// The newest connection, counted from 1.
    connection: u64,
    /// Records that a lossy stream left out.
    missed: u64,
}

impl Receiver {
    /// Creates the receiver of a link whose sender is not known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns where the stream stands, for the sender to continue.
    #[must_use]
    pub fn expectation(&self) -> Option<Expectation> {
        self.stream.map(|stream| Expectation { stream, next: self.next })
    }

    /// Returns the newest connection's number.
    #[must_use]
    pub fn connection(&self) -> u64 {
        self.connection
    }

    /// Counts the records that a lossy stream left out so far.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// Begins a connection over which the sender offers a stream; older ones are fenced off. Returns its number.
    ///
    /// # Errors
    /// The stream is older than the one that is received, or its sender has thrown away records that did not arrive.
    pub fn connect(&mut self, offer: Offer) -> Result<u64, Violation> {
        self.lossy = offer.lossy;
        // What a dead sender said may still be under way, and must not bring it back.
        if self.stream.is_some_and(|known| offer.stream < known) && !self.is_sender_gone {
            return Err(Violation::Superseded);
        }
        self.is_sender_gone = false;
        if self.stream != Some(offer.stream) {
            // The sender was restarted, or we were: what either forgot is gone, and the stream begins where the sender can begin it.
            self.stream = Some(offer.stream);
            (self.next, self.worked, self.told) = (offer.first, offer.first, offer.first);
        } else if offer.first > self.next && !offer.lossy {
            return Err(Violation::Missing { offered: offer.first, expected: self.next });
        }
        self.connection += 1;
        Ok(self.connection)
    }

    /// Nothing was heard of the sender for so long that nothing of it can be under way: any other stream may take its place.
    pub fn give_sender_up(&mut self) {
        self.is_sender_gone = true;
    }

    /// Judges a frame with records `first..first + records`, and takes it if it is next.
    #[inline]
    pub fn accept(&mut self, connection: u64, first: u64, records: u32) -> Verdict {
        if connection != self.connection {
            return Verdict::Fenced;
        }
        if first < self.next {
            return Verdict::Duplicate;
        }
        if first > self.next {
            if !self.lossy {
                return Verdict::Gap;
            }
            self.missed += first - self.next;
        }
        let Some(next) = first.checked_add(u64::from(records)) else { return Verdict::Gap };
        self.next = next;
        Verdict::Take
    }

    /// All records taken so far are worked on.
    #[inline]
    pub fn finish(&mut self) {
        self.worked = self.next;
    }

    /// Tells whether records were worked on since the last acknowledgement.
    #[must_use]
    #[inline]
    pub fn owes_ack(&self) -> bool {
        self.worked != self.told
    }

    /// Returns what to acknowledge: the number of the first record that is not worked on.
    #[must_use]
    pub fn ack(&mut self) -> u64 {
        self.told = self.worked;
        self.worked
    }
}
