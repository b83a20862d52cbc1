//! The sending end of a link: records become frames in one place, are written from there as often as it takes, and are forgotten when the
//! receiver has worked on them.
//!
//! It writes nothing itself: [`Sender::slices`] says what may be written, [`Sender::written`] that it was. It outlives connections.

use std::collections::VecDeque;
use std::io::IoSlice;

use super::Violation;
use super::outbox::Outbox;
pub use super::outbox::SLICES;
use crate::contract::{
    Expectation, FRAME_HEADER_BYTES, FrameHeader, FrameKind, MAX_FRAME_BYTES, MAX_RECORD_BYTES, Offer,
};

/// Bytes written at once, and the size at which a frame is closed: just below the loopback's segment (65,483 bytes), since a write just
/// above it leaves a tiny second segment behind each first one and halves the throughput.
pub const CHUNK_BYTES: usize = 60 << 10;
/// What may be written at once where that is the end: a frame that grew a little over a chunk need not be cut in two.
const SEGMENT_BYTES: usize = 65_483;
/// What has to be cut in two for that alone begins with a small part: the peer wakes up while the rest is copied. It saves a round trip of 64 KiB up to a
/// tenth of its time.
const FIRST_BYTES: usize = 16 << 10;
/// The most that is cut that way.
const FIRST_OF_TWO: usize = FIRST_BYTES + SEGMENT_BYTES;

/// A closed frame that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Mark {
    bytes: u32,
    records: u32,
}

/// The frame that grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Open {
    /// Where its header is in the outbox's tail.
    offset: usize,
    records: u32,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sender {
    stream: u64,
    lossy: bool,
    /// Number of the first record that is kept.
    first: u64,
    /// Number of the next record.
    next: u64,
    outbox: Outbox,
    open: Option<Open>,
    /// Closed frames from record `first` on.
    kept: VecDeque<Mark>,
    /// Place of the first kept frame, and behind the last closed one.
    kept_at: u64,
    closed_at: u64,
    /// Whether the receiver acknowledges; otherwise what is written is forgotten.
    acknowledged: bool,
    window: u64,
    /// Bytes of the largest kept record that went in pieces: they must fit into the window, however small that is.
    largest: u64,
    checks: bool,
    /// Whether frames have headers; a peer that reads lines gets the records alone.
    headers: bool,
    /// A frame that is written before all others.
    control: Vec<u8>,
    /// Records that a lossy link left out.
    dropped: u64,
}

impl Sender {
    /// Creates the sender of a stream of that number.
    #[must_use]
    pub fn new(stream: u64, lossy: bool) -> Self {
        Self {
            stream,
            lossy,
            first: 0,
            next: 0,
            outbox: Outbox::default(),
            open: None,
            kept: VecDeque::new(),
            kept_at: 0,
            closed_at: 0,
            acknowledged: false,
            window: 0,
            largest: 0,
            checks: false,
            headers: true,
            control: Vec::new(),
            dropped: 0,
        }
    }

    /// Creates the sender for a peer that wants the records alone, without frames.
    #[must_use]
    pub fn bare(stream: u64, lossy: bool) -> Self {
        Self { headers: false, ..Self::new(stream, lossy) }
    }

    /// Returns what this end offers a receiver.
    #[must_use]
    pub fn offer(&self) -> Offer {
        Offer { stream: self.stream, first: self.first, lossy: self.lossy }
    }

