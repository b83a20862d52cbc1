//! What is on its way to one peer: records are encoded straight into one buffer, which the socket empties.
//!
//! Knows no ports and no routing. Nothing here waits: the tick writes what the socket takes, the connection's writer task does the rest.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;

use serde::Serialize;
use tokio::sync::Notify;

use super::Node;
use super::gate::QUEUE_LIMIT_BYTES;
use super::peer::Peer;
use crate::codec::{self, CodecError};
use crate::contract::{Codec, FRAME_HEADER_BYTES, FrameKind, MAX_FRAME_BYTES, frame_header};
use crate::transport::Socket;

/// Bytes written at once, and the size at which a frame is closed: just below the loopback's segment (65,483 bytes), since a write just
/// above it leaves a tiny second segment behind each first one and halves the throughput.
pub(super) const CHUNK_BYTES: usize = 60 << 10;
/// What may be written at once where that is the end: a frame that grew a little over a chunk need not be cut in two.
const SEGMENT_BYTES: usize = 65_483;
/// A queue that was over its limit lets the gate open again when it is down to this.
const OPEN_BYTES: usize = QUEUE_LIMIT_BYTES / 2;
/// How far the limit may rise for a peer that sends us nothing.
const RISEN_LIMIT_BYTES: usize = 64 << 20;
/// What is left is moved to the front of the buffer when it is this many times smaller than what was written; in a large buffer, which costs
/// memory, as soon as it is smaller.
const COMPACT_SHARE: usize = 4;
/// An empty buffer larger than this is given back.
const KEPT_BYTES: usize = 1 << 20;

/// A frame that is not yet written as a whole.
#[derive(Debug)]
struct Frame {
    bytes: usize,
    records: u64,
}

/// One peer's queue.
#[derive(Debug)]
pub(crate) struct Queue {
    node: Rc<Node>,
    /// The encoding of the records in it.
    pub(super) codec: Codec,
    state: RefCell<State>,
    peer: RefCell<Option<Rc<Peer>>>,
    connected: Cell<bool>,
    met: Cell<bool>,
    /// Wakes the writer task when the tick could not write all, or when the connection broke under it.
    pub(super) work: Notify,
    /// Notified when everything is written, or nothing more will be.
    emptied: Notify,
}

/// `buffer[at..]` is not written; `open` is where the header of the frame that still grows stands.
#[derive(Debug)]
struct State {
    buffer: Vec<u8>,
    at: usize,
    open: Option<usize>,
    open_records: u64,
    closed: VecDeque<Frame>,
    /// Bytes of the first of `closed` that are written.
    written: usize,
    progress: u64,
    socket: Option<Rc<Socket>>,
    error: Option<io::Error>,
    limit: usize,
    over: bool,
}

impl Queue {
    /// Creates the queue of a peer that is not connected yet.
    pub(super) fn new(node: Rc<Node>, codec: Codec) -> Rc<Self> {
        let state = State {
            buffer: Vec::new(),
            at: 0,
            open: None,
            open_records: 0,
            closed: VecDeque::new(),
            written: 0,
            progress: 0,
            socket: None,
            error: None,
            limit: QUEUE_LIMIT_BYTES,
            over: false,
        };
        Rc::new(Self {
            node,
            codec,
            state: RefCell::new(state),
            peer: RefCell::default(),
            connected: Cell::new(false),
            met: Cell::new(false),
            work: Notify::new(),
            emptied: Notify::new(),
        })
    }

    /// Gives the queue a connection, which continues with the first frame that was not written as a whole.
    pub(super) fn connect(&self, socket: Rc<Socket>, peer: Rc<Peer>) {
        self.state.borrow_mut().socket = Some(socket);
        *self.peer.borrow_mut() = Some(peer);
        self.connected.set(true);
        self.met.set(true);
        self.pump(true);
    }

    /// Takes the connection away. A frame that is written in part is begun anew on the next connection: the peer has thrown that part away.
    pub(super) fn disconnect(&self) {
        let mut state = self.state.borrow_mut();
        state.socket = None;
        state.error = None;
        state.at -= std::mem::take(&mut state.written);
        self.connected.set(false);
        self.emptied.notify_one();
    }

