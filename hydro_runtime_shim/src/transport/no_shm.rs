//! Systems without the shared memory of Linux: nothing is ever set up there, and `shm:` is a Unix socket.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use tokio::net::UnixStream;

/// A connection that cannot be.
#[derive(Debug)]
pub(crate) enum ShmStream {}

/// Why there is no shared memory.
#[derive(Debug)]
pub(crate) enum SetupError {
    /// This end cannot.
    Unable(String),
    /// The connection broke.
    #[expect(dead_code, reason = "it does on other systems")]
    Broken(io::Error),
}

/// Says that there is none.
///
/// # Errors
/// Always.
pub(crate) async fn dial(_socket: UnixStream) -> Result<ShmStream, SetupError> {
    Err(SetupError::Unable("this system has none".to_owned()))
}

/// Tells that nobody offers any: a caller from this very machine cannot.
///
/// # Errors
/// Never.
pub(crate) async fn is_offered(_socket: &UnixStream) -> io::Result<bool> {
    Ok(false)
}

/// Says that there is none.
///
/// # Errors
/// Always.
pub(crate) async fn accept(_socket: UnixStream) -> io::Result<ShmStream> {
    Err(io::ErrorKind::Unsupported.into())
}

impl ShmStream {
    /// See [`super::Socket`].
    pub(crate) fn try_read(&self, _buffer: &mut [u8]) -> io::Result<usize> {
        match *self {}
    }

    /// See [`super::Socket`].
    pub(crate) fn try_write(&self, _bytes: &[u8]) -> io::Result<usize> {
        match *self {}
    }

    /// See [`super::Socket`].
    pub(crate) fn try_write_vectored(&self, _pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match *self {}
    }

    /// See [`super::Socket`].
    pub(crate) fn poll_readable(&self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }

    /// See [`super::Socket`].
    pub(crate) async fn readable(&self) -> io::Result<()> {
        match *self {}
    }

    /// See [`super::Socket`].
    pub(crate) async fn writable(&self) -> io::Result<()> {
        match *self {}
    }
}

/// No rings to look at.
pub(crate) mod watch {
    /// Nothing to do.
    pub(crate) fn wake_up() {}

    /// Nothing to see.
    pub(crate) fn look(_times: usize) {}

    /// Nothing to give.
    pub(crate) fn give_back() {}

    /// No.
    pub(crate) fn fall_asleep() -> bool {
        false
    }
}
