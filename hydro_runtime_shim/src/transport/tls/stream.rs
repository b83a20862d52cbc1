//! A TCP connection and the machine that encrypts it, as a stream of bytes each way that behaves like a socket.
//!
//! Two things differ from a socket, and both are looked after here: bytes may be there although the socket has none, since they came in the same
//! record as others; and bytes that were taken may wait, encrypted, for the socket ([`TlsStream::has_unsent`]).

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use tokio::io::Interest;
use tokio::net::TcpStream;

use super::machine::Machine;
use super::words::told;
use crate::transport::Insecure;

/// See the module.
#[derive(Debug)]
pub(crate) struct TlsStream {
    pub(super) stream: TcpStream,
    pub(super) machine: RefCell<Machine>,
    /// Who the peer has proven to be.
    pub(super) identity: String,
    /// Whether there may be bytes that the socket does not tell of.
    pub(super) more: Cell<bool>,
}

impl TlsStream {
    /// Returns who the peer has proven to be.
    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    /// Returns the connection that carries it.
    pub(crate) fn tcp(&self) -> &TcpStream {
        &self.stream
    }

    /// Reads what is there.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let machine = &mut *self.machine.borrow_mut();
        loop {
            let read = machine.read(buffer);
            // What TLS has to say of it, if anything: an answer, or why the connection ends.
            let sent = send(&self.stream, machine);
            let count = read.map_err(|error| failed(&error))?;
            sent?;
            self.more.set(count == buffer.len() || machine.has_failed());
            if count > 0 {
                return Ok(count);
            }
            if machine.is_closed() || receive(&self.stream, machine)? == 0 {
                return Ok(0);
            }
        }
    }

    /// Writes what is taken, all encrypted with one key after the other; what the socket does not take is sent later.
    pub(crate) fn try_write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let machine = &mut *self.machine.borrow_mut();
        let mut taken = 0;
        loop {
            if !send(&self.stream, machine)? {
                return if taken > 0 { Ok(taken) } else { Err(io::ErrorKind::WouldBlock.into()) };
            }
            match machine.write(pieces, taken).map_err(|error| failed(&error))? {
                0 => return Ok(taken),
                count => taken += count,
            }
        }
    }

    /// Tells whether bytes that were taken wait for the socket.
    pub(crate) fn has_unsent(&self) -> bool {
        !self.machine.borrow().unsent().is_empty()
    }

    /// Sends what waits for the socket, as far as it takes it.
    pub(crate) fn try_flush(&self) -> io::Result<()> {
        send(&self.stream, &mut self.machine.borrow_mut()).map(drop)
    }

    /// Tells whether there may be something to read, or wakes the task when there is.
    pub(crate) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.more.get() { Poll::Ready(Ok(())) } else { self.stream.poll_read_ready(context) }
    }

    /// Waits until there may be something to read.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        if self.more.get() { Ok(()) } else { self.stream.readable().await }
    }

    /// Waits until the socket may take something.
    pub(crate) async fn writable(&self) -> io::Result<()> {
        self.stream.writable().await
    }
}

/// Sends what is encrypted; tells whether the socket took all of it.
pub(super) fn send(stream: &TcpStream, machine: &mut Machine) -> io::Result<bool> {
    while !machine.unsent().is_empty() {
        match stream.try_write(machine.unsent()) {
            Ok(count) => machine.sent(count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Reads once from the socket.
pub(super) fn receive(stream: &TcpStream, machine: &mut Machine) -> io::Result<usize> {
    let room = machine.room()?;
    let size = room.len();
    let count = stream.try_read(room)?;
    if 0 < count && count < size {
        // All that was there: the next read need not ask the system, which tells when there is more.
        let _ = stream.try_io(Interest::READABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
    }
    machine.received(count);
    Ok(count)
}

/// Returns rustls's error as one that says why the connection is not trusted.
pub(super) fn failed(error: &rustls::Error) -> io::Error {
    Insecure(told(error)).into()
}
