//! rustls between two buffers of ciphertext: bytes go in and come out, nothing waits.
//!
//! Knows no sockets. Each record is decrypted where the socket put it, and handed to the reader as far as the reader has room.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus};
use rustls::{CommonState, Error};

use super::credentials::Configs;

/// Bytes encrypted for one write: with what TLS adds they fill a segment of the loopback device, as frames do without TLS.
const BATCH_BYTES: usize = 62 << 10;
/// What TLS adds to each of a batch's records, at most.
const RECORD_EXTRA: usize = 64;
/// Bytes in a record.
const RECORD_BYTES: usize = 16 << 10;
/// The buffer for what comes, at first: most connections say little.
const SMALL_BYTES: usize = 4 << 10;
/// What a stranger may make us keep: one record, and what TLS adds.
const STRANGER_BYTES: usize = RECORD_BYTES + 2048;
/// The same for a peer that has proven who it is.
const PEER_BYTES: usize = 128 << 10;

/// rustls's two kinds of connection.
enum Kind {
    Client(Box<UnbufferedClientConnection>),
    Server(Box<UnbufferedServerConnection>),
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if let Self::Client(_) = self { "Client" } else { "Server" })
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Machine {
    kind: Kind,
    /// Ciphertext that has come: `[start..end]` is not decrypted yet.
    incoming: Vec<u8>,
    start: usize,
    end: usize,
    buffers: Buffers,
    /// What went wrong, after which nothing more is decrypted.
    error: Option<Error>,
}

/// What rustls writes to.
#[derive(Debug, Default)]
struct Buffers {
    /// Ciphertext that is to go: `[out_start..out_end]` is not sent yet.
    outgoing: Vec<u8>,
    out_start: usize,
    out_end: usize,
    /// What was decrypted and had no room at the reader's, from `plain_at` on.
    plain: Vec<u8>,
    plain_at: usize,
    peer_closed: bool,
}

/// The reader's room.
struct Room<'a> {
    into: &'a mut [u8],
    filled: usize,
}

/// Bytes that were written, or else that are needed.
type Written = Result<usize, usize>;

/// What comes after one step.
enum Next {
    /// There may be more to do.
    Step,
    /// Nothing is left to do without more bytes.
    Rest,
}

impl Machine {
    /// Begins a connection to whom we call.
    pub(super) fn client(configs: &Configs) -> Result<Self, Error> {
        // Peers are known by their certificates' URI; this name goes nowhere.
        let name = rustls::pki_types::ServerName::try_from("hydro.invalid")
            .map_err(|_| Error::General("no name for the peer".to_owned()))?;
        let connection = UnbufferedClientConnection::new(Arc::clone(&configs.client), name)?;
        Ok(Self::new(Kind::Client(Box::new(connection))))
    }

    /// Begins a connection to who calls us.
    pub(super) fn server(configs: &Configs) -> Result<Self, Error> {
        let connection = UnbufferedServerConnection::new(Arc::clone(&configs.server))?;
        Ok(Self::new(Kind::Server(Box::new(connection))))
    }

    fn new(kind: Kind) -> Self {
        Self { kind, incoming: Vec::new(), start: 0, end: 0, buffers: Buffers::default(), error: None }
    }

    /// Returns what rustls knows of the connection.
    pub(super) fn common(&self) -> &CommonState {
        match &self.kind {
            Kind::Client(connection) => connection,
            Kind::Server(connection) => connection,
        }
    }

    /// Returns the first bytes that have come and are not understood yet.
    pub(super) fn unread(&self) -> &[u8] {
        &self.incoming[self.start..self.end]
    }

    /// Tells whether the peer said that nothing more comes.
    pub(super) fn is_closed(&self) -> bool {
        self.buffers.peer_closed
    }