    /// Waits until everything is written or the connection is gone.
    pub(super) async fn drained(&self) {
        while self.is_connected() && self.has_backlog() {
            self.emptied.notified().await;
        }
    }

    /// Returns the peer it is connected to now or was last.
    pub(super) fn peer(&self) -> Option<Rc<Peer>> {
        self.peer.borrow().clone()
    }

    /// Tells whether there is a connection.
    pub(super) fn is_connected(&self) -> bool {
        self.connected.get()
    }

    /// Tells whether there was ever a connection.
    pub(super) fn has_met(&self) -> bool {
        self.met.get()
    }

    /// Counts records that are not written yet.
    pub(super) fn pending_records(&self) -> u64 {
        let state = self.state.borrow();
        state.closed.iter().map(|frame| frame.records).sum::<u64>() + state.open_records
    }

    /// Returns a number that grows with every byte written.
    pub(super) fn progress(&self) -> u64 {
        self.state.borrow().progress
    }

    /// Tells whether a whole frame is not written yet.
    pub(super) fn has_backlog(&self) -> bool {
        let state = self.state.borrow();
        state.at < state.end()
    }

    /// Appends one record.
    ///
    /// # Errors
    /// The record cannot be encoded or is too large for any frame; the queue is as it was.
    #[inline]
    pub(super) fn push<T: Serialize>(&self, record: &T) -> Result<(), CodecError> {
        let mut state = self.state.borrow_mut();
        state.open_frame();
        let before = state.buffer.len();
        if let Err(error) = append_record(self.codec, record, &mut state.buffer) {
            state.undo(before);
            return Err(error);
        }
        state.open_records += 1;
        if state.open_bytes() >= CHUNK_BYTES {
            state.close_frame();
            drop(state);
            self.pump(false);
        }
        Ok(())
    }

    /// Appends a frame of records that are encoded already.
    pub(super) fn push_frame(&self, payload: &[u8], records: u64) {
        let mut state = self.state.borrow_mut();
        state.close_frame();
        state.open_frame();
        state.buffer.extend_from_slice(payload);
        state.open_records = records;
        state.close_frame();
        drop(state);
        self.pump(false);
    }

    /// Appends the goodbye.
    pub(super) fn push_goodbye(&self, reason: &str) {
        let mut state = self.state.borrow_mut();
        state.close_frame();
        state.buffer.extend_from_slice(&frame_header(FrameKind::Goodbye, reason.len()));
        state.buffer.extend_from_slice(reason.as_bytes());
        state.closed.push_back(Frame { bytes: FRAME_HEADER_BYTES + reason.len(), records: 0 });
        drop(state);
        self.flush();
    }

    /// Ends the tick: what the socket does not take now is the writer task's.
    pub(super) fn flush(&self) {
        self.state.borrow_mut().close_frame();
        self.pump(true);
        if self.has_backlog() {
            self.work.notify_one();
        }
    }

    /// Writes what the socket takes: everything, or whole chunks only, whose rest waits for more.
    pub(super) fn pump(&self, all: bool) {
        let mut state = self.state.borrow_mut();
        state.write(all);
        if state.error.is_some() {
            self.work.notify_one();
        }
        if state.at == state.end() {
            self.emptied.notify_one();
        }
        state.compact();
        self.mind_the_gate(&mut state);
    }

    /// Returns the error that a write met, once.
    pub(super) fn take_error(&self) -> Option<io::Error> {
        self.state.borrow_mut().error.take()
    }

    /// Tells whether the queue keeps the gate shut.
    pub(super) fn is_over(&self) -> bool {
        self.state.borrow().over
    }

