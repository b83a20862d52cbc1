//! Why a record could not be written or read.

use std::fmt;

/// One error for both ways: what serde's traits ask of us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CodecError {
    /// The bytes end inside a record.
    Truncated,
    /// A length that the remaining bytes cannot hold.
    Length(u64),
    /// A byte that is no value of the expected type.
    Value(&'static str),
    /// The type asks the data for its own shape, which the compact encoding does not carry.
    SelfDescribing,
    /// Values are nested deeper than the decoder's stack allows.
    Depth,
    /// A record longer than a frame may be.
    TooLarge(usize),
    /// What a `Serialize` or `Deserialize` implementation says.
    Custom(String),
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the bytes end inside a record"),
            Self::Length(length) => write!(f, "a length of {length} is more than the frame holds"),
            Self::Value(expected) => write!(f, "a byte is no {expected}"),
            Self::SelfDescribing => f.write_str(
                "the type cannot be read from the compact encoding (`#[serde(flatten)]`, `#[serde(untagged)]` and JSON values need JSON)",
            ),
            Self::Depth => f.write_str("values are nested too deeply"),
            Self::TooLarge(bytes) => write!(f, "it takes {bytes} bytes, more than the 64 MiB of a frame"),
            Self::Custom(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for CodecError {}

impl serde::ser::Error for CodecError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }
}

impl serde::de::Error for CodecError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }
}
