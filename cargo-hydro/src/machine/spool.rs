//! Lines on disk: what does not fit into memory, in a file without a name that goes with its last owner.
//!
//! Knows numbers of lines, not who wrote them. Read [`Spool::push`] first.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// A line's place is kept for each so many.
const STRIDE: u64 = 1000;
/// Bytes kept on disk; then all that is there goes.
const KEPT_BYTES: u64 = 4 << 30;
/// Bytes that a reader takes at a time.
const CHUNK: usize = 64 << 10;

/// The first lines of a stream, without gaps.
#[derive(Debug)]
pub(super) struct Spool {
    file: Arc<File>,
    /// Number of its first line.
    first: u64,
    /// Number of the line that comes next.
    next: u64,
    end: u64,
    /// Where each [`STRIDE`]th line begins.
    index: Vec<u64>,
}

impl Spool {
    /// Makes an empty one whose first line will have this number.
    pub(super) fn new(first: u64) -> io::Result<Self> {
        Ok(Self { file: Arc::new(tempfile::tempfile()?), first, next: first, end: 0, index: Vec::new() })
    }

    pub(super) fn first(&self) -> u64 {
        self.first
    }

    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Appends lines.
    pub(super) fn push<'a>(&mut self, lines: impl Iterator<Item = &'a str>) -> io::Result<()> {
        if self.end > KEPT_BYTES {
            *self = Self::new(self.next)?;
        }
        let mut bytes = Vec::new();
        for line in lines {
            if (self.next - self.first).is_multiple_of(STRIDE) {
                self.index.push(self.end + bytes.len() as u64);
            }
            // Lines of services may hold any sign but the one that ends them.
            bytes.extend_from_slice(line.as_bytes());
            bytes.push(b'\n');
            self.next += 1;
        }
        self.file.write_all_at(&bytes, self.end)?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// Returns what reads from a line on that is there.
    pub(super) fn read(&self, line: u64) -> Reader {
        let stride = (line - self.first) / STRIDE;
        let at = usize::try_from(stride).ok().and_then(|stride| self.index.get(stride)).copied().unwrap_or(0);
        let line_there = self.first + stride * STRIDE;
        Reader { file: Arc::clone(&self.file), at, next: line_there, chunk: Vec::new(), taken: 0, wanted: line }
    }
}

/// Reads lines one by one.
#[derive(Debug)]
pub(super) struct Reader {
    file: Arc<File>,
    /// Where the rest of the file begins.
    at: u64,
    /// Number of the line that comes next.
    next: u64,
    chunk: Vec<u8>,
    /// How much of the chunk was read.
    taken: usize,
    /// Lines before this one are passed over.
    wanted: u64,
}

impl Reader {
    /// Returns the line of this number, which must be the next; none: it is not there.
    pub(super) fn line(&mut self, number: u64) -> Option<String> {
        if number != self.wanted {
            return None;
        }
        loop {
            let rest = &self.chunk[self.taken..];
            let Some(length) = rest.iter().position(|byte| *byte == b'\n') else {
                self.refill()?;
                continue;
            };
            let line = (self.next == number).then(|| String::from_utf8_lossy(&rest[..length]).into_owned());
            self.taken += length + 1;
            self.next += 1;
            if line.is_some() {
                self.wanted += 1;
                return line;
            }
        }
    }

    /// Takes more of the file; none: there is no more.
    fn refill(&mut self) -> Option<()> {
        self.chunk.drain(..self.taken);
        self.taken = 0;
        let kept = self.chunk.len();
        self.chunk.resize(kept + CHUNK, 0);
        let read = self.file.read_at(&mut self.chunk[kept..], self.at).unwrap_or(0);
        self.chunk.truncate(kept + read);
        self.at += read as u64;
        (read > 0).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_from_anywhere() {
        let mut spool = Spool::new(5).unwrap();
        let lines: Vec<String> = (5..4005).map(|number| format!("line {number}")).collect();
        for some in lines.chunks(700) {
            spool.push(some.iter().map(String::as_str)).unwrap();
        }
        assert_eq!((spool.first(), spool.next()), (5, 4005));
        for start in [5, 6, 1004, 1005, 3999] {
            let mut reader = spool.read(start);
            for number in start..4005 {
                assert_eq!(reader.line(number), Some(format!("line {number}")));
            }
            assert_eq!(reader.line(4005), None);
        }
        let mut reader = spool.read(4000);
        assert_eq!(reader.line(4004), None, "not in order");
        let long = "x".repeat(CHUNK * 2);
        spool.push([long.as_str()].into_iter()).unwrap();
        assert_eq!(spool.read(4005).line(4005), Some(long));
    }
}
