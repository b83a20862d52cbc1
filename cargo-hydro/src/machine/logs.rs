//! What a member wrote: the last lines of each stream, for readers who may come at any time.
//!
//! Memory is bounded: the oldest lines go first, to disk where all are to be kept; otherwise a reader is told how many it missed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::spool::{Reader, Spool};
use crate::report::LogStream;

/// Lines kept per stream.
const KEPT_LINES: usize = 10_000;
/// Bytes kept per stream; whichever limit comes first.
const KEPT_BYTES: usize = 16 << 20;

/// Lines that go to disk together.
const BATCH: usize = 1000;

/// What one member wrote. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    rings: Mutex<Rings>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Rings {
    stdout: Ring,
    stderr: Ring,
    /// Lines of both streams so far: tells which came first.
    written: u64,
    /// Whether lines go to disk when there are too many.
    keeps_all: bool,
}

#[derive(Debug, Default)]
struct Ring {
    lines: VecDeque<(u64, Arc<str>)>,
    bytes: usize,
    /// Number of the oldest line that is kept.
    first: u64,
    closed: bool,
    /// The lines before that, where they are kept.
    spool: Option<Spool>,
}

impl Ring {
    fn is_full(&self) -> bool {
        self.lines.len() > KEPT_LINES || (self.bytes > KEPT_BYTES && self.lines.len() > 1)
    }

    /// Takes the oldest lines out of memory.
    fn shrink(&mut self, keeps_all: bool) {
        if !self.is_full() {
            return;
        }
        let count = if keeps_all { BATCH.min(self.lines.len() - 1) } else { 1 };
        if keeps_all {
            let spool = self.spool.take().or_else(|| Spool::new(self.first).ok());
            // A full disk is no reason to stop: the lines are missing then, and readers learn it.
            self.spool = spool.and_then(|mut spool| {
                let lines = self.lines.iter().take(count).map(|(_, line)| &**line);
                (spool.next() == self.first && spool.push(lines).is_ok()).then_some(spool)
            });
        }
        for (_, line) in self.lines.drain(..count) {
            self.bytes -= line.len();
        }
        self.first += count as u64;
        self.shrink(keeps_all);
    }
}

impl Rings {
    fn ring(&mut self, stream: LogStream) -> &mut Ring {
        match stream {
            LogStream::Stdout => &mut self.stdout,
            LogStream::Stderr => &mut self.stderr,
        }
    }
}

impl Logs {
    /// Makes an empty one; with `keeps_all`, lines that are too many for memory are kept on disk.
    #[must_use]
    pub fn new(keeps_all: bool) -> Self {
        let rings = Mutex::new(Rings { keeps_all, ..Rings::default() });
        Self { shared: Arc::new(Shared { rings, changed: Notify::new() }) }
    }

    fn rings(&self) -> MutexGuard<'_, Rings> {
        self.shared.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line.
    pub fn push(&self, stream: LogStream, line: &str) {
        {
            let mut rings = self.rings();
            let at = rings.written;
            rings.written += 1;
            let keeps_all = rings.keeps_all;
            let ring = rings.ring(stream);
            ring.lines.push_back((at, line.into()));
            ring.bytes += line.len();
            ring.shrink(keeps_all);
        }
        self.shared.changed.notify_waiters();
    }

    /// Says that lines will follow, also after an end.
    pub fn open(&self) {
        let mut rings = self.rings();
        rings.stdout.closed = false;
        rings.stderr.closed = false;
    }

    /// Says that no line will follow in that stream.
    pub fn close(&self, stream: LogStream) {
        self.rings().ring(stream).closed = true;
        self.shared.changed.notify_waiters();
    }

    /// Reads a stream from its start (or from the oldest line that is kept), then as it grows.
    #[must_use]
    pub fn read(&self, stream: LogStream) -> LogReader {
        LogReader { logs: self.clone(), stream, next: 0, missed: 0, spooled: None }
    }

    /// Returns the last lines of both streams, in the order they were written.
    #[must_use]
    pub fn last(&self, count: usize) -> Vec<String> {
        let rings = self.rings();
        let mut lines: Vec<&(u64, Arc<str>)> =
            [&rings.stdout, &rings.stderr].into_iter().flat_map(|ring| ring.lines.iter().rev().take(count)).collect();
        lines.sort_unstable_by_key(|(at, _)| *at);
        lines[lines.len().saturating_sub(count)..].iter().map(|(_, line)| line.to_string()).collect()
    }
}

/// Reads one stream of one member.
#[derive(Debug)]
pub struct LogReader {
    logs: Logs,
    stream: LogStream,
    next: u64,
    missed: u64,
    /// Reads lines that are not in memory any more.
    spooled: Option<Reader>,
}

