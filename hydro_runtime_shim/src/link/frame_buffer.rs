//! Bytes of one connection, read in big pieces and cut into frames in place.
//!
//! Knows no records: the stream decodes them where they lie.

use std::io;

use super::wire::Wire;
use crate::contract::{FRAME_HEADER_BYTES, FrameHeader, FrameKind, MAX_RECORD_BYTES};

/// A quiet connection costs no more than this.
const SMALL_BYTES: usize = 8 << 10;
/// What one read of a busy connection takes at most.
const LARGE_BYTES: usize = 256 << 10;

/// What stands at the front of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Front {
    /// A whole frame, now open; its payload is [`FrameBuffer::open_frame`].
    Frame(FrameHeader),
    /// Not a whole frame yet.
    Incomplete,
    /// No frame at all, or one whose checksum is wrong.
    Malformed(&'static str),
}

/// How the bytes are cut.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// At the headers.
    Frames,
    /// At newlines: each line is a frame with one record. The next one has this number, and there is no newline before `looked`.
    Lines { number: u64, looked: usize },
}

/// `buffer[start..end]` is read but not used; the open frame ends at `frame_end`.
#[derive(Debug)]
pub(super) struct FrameBuffer {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    frame_end: usize,
    cut: Cut,
}

impl FrameBuffer {
    /// Creates an empty buffer.
    pub(super) fn new() -> Self {
        Self { buffer: vec![0; SMALL_BYTES], start: 0, end: 0, frame_end: 0, cut: Cut::Frames }
    }

    /// Creates the buffer of a peer that sends lines, of which `begun` is there already.
    pub(super) fn lines(begun: &[u8]) -> Self {
        let mut buffer = Self { cut: Cut::Lines { number: 0, looked: 0 }, ..Self::new() };
        buffer.append(begun);
        buffer
    }

    fn append(&mut self, bytes: &[u8]) {
        let end = self.end + bytes.len();
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        self.buffer[self.end..end].copy_from_slice(bytes);
        self.end = end;
    }

    /// Ends the last line, which lacks its newline. False: there is none, or the bytes are no lines.
    pub(super) fn end_line(&mut self) -> bool {
        let ends = matches!(self.cut, Cut::Lines { .. }) && !self.is_empty();
        if ends {
            self.append(b"\n");
        }
        ends
    }

    /// Tells whether the peer sends lines.
    pub(super) fn has_lines(&self) -> bool {
        matches!(self.cut, Cut::Lines { .. })
    }

    /// Lends the bytes out, for as long as records are taken off the open frame, which is at the returned place.
    pub(super) fn lend(&mut self) -> (Vec<u8>, std::ops::Range<usize>) {
        (std::mem::take(&mut self.buffer), self.start..self.frame_end)
    }

    /// Takes the bytes back; the open frame now begins at `start`.
    pub(super) fn take_back(&mut self, buffer: Vec<u8>, start: usize) {
        (self.buffer, self.start) = (buffer, start);
    }

    /// Returns the rest of the open frame.
    #[inline]
    pub(super) fn open_frame(&self) -> &[u8] {
        self.buffer.get(self.start..self.frame_end).unwrap_or_default()
    }

    /// Skips the rest of the open frame.
    pub(super) fn skip(&mut self) {
        self.start = self.frame_end;
    }

    /// Skips what is left of the open frame and opens the next one, if it is there as a whole.
    pub(super) fn advance(&mut self) -> Front {
        self.start = self.start.max(self.frame_end);
        if let Cut::Lines { number, looked } = self.cut {
            return self.advance_line(number, looked);
        }
        let Some(header) = self.buffer[self.start..self.end].first_chunk::<FRAME_HEADER_BYTES>() else {
            return Front::Incomplete;
        };
        let Some(header) = FrameHeader::parse(*header) else {
            return Front::Malformed("no frame header");
        };
        let payload = self.start + FRAME_HEADER_BYTES;
        let length = header.length as usize;
        if self.end - payload < length {
            return Front::Incomplete;
        }
        self.start = payload;
        self.frame_end = payload + length;
        if header.checksum.is_some_and(|sum| sum != crc32fast::hash(self.open_frame())) {
            return Front::Malformed("the checksum of a frame is wrong");
        }
        Front::Frame(header)
    }

