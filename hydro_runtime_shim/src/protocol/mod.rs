//! What makes a link reliable, as two state machines without sockets, clocks or tasks: [`Sender`] and [`Receiver`].
//!
//! Programs, tests, the fuzzer and the model checker drive the very same code. It knows frames, numbers and buffers; who connects to whom and
//! when is `link`'s affair. The rules, which `model` checks in every order of events:
//! - a stream's records are numbered from 0; frames carry the number of their first record;
//! - a record is kept until the receiver has worked on it and says so; after a broken connection the sender continues with what the receiver
//!   has not got, and a receiver that knows nothing (it was restarted) gets what was not acknowledged;
//! - a receiver takes records of its newest connection only, and of those only the one it expects next.

mod outbox;
mod receiver;
mod sender;

pub use receiver::{Receiver, Verdict};
pub use sender::{CHUNK_BYTES, SLICES, Sender};

use std::fmt;

/// What a peer may not do; its connection is closed with this reason. Records are named by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Violation {
    /// It offers a stream that another one has replaced.
    Superseded,
    /// It offers a stream without records that did not arrive.
    Missing {
        /// What it can begin with.
        offered: u64,
        /// What is next.
        expected: u64,
    },
    /// It expects a record that the sender does not have, or that is in the middle of a frame.
    Unknown {
        /// What it expects.
        expected: u64,
        /// The first that is there, and the one that comes after the last.
        first: u64,
        /// See `first`.
        next: u64,
    },
    /// It acknowledges what was not sent.
    NotSent(u64),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Superseded => f.write_str("a newer start of this program has taken its place"),
            Self::Missing { offered, expected } => {
                write!(f, "the sender has items from number {offered} on, but number {expected} is next")
            }
            Self::Unknown { expected, first, next } => {
                write!(f, "the receiver expects item number {expected}, but the sender has numbers {first} to {next}")
            }
            Self::NotSent(number) => write!(f, "the receiver acknowledges item number {number}, which was not sent"),
        }
    }
}

impl std::error::Error for Violation {}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