impl LogReader {
    /// Returns the next line, waiting for it; none: the stream has ended. May be dropped and called again, no line is lost.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            let shared = Arc::clone(&self.logs.shared);
            let changed = shared.changed.notified();
            tokio::pin!(changed);
            // Before looking: a line that comes between looking and waiting must wake us.
            changed.as_mut().enable();
            match self.look() {
                Look::Line(line) => return Some(line),
                Look::End => return None,
                Look::Wait => changed.await,
            }
        }
    }

    /// Returns how many lines were dropped before this reader came to them.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }

    fn look(&mut self) -> Look {
        // What is on disk needs no lock.
        if let Some(line) = self.spooled.as_mut().and_then(|spooled| spooled.line(self.next)) {
            self.next += 1;
            return Look::Line(line);
        }
        self.spooled = None;
        let mut rings = self.logs.rings();
        let ring = rings.ring(self.stream);
        if let Some(spool) = ring.spool.as_ref().filter(|spool| self.next < spool.next()) {
            self.missed += spool.first().saturating_sub(self.next);
            self.next = self.next.max(spool.first());
            let mut reader = spool.read(self.next);
            if let Some(line) = reader.line(self.next) {
                self.spooled = Some(reader);
                self.next += 1;
                return Look::Line(line);
            }
        }
        if self.next < ring.first {
            self.missed += ring.first - self.next;
            self.next = ring.first;
        }
        let index = usize::try_from(self.next - ring.first).unwrap_or(usize::MAX);
        match ring.lines.get(index) {
            Some((_, line)) => {
                self.next += 1;
                Look::Line(line.to_string())
            }
            None if ring.closed => Look::End,
            None => Look::Wait,
        }
    }
}

enum Look {
    Line(String),
    End,
    Wait,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_reader_sees_all_from_the_start() {
        let logs = Logs::default();
        logs.push(LogStream::Stdout, "one");
        let mut early = logs.read(LogStream::Stdout);
        assert_eq!(early.next().await.as_deref(), Some("one"));
        let waiting = tokio::spawn(async move { (early.next().await, early.next().await) });
        tokio::task::yield_now().await;
        logs.push(LogStream::Stderr, "elsewhere");
        logs.push(LogStream::Stdout, "two");
        logs.close(LogStream::Stdout);
        assert_eq!(waiting.await.unwrap(), (Some("two".to_owned()), None));
        let mut late = logs.read(LogStream::Stdout);
        assert_eq!((late.next().await.as_deref(), late.next().await.as_deref()), (Some("one"), Some("two")));
    }

    #[tokio::test]
    async fn memory_is_bounded_and_a_late_reader_knows_what_it_missed() {
        let logs = Logs::default();
        for number in 0..KEPT_LINES + 5 {
            logs.push(LogStream::Stdout, &number.to_string());
        }
        let mut reader = logs.read(LogStream::Stdout);
        assert_eq!(reader.next().await.as_deref(), Some("5"));
        assert_eq!(reader.missed(), 5);
        let long = "x".repeat(KEPT_BYTES / 2 + 1);
        logs.push(LogStream::Stderr, &long);
        logs.push(LogStream::Stderr, &long);
        assert_eq!(logs.rings().stderr.lines.len(), 1);
    }

    #[tokio::test]
    async fn where_all_are_kept_every_reader_sees_them_whenever_it_comes() {
        let logs = Logs::new(true);
        let mut early = logs.read(LogStream::Stdout);
        let count = 3 * KEPT_LINES + 7;
        for number in 0..count {
            logs.push(LogStream::Stdout, &number.to_string());
            if number % 7 == 0 {
                // One that is slow, but reads all the time.
                assert_eq!(early.next().await, Some((number / 7).to_string()));
            }
        }
        logs.close(LogStream::Stdout);
        assert!(logs.rings().stdout.lines.len() <= KEPT_LINES);
        let mut late = logs.read(LogStream::Stdout);
        for number in 0..count {
            assert_eq!(late.next().await, Some(number.to_string()));
        }
        assert_eq!((late.next().await, late.missed()), (None, 0));
    }

    #[test]
    fn the_last_lines_stand_in_the_order_they_came() {
        let logs = Logs::default();
        for (stream, line) in
            [(LogStream::Stdout, "a"), (LogStream::Stderr, "b"), (LogStream::Stdout, "c"), (LogStream::Stderr, "d")]
        {
            logs.push(stream, line);
        }
        assert_eq!(logs.last(3), ["b", "c", "d"]);
        assert_eq!(logs.last(9), ["a", "b", "c", "d"]);
    }
}
