//! The header in front of everything that follows the handshake, and how records are written.
//!
//! Says what the bytes are, not when they may come: that is `protocol`'s affair. docs/wire-protocol.md describes the same for other languages.

use serde::{Deserialize, Serialize};

/// Bytes in front of each frame's payload.
pub const FRAME_HEADER_BYTES: usize = 24;
/// A frame's payload may not be longer than this (1 MiB); a record that does not fit goes in pieces.
pub const MAX_FRAME_BYTES: usize = 1 << 20;
/// A record may not be longer than this (64 MiB), in however many pieces.
pub const MAX_RECORD_BYTES: usize = 64 << 20;

/// The bit of the flags that says that the checksum counts.
const CHECKED: u8 = 1;

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// The compact serde encoding between programs of one deployment.
    Binary,
    /// JSON texts, each followed by a newline, for scripts and programs of other languages. The type check is left to the decoder.
    Json,
}

/// Kinds of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FrameKind {
    /// Records, one behind the other. `number` is that of the first, `amount` counts them.
    Data = 1,
    /// From the receiver: all records below `number` are worked on. `amount` is the window, in bytes. Also its sign of life.
    Ack = 2,
    /// From the sender: a sign of life when there is nothing to send.
    Alive = 3,
    /// Who sends it leaves on purpose; the payload is the reason as UTF-8 text. Nothing follows.
    Goodbye = 5,
    /// A part of record `number`, which is larger than a frame. `amount` is 1 in the last part and 0 before.
    Piece = 6,
    /// Between two threads of one process alone: records that were handed over as they are. `number` is that of the first, `amount` counts them;
    /// there is no payload.
    Parcel = 7,
}

impl FrameKind {
    fn parse(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Data),
            2 => Some(Self::Ack),
            3 => Some(Self::Alive),
            5 => Some(Self::Goodbye),
            6 => Some(Self::Piece),
            7 => Some(Self::Parcel),
            _ => None,
        }
    }
}

/// What stands in front of a payload: length `u32`, kind `u8`, flags `u8`, two zero bytes, number `u64`, amount `u32`, checksum `u32`, all
/// little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameHeader {
    /// What the frame is.
    pub kind: FrameKind,
    /// Bytes of payload.
    pub length: u32,
    /// A record's number; see [`FrameKind`].
    pub number: u64,
    /// A count; see [`FrameKind`].
    pub amount: u32,
    /// CRC-32 (IEEE) of the payload, where the sender gives one.
    pub checksum: Option<u32>,
}

impl FrameHeader {
    /// Describes a payload of `length` bytes without number, amount and checksum.
    #[must_use]
    pub fn new(kind: FrameKind, length: usize) -> Self {
        Self { kind, length: u32::try_from(length).unwrap_or(u32::MAX), number: 0, amount: 0, checksum: None }
    }

    /// Describes an acknowledgement.
    #[must_use]
    pub fn ack(number: u64, window: u32) -> Self {
        Self { number, amount: window, ..Self::new(FrameKind::Ack, 0) }
    }

    /// Writes the header.
    #[must_use]
    pub fn bytes(self) -> [u8; FRAME_HEADER_BYTES] {
        let mut bytes = [0; FRAME_HEADER_BYTES];
        bytes[..4].copy_from_slice(&self.length.to_le_bytes());
        bytes[4] = self.kind as u8;
        bytes[5] = if self.checksum.is_some() { CHECKED } else { 0 };
        bytes[8..16].copy_from_slice(&self.number.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.amount.to_le_bytes());
        bytes[20..].copy_from_slice(&self.checksum.unwrap_or(0).to_le_bytes());
        bytes
    }

    /// Reads a header. None: malformed, the connection must be closed.
    #[must_use]
    #[inline]
    pub fn parse(bytes: [u8; FRAME_HEADER_BYTES]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk()?;
        let ([kind, flags, 0, 0], rest) = rest.split_first_chunk()? else { return None };
        let (number, rest) = rest.split_first_chunk()?;
        let (amount, checksum) = rest.split_first_chunk()?;
        let length = u32::from_le_bytes(*length);
        let checksum = u32::from_le_bytes(checksum.try_into().ok()?);
        if *flags & !CHECKED != 0 || length as usize > MAX_FRAME_BYTES {
            return None;
        }
        Some(Self {
            kind: FrameKind::parse(*kind)?,
            length,
            number: u64::from_le_bytes(*number),
            amount: u32::from_le_bytes(*amount),
            checksum: (*flags & CHECKED != 0).then_some(checksum),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_back() {
        let header = FrameHeader { number: 1 << 40, amount: 7, ..FrameHeader::new(FrameKind::Data, 61440) };
        assert_eq!(FrameHeader::parse(header.bytes()), Some(header));
        let header = FrameHeader { checksum: Some(0), ..header };
        assert_eq!(FrameHeader::parse(header.bytes()), Some(header));
        assert_eq!(FrameHeader::parse(FrameHeader::ack(9, 10).bytes()), Some(FrameHeader::ack(9, 10)));
    }

    #[test]
    fn malformed_headers_are_refused() {
        let good = FrameHeader::new(FrameKind::Data, 1).bytes();
        for (place, byte) in [(4, 0), (4, 4), (4, 9), (5, 2), (6, 1), (7, 1), (3, 1)] {
            let mut bad = good;
            bad[place] = byte;
            assert_eq!(FrameHeader::parse(bad), None, "{place}");
        }
    }
}
