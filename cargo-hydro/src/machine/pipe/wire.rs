//! Handshakes and frames on a Unix socket, from either side. Knows no links.

use std::io;

use hydro_runtime_shim::contract::{
    Answer, FRAME_HEADER_BYTES, FrameHeader, FrameKind, Hello, PREAMBLE_BYTES, PROTOCOL_VERSION, Reject, RejectCode,
    parse_preamble, preamble,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UnixStream;

fn malformed(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// Says something before the first frame.
async fn say(stream: &mut UnixStream, words: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_vec(words)?;
    let mut bytes = preamble(text.len()).to_vec();
    bytes.extend_from_slice(&text);
    stream.write_all(&bytes).await
}

/// Hears what is said before the first frame, with the protocol's version.
async fn hear<T: DeserializeOwned>(stream: &mut UnixStream) -> io::Result<(u16, T)> {
    let mut head = [0; PREAMBLE_BYTES];
    stream.read_exact(&mut head).await?;
    let (version, length) = parse_preamble(head).ok_or_else(|| malformed("no handshake"))?;
    let mut text = vec![0; length];
    stream.read_exact(&mut text).await?;
    Ok((version, serde_json::from_slice(&text)?))
}

/// Introduces itself to whom it called.
pub(super) async fn introduce(stream: &mut UnixStream, hello: &Hello) -> io::Result<Answer> {
    say(stream, hello).await?;
    Ok(hear::<Answer>(stream).await?.1)
}

/// Hears who called.
pub(super) async fn greet(stream: &mut UnixStream) -> io::Result<Result<Hello, Reject>> {
    let (version, hello) = hear::<Hello>(stream).await?;
    if version == PROTOCOL_VERSION {
        return Ok(Ok(hello));
    }
    let reason = format!("this is version {PROTOCOL_VERSION} of the protocol, not {version}");
    Ok(Err(Reject { code: RejectCode::Version, reason }))
}

/// Answers who called.
pub(super) async fn answer(stream: &mut UnixStream, answer: &Answer) -> io::Result<()> {
    say(stream, answer).await
}

/// Reads one frame. None: the peer hung up between frames.
pub(super) async fn read_frame(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<(FrameHeader, Vec<u8>)>> {
    let mut head = [0; FRAME_HEADER_BYTES];
    match reader.read_exact(&mut head).await {
        Ok(_) => {}
        Err(error) if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    }
    let header = FrameHeader::parse(head).ok_or_else(|| malformed("a frame with a wrong header"))?;
    let mut payload = vec![0; header.length as usize];
    reader.read_exact(&mut payload).await?;
    Ok(Some((header, payload)))
}

/// Leaves, and says why.
pub(super) async fn goodbye(writer: &mut (impl AsyncWrite + Unpin), reason: &str) {
    let mut frame = FrameHeader::new(FrameKind::Goodbye, reason.len()).bytes().to_vec();
    frame.extend_from_slice(reason.as_bytes());
    // Nobody is left to tell if the peer is gone already.
    let _ = writer.write_all(&frame).await;
    let _ = writer.shutdown().await;
}
