//! What happened, in order, on disk: it can be read from any number on, also by somebody who was away meanwhile.
//!
//! Disk space is bounded: the oldest of two files goes when the newer one is full. Knows nothing of what events mean.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::words::{Event, Happened};

/// A file is left for the next one at this size.
const FILE_SIZE: u64 = 32 << 20;
/// Numbers that are skipped when the host begins anew: after a loss of power the last ones may have been sent but not been kept.
const SKIPPED: u64 = 1_000_000;
/// So much is what happened lately.
const RECENT: u64 = 1 << 20;
/// A reader looks again after this time, whether it was woken or not.
const LOOK: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
    state: Mutex<Written>,
    changed: Condvar,
}

#[derive(Debug)]
struct Written {
    file: File,
    size: u64,
    next: u64,
    /// Readers have seen all when they have seen those before this number; grows with each event.
    is_over: bool,
    /// The last start of a member, and which of its events was the last, where they have numbers.
    seen: Seen,
}

type Seen = BTreeMap<String, (u64, u64)>;

impl Journal {
    /// Goes on with what is there.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let (all, mut seen) = (files(folder)?, Seen::new());
        // What a unit may say once more is among the last: the file before the last counts where that has only begun.
        let last_size = all.last().and_then(|(_, path)| path.metadata().ok()).map_or(0, |data| data.len());
        if let Some((_, path)) = all.iter().rev().nth(1).filter(|_| last_size < RECENT) {
            last_number(path, &mut seen)?;
        }
        let next = match all.last() {
            Some((_, path)) => last_number(path, &mut seen)?.map_or(1, |last| last + 1 + SKIPPED),
            None => 1,
        };
        let written = Written { file: create(folder, next)?, size: 0, next, is_over: false, seen };
        Ok(Self { folder: folder.to_owned(), state: Mutex::new(written), changed: Condvar::new() })
    }

    fn state(&self) -> MutexGuard<'_, Written> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number that the next event will have.
    pub(crate) fn next(&self) -> u64 {
        self.state().next
    }

    /// Writes an event down. Where the disk is full it is lost; those that follow are not.
    pub(crate) fn add(&self, member: &str, run: u64, what: Happened) {
        self.add_nth(member, (run, 0), what);
    }

    /// Writes the nth event of a start down, unless that has been done.
    pub(crate) fn add_nth(&self, member: &str, (run, nth): (u64, u64), what: Happened) {
        let mut state = self.state();
        if nth > 0 {
            let seen = state.seen.entry(member.to_owned()).or_default();
            if *seen >= (run, nth) {
                return;
            }
            *seen = (run, nth);
        }
        let event = Event { seq: state.next, ts: now_ms(), member: member.to_owned(), run, what, nth };
        let Ok(mut line) = serde_json::to_vec(&event) else { return };
        line.push(b'\n');
        if state.size > FILE_SIZE
            && let Ok(file) = create(&self.folder, state.next)
        {
            (state.file, state.size) = (file, 0);
            self.forget_old();
        }
        if state.file.write_all(&line).is_ok() {
            state.size += line.len() as u64;
            state.next += 1;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Returns which was the last event of a start that was written down; 0: none was.
    pub(crate) fn seen(&self, member: &str, run: u64) -> u64 {
        self.state().seen.get(member).filter(|seen| seen.0 == run).map_or(0, |seen| seen.1)
    }

    fn forget_old(&self) {
        let mut all = files(&self.folder).unwrap_or_default();
        all.truncate(all.len().saturating_sub(2));
        for (_, path) in all {
            let _ = std::fs::remove_file(path);
        }
    }

    /// Lets readers end when they have read all.
    pub(crate) fn finish(&self) {
        self.state().is_over = true;
        self.changed.notify_all();
    }

    /// Calls with each event from that number on, until the reader wants no more or is gone, or the journal is over.
    pub(crate) fn follow(
        &self,
        from: u64,
        is_gone: &AtomicBool,
        mut wants: impl FnMut(&Event) -> bool,
    ) -> io::Result<()> {
        let mut at = from;
        loop {
            let all = files(&self.folder)?;
            let begin = all.iter().rposition(|(first, _)| *first <= at).unwrap_or(0);
            let Some((_, path)) = all.get(begin) else { return Ok(()) };
            let is_last = begin + 1 == all.len();
            let mut lines = BufReader::new(File::open(path)?);
            let mut line = Vec::new();
            loop {
                let before = line.len();
                let read = lines.read_until(b'\n', &mut line)?;
                if line.last() == Some(&b'\n') {
                    if let Ok(event) = serde_json::from_slice::<Event>(&line)
                        && event.seq >= at
                    {
                        at = event.seq + 1;
                        if !wants(&event) {
                            return Ok(());
                        }
                    }
                    line.clear();
                } else if read == 0 && line.len() == before {
                    match self.wait(at, is_last) {
                        _ if is_gone.load(Ordering::Acquire) => return Ok(()),
                        Next::More => {}
                        Next::AnotherFile => break,
                        Next::Over => return Ok(()),
                    }
                }
            }
            // What stands in the next file begins with its own number.
            if let Some((first, _)) =
                files(&self.folder)?.into_iter().find(|(first, other)| *first >= at && other != path)
            {
                at = at.max(first);
            }
        }
    }

    /// Waits until there is more to read for who has read all before this number in its file.
    fn wait(&self, at: u64, is_last: bool) -> Next {
        let state = self.state();
        let has_next =
            files(&self.folder).is_ok_and(|all| all.last().is_some_and(|(first, _)| *first >= at && !is_last));
        if has_next || (!is_last) {
            return Next::AnotherFile;
        }
        if state.next > at {
            // It is written, here or in a file that has begun since.
            let newest = files(&self.folder).ok().and_then(|all| all.last().map(|(first, _)| *first));
            return if newest.is_some_and(|first| first >= at && first < state.next) {
                Next::AnotherFile
            } else {
                Next::More
            };
        }
        if state.is_over {
            return Next::Over;
        }
        drop(self.changed.wait_timeout(state, LOOK));
        Next::More
    }
}

enum Next {
    More,
    AnotherFile,
    Over,
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn create(folder: &Path, first: u64) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(folder.join(format!("events-{first:020}")))
}

/// Returns the files with the numbers they begin with, the oldest first.
fn files(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found: Vec<(u64, PathBuf)> = std::fs::read_dir(folder)?
        .flatten()
        .filter_map(|entry| {
            let first = entry.file_name().to_str()?.strip_prefix("events-")?.parse().ok()?;
            Some((first, entry.path()))
        })
        .collect();
    found.sort_unstable();
    Ok(found)
}

fn last_number(path: &Path, seen: &mut Seen) -> io::Result<Option<u64>> {
    // The file's own name tells it of an empty file.
    let first = path.file_name().and_then(|name| name.to_str()?.strip_prefix("events-")?.parse::<u64>().ok());
    let mut last = first.map(|first| first.saturating_sub(1));
    for line in BufReader::new(File::open(path)?).split(b'\n') {
        if let Ok(event) = serde_json::from_slice::<Event>(&line?) {
            last = Some(event.seq);
            if event.nth > 0 {
                let seen = seen.entry(event.member).or_default();
                *seen = (*seen).max((event.run, event.nth));
            }
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn out(text: &str) -> Happened {
        Happened::Out(text.into())
    }

    #[test]
    fn a_reader_sees_what_was_and_what_comes_and_numbers_only_grow() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Arc::new(Journal::open(folder.path()).unwrap());
        journal.add("a", 1, out("one"));
        journal.add("a", 1, out("two"));
        let (sender, seen) = std::sync::mpsc::channel();
        let reading = Arc::clone(&journal);
        let reader = std::thread::spawn(move || {
            reading.follow(2, &AtomicBool::new(false), |event| sender.send(event.clone()).is_ok())
        });
        assert_eq!(seen.recv().unwrap().what, out("two"));
        journal.add("a", 1, out("three"));
        assert_eq!(seen.recv().unwrap().seq, 3);
        journal.finish();
        reader.join().unwrap().unwrap();
        drop(journal);

        let journal = Journal::open(folder.path()).unwrap();
        assert_eq!(journal.next(), 4 + SKIPPED);
        journal.add("a", 2, out("four"));
        journal.finish();
        let mut all = Vec::new();
        journal
            .follow(0, &AtomicBool::new(false), |event| {
                all.push(event.what.clone());
                true
            })
            .unwrap();
        assert_eq!(all, [out("one"), out("two"), out("three"), out("four")]);
    }

    #[test]
    fn the_oldest_goes_when_there_is_too_much() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let long = "x".repeat(1 << 20);
        for _ in 0..110 {
            journal.add("a", 1, out(&long));
        }
        journal.finish();
        let mut numbers = Vec::new();
        journal
            .follow(0, &AtomicBool::new(false), |event| {
                numbers.push(event.seq);
                true
            })
            .unwrap();
        assert_eq!(files(folder.path()).unwrap().len(), 2);
        assert_eq!(numbers.last(), Some(&110));
        assert!(numbers.len() > 30 && numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    }
}
