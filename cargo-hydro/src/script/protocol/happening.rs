//! What happens to a deployment, as scripts hear it.
//!
//! Fewer kinds than [`Event`] has: what a person at a terminal is told of builds is no script's affair.

use serde::Serialize;

use crate::report::{Event, ServiceState};

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Happening {
    /// Milliseconds since 1970.
    pub ts: u64,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// A member was started.
    Started {
        /// `service`, or `service.N`.
        name: String,
        /// Process id.
        pid: u32,
        /// The address by which peers know it.
        address: Option<String>,
    },
    /// A member ended.
    Exited {
        /// `service`, or `service.N`.
        name: String,
        /// Exit code, where it exited.
        code: Option<i32>,
        /// Signal number, where it was killed.
        signal: Option<i32>,
        /// Whether somebody asked for its end.
        expected: bool,
    },
    /// A member ended and will be started again after a pause.
    Paused {
        /// `service`, or `service.N`.
        name: String,
        /// How long, in milliseconds.
        pause_ms: u64,
        /// How many restarts in a row this is.
        restarts: u32,
    },
    /// A member runs, but did not answer that it is well; it counts as failed and is ended.
    Unhealthy {
        /// `service`, or `service.N`.
        name: String,
        /// How often in a row.
        failures: u32,
        /// What was waited for.
        expected: String,
    },
    /// A supervisor bears no more restarts.
    GaveUp {
        /// The member whose end was one too many.
        name: String,
        /// The group; none: the deployment itself.
        group: Option<String>,
    },
    /// A deploy is done.
    Released {
        /// Its number, from 1.
        release: u64,
    },
    /// Something doubtful.
    Warning {
        /// The whole text.
        message: String,
    },
    /// The reader was too slow for some of what happened.
    Missed {
        /// How many events are missing.
        count: u64,
    },
    /// All services were stopped; nothing follows.
    Stopped,
}

impl What {
    /// Returns what a script hears of an event; none: nothing.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        Some(match event {
            Event::Service { service, state } => {
                let name = service.clone();
                match state.clone() {
                    ServiceState::Started { pid, address } => Self::Started { name, pid, address },
                    ServiceState::Paused { pause_ms, restarts } => Self::Paused { name, pause_ms, restarts },
                    ServiceState::Unhealthy { failures, expected } => Self::Unhealthy { name, failures, expected },
                    ServiceState::Exited { code, signal, expected } => Self::Exited { name, code, signal, expected },
                }
            }
            Event::GaveUp { group, service } => Self::GaveUp { name: service.clone(), group: group.clone() },
            Event::Warning { message } => Self::Warning { message: message.clone() },
            _ => return None,
        })
    }
}