    /// Begins a connection. `expects` is where the receiver stands, `window` the bytes it lets be on their way unacknowledged; none: it does not
    /// acknowledge. `checks`: frames get a checksum. Returns how many records are sent once more.
    ///
    /// # Errors
    /// The receiver expects what is not there: it confuses us with somebody else.
    pub fn connect(
        &mut self,
        expects: Option<Expectation>,
        window: Option<u32>,
        checks: bool,
    ) -> Result<u64, Violation> {
        let expected =
            expects.filter(|expects| expects.stream == self.stream).map_or(self.first, |expects| expects.next);
        // What a lossy link has left out, or written into a connection that broke, is not there any more, and the receiver goes on without it.
        let number = if self.lossy { expected.max(self.first) } else { expected };
        // Frames are kept as they were written, so a receiver always stands between two of them.
        let (mut place, mut at, mut again) = (self.kept_at, self.first, 0);
        for mark in &self.kept {
            if at >= number {
                break;
            }
            (place, at) = (place + u64::from(mark.bytes), at + u64::from(mark.records));
        }
        if at != number {
            return Err(Violation::Unknown { expected: number, first: self.first, next: self.next });
        }
        if place < self.outbox.at() {
            again = self.written_records().saturating_sub(number - self.first);
        }
        self.outbox.rewind(place);
        self.control.clear();
        self.acknowledged = window.is_some() && !self.lossy;
        self.window = u64::from(window.unwrap_or(u32::MAX));
        self.checks = checks;
        self.forget_written();
        Ok(again)
    }

    /// Counts the kept records whose frames were written at least in part.
    fn written_records(&self) -> u64 {
        let (mut place, mut records) = (self.kept_at, 0);
        for mark in &self.kept {
            if place >= self.outbox.at() {
                break;
            }
            place += u64::from(mark.bytes);
            records += u64::from(mark.records);
        }
        records
    }

    /// Appends one record, which `encode` writes; on its error nothing is appended.
    ///
    /// # Errors
    /// That of `encode`, or the record's size as `too_large` says it.
    #[inline(always)]
    pub fn push<E>(
        &mut self,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
        too_large: impl FnOnce(usize) -> E,
    ) -> Result<(), E> {
        if self.open.is_none() {
            self.open_frame();
        }
        let tail = self.outbox.tail();
        let before = tail.len();
        let result = encode(tail);
        let bytes = tail.len() - before;
        if result.is_err() || bytes > MAX_FRAME_BYTES - CHUNK_BYTES - FRAME_HEADER_BYTES {
            return self.push_unusual(before, result, too_large);
        }
        self.next += 1;
        if let Some(open) = &mut self.open {
            open.records += 1;
        }
        Ok(())
    }

    #[cold]
    fn push_unusual<E>(
        &mut self,
        before: usize,
        result: Result<(), E>,
        too_large: impl FnOnce(usize) -> E,
    ) -> Result<(), E> {
        let record = self.outbox.tail().split_off(before);
        if let Some(Open { offset, records: 0 }) = self.open {
            self.outbox.tail().truncate(offset);
            self.open = None;
        }
        result?;
        if record.len() > MAX_RECORD_BYTES {
            return Err(too_large(record.len()));
        }
        self.close_frame();
        let (pieces, before) = (record.len().div_ceil(MAX_FRAME_BYTES), self.closed_at);
        for (index, piece) in record.chunks(MAX_FRAME_BYTES).enumerate() {
            self.append_frame(FrameKind::Piece, piece, u32::from(index + 1 == pieces));
        }
        self.next += 1;
        self.largest = self.largest.max(self.closed_at - before);
        Ok(())
    }

    /// Appends a frame of records that are encoded already, `payload` being at most [`MAX_FRAME_BYTES`] long.
    pub fn push_frame(&mut self, payload: &[u8], records: u32) {
        self.close_frame();
        self.append_frame(FrameKind::Data, payload, records);
        self.next += u64::from(records);
    }

    /// Appends a frame of records that are encoded already, behind room for its header; in place of the buffer an empty one is left.
    pub fn push_buffer(&mut self, buffer: &mut Vec<u8>, records: u32) {
        self.close_frame();
        let Some((head, payload)) = buffer.split_first_chunk_mut::<FRAME_HEADER_BYTES>() else { return };
        if !self.headers {
            self.append_frame(FrameKind::Data, payload, records);
        } else {
            *head = header(FrameKind::Data, self.next, records, payload, self.checks);
            let bytes = buffer.len();
            self.outbox.adopt(buffer);
            self.keep(bytes, records);
        }
        self.next += u64::from(records);
    }

