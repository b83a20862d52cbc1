//! A ring of bytes with one writer and one reader in two processes that need not trust each other.
//!
//! Each end keeps its own count to itself and only publishes it; the other end's count is believed as far as it is possible and otherwise
//! reported as an error, after which nothing of the ring is used. Knows no sockets: that somebody must be woken is told to the caller.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU64, fence};

use super::memory::{Half, Memory, Word};

/// A writer that found the ring full goes on when this share of it is free, not at each byte: it would be woken for each.
const FREE_SHARE: u64 = 4;

/// A ring that takes less than this between two looks is quiet, and gives pages back: each that it needs again costs a fault.
const QUIET_BYTES: u64 = 64 << 10;

/// What a call moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    /// How many bytes.
    pub(super) bytes: usize,
    /// Whether the other end sleeps and must be woken.
    pub(super) wake: bool,
}

/// The writing end.
#[derive(Debug)]
pub(super) struct Producer {
    memory: Rc<Memory>,
    half: Half,
    tail: Cell<u64>,
    /// The reader's count as it was seen last.
    head: Cell<u64>,
    asleep: Cell<bool>,
    /// What was written when pages were given back last, or might have been.
    looked: Cell<u64>,
    /// Whether something was written since pages were given back.
    used: Cell<bool>,
}

/// The reading end.
#[derive(Debug)]
pub(super) struct Consumer {
    memory: Rc<Memory>,
    half: Half,
    head: Cell<u64>,
    /// The writer's count as it was seen last.
    tail: Cell<u64>,
    asleep: Cell<bool>,
}

impl Producer {
    /// Creates the writing end of a ring that nothing was written to.
    pub(super) fn new(memory: Rc<Memory>, half: Half) -> Self {
        let (tail, head, asleep, looked, used) = Default::default();
        Self { memory, half, tail, head, asleep, looked, used }
    }

    /// Gives the pages of free space back, unless much was written since the last call. To be called now and then: a ring of which every page was written once
    /// would keep them all.
    pub(super) fn give_back(&self) {
        let written = self.tail.get().wrapping_sub(self.looked.replace(self.tail.get()));
        self.used.set(self.used.get() || written > 0);
        if written <= QUIET_BYTES && self.look().is_ok() && self.used.replace(false) {
            self.memory.give_back(self.half, self.tail.get(), self.free() as usize);
        }
    }

    /// Writes what there is room for of these pieces, and publishes it at once.
    ///
    /// # Errors
    /// The other end's count is impossible.
    #[inline]
    pub(super) fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<Moved> {
        self.rouse();
        if self.free() < pieces.iter().map(|piece| piece.len() as u64).sum() {
            self.look()?;
        }
        let before = self.tail.get();
        for piece in pieces {
            let count = piece.len().min(usize::try_from(self.free()).unwrap_or(usize::MAX));
            self.memory.copy_in(self.half, self.tail.get(), &piece[..count]);
            self.tail.set(self.tail.get().wrapping_add(count as u64));
        }
        let bytes = self.tail.get().wrapping_sub(before) as usize;
        if bytes == 0 {
            return Ok(Moved { bytes, wake: false });
        }
        self.memory.word(self.half, Word::Tail).store(self.tail.get(), Release);
        Ok(Moved { bytes, wake: is_asleep(self.memory.word(self.half, Word::ConsumerSleeps)) })
    }

    /// Tells whether there is room enough to be worth a write, or an error to be told by one.
    pub(super) fn is_ready(&self) -> bool {
        self.look().is_err() || self.free() >= self.memory.capacity() as u64 / FREE_SHARE
    }

    /// Says that this end sleeps until there is room; true: there is, and it does not.
    pub(super) fn sleep(&self) -> bool {
        fall_asleep(self.memory.word(self.half, Word::ProducerSleeps), &self.asleep, || self.is_ready())
    }

    fn rouse(&self) {
        rouse(self.memory.word(self.half, Word::ProducerSleeps), &self.asleep);
    }

