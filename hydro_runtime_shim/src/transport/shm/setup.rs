//! How two processes come to share memory: the dialer makes it and sends it over the Unix socket, the acceptor checks it and says yes or no.
//!
//! The dialer's message is [`SETUP_BYTES`] long: [`MAGIC`], version `u8`, logarithm of a ring's capacity `u8`, two zero bytes; the memory's
//! descriptor comes with it (SCM_RIGHTS). The acceptor's answer is one byte. Callers that begin with anything else than [`MAGIC`] want
//! the socket itself.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::UnixStream;

use super::ShmStream;
use super::memory::{Half, Memory, peek, receive_with, send_with};

/// No text and no other protocol of ours begins with these.
const MAGIC: [u8; 4] = *b"\0SHM";
const VERSION: u8 = 1;
const SETUP_BYTES: usize = 8;
const YES: u8 = b'Y';
const NO: u8 = b'N';
/// Bytes of each ring: 2 to the power of this.
const CAPACITY_LOG: u8 = 20;
/// What a dialer may ask for.
const CAPACITY_LOGS: std::ops::RangeInclusive<u8> = 16..=24;
/// The acceptor answers when its program runs; its socket may be there earlier.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// Why there is no shared memory.
#[derive(Debug)]
pub(crate) enum SetupError {
    /// This end or the other one cannot; the socket alone is as good, but slower.
    Unable(String),
    /// The connection broke.
    Broken(io::Error),
}

impl From<io::Error> for SetupError {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

/// Sets memory up with whoever accepts this connection.
///
/// # Errors
/// [`SetupError::Unable`] where a plain connection may work.
pub(crate) async fn dial(socket: UnixStream) -> Result<ShmStream, SetupError> {
    let unable = |error: io::Error| SetupError::Unable(error.to_string());
    let (memory, descriptor) = Memory::create(1 << CAPACITY_LOG).map_err(unable)?;
    let [m0, m1, m2, m3] = MAGIC;
    let message: [u8; SETUP_BYTES] = [m0, m1, m2, m3, VERSION, CAPACITY_LOG, 0, 0];
    let send = || send_with(socket.as_fd(), &message, descriptor.as_fd());
    if socket.async_io(Interest::WRITABLE, send).await? != SETUP_BYTES {
        return Err(SetupError::Unable("the socket does not take the memory".to_owned()));
    }
    drop(descriptor);
    match tokio::time::timeout(ANSWER_TIME, read_byte(&socket)).await {
        Err(_) => Err(SetupError::Broken(io::ErrorKind::TimedOut.into())),
        Ok(Ok(Some(YES))) => Ok(ShmStream::new(socket, memory, Half::First)),
        Ok(Ok(_)) => Err(SetupError::Unable("the peer does not take it".to_owned())),
        Ok(Err(error)) => Err(SetupError::Broken(error)),
    }
}

/// Tells whether a caller begins to set memory up. Waits for its first byte.
///
/// # Errors
/// What the system says.
pub(crate) async fn is_offered(socket: &UnixStream) -> io::Result<bool> {
    Ok(socket.async_io(Interest::READABLE, || peek(socket.as_fd())).await? == Some(MAGIC[0]))
}

/// Takes the memory that a caller offers, and answers.
///
/// # Errors
/// It is not what it must be; the caller was told.
pub(crate) async fn accept(socket: UnixStream) -> io::Result<ShmStream> {
    let mut message = [0; SETUP_BYTES];
    let receive = || receive_with(socket.as_fd(), &mut message);
    let (count, descriptor) = socket.async_io(Interest::READABLE, receive).await?;
    let memory = match (read_capacity(&message[..count]), descriptor) {
        (Some(capacity), Some(descriptor)) => Memory::adopt(descriptor, capacity),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "no shared memory comes with the offer of it")),
    };
    // One byte fits: nothing was written yet.
    socket.writable().await?;
    match memory {
        Ok(memory) => {
            socket.try_write(&[YES])?;
            Ok(ShmStream::new(socket, memory, Half::Second))
        }
        Err(error) => {
            socket.try_write(&[NO])?;
            Err(error)
        }
    }
}

fn read_capacity(message: &[u8]) -> Option<usize> {
    let [m0, m1, m2, m3, VERSION, log, 0, 0] = *message else { return None };
    ([m0, m1, m2, m3] == MAGIC && CAPACITY_LOGS.contains(&log)).then(|| 1 << log)
}

async fn read_byte(socket: &UnixStream) -> io::Result<Option<u8>> {
    loop {
        socket.readable().await?;
        let mut byte = [0];
        match socket.try_read(&mut byte) {
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(byte.first().copied()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
