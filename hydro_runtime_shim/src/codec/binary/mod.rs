//! The compact encoding: fixed-width little-endian numbers, `u64` lengths, `u32` variant numbers; the wire format of bincode 1.
//!
//! Written here because it must append straight to a connection's buffer, read from the middle of one, and stand hostile bytes: lengths are
//! believed as far as bytes back them, nesting is limited, nothing is allocated on a claim.

mod decode;
mod encode;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{CodecError, Format};

/// What programs speak with each other.
pub(crate) struct Binary;

impl Format for Binary {
    #[inline(always)]
    fn append<T: Serialize + ?Sized>(record: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
        record.serialize(encode::Encoder::new(out))
    }

    #[inline(always)]
    fn take<T: DeserializeOwned>(bytes: &mut &[u8]) -> Result<T, CodecError> {
        let mut decoder = decode::Decoder::new(bytes);
        let record = T::deserialize(&mut decoder)?;
        *bytes = decoder.rest();
        Ok(record)
    }
}
