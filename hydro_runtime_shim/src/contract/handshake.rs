//! The link protocol's words, version 1: what both ends say first, and the header in front of each frame.
//!
//! A connection carries one link, in one direction. The dialer sends a preamble ([`MAGIC`], version `u16`, length `u32`, both little-endian)
//! and a [`Hello`] in JSON; the acceptor answers with a preamble and an [`Answer`] in JSON. Then the sender of the link sends frames: length of the
//! payload `u32`, [`FrameKind`] `u8`, three zero bytes, payload. A data frame's payload is records back to back in the agreed [`Codec`].
//! The receiver of the link may say a [`FrameKind::Goodbye`] of its own, and nothing else.
//! Sequence numbers and acknowledgements get their place here when links resume after a broken connection.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// The first bytes of every connection, from both ends.
pub const MAGIC: [u8; 4] = *b"HYDR";
/// Version of the protocol described here.
pub const PROTOCOL_VERSION: u16 = 1;
/// Bytes in front of the handshake's JSON: magic, version, length.
pub const PREAMBLE_BYTES: usize = 10;
/// A handshake message may not be longer than this.
pub const HELLO_LIMIT_BYTES: usize = 4096;
/// Bytes in front of each frame's payload.
pub const FRAME_HEADER_BYTES: usize = 8;
/// A frame's payload, so also one record, may not be longer than this (64 MiB).
pub const MAX_FRAME_BYTES: usize = 64 << 20;

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// The compact serde encoding between programs of one deployment.
    Binary,
    /// JSON texts, each followed by a newline, for scripts and programs of other languages. The type check is left to the decoder.
    Json,
}

/// What the dialer says first, and what the acceptor says of itself in [`Answer::Welcome`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Deployment of the speaker.
    pub deployment: String,
    /// Service of the speaker.
    pub service: String,
    /// Member of the speaker, from 0.
    pub member: u32,
    /// The speaker's advertised address, which its peer shows in items of addressed ports.
    pub address: Option<SocketAddr>,
    /// The speaker's incarnation: another number after each start.
    pub epoch: u64,
    /// The speaker's own port of this link.
    pub port: String,
    /// The port the speaker wants on the other side; none: the only one there that goes the other way.
    pub peer_port: Option<String>,
    /// Whether the speaker sends the items of this link.
    pub sends: bool,
    /// The speaker's payload type, as rustc names it.
    pub type_name: String,
    /// [`fingerprint`] of that name; both ends must agree unless the codec is JSON.
    pub fingerprint: u64,
    /// Codec the dialer asks for; the acceptor repeats it.
    pub codec: Codec,
}

/// The acceptor's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// The link is made; frames follow.
    Welcome(Hello),
    /// The link is refused; the connection is closed.
    Reject(Reject),
}

/// Why a link was refused; both sides tell their user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// The kind of reason.
    pub code: RejectCode,
    /// One line for a human.
    pub reason: String,
}

/// Kinds of refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectCode {
    /// Another protocol version.
    Version,
    /// Another deployment.
    Deployment,
    /// No such port, or it goes the wrong way.
    Port,
    /// Another payload type.
    Type,
    /// The program is stopping.
    Stopping,
    /// The bytes were no handshake.
    Malformed,
}

/// Kinds of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameKind {
    /// Records.
    Data = 1,
    /// Who sends it leaves on purpose; the payload is the reason as UTF-8 text. Nothing follows.
    Goodbye = 5,
}

/// Returns the 64-bit FNV-1a hash of a type's name.
#[must_use]
pub fn fingerprint(type_name: &str) -> u64 {
    type_name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Returns the bytes in front of a handshake message of `length` bytes.
#[must_use]
pub fn preamble(length: usize) -> [u8; PREAMBLE_BYTES] {
    let mut bytes = [0; PREAMBLE_BYTES];
    bytes[..4].copy_from_slice(&MAGIC);
    bytes[4..6].copy_from_slice(&PROTOCOL_VERSION.to_le_bytes());
    bytes[6..].copy_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    bytes
}

/// Reads a preamble: version and length of the message behind it. None: not this protocol, or longer than [`HELLO_LIMIT_BYTES`].
#[must_use]
pub fn parse_preamble(bytes: [u8; PREAMBLE_BYTES]) -> Option<(u16, usize)> {
    let [m0, m1, m2, m3, v0, v1, l0, l1, l2, l3] = bytes;
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    ([m0, m1, m2, m3] == MAGIC && length <= HELLO_LIMIT_BYTES).then_some((u16::from_le_bytes([v0, v1]), length))
}

/// Returns the header of a frame with `length` bytes of payload.
#[must_use]
pub fn frame_header(kind: FrameKind, length: usize) -> [u8; FRAME_HEADER_BYTES] {
    let [a, b, c, d] = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    [a, b, c, d, kind as u8, 0, 0, 0]
}

/// Reads a frame's header: kind and length of its payload. None: malformed, the connection must be closed.
#[must_use]
pub fn parse_frame_header(bytes: [u8; FRAME_HEADER_BYTES]) -> Option<(FrameKind, usize)> {
    let [a, b, c, d, kind, r0, r1, r2] = bytes;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    let kind = match kind {
        1 => FrameKind::Data,
        5 => FrameKind::Goodbye,
        _ => return None,
    };
    (r0 | r1 | r2 == 0 && length <= MAX_FRAME_BYTES).then_some((kind, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_back() {
        assert_eq!(parse_frame_header(frame_header(FrameKind::Data, 61440)), Some((FrameKind::Data, 61440)));
        assert_eq!(parse_preamble(preamble(17)), Some((PROTOCOL_VERSION, 17)));
    }

    #[test]
    fn malformed_headers_are_refused() {
        assert_eq!(parse_frame_header([0, 0, 0, 0, 9, 0, 0, 0]), None);
        assert_eq!(parse_frame_header([0, 0, 0, 0, 1, 1, 0, 0]), None);
        assert_eq!(parse_frame_header([255, 255, 255, 255, 1, 0, 0, 0]), None);
        assert_eq!(parse_preamble(*b"HYDX\x01\0\0\0\0\0"), None);
        assert_eq!(parse_preamble(*b"HYDR\x01\0\0\xff\0\0"), None);
    }
}
