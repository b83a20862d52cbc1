//! A key-value store's requests, its state, and how two states become one.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Keep a value.
    Put { key: String, value: String },
    /// Tell a value.
    Get { key: String },
}

/// What a replica answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// The value is kept.
    Done { key: String },
    /// The value, where there is one.
    Value { key: String, value: Option<String> },
}

/// A value and when it was written, in nanoseconds since 1970. The later one wins; of two at one time, the greater value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Written {
    /// When.
    pub at: u64,
    /// What.
    pub value: String,
}

impl Written {
    /// Writes a value now.
    pub fn now(value: String) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { at: u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), value }
    }
}

/// What a replica knows. Merging is commutative, associative and idempotent, so replicas that gossip agree in the end.
pub type Store = BTreeMap<String, Written>;

/// Takes one written value in.
pub fn merge(store: &mut Store, key: String, written: Written) {
    let known = store.entry(key).or_insert_with(|| written.clone());
    if written > *known {
        *known = written;
    }
}
