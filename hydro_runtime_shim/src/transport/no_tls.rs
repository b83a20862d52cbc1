//! Programs that were built without TLS: no credentials can be had, so that no connection can be.

use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::path::PathBuf;
use std::task::{Context, Poll};

use tokio::net::TcpStream;

/// A connection that cannot be.
#[derive(Debug)]
pub(crate) enum TlsStream {}

/// Credentials that cannot be.
#[derive(Debug)]
pub(crate) struct Credentials(Infallible);

/// Where the three files are.
#[derive(Clone, Debug)]
#[expect(dead_code, reason = "nobody reads them")]
pub(crate) struct CredentialFiles {
    /// The certificate.
    pub(crate) certificate: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
    /// The authority's certificate.
    pub(crate) authority: PathBuf,
}

/// What is wrong with a file.
#[derive(Clone, Debug)]
pub(crate) struct Mistake {
    /// The variable that names it.
    pub(crate) variable: &'static str,
    /// Its path.
    pub(crate) path: PathBuf,
    /// What is wrong.
    pub(crate) reason: String,
}

impl Credentials {
    /// Says that there are none.
    ///
    /// # Errors
    /// Always.
    pub(crate) fn read(_files: CredentialFiles, _identity: String, _prefix: String) -> Result<Self, Vec<Mistake>> {
        Err(Vec::new())
    }
}

/// Cannot be called.
pub(crate) async fn connect(_stream: TcpStream, credentials: &Credentials) -> io::Result<TlsStream> {
    match credentials.0 {}
}

/// Cannot be called.
pub(crate) async fn accept(_stream: TcpStream, credentials: &Credentials) -> io::Result<TlsStream> {
    match credentials.0 {}
}

impl TlsStream {
    /// See [`super::Socket`].
    pub(crate) fn identity(&self) -> &str {
        match *self {}
    }

    /// See [`super::Socket`].
    pub(crate) fn tcp(&self) -> &TcpStream {
        match *self {}
    }

    /// See [`super::Socket`].
    pub(crate) fn try_read(&self, _buffer: &mut [u8]) -> io::Result<usize> {
        match *self {}
    }

    /// See [`super::Socket`].
    pub(crate) fn try_write_vectored(&self, _pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match *self {}
    }

    /// See [`super::Socket`].
    pub(crate) fn has_unsent(&self) -> bool {
        match *self {}
    }

    /// See [`super::Socket`].
    pub(crate) fn try_flush(&self) -> io::Result<()> {
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