    /// Appends a frame that stands for records which the receiver gets in another way; returns the number of the first.
    pub fn push_parcel(&mut self, records: u32) -> u64 {
        self.close_frame();
        let number = self.next;
        self.append_frame(FrameKind::HandedOver, &[], records);
        self.next += u64::from(records);
        number
    }

    /// Appends the goodbye, behind everything else.
    pub fn push_goodbye(&mut self, reason: &str) {
        self.close_frame();
        self.append_frame(FrameKind::Goodbye, reason.as_bytes(), 0);
    }

    fn append_frame(&mut self, kind: FrameKind, payload: &[u8], records: u32) {
        self.outbox.begin();
        if !self.headers {
            let is_said = matches!(kind, FrameKind::Data | FrameKind::Piece);
            let payload = if is_said { payload } else { &[] };
            self.outbox.tail().extend_from_slice(payload);
            return self.keep(payload.len(), records);
        }
        let tail = self.outbox.tail();
        tail.extend_from_slice(&header(kind, self.next, records, payload, self.checks));
        tail.extend_from_slice(payload);
        self.keep(FRAME_HEADER_BYTES + payload.len(), records);
    }

    #[cold]
    fn open_frame(&mut self) {
        self.outbox.begin();
        let tail = self.outbox.tail();
        let offset = tail.len();
        if self.headers {
            tail.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
        }
        self.open = Some(Open { offset, records: 0 });
    }

    /// Tells whether the frame that grows is large enough to be closed.
    #[must_use]
    #[inline(always)]
    pub fn has_full_frame(&mut self) -> bool {
        match self.open {
            Some(open) => self.outbox.tail().len() - open.offset >= CHUNK_BYTES,
            None => false,
        }
    }

    /// Closes the frame that grows, so that it may be written.
    pub fn close_frame(&mut self) {
        let Some(Open { offset, records }) = self.open.take() else { return };
        let (checks, number) = (self.checks, self.next - u64::from(records));
        let tail = self.outbox.tail();
        if !self.headers {
            let bytes = tail.len() - offset;
            return self.keep(bytes, records);
        }
        let payload = tail.get(offset + FRAME_HEADER_BYTES..).unwrap_or_default();
        let header = header(FrameKind::Data, number, records, payload, checks);
        let bytes = payload.len() + FRAME_HEADER_BYTES;
        tail[offset..offset + FRAME_HEADER_BYTES].copy_from_slice(&header);
        self.keep(bytes, records);
    }

    fn keep(&mut self, bytes: usize, records: u32) {
        self.kept.push_back(Mark { bytes: u32::try_from(bytes).unwrap_or(u32::MAX), records });
        self.closed_at += bytes as u64;
    }

    /// Tells how many bytes of closed frames are not written on this connection.
    #[must_use]
    #[inline]
    pub fn backlog(&self) -> usize {
        usize::try_from(self.closed_at - self.outbox.at()).unwrap_or(usize::MAX) + self.control.len()
    }

