//! What a script wishes to be wrong between services.
//!
//! Read [`SetFault`] first.

use serde::Deserialize;

#[cfg(doc)]
use super::Call;
use super::OfService;

/// See [`Call::Partition`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Partition {
    /// One end.
    pub one: OfService,
    /// The other; of the same deployment.
    pub other: OfService,
}

/// See [`Call::Fault`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SetFault {
    /// One end.
    pub one: OfService,
    /// The other; of the same deployment.
    pub other: OfService,
    /// What is wrong between them.
    #[serde(flatten)]
    pub fault: Fault,
}

/// What can be wrong between two services.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// Connections break, calls are refused.
    Partition,
    /// No byte goes through, connections stay.
    Hold,
    /// No byte goes from `one` to `other`.
    OneWay,
    /// What they send each other takes longer.
    Delay {
        /// By how many milliseconds.
        ms: u64,
    },
    /// Of a lossy link items are left out, any other loses its connection now and then.
    Drop {
        /// How often, from 0 to 1.
        ratio: f64,
    },
}

/// See [`Call::Heal`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Heal {
    /// Number of the deployment.
    pub deployment: usize,
    /// One end; none: all faults are ended.
    #[serde(default)]
    pub one: Option<OfService>,
    /// The other.
    #[serde(default)]
    pub other: Option<OfService>,
}