    /// Returns the room for more bytes of the socket; [`Machine::received`] says how many came.
    ///
    /// # Errors
    /// The peer begins something that is larger than anything it may say.
    pub(super) fn room(&mut self) -> io::Result<&mut [u8]> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.start > 0 && self.incoming.len() - self.end < RECORD_BYTES {
            self.incoming.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.incoming.len() {
            let limit = if self.common().is_handshaking() { STRANGER_BYTES } else { PEER_BYTES };
            let size = (self.incoming.len() * 4).clamp(SMALL_BYTES, limit);
            if size <= self.end {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a TLS message is too large"));
            }
            self.incoming.resize(size, 0);
        }
        Ok(&mut self.incoming[self.end..])
    }

    /// Takes note of bytes that were put into the room.
    pub(super) fn received(&mut self, count: usize) {
        self.end += count;
    }

    /// Tells whether the next read tells something without more bytes: an error.
    pub(super) fn has_failed(&self) -> bool {
        self.error.is_some()
    }

    /// Decrypts what has come, as far as it fits; returns how many bytes.
    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        let mut room = Room { into, filled: 0 };
        self.buffers.unstash(&mut room);
        while room.filled < room.into.len() {
            match self.step(&mut room, &mut None) {
                Ok(Next::Step) => {}
                Ok(Next::Rest) => break,
                // What is fine comes first; the next call tells the error.
                Err(_) if room.filled > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(room.filled)
    }

    /// Goes on with the handshake, or with what TLS wants to say on its own account.
    pub(super) fn go_on(&mut self) -> Result<(), Error> {
        self.rest(&mut None)
    }

    /// Encrypts a batch of these pieces; returns how many bytes of them. To be called when all before is sent.
    pub(super) fn write(&mut self, pieces: &[io::IoSlice<'_>], mut skip: usize) -> Result<usize, Error> {
        let mut taken = 0;
        for piece in pieces {
            let piece = piece.get(skip..).unwrap_or_else(|| {
                skip -= piece.len();
                &[]
            });
            if piece.is_empty() {
                continue;
            }
            skip = 0;
            let part = &piece[..piece.len().min(BATCH_BYTES - taken)];
            self.rest(&mut Some(part))?;
            taken += part.len();
            if taken == BATCH_BYTES {
                break;
            }
        }
        Ok(taken)
    }

    /// Returns ciphertext that is to be sent; [`Machine::sent`] says how many bytes were.
    pub(super) fn unsent(&self) -> &[u8] {
        &self.buffers.outgoing[self.buffers.out_start..self.buffers.out_end]
    }

    /// Takes note of bytes that were sent.
    pub(super) fn sent(&mut self, count: usize) {
        let buffers = &mut self.buffers;
        buffers.out_start += count;
        if buffers.out_start >= buffers.out_end {
            (buffers.out_start, buffers.out_end) = (0, 0);
        }
    }

    /// Steps until nothing is left to do; what is decrypted by the way is kept for the reader.
    fn rest(&mut self, plaintext: &mut Option<&[u8]>) -> Result<(), Error> {
        let mut room = Room { into: &mut [], filled: 0 };
        while let Next::Step = self.step(&mut room, plaintext)? {}
        match plaintext {
            None => Ok(()),
            Some(_) => Err(Error::General("the connection takes nothing more".to_owned())),
        }
    }

    /// Does one thing. `plaintext` is encrypted when it may be, and is none then.
    fn step(&mut self, room: &mut Room<'_>, plaintext: &mut Option<&[u8]>) -> Result<Next, Error> {
        // After an error rustls may be asked for its alert and for nothing else: it would fail again, or panic.
        if let Some(error) = &self.error
            && !self.common().wants_write()
        {
            return Err(error.clone());
        }
        let incoming = &mut self.incoming[self.start..self.end];
        let (discard, next) = match &mut self.kind {
            Kind::Client(connection) => {
                self.buffers.handle::<ClientConnectionData>(connection.process_tls_records(incoming), room, plaintext)
            }
            Kind::Server(connection) => {
                self.buffers.handle::<ServerConnectionData>(connection.process_tls_records(incoming), room, plaintext)
            }
        };
        self.start += discard;
        if let Err(error) = &next {
            self.error.get_or_insert_with(|| error.clone());
        }
        next
    }
}

impl Buffers {
    fn handle<Data>(
        &mut self,
        status: UnbufferedStatus<'_, '_, Data>,
        room: &mut Room<'_>,
        plaintext: &mut Option<&[u8]>,
    ) -> (usize, Result<Next, Error>) {
        let mut discard = status.discard;
        let next = match status.state {
            Err(error) => Err(error),
            Ok(ConnectionState::ReadTraffic(mut traffic)) => loop {
                match traffic.next_record() {
                    None => break Ok(Next::Step),
                    Some(Err(error)) => break Err(error),
                    Some(Ok(record)) => {
                        discard += record.discard;
                        self.give(record.payload, room);
                    }
                }
            },
            Ok(ConnectionState::EncodeTlsData(mut data)) => self.encode(&mut |out| match data.encode(out) {
                Ok(count) => Ok(Ok(count)),
                Err(EncodeError::InsufficientSize(size)) => Ok(Err(size.required_size)),
                Err(error) => Err(Error::General(error.to_string())),
            }),
            Ok(ConnectionState::TransmitTlsData(data)) => {
                // It is in our buffer, and goes before all else.
                data.done();
                Ok(Next::Step)
            }
            Ok(ConnectionState::WriteTraffic(mut traffic)) => match plaintext.take() {
                None => Ok(Next::Rest),
                Some(bytes) => {
                    self.reserve(bytes.len() + (bytes.len() / RECORD_BYTES + 1) * RECORD_EXTRA);
                    self.encode(&mut |out| match traffic.encrypt(bytes, out) {
                        Ok(count) => Ok(Ok(count)),
                        Err(EncryptError::InsufficientSize(size)) => Ok(Err(size.required_size)),
                        Err(EncryptError::EncryptExhausted) => Err(Error::EncryptError),
                    })
                }
            },
            Ok(ConnectionState::PeerClosed) => {
                self.peer_closed = true;
                Ok(Next::Step)
            }
            // Closed, or waiting for more of the handshake; early data is not allowed by our configuration.
            Ok(_) => Ok(Next::Rest),
        };
        (discard, next)
    }

    /// Writes behind what is to be sent; the inner error of `write` is how many bytes it needs.
    fn encode(&mut self, write: &mut dyn FnMut(&mut [u8]) -> Result<Written, Error>) -> Result<Next, Error> {
        loop {
            match write(&mut self.outgoing[self.out_end..])? {
                Ok(count) => {
                    self.out_end += count;
                    return Ok(Next::Step);
                }
                Err(needed) => self.reserve(needed),
            }
        }
    }

    fn reserve(&mut self, count: usize) {
        if self.outgoing.len() - self.out_end < count {
            self.outgoing.resize(self.out_end + count, 0);
        }
    }

    /// Gives the reader what it has room for, and keeps the rest.
    fn give(&mut self, payload: &[u8], room: &mut Room<'_>) {
        let fits = if self.has_plain() { 0 } else { payload.len().min(room.into.len() - room.filled) };
        let (now, later) = payload.split_at(fits);
        room.into[room.filled..room.filled + fits].copy_from_slice(now);
        room.filled += fits;
        self.plain.extend_from_slice(later);
    }

    fn unstash(&mut self, room: &mut Room<'_>) {
        let kept = &self.plain[self.plain_at..];
        let count = kept.len().min(room.into.len());
        room.into[..count].copy_from_slice(&kept[..count]);
        room.filled = count;
        self.plain_at += count;
        if !self.has_plain() {
            self.plain.clear();
            self.plain_at = 0;
        }
    }

    fn has_plain(&self) -> bool {
        self.plain_at < self.plain.len()
    }
}
