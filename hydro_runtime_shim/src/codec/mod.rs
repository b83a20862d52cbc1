//! Records as bytes: one record is appended to a buffer or taken from the front of a slice.
//!
//! Knows neither frames nor sockets. Read [`Format`] first; [`Binary`] is what programs speak with each other, [`Json`] is for everybody else.

mod binary;
mod error;
mod format;
mod json;

pub(crate) use binary::Binary;
pub(crate) use error::CodecError;
pub(crate) use format::{Format, append, take};
pub(crate) use json::Json;

#[cfg(test)]
mod tests;
