//! What services wrote, on disk: one JSON object per line, in the order it came, also after everything has ended.
//!
//! Two files at most, so that a service that floods its output fills no disk. Reading needs nobody who runs.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::level::{Level, Levels};
use crate::report::LogStream;

/// A file this large is put aside, and the one put aside before is dropped.
const FILE_BYTES: u64 = 32 << 20;

/// A longer line is none of ours, and read in pieces that are none either.
const LONGEST_LINE: u64 = 1 << 20;

/// A line that a service wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LogLine {
    /// Its number among all events of the deployment.
    pub seq: u64,
    /// When it came, in milliseconds since 1970.
    pub ts: u64,
    /// `service`, or `service.N`.
    pub service: String,
    /// Which of the member's processes wrote it, counted from 1.
    pub run: u32,
    /// Where to.
    pub stream: LogStream,
    /// The line, without its end.
    pub line: String,
}

/// Which lines are wanted.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// Services, or members; none: all.
    pub services: Vec<String>,
    /// Not older than this, in milliseconds since 1970.
    pub since_ms: u64,
    /// The last so many.
    pub tail: Option<usize>,
    /// Those that hold this text.
    pub grep: Option<String>,
    /// Those that are at least that severe.
    pub level: Option<Level>,
    /// Of each member, what the process before its last one wrote.
    pub previous: bool,
}

/// Chooses the lines that are wanted; it is shown all of them, in their order.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    query: LogQuery,
    levels: Levels,
    strange: usize,
}

impl LogFilter {
    /// Chooses what this asks for.
    #[must_use]
    pub fn new(query: LogQuery) -> Self {
        Self { query, levels: Levels::default(), strange: 0 }
    }

    /// Returns how many lines of the book another version has written, in words that are not ours.
    #[must_use]
    pub fn strange(&self) -> usize {
        self.strange
    }

    /// Whether a line is wanted, as far as the lines so far say.
    pub fn takes(&mut self, line: &LogLine) -> bool {
        let is_severe = self.query.level.is_none_or(|level| self.levels.next(line) >= level);
        is_severe && self.query.takes(line)
    }
}

impl LogQuery {
    /// Whether a line is wanted, as far as the line alone says.
    fn takes(&self, line: &LogLine) -> bool {
        let base = line.service.rsplit_once('.').map_or(line.service.as_str(), |(base, _)| base);
        line.ts >= self.since_ms
            && (self.services.is_empty() || self.services.iter().any(|name| *name == line.service || name == base))
            && self.grep.as_ref().is_none_or(|text| line.line.contains(text.as_str()))
    }
}

/// Writes and reads the lines of one deployment.
#[derive(Debug)]
pub struct Logbook {
    path: PathBuf,
    file: File,
    written: u64,
    /// How often each member was started.
    runs: BTreeMap<String, u32>,
}

impl Logbook {
    /// Goes on with the book of this folder.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join("logs.jsonl");
        let mut runs = BTreeMap::new();
        for line in read_all(folder) {
            let run: &mut u32 = runs.entry(line.service).or_default();
            *run = (*run).max(line.run);
        }
        let mut file = File::options().create(true).append(true).open(&path)?;
        let written = file.metadata()?.len();
        // What a dying process left half written must not spoil the next line.
        if written > 0 {
            file.write_all(b"\n")?;
        }
        Ok(Self { path, file, written, runs })
    }

    /// A member was started.
    pub fn started(&mut self, member: &str) {
        *self.runs.entry(member.to_owned()).or_default() += 1;
    }

    /// Returns which of its processes a member has now, counted from 1.
    #[must_use]
    pub fn run(&self, member: &str) -> u32 {
        self.runs.get(member).copied().unwrap_or(1)
    }

    /// Adds a line.
    ///
    /// # Errors
    /// The disk is full, say.
    pub fn add(&mut self, (seq, ts): (u64, u64), service: &str, stream: LogStream, line: &str) -> io::Result<()> {
        let run = self.run(service);
        let line = LogLine { seq, ts, service: service.to_owned(), run, stream, line: line.to_owned() };
        let mut bytes = serde_json::to_vec(&line)?;
        bytes.push(b'\n');
        if self.written + bytes.len() as u64 > FILE_BYTES {
            std::fs::rename(&self.path, self.path.with_file_name("logs.old.jsonl"))?;
            self.file = File::options().create(true).append(true).open(&self.path)?;
            self.written = 0;
        }
        self.written += bytes.len() as u64;
        self.file.write_all(&bytes)
    }

    /// Reads the wanted lines from the book of a folder, oldest first. What cannot be read is left out.
    #[must_use]
    pub fn read(folder: &Path, query: &LogQuery) -> Vec<LogLine> {
        Self::read_by(folder, &mut LogFilter::new(query.clone()))
    }

    /// Reads what a filter takes, which has seen all lines then.
    #[must_use]
    pub fn read_by(folder: &Path, filter: &mut LogFilter) -> Vec<LogLine> {
        let (previous, tail) = (filter.query.previous, filter.query.tail);
        let mut last: BTreeMap<String, u32> = BTreeMap::new();
        if previous {
            for line in read_all(folder) {
                let run = last.entry(line.service).or_default();
                *run = (*run).max(line.run);
            }
        }
        let is_run = |line: &LogLine| !previous || last.get(&line.service).is_some_and(|last| line.run + 1 == *last);
        filter.strange = 0;
        let wanted = lines(folder).filter_map(|line| match line {
            Ok(line) => (filter.takes(&line) && is_run(&line)).then_some(line),
            Err(is_strange) => {
                filter.strange += usize::from(is_strange);
                None
            }
        });
        let Some(tail) = tail else { return wanted.collect() };
        let mut kept = VecDeque::new();
        for line in wanted {
            kept.push_back(line);
            if kept.len() > tail {
                kept.pop_front();
            }
        }
        kept.into()
    }
}