    /// The peer took nothing for a while although we do not read either: it may be in the same state because of us. So the limit rises
    /// and we read on; for a peer that sends us nothing, as far as a ring of programs may reasonably need.
    pub(super) fn raise_limit(&self) {
        let mut state = self.state.borrow_mut();
        let limit = state.buffer.len() - state.at + QUEUE_LIMIT_BYTES;
        let answers = self.peer().is_some_and(|peer| self.node.is_sender(&peer.process));
        if answers || limit <= RISEN_LIMIT_BYTES {
            state.limit = limit;
            self.mind_the_gate(&mut state);
        }
    }

    fn mind_the_gate(&self, state: &mut State) {
        let size = state.buffer.len() - state.at;
        if size < OPEN_BYTES {
            state.limit = QUEUE_LIMIT_BYTES;
        }
        if !state.over && size > state.limit {
            state.over = true;
            self.node.gate.shut();
            self.work.notify_one();
        } else if state.over && (size < OPEN_BYTES || size < state.limit && state.limit > QUEUE_LIMIT_BYTES) {
            state.over = false;
            self.node.gate.open();
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        if self.state.get_mut().over {
            self.node.gate.open();
        }
    }
}

/// Appends one record, unless it is too large for a frame that may already hold almost a chunk.
#[inline(always)]
pub(super) fn append_record<T: Serialize>(codec: Codec, record: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let before = out.len();
    codec::append(codec, record, out)?;
    let bytes = out.len() - before;
    if bytes > MAX_FRAME_BYTES - CHUNK_BYTES { Err(CodecError::TooLarge(bytes)) } else { Ok(()) }
}

impl State {
    #[inline]
    fn open_frame(&mut self) {
        if self.open.is_none() {
            self.open = Some(self.buffer.len());
            self.buffer.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
        }
    }

    #[inline]
    fn open_bytes(&self) -> usize {
        self.open.map_or(0, |open| self.buffer.len() - open)
    }

    /// Returns where the frames that may be written end.
    fn end(&self) -> usize {
        self.open.unwrap_or(self.buffer.len())
    }

    /// Cuts a record off again.
    fn undo(&mut self, before: usize) {
        self.buffer.truncate(before);
        if self.open_records == 0
            && let Some(open) = self.open.take()
        {
            self.buffer.truncate(open);
        }
    }

    fn close_frame(&mut self) {
        let Some(open) = self.open.take() else { return };
        let bytes = self.buffer.len() - open;
        let header = frame_header(FrameKind::Data, bytes - FRAME_HEADER_BYTES);
        self.buffer[open..open + FRAME_HEADER_BYTES].copy_from_slice(&header);
        self.closed.push_back(Frame { bytes, records: std::mem::take(&mut self.open_records) });
    }

    fn write(&mut self, all: bool) {
        let Some(socket) = self.socket.clone() else { return };
        let end = self.end();
        while self.error.is_none() {
            let left = end - self.at;
            if left == 0 || left < CHUNK_BYTES && !all {
                return;
            }
            let size = if left > SEGMENT_BYTES { CHUNK_BYTES } else { left };
            match socket.try_write(&self.buffer[self.at..self.at + size]) {
                Ok(count) => self.advance(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => self.error = Some(error),
            }
        }
    }

    fn advance(&mut self, count: usize) {
        self.at += count;
        self.written += count;
        self.progress += count as u64;
        while let Some(frame) = self.closed.front()
            && frame.bytes <= self.written
        {
            self.written -= frame.bytes;
            self.closed.pop_front();
        }
    }

    /// Moves what is left to the front when that is cheap beside what was written. The written part of the first frame stays, so
    /// that the frame can be begun anew.
    fn compact(&mut self) {
        let done = self.at - self.written;
        let share = if done < KEPT_BYTES { COMPACT_SHARE } else { 1 };
        if done == 0 || done / share < self.buffer.len() - done {
            return;
        }
        self.buffer.copy_within(done.., 0);
        self.buffer.truncate(self.buffer.len() - done);
        self.at -= done;
        self.open = self.open.map(|open| open - done);
        if self.buffer.is_empty() && self.buffer.capacity() > KEPT_BYTES {
            self.buffer = Vec::new();
        }
    }
}
