//! What a keeper and its host say to each other: one JSON object per line, each way.
//!
//! Values only.

use serde::{Deserialize, Serialize};

use crate::words::{Happened, Spec};

/// A line to the host.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told {
    /// The first on each connection.
    Hello {
        /// Whom it keeps.
        member: String,
        /// The kind of unit that it is the program of.
        tag: String,
        /// What it keeps; none: nothing yet.
        run: Option<Run>,
    },
    /// Something happened in its run. Said again on each connection until the host has seen it.
    Event {
        /// In which of its starts.
        run: u64,
        /// Which of the things that happened in this run, from 1.
        nth: u64,
        /// What.
        what: Happened,
    },
    /// The program could not be started.
    Failed {
        /// Which run it was to be.
        run: u64,
        /// Why.
        why: String,
    },
}

/// What a keeper keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) run: u64,
    pub(crate) pid: u32,
    /// When it was started.
    pub(crate) since_ms: u64,
}

/// A line to a keeper.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// Starts the member. Its sockets come along.
    Go {
        /// Which of its starts it is.
        run: u64,
        /// What to start; its directory is absolute.
        spec: Box<Spec>,
    },
    /// All events of this run up to this one were written down.
    Seen {
        /// Of which run.
        run: u64,
        /// Which.
        nth: u64,
    },
}