fn read_all(folder: &Path) -> impl Iterator<Item = LogLine> {
    lines(folder).filter_map(Result::ok)
}

/// Reads all lines; of one that is none of ours, whether it is an object of somebody else's.
fn lines(folder: &Path) -> impl Iterator<Item = Result<LogLine, bool>> {
    let files = ["logs.old.jsonl", "logs.jsonl"].map(|name| folder.join(name));
    // Something else under that name may have no end.
    let files = files.into_iter().filter(|path| path.is_file()).filter_map(|path| File::open(path).ok());
    files.flat_map(|file| {
        let mut reader = BufReader::new(file);
        let mut bytes = Vec::new();
        std::iter::from_fn(move || {
            bytes.clear();
            match (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut bytes) {
                Ok(1..) => Some(serde_json::from_slice::<LogLine>(&bytes).map_err(|_| is_object(&bytes))),
                _ => None,
            }
        })
    })
}

fn is_object(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[LogLine]) -> Vec<&str> {
        lines.iter().map(|line| line.line.as_str()).collect()
    }

    #[test]
    fn lines_are_found_by_what_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let mut book = Logbook::open(folder.path()).unwrap();
        book.started("a");
        book.started("b.0");
        book.add((1, 10), "a", LogStream::Stdout, "one").unwrap();
        book.add((2, 20), "b.0", LogStream::Stderr, "two\u{1f600}").unwrap();
        book.started("a");
        book.add((3, 30), "a", LogStream::Stdout, "three").unwrap();
        let read = |query: LogQuery| Logbook::read(folder.path(), &query);
        let all = read(LogQuery::default());
        assert_eq!(texts(&all), ["one", "two\u{1f600}", "three"]);
        assert_eq!((all[0].run, all[2].run, all[1].stream), (1, 2, LogStream::Stderr));
        assert_eq!(texts(&read(LogQuery { services: vec!["b".into()], ..LogQuery::default() })), ["two\u{1f600}"]);
        assert_eq!(texts(&read(LogQuery { since_ms: 20, tail: Some(1), ..LogQuery::default() })), ["three"]);
        assert_eq!(texts(&read(LogQuery { grep: Some("t".into()), ..LogQuery::default() })), ["two\u{1f600}", "three"]);
        let severe = LogQuery { level: Some(Level::Warn), ..LogQuery::default() };
        assert!(read(severe.clone()).is_empty());
        book.add((4, 40), "a", LogStream::Stdout, "WARN four").unwrap();
        book.add((5, 50), "b.0", LogStream::Stdout, "five").unwrap();
        book.add((6, 60), "a", LogStream::Stdout, "  in detail").unwrap();
        assert_eq!(texts(&read(LogQuery { since_ms: 50, ..severe })), ["  in detail"], "its first line came before");
        assert_eq!(texts(&read(LogQuery { previous: true, ..LogQuery::default() })), ["one"]);
    }

    #[test]
    fn a_broken_book_loses_the_broken_lines_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut book = Logbook::open(folder.path()).unwrap();
        book.add((1, 1), "a", LogStream::Stdout, "one").unwrap();
        drop(book);
        let mut file = File::options().append(true).open(folder.path().join("logs.jsonl")).unwrap();
        file.write_all(b"\xff\xfe{\n{\"seq\":2,\"ts\":").unwrap();
        let mut book = Logbook::open(folder.path()).unwrap();
        book.add((3, 3), "a", LogStream::Stdout, "three").unwrap();
        assert_eq!(texts(&Logbook::read(folder.path(), &LogQuery::default())), ["one", "three"]);
    }

    #[test]
    fn lines_of_a_later_version_are_counted_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let later = "{\"seq\":1,\"ts\":1,\"service\":\"a\",\"run\":1,\"stream\":\"journal\",\"line\":\"x\"}\n";
        let more = "{\"seq\":2,\"ts\":2,\"service\":\"a\",\"run\":1,\"stream\":\"stdout\",\"line\":\"y\",\"zone\":3}\n";
        let path = folder.path().join("logs.jsonl");
        std::fs::write(&path, [later, more, "{half"].concat()).unwrap();
        let mut filter = LogFilter::default();
        assert_eq!(texts(&Logbook::read_by(folder.path(), &mut filter)), ["y"]);
        assert_eq!(filter.strange(), 1);
        Logbook::open(folder.path()).unwrap().add((3, 3), "a", LogStream::Stdout, "z").unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().starts_with(later), "it is still there");
    }

    #[test]
    fn a_book_without_lines_or_end_is_no_book() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("logs.old.jsonl"), vec![b'x'; 5 << 20]).unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.path().join("logs.jsonl")).unwrap();
        assert!(Logbook::read(folder.path(), &LogQuery::default()).is_empty());
    }

    #[test]
    fn a_flood_fills_two_files_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let mut book = Logbook::open(folder.path()).unwrap();
        let line = "x".repeat(1 << 19);
        for seq in 0..140 {
            book.add((seq, seq), "a", LogStream::Stdout, &line).unwrap();
        }
        let size: u64 =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
        assert!(size <= 2 * FILE_BYTES, "{size}");
        let kept = Logbook::read(folder.path(), &LogQuery::default());
        assert!(kept.len() >= 60 && kept.last().unwrap().seq == 139);
    }
}