    fn free(&self) -> u64 {
        self.memory.capacity() as u64 - self.tail.get().wrapping_sub(self.head.get())
    }

    fn look(&self) -> io::Result<()> {
        let head = self.memory.word(self.half, Word::Head).load(Acquire);
        // It only grows, and not beyond what was written.
        if self.tail.get().wrapping_sub(head) > self.tail.get().wrapping_sub(self.head.get()) {
            return Err(impossible());
        }
        self.head.set(head);
        Ok(())
    }
}

impl Consumer {
    /// Creates the reading end of a ring that nothing was written to.
    pub(super) fn new(memory: Rc<Memory>, half: Half) -> Self {
        Self { memory, half, head: Cell::new(0), tail: Cell::new(0), asleep: Cell::new(false) }
    }

    /// Reads what is there and has room in the buffer.
    ///
    /// # Errors
    /// The other end's count is impossible.
    #[inline]
    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<Moved> {
        self.rouse();
        if self.filled() < buffer.len() as u64 {
            self.look()?;
        }
        let count = buffer.len().min(usize::try_from(self.filled()).unwrap_or(usize::MAX));
        if count == 0 {
            return Ok(Moved { bytes: 0, wake: false });
        }
        let head = self.head.get();
        self.memory.copy_out(self.half, head, &mut buffer[..count]);
        self.head.set(head.wrapping_add(count as u64));
        self.memory.word(self.half, Word::Head).store(self.head.get(), Release);
        let capacity = self.memory.capacity() as u64;
        // What the writer wrote since the last look makes the ring fuller than it seems; then the writer does not sleep.
        let is_free = capacity - self.filled() >= capacity / FREE_SHARE;
        Ok(Moved { bytes: count, wake: is_free && is_asleep(self.memory.word(self.half, Word::ProducerSleeps)) })
    }

    /// Tells whether there is something to read, or an error to be told by reading.
    #[inline]
    pub(super) fn is_ready(&self) -> bool {
        // What comes will be there: its way to this processor begins now, beside that of the count, and not after it.
        self.memory.touch(self.half, self.head.get());
        self.filled() > 0 || self.look().is_err() || self.filled() > 0
    }

    /// Says that this end sleeps until something is there; true: something is, and it does not.
    pub(super) fn sleep(&self) -> bool {
        fall_asleep(self.memory.word(self.half, Word::ConsumerSleeps), &self.asleep, || self.is_ready())
    }

    fn rouse(&self) {
        rouse(self.memory.word(self.half, Word::ConsumerSleeps), &self.asleep);
    }

    fn filled(&self) -> u64 {
        self.tail.get().wrapping_sub(self.head.get())
    }

    fn look(&self) -> io::Result<()> {
        let tail = self.memory.word(self.half, Word::Tail).load(Acquire);
        let filled = tail.wrapping_sub(self.head.get());
        // It only grows, and not beyond what the ring holds.
        if filled > self.memory.capacity() as u64 || filled < self.filled() {
            return Err(impossible());
        }
        self.tail.set(tail);
        Ok(())
    }
}

fn impossible() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the counts in the shared memory are impossible")
}

/// Either the one who goes to sleep sees what was published before, or the one who publishes sees the flag: each writes its word and then
/// reads the other's, with a fence between.
fn fall_asleep(flag: &AtomicU64, asleep: &Cell<bool>, is_ready: impl Fn() -> bool) -> bool {
    flag.store(1, Relaxed);
    asleep.set(true);
    fence(SeqCst);
    let ready = is_ready();
    if ready {
        rouse(flag, asleep);
    }
    ready
}

#[inline]
fn rouse(flag: &AtomicU64, asleep: &Cell<bool>) {
    if asleep.get() {
        asleep.set(false);
        flag.store(0, Relaxed);
    }
}

/// To be asked after something was published; true once for each time the other end goes to sleep.
#[inline]
fn is_asleep(flag: &AtomicU64) -> bool {
    fence(SeqCst);
    flag.load(Relaxed) != 0 && flag.swap(0, Relaxed) != 0
}
