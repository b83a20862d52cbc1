//! Bytes in the order they are sent, kept until they are released: appended at one end, read from a place in between, dropped at the other.
//!
//! Knows no frames. Places are counted from the first byte ever appended. Small buffers follow one another rather than one large one, so that
//! nothing is ever moved, and released ones are used again while they are still in the processor's cache.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::io::IoSlice;

/// A buffer that holds this much is followed by another one.
const BUFFER_BYTES: usize = 60 << 10;
/// Released buffers kept for later; more than one acknowledgement sets free at once.
const SPARE_BUFFERS: usize = 8;
/// A buffer larger than this is not kept. One that holds a record of a buffer's size beside others is.
const SPARE_BYTES: usize = 4 * BUFFER_BYTES;
/// A buffer smaller than this is copied.
const COPIED_BYTES: usize = 8 << 10;
/// Parts that are handed out at once.
pub const SLICES: usize = 8;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Outbox {
    /// Buffers that are full, from the first that is not released.
    full: VecDeque<Vec<u8>>,
    /// Place of the first byte of `full`, or of `tail` where there is none.
    front: u64,
    /// The buffer that grows, and the place of its first byte.
    tail: Vec<u8>,
    tail_at: u64,
    /// What is read next: its place, in which of `full` it lies (or in `tail`, one further), and where in there.
    at: u64,
    at_buffer: usize,
    at_offset: usize,
    spare: Vec<Vec<u8>>,
}

impl Outbox {
    /// Returns the buffer to append to.
    #[inline(always)]
    pub(super) fn tail(&mut self) -> &mut Vec<u8> {
        &mut self.tail
    }

    /// Begins another buffer if the current one is full enough. What is appended between two calls lies in one piece.
    #[inline]
    pub(super) fn begin(&mut self) {
        if self.tail.len() >= BUFFER_BYTES {
            // The last one was filled, so this one will be: it need not grow step by step.
            let next = self.spare.pop().unwrap_or_else(|| Vec::with_capacity(self.tail.capacity().min(SPARE_BYTES)));
            self.tail_at += self.tail.len() as u64;
            self.full.push_back(std::mem::replace(&mut self.tail, next));
        }
    }

    /// Appends a buffer, and leaves an empty one in its place. A small one is copied, so that many of them do not take a page each.
    pub(super) fn adopt(&mut self, buffer: &mut Vec<u8>) {
        if buffer.len() < COPIED_BYTES {
            self.begin();
            self.tail.extend_from_slice(buffer);
            return buffer.clear();
        }
        if !self.tail.is_empty() {
            self.tail_at += self.tail.len() as u64;
            self.full.push_back(std::mem::take(&mut self.tail));
        }
        let next = self.spare.pop().unwrap_or_else(|| Vec::with_capacity(buffer.capacity().min(SPARE_BYTES)));
        self.tail_at += buffer.len() as u64;
        self.full.push_back(std::mem::replace(buffer, next));
    }

    /// Returns the place behind the last byte.
    #[inline]
    pub(super) fn end(&self) -> u64 {
        self.tail_at + self.tail.len() as u64
    }

    /// Returns the place that is read next.
    #[inline]
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Returns the place of the first byte that is kept.
    #[cfg(test)]
    pub(super) fn front(&self) -> u64 {
        self.front
    }

    /// Fills in the parts of the next `limit` bytes that lie before `end`; returns how many parts.
    pub(super) fn slices<'a>(&'a self, end: u64, mut limit: usize, into: &mut [IoSlice<'a>; SLICES]) -> usize {
        limit = limit.min(usize::try_from(end.saturating_sub(self.at)).unwrap_or(usize::MAX));
        let (mut buffer, mut offset, mut count) = (self.at_buffer, self.at_offset, 0);
        while limit > 0 && count < SLICES {
            let bytes = self.full.get(buffer).unwrap_or(&self.tail);
            let part = bytes.get(offset..).unwrap_or_default();
            let part = &part[..part.len().min(limit)];
            if part.is_empty() && buffer >= self.full.len() {
                break;
            }
            if !part.is_empty() {
                into[count] = IoSlice::new(part);
                count += 1;
                limit -= part.len();
            }
            (buffer, offset) = (buffer + 1, 0);
        }
        count
    }

