//! The trait that every encoding implements, and the choice between them that a handshake makes.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Binary, CodecError, Json};
use crate::contract::Codec;

/// An encoding of records. Records are self-delimiting, so that a frame is records back to back.
pub(crate) trait Format {
    /// Appends one record. On an error the buffer may hold a part of it; the caller cuts it off.
    fn append<T: Serialize + ?Sized>(record: &T, out: &mut Vec<u8>) -> Result<(), CodecError>;

    /// Takes one record off the front.
    fn take<T: DeserializeOwned>(bytes: &mut &[u8]) -> Result<T, CodecError>;
}

/// Appends one record in the agreed encoding. A record that needs no bytes gets one, so that it can be counted.
#[inline(always)]
pub(crate) fn append<T: Serialize>(codec: Codec, record: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let before = out.len();
    match codec {
        Codec::Binary => Binary::append(record, out)?,
        Codec::Json => append_json(record, out)?,
    }
    if out.len() == before {
        out.push(0);
    }
    Ok(())
}

/// Takes one record in the agreed encoding off the front of a frame's rest, which is not empty.
#[inline(always)]
pub(crate) fn take<T: DeserializeOwned>(codec: Codec, bytes: &mut &[u8]) -> Result<T, CodecError> {
    let before = bytes.len();
    let record = match codec {
        Codec::Binary => Binary::take(bytes)?,
        Codec::Json => take_json(bytes)?,
    };
    if bytes.len() == before {
        *bytes = bytes.get(1..).ok_or(CodecError::Truncated)?;
    }
    Ok(record)
}

/// Out of line: the code of the compact encoding is short enough to become part of the loop over the records, and JSON's is not.
#[inline(never)]
fn append_json<T: Serialize>(record: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
    Json::append(record, out)
}

#[inline(never)]
fn take_json<T: DeserializeOwned>(bytes: &mut &[u8]) -> Result<T, CodecError> {
    Json::take(bytes)
}