    fn advance_line(&mut self, number: u64, looked: usize) -> Front {
        let mut looked = looked.max(self.start);
        while let Some(length) = self.buffer[looked..self.end].iter().position(|byte| *byte == b'\n') {
            let (line, end) = (self.start, looked + length + 1);
            looked = end;
            if self.buffer[line..end].iter().all(u8::is_ascii_whitespace) {
                (self.start, self.frame_end) = (end, end);
                continue;
            }
            self.frame_end = end;
            self.cut = Cut::Lines { number: number + 1, looked };
            let header = FrameHeader::new(FrameKind::Data, end - line);
            return Front::Frame(FrameHeader { number, amount: 1, ..header });
        }
        self.cut = Cut::Lines { number, looked: self.end };
        if self.end - self.start > MAX_RECORD_BYTES {
            return Front::Malformed("a line is too long");
        }
        Front::Incomplete
    }

    /// Tells whether the next frame is not there as a whole.
    pub(super) fn is_incomplete(&self) -> bool {
        let start = self.start.max(self.frame_end);
        if let Cut::Lines { looked, .. } = self.cut {
            return !self.buffer[looked.max(start)..self.end].contains(&b'\n');
        }
        match self.buffer[start..self.end].first_chunk::<FRAME_HEADER_BYTES>().map(|header| FrameHeader::parse(*header))
        {
            None => true,
            Some(None) => false,
            Some(Some(header)) => self.end - start - FRAME_HEADER_BYTES < header.length as usize,
        }
    }

    /// Tells whether everything that was read is used.
    pub(super) fn is_empty(&self) -> bool {
        self.start.max(self.frame_end) == self.end
    }

    /// Forgets everything: another connection begins.
    pub(super) fn clear(&mut self) {
        (self.start, self.end, self.frame_end) = (0, 0, 0);
        self.look_again();
    }

    /// Places in the buffer have changed.
    fn look_again(&mut self) {
        if let Cut::Lines { looked, .. } = &mut self.cut {
            *looked = 0;
        }
    }

    /// Reads once from the socket. 0: the other end is gone.
    ///
    /// # Errors
    /// What the system says; nothing to read is an error, too (`WouldBlock`).
    pub(super) fn fill(&mut self, socket: &Wire) -> io::Result<usize> {
        self.make_room();
        let room = self.buffer.len() - self.end;
        let count = socket.try_read(&mut self.buffer[self.end..])?;
        self.end += count;
        if count == room && self.buffer.len() < LARGE_BYTES {
            // More is waiting: this connection is busy and worth a bigger buffer.
            let size = (self.buffer.len() * 4).min(LARGE_BYTES);
            self.buffer.resize(size, 0);
        }
        Ok(count)
    }

    /// Moves what is unused to the front and grows the buffer when a frame fills it. It grows as bytes arrive, whatever a header
    /// claims; after a big frame it shrinks again.
    fn make_room(&mut self) {
        let start = self.start.max(self.frame_end);
        if start == self.end {
            if self.buffer.len() > LARGE_BYTES {
                self.buffer = vec![0; LARGE_BYTES];
            }
            self.clear();
            return;
        }
        if self.buffer.len() - self.end >= self.buffer.len() / 4 {
            return;
        }
        self.buffer.copy_within(start..self.end, 0);
        (self.start, self.end, self.frame_end) = (0, self.end - start, 0);
        self.look_again();
        if self.end >= self.buffer.len() / 2 {
            let size = self.buffer.len() * 2;
            self.buffer.resize(size, 0);
        }
    }
}
