//! The link protocol's first words, version 2: what both ends say before the first frame.
//!
//! A connection carries one link, in one direction. The dialer sends a preamble ([`MAGIC`], version `u16`, length `u32`, both little-endian)
//! and a [`Hello`] in JSON; the acceptor answers with a preamble and an [`Answer`] in JSON. Then frames follow ([`super::FrameHeader`]): records from
//! the sender of the link, acknowledgements from its receiver. docs/wire-protocol.md describes the same for other languages.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::Codec;

/// The first bytes of every connection, from both ends.
pub const MAGIC: [u8; 4] = *b"HYDR";
/// Version of the protocol described here.
pub const PROTOCOL_VERSION: u16 = 2;
/// Bytes in front of the handshake's JSON: magic, version, length.
pub const PREAMBLE_BYTES: usize = 10;
/// A handshake message may not be longer than this.
pub const HELLO_LIMIT_BYTES: usize = 4096;

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
    /// Whether the speaker's process has a name of its own among all that will ever call: then a newer connection of that name replaces an older one.
    /// Otherwise each start of a program is somebody else.
    #[serde(default)]
    pub named: bool,
    /// From the sending end: the stream of records it has for this link. None: it does not continue a stream on another connection.
    #[serde(default)]
    pub offers: Option<Offer>,
    /// From the receiving end: that it acknowledges. None: it does not, so that nothing is kept for it.
    #[serde(default)]
    pub grants: Option<Grant>,
}

/// A stream of records as its sender has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The stream: a larger number for each start of the sender, and whenever it forgets what it had for the peer.
    pub stream: u64,
    /// The first record it still has; a receiver that knows nothing of the stream gets it from there.
    pub first: u64,
    /// Whether records may be missing: the link is lossy by choice.
    #[serde(default)]
    pub lossy: bool,
}

/// What a receiver that acknowledges allows its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Bytes that may be on their way without being acknowledged.
    pub window: u32,
    /// Where the stream stands; none: the receiver knows of none.
    #[serde(default)]
    pub expects: Option<Expectation>,
}

/// A stream of records as its receiver knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// The stream.
    pub stream: u64,
    /// The first record it has not got.
    pub next: u64,
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
    /// A newer start of a program of that name is connected.
    Superseded,
    /// The speaker does not prove who it is, or proves to be somebody else than it says.
    Identity,
    /// The bytes were no handshake.
    Malformed,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preambles_are_read_back_or_refused() {
        assert_eq!(parse_preamble(preamble(17)), Some((PROTOCOL_VERSION, 17)));
        assert_eq!(parse_preamble(*b"HYDX\x01\0\0\0\0\0"), None);
        assert_eq!(parse_preamble(*b"HYDR\x01\0\0\xff\0\0"), None);
    }
}
