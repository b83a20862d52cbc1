//! The messages: a number, and a text with a time, in any size.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Something that is sent, with a number in it to tell messages apart.
pub trait Message: Clone + Serialize + DeserializeOwned + 'static {
    /// Makes a message that takes this many bytes, as fixed-width encodings write it.
    fn of_size(bytes: usize) -> Self;

    /// Returns its number.
    fn number(&self) -> i64;

    /// Gives it another number.
    fn set_number(&mut self, number: i64);
}

impl Message for u64 {
    fn of_size(_bytes: usize) -> Self {
        0
    }

    #[inline]
    fn number(&self) -> i64 {
        self.cast_signed()
    }

    #[inline]
    fn set_number(&mut self, number: i64) {
        *self = number.cast_unsigned();
    }
}

/// As large as the name of a process of Hydra's.
impl Message for (u64, u64) {
    fn of_size(_bytes: usize) -> Self {
        (0, 0)
    }

    #[inline]
    fn number(&self) -> i64 {
        self.0.cast_signed()
    }

    #[inline]
    fn set_number(&mut self, number: i64) {
        self.0 = number.cast_unsigned();
    }
}

/// A text and a time: the message of the echo example.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// The text.
    pub payload: String,
    /// The time, or whatever number.
    pub ts: i64,
}

/// Bytes of the text's length and of the time.
const FIXED_BYTES: usize = 16;

impl Message for Text {
    fn of_size(bytes: usize) -> Self {
        Self { payload: "x".repeat(bytes.saturating_sub(FIXED_BYTES)), ts: 0 }
    }

    #[inline]
    fn number(&self) -> i64 {
        self.ts
    }

    #[inline]
    fn set_number(&mut self, number: i64) {
        self.ts = number;
    }
}