    /// Moves the place that is read next by `count` bytes.
    pub(super) fn advance(&mut self, count: usize) {
        self.at += count as u64;
        self.at_offset += count;
        while let Some(buffer) = self.full.get(self.at_buffer)
            && self.at_offset >= buffer.len()
        {
            self.at_offset -= buffer.len();
            self.at_buffer += 1;
        }
    }

    /// Makes `place`, which must be kept still, the one that is read next.
    pub(super) fn rewind(&mut self, place: u64) {
        (self.at, self.at_buffer, self.at_offset) = (self.front, 0, 0);
        self.advance(usize::try_from(place - self.front).unwrap_or_default());
    }

    /// Drops everything before `place`, which is read already.
    pub(super) fn release(&mut self, place: u64) {
        while let Some(buffer) = self.full.front()
            && self.front + buffer.len() as u64 <= place
            && self.at_buffer > 0
        {
            self.front += buffer.len() as u64;
            self.at_buffer -= 1;
            if let Some(buffer) = self.full.pop_front() {
                self.keep(buffer);
            }
        }
        if self.full.is_empty() && place == self.end() && self.at == place {
            (self.front, self.tail_at, self.at_offset) = (place, place, 0);
            if self.tail.capacity() > SPARE_BYTES {
                self.tail = Vec::new();
            }
            self.tail.clear();
        }
    }

    /// Drops everything from `place` on, which is not read yet.
    pub(super) fn truncate(&mut self, place: u64) {
        while place < self.tail_at
            && let Some(buffer) = self.full.pop_back()
        {
            self.tail_at -= buffer.len() as u64;
            let dropped = std::mem::replace(&mut self.tail, buffer);
            self.keep(dropped);
        }
        self.tail.truncate(usize::try_from(place.saturating_sub(self.tail_at)).unwrap_or_default());
    }

    fn keep(&mut self, mut buffer: Vec<u8>) {
        if self.spare.len() < SPARE_BUFFERS && (1..=SPARE_BYTES).contains(&buffer.capacity()) {
            buffer.clear();
            self.spare.push(buffer);
        }
    }
}

/// Two outboxes are the same when they hold the same bytes and stand at the same place; what they have to spare does not count.
impl PartialEq for Outbox {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Outbox {}

impl Hash for Outbox {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl Outbox {
    fn key(&self) -> (u64, u64, &VecDeque<Vec<u8>>, &Vec<u8>) {
        (self.front, self.at, &self.full, &self.tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(outbox: &mut Outbox, limit: usize) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let count = outbox.slices(outbox.end(), limit, &mut slices);
        let bytes = slices[..count].iter().flat_map(|slice| slice.to_vec()).collect::<Vec<u8>>();
        outbox.advance(bytes.len());
        bytes
    }

    fn append(outbox: &mut Outbox, count: usize) {
        let from = outbox.end() as usize;
        outbox.begin();
        outbox.tail().extend((from..from + count).map(|place| place as u8));
    }

    #[test]
    fn bytes_are_read_in_order_again_and_released() {
        let mut outbox = Outbox::default();
        for _ in 0..50 {
            append(&mut outbox, 7_001);
        }
        let whole: Vec<u8> = (0..outbox.end()).map(|place| place as u8).collect();
        assert_eq!(read(&mut outbox, 100_000), &whole[..100_000]);
        outbox.rewind(50_000);
        assert_eq!(read(&mut outbox, 100_000), &whole[50_000..150_000]);
        outbox.release(120_000);
        assert!(outbox.front() > 0 && outbox.front() <= 120_000);
        outbox.rewind(120_000);
        assert_eq!(read(&mut outbox, usize::MAX), &whole[120_000..]);
        outbox.release(outbox.end());
        assert_eq!(read(&mut outbox, 1), b"");
        assert_eq!(outbox.front(), outbox.end());
        append(&mut outbox, 2);
        assert_eq!(read(&mut outbox, 9), [whole.len() as u8, (whole.len() + 1) as u8]);
    }

    #[test]
    fn what_is_not_read_can_be_taken_back() {
        let mut outbox = Outbox::default();
        for _ in 0..50 {
            append(&mut outbox, 7_001);
        }
        assert_eq!(read(&mut outbox, 10).len(), 10);
        outbox.truncate(20);
        assert_eq!(outbox.end(), 20);
        append(&mut outbox, 5);
        assert_eq!(read(&mut outbox, 99), (10..25).collect::<Vec<u8>>());
    }
}
