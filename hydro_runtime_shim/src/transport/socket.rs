//! A connected socket, shared by the one who reads and the one who writes.

use std::any::TypeId;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};

use super::parcels::Parcels;
use super::queue::QueueStream;
use super::reach;
use super::shm::{self, ShmStream};
use super::tls::{self, Credentials, TlsStream};
use super::{Insecure, part};

/// A connected socket. All methods take `&self`: one task may wait to read while another waits to write.
#[derive(Debug)]
pub(crate) enum Socket {
    /// TCP, without Nagle's algorithm.
    Tcp(TcpStream),
    /// A Unix stream socket.
    Unix(UnixStream),
    /// Memory shared with another process of this machine.
    Shm(ShmStream),
    /// TCP, encrypted, with a peer that has proven who it is.
    Tls(Box<TlsStream>),
    /// Another thread of this process.
    Queue(QueueStream),
}

impl Socket {
    /// Wraps a TCP connection. Nagle's algorithm is off on both ends: its lack on one costs 44 ms stalls on links that answer each other.
    pub(crate) fn tcp(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self::Tcp(stream))
    }

    /// Turns an accepted connection into what the caller wants it to be: a Unix socket may be there for setting shared memory up.
    pub(crate) async fn settled(self) -> io::Result<Self> {
        let Self::Unix(stream) = self else { return Ok(self) };
        if shm::is_offered(&stream).await? { shm::accept(stream).await.map(Self::Shm) } else { Ok(Self::Unix(stream)) }
    }

    /// Tells whether a caller begins TLS, and not something else. Waits for its first byte.
    pub(crate) async fn begins_tls(&self) -> io::Result<bool> {
        let mut first = [0];
        Ok(match self {
            Self::Tcp(stream) => stream.peek(&mut first).await? == 1 && first == [TLS_HANDSHAKE],
            _ => false,
        })
    }

    /// Encrypts an accepted connection.
    pub(crate) async fn accept_secured(self, credentials: &Credentials) -> io::Result<Self> {
        match self {
            Self::Tcp(stream) => tls::accept(stream, credentials).await.map(|stream| Self::Tls(Box::new(stream))),
            other => Ok(other),
        }
    }

    /// Encrypts a connection that we made.
    pub(crate) async fn secured(self, credentials: Option<&Credentials>) -> io::Result<Self> {
        match (self, credentials) {
            (Self::Tcp(stream), Some(credentials)) => {
                tls::connect(stream, credentials).await.map(|stream| Self::Tls(Box::new(stream)))
            }
            _ => Err(Insecure("this process has no certificate".to_owned()).into()),
        }
    }

    /// Ends the connection of a caller that was refused, such that it hears why.
    pub(crate) async fn part(self) {
        if let Self::Tcp(mut stream) = self {
            part(&mut stream).await;
        }
    }

    /// Returns who the peer has proven to be; without TLS nobody proves anything.
    pub(crate) fn peer_identity(&self) -> Option<&str> {
        match self {
            Self::Tls(stream) => Some(stream.identity()),
            Self::Tcp(_) | Self::Unix(_) | Self::Shm(_) | Self::Queue(_) => None,
        }
    }

    /// Says what type the items of this end's port have, where they might be handed over as they are; to be said before the handshake's words.
    pub(crate) fn carries(&self, items: Option<TypeId>) {
        if let Self::Queue(stream) = self {
            stream.carries(items);
        }
    }

    /// Gives the other end the link's parcels, if both ends' items have one type. To be asked when the handshake is over.
    pub(crate) fn takes_parcels(&self, parcels: &Arc<Parcels>) -> bool {
        let Self::Queue(stream) = self else { return false };
        let agrees = stream.agrees();
        if agrees {
            stream.show(parcels);
        }
        agrees
    }

    /// Returns the parcels that the other end gave.
    pub(crate) fn parcels(&self) -> Option<Arc<Parcels>> {
        if let Self::Queue(stream) = self { stream.parcels() } else { None }
    }

    /// Returns the other end's address; only TCP has them.
    pub(crate) fn peer_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.peer_addr().ok(),
            Self::Tls(stream) => stream.tcp().peer_addr().ok(),
            Self::Unix(_) | Self::Shm(_) | Self::Queue(_) => None,
        }
    }

    /// Reads what is there.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => {
                let count = stream.try_read(buffer)?;
                if is_drained(count, buffer) {
                    let _ = stream.try_io(Interest::READABLE, nothing);
                }
                Ok(count)
            }
            Self::Unix(stream) => {
                let count = stream.try_read(buffer)?;
                if is_drained(count, buffer) {
                    let _ = stream.try_io(Interest::READABLE, nothing);
                }
                Ok(count)
            }
            Self::Shm(stream) => stream.try_read(buffer),
            Self::Tls(stream) => stream.try_read(buffer),
            Self::Queue(stream) => stream.try_read(buffer),
        }
    }

    /// Writes what the system takes.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write(bytes),
            Self::Unix(stream) => stream.try_write(bytes),
            Self::Shm(stream) => stream.try_write(bytes),
            Self::Tls(stream) => stream.try_write_vectored(&[IoSlice::new(bytes)]),
            Self::Queue(stream) => stream.try_write_vectored(&[IoSlice::new(bytes)]),
        }
    }

    /// Writes what the system takes of several pieces.
    pub(crate) fn try_write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write_vectored(pieces),
            Self::Unix(stream) => stream.try_write_vectored(pieces),
            Self::Shm(stream) => stream.try_write_vectored(pieces),
            Self::Tls(stream) => stream.try_write_vectored(pieces),
            Self::Queue(stream) => stream.try_write_vectored(pieces),
        }
    }

    /// Tells whether bytes that were taken wait for the system to take them, too: then somebody must wait until it may and flush.
    pub(crate) fn has_unsent(&self) -> bool {
        matches!(self, Self::Tls(stream) if stream.has_unsent())
    }

    /// Sends what waits, as far as the system takes it.
    pub(crate) fn try_flush(&self) -> io::Result<()> {
        if let Self::Tls(stream) = self { stream.try_flush() } else { Ok(()) }
    }

    /// Tells whether bytes may leave the machine on their way, with nobody else to notice what becomes of them: then they are checked.
    pub(crate) fn is_exposed(&self) -> bool {
        !matches!(self, Self::Tls(_))
            && self.peer_address().is_some_and(|address| !address.ip().to_canonical().is_loopback())
    }

    /// Tells whether the other machine answered within the time, whatever its program does; where that cannot be known, it did.
    pub(crate) fn is_reachable(&self, within: Duration) -> bool {
        match self {
            Self::Tcp(stream) => reach::last_answer(stream).is_none_or(|time| time <= within),
            Self::Tls(stream) => reach::last_answer(stream.tcp()).is_none_or(|time| time <= within),
            Self::Unix(_) | Self::Shm(_) | Self::Queue(_) => true,
        }
    }

    /// Tells whether there may be something to read, or wakes the task when there is.
    pub(crate) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_read_ready(context),
            Self::Unix(stream) => stream.poll_read_ready(context),
            Self::Shm(stream) => stream.poll_readable(context),
            Self::Tls(stream) => stream.poll_readable(context),
            Self::Queue(stream) => stream.poll_readable(context),
        }
    }

    /// Waits until there may be something to read.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.readable().await,
            Self::Unix(stream) => stream.readable().await,
            Self::Shm(stream) => stream.readable().await,
            Self::Tls(stream) => stream.readable().await,
            Self::Queue(stream) => stream.readable().await,
        }
    }

    /// Waits until the system may take something.
    pub(crate) async fn writable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.writable().await,
            Self::Unix(stream) => stream.writable().await,
            Self::Shm(stream) => stream.writable().await,
            Self::Tls(stream) => stream.writable().await,
            Self::Queue(stream) => stream.writable().await,
        }
    }

    /// Reads exactly as many bytes as the buffer holds, and not one more: what follows belongs to another reader.
    pub(crate) async fn read_exact(&self, buffer: &mut [u8]) -> io::Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            self.readable().await?;
            match self.try_read(&mut buffer[filled..]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes all bytes.
    pub(crate) async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.writable().await?;
            match self.try_write(bytes) {
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        while self.has_unsent() {
            self.writable().await?;
            self.try_flush()?;
        }
        Ok(())
    }
}

/// The first byte of TLS. Neither text nor our own protocol begins with it.
const TLS_HANDSHAKE: u8 = 0x16;

/// Tells whether a read took all that was there: then the next one need not ask the system, which tells when there is more. It has not ended: that is
/// told by a read of nothing.
fn is_drained(count: usize, buffer: &[u8]) -> bool {
    0 < count && count < buffer.len()
}

/// The answer of a system that has nothing, without asking it: the runtime remembers.
fn nothing() -> io::Result<()> {
    Err(io::ErrorKind::WouldBlock.into())
}