    /// Tells how many bytes are written and not acknowledged.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.outbox.at() - self.kept_at
    }

    /// Tells how many bytes are held in all.
    #[must_use]
    #[inline]
    pub fn held(&self) -> usize {
        usize::try_from(self.outbox.end() - self.kept_at).unwrap_or(usize::MAX)
    }

    /// Counts the records that are not acknowledged, or not written where nothing is.
    #[must_use]
    pub fn pending_records(&self) -> u64 {
        self.next - self.first
    }

    /// Tells whether every record is kept until the receiver has worked on it.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.acknowledged
    }

    /// Returns the number of the next record.
    #[must_use]
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// Fills in what may be written now, and returns in how many parts: whole chunks, or with `all` the rest of the backlog as well. Nothing when
    /// the receiver's window is full.
    #[inline]
    pub fn slices<'a>(&'a self, all: bool, into: &mut [IoSlice<'a>; SLICES]) -> usize {
        if !self.control.is_empty() {
            into[0] = IoSlice::new(&self.control);
            return 1;
        }
        let left = usize::try_from(self.closed_at - self.outbox.at()).unwrap_or(usize::MAX);
        if left == 0 || left < CHUNK_BYTES && !all || self.in_flight() >= self.window.max(self.largest) {
            return 0;
        }
        let size = match left {
            ..=SEGMENT_BYTES => left,
            ..=FIRST_OF_TWO if all => FIRST_BYTES,
            _ => CHUNK_BYTES,
        };
        self.outbox.slices(self.closed_at, size, into)
    }

    /// `count` bytes of what [`Sender::slices`] filled in were written.
    #[inline]
    pub fn written(&mut self, count: usize) {
        if !self.control.is_empty() {
            drop(self.control.drain(..count.min(self.control.len())));
            return;
        }
        self.outbox.advance(count);
        if !self.acknowledged {
            self.forget_written();
        }
    }

    /// Forgets frames that are written as a whole, where nobody will acknowledge them.
    fn forget_written(&mut self) {
        while !self.acknowledged
            && let Some(mark) = self.kept.front()
            && self.kept_at + u64::from(mark.bytes) <= self.outbox.at()
        {
            self.forget_first();
        }
        self.outbox.release(self.kept_at);
    }

    fn forget_first(&mut self) {
        if let Some(mark) = self.kept.pop_front() {
            self.kept_at += u64::from(mark.bytes);
            self.first += u64::from(mark.records);
        }
        if self.kept.is_empty() {
            self.largest = 0;
        }
    }

    /// The receiver has worked on all records below `number`, and lets `window` bytes be on their way.
    ///
    /// # Errors
    /// It acknowledges what was never written.
    pub fn acknowledge(&mut self, number: u64, window: u32) -> Result<(), Violation> {
        self.window = u64::from(window);
        while self.acknowledged
            && self.first < number
            && let Some(mark) = self.kept.front()
            && self.first + u64::from(mark.records) <= number
        {
            if self.kept_at + u64::from(mark.bytes) > self.outbox.at() {
                return Err(Violation::NotSent(number - 1));
            }
            self.forget_first();
        }
        self.outbox.release(self.kept_at);
        if number > self.next {
            return Err(Violation::NotSent(number - 1));
        }
        Ok(())
    }

    /// Adds a sign of life, if nothing is on its way that would be one.
    pub fn show_life(&mut self) {
        if self.headers && self.control.is_empty() && self.outbox.at() == self.closed_at {
            let header = FrameHeader { number: self.next, ..FrameHeader::new(FrameKind::Alive, 0) };
            self.control.extend_from_slice(&header.bytes());
        }
    }

    /// Leaves out what is not written yet if that is more than `limit` bytes: on a lossy link the newest records count. Between frames only.
    pub fn shed(&mut self, limit: usize) {
        if !self.lossy || self.open.is_some() || self.backlog() <= limit {
            return;
        }
        let (mut place, mut keep, mut number) = (self.kept_at, 0, self.first);
        for mark in &self.kept {
            if place >= self.outbox.at() {
                break;
            }
            (place, keep, number) = (place + u64::from(mark.bytes), keep + 1, number + u64::from(mark.records));
        }
        self.outbox.truncate(place);
        self.kept.truncate(keep);
        self.closed_at = place;
        let left_out = self.next - number;
        self.dropped += left_out;
        // The numbers that are left out count with the frame before them.
        match self.kept.back_mut() {
            Some(mark) => mark.records = mark.records.saturating_add(u32::try_from(left_out).unwrap_or(u32::MAX)),
            None => self.first = self.next,
        }
    }

    /// Tells whether records may be left out.
    #[must_use]
    pub fn is_lossy(&self) -> bool {
        self.lossy
    }

    /// Counts the records that were left out.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// Returns what stands in front of a payload.
fn header(kind: FrameKind, number: u64, amount: u32, payload: &[u8], checks: bool) -> [u8; FRAME_HEADER_BYTES] {
    let checksum = checks.then(|| crc32fast::hash(payload));
    FrameHeader { number, amount, checksum, ..FrameHeader::new(kind, payload.len()) }.bytes()
}
