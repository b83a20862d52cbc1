//! What the programs of the example say to each other, and which acceptors together are a quorum. Its `.hf` programs use this library by its name.

mod quorums;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use quorums::Quorums;

/// A place in the sequence of commands, from 0.
pub type Slot = u64;

/// What can be chosen for a slot: a command, or nothing where a new leader found a slot that nobody had used.
pub type Value = Option<Command>;

/// A right to propose. Of two, the larger one counts; no two proposers ever have the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ballot {
    /// Grows with each campaign; 0: nobody has begun one.
    pub round: u64,
    /// Whose it is.
    pub proposer: u32,
}

impl Ballot {
    /// Returns a proposer's first ballot above this one.
    pub fn next(self, proposer: u32) -> Self {
        Self { round: self.round + 1, proposer }
    }
}

impl fmt::Display for Ballot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.round, self.proposer)
    }
}

/// What a client wants to be done. Its number makes it one of a kind, however often it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Command {
    /// Which client.
    pub client: u32,
    /// Its how many-th command, from 1.
    pub number: u64,
}

/// Phase 1: a proposer asks acceptors to take nothing below its ballot any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepare {
    /// The ballot.
    pub ballot: Ballot,
    /// The proposer knows what was chosen below this slot.
    pub from: Slot,
}

/// What an acceptor has taken for a slot, and under which ballot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The slot.
    pub slot: Slot,
    /// The ballot.
    pub ballot: Ballot,
    /// The value.
    pub value: Value,
}

/// Phase 1's answer. It is a promise if `largest` is the ballot that was asked for, and else a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// The ballot that was asked for.
    pub ballot: Ballot,
    /// The largest ballot that the acceptor has heard of.
    pub largest: Ballot,
    /// Slots below this one are chosen, as the proposer or the acceptor knows.
    pub settled: Slot,
    /// What the acceptor has taken from there on.
    pub taken: Vec<Taken>,
}

/// Phase 2: a leader's value for a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The slot.
    pub slot: Slot,
    /// The leader's ballot.
    pub ballot: Ballot,
    /// The value.
    pub value: Value,
    /// Slots below this one are chosen and applied by most replicas.
    pub settled: Slot,
    /// It was proposed before and not heard of since, so every acceptor is asked and not one quorum alone.
    pub again: bool,
}

/// Phase 2's answer. It is a vote for the value if `largest` is the ballot it was proposed under, and else a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// The slot.
    pub slot: Slot,
    /// The ballot it was proposed under.
    pub ballot: Ballot,
    /// The value.
    pub value: Value,
    /// The largest ballot that the acceptor has heard of.
    pub largest: Ballot,
}

/// A new leader's ballot and what it has to propose once more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Election {
    /// The ballot.
    pub ballot: Ballot,
    /// The first slot that may not be chosen yet.
    pub first: Slot,
    /// What acceptors have taken from there on: for each slot the value of the largest ballot.
    pub taken: std::collections::BTreeMap<Slot, Taken>,
}

impl Election {
    /// Takes a promise in. One for a larger ballot begins anew.
    pub fn learn(&mut self, promise: Promise) {
        if promise.ballot > self.ballot {
            *self = Self { ballot: promise.ballot, ..Self::default() };
        }
        if promise.ballot < self.ballot {
            return;
        }
        self.first = self.first.max(promise.settled);
        for taken in promise.taken {
            let known = self.taken.entry(taken.slot).or_insert(taken);
            if taken.ballot > known.ballot {
                *known = taken;
            }
        }
    }

    /// Returns the value of each slot that has to be proposed again, without a gap, and the first slot that is free.
    pub fn again(&self) -> (Vec<(Slot, Value)>, Slot) {
        let free = self.taken.last_key_value().map_or(self.first, |(last, _)| self.first.max(last + 1));
        let value = |slot: Slot| self.taken.get(&slot).and_then(|taken| taken.value);
        ((self.first..free).map(|slot| (slot, value(slot))).collect(), free)
    }
}

/// What a client saw in a stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// When it ended, in milliseconds since 1970.
    pub at_ms: u64,
    /// Its length, in seconds.
    pub seconds: f64,
    /// How many commands were answered.
    pub commits: u64,
    /// The middle time from a command's first sending to its answer, in milliseconds.
    pub median_ms: Option<f64>,
    /// Set when the client was told to finish and all its commands are answered: how many there were.
    pub finished: Option<u64>,
}

/// What was applied, a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Commands from here on, by client and number, in the order in which they were applied.
    pub commands: Vec<(u32, u64)>,
    /// How many were applied in all.
    pub applied: u64,
    /// How many slots they took.
    pub slots: Slot,
}
