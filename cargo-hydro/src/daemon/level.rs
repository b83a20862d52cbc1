//! How severe a line is, by the forms in which programs of all kinds say it. Pure.
//!
//! Nobody agrees on one form, so a line that says nothing goes with the line before it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::LogLine;
use crate::report::LogStream;

/// How severe a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Level {
    /// Each step.
    Trace,
    /// For whoever looks for a mistake.
    Debug,
    /// What happens.
    Info,
    /// What should not be so.
    #[value(alias = "warning")]
    Warn,
    /// What failed.
    Error,
}

/// Bytes of a line in which its level stands, if it does: a time, a thread and a name may come before.
const START: usize = 120;
/// Words of a line of which one may be its level.
const WORDS: usize = 12;
/// What fields are called that hold a level.
const KEYS: [&str; 5] = ["level", "lvl", "severity", "levelname", "log.level"];

impl Level {
    /// Returns the level of that name, however it is written.
    fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "trace" | "trc" | "finest" | "finer" => Self::Trace,
            "debug" | "dbg" | "debu" | "fine" => Self::Debug,
            "info" | "inf" | "information" | "informational" | "notice" => Self::Info,
            "warn" | "warning" | "wrn" => Self::Warn,
            "error" | "err" | "eror" | "fatal" | "critical" | "crit" | "severe" | "panic" | "alert" | "emergency"
            | "emerg" => Self::Error,
            _ => return None,
        })
    }

    /// Reads what a line says of itself; none: nothing.
    #[must_use]
    pub fn of(line: &str) -> Option<Self> {
        let plain = without_colors(line);
        let text = plain.trim_start();
        let of_json = || Self::of_json(text);
        of_json().or_else(|| Self::of_field(text)).or_else(|| Self::of_start(text))
    }

    /// `{"level": "warn", …}`; numbers are those of pino and bunyan.
    fn of_json(text: &str) -> Option<Self> {
        let Value::Object(fields) = text.starts_with('{').then(|| serde_json::from_str(text).ok())?? else {
            return None;
        };
        let value = KEYS.iter().find_map(|key| fields.get(*key))?;
        match (value.as_str(), value.as_u64()) {
            (Some(name), _) => Self::named(name),
            (_, Some(number)) => Some(match number {
                ..20 => Self::Trace,
                20..30 => Self::Debug,
                30..40 => Self::Info,
                40..50 => Self::Warn,
                50.. => Self::Error,
            }),
            _ => None,
        }
    }

    /// `… level=warn …`
    fn of_field(text: &str) -> Option<Self> {
        let value = |word: &str| {
            let (key, value) = word.split_once('=')?;
            KEYS.contains(&key.to_ascii_lowercase().as_str())
                .then(|| Self::named(value.trim_matches(['"', '\'', ','])))?
        };
        text.split_whitespace().find_map(value)
    }

    /// `ERROR …`, `2026-01-01T00:00:00Z  WARN …`, `[error] …`, `error: …`, `E0102 …`, and the first line of a crash.
    fn of_start(text: &str) -> Option<Self> {
        if text.starts_with("Traceback (most recent call last)")
            || (text.starts_with("thread '") && text.contains("panicked at"))
        {
            return Some(Self::Error);
        }
        let end = text.char_indices().map(|(at, _)| at).find(|at| *at >= START).unwrap_or(text.len());
        let start = &text[..end];
        let (mut at, mut words) = (0, 0);
        for word in start.split(|letter: char| !letter.is_alphanumeric()) {
            words += usize::from(!word.is_empty());
            if words > WORDS {
                break;
            }
            let before = &start[..at];
            let after = &start[at + word.len()..];
            at += word.len() + after.chars().next().map_or(0, char::len_utf8);
            let is_shouted = word.len() > 2 && word.chars().all(|letter| letter.is_ascii_uppercase());
            let is_enclosed =
                (before.ends_with('[') && after.starts_with(']')) || (before.ends_with('<') && after.starts_with('>'));
            let is_first = before.is_empty() && after.starts_with([':', '[']);
            if (is_shouted || is_enclosed || is_first)
                && let Some(level) = Self::named(word)
            {
                return Some(level);
            }
        }
        Self::of_letter(start)
    }

    /// `W0102 15:04:05.678901 …`, as glog writes.
    fn of_letter(text: &str) -> Option<Self> {
        let (first, rest) = (text.chars().next()?, text.get(1..6)?);
        let is_date =
            rest.ends_with(' ') && rest.trim_end().len() == 4 && rest.trim_end().bytes().all(|b| b.is_ascii_digit());
        match first {
            'I' if is_date => Some(Self::Info),
            'W' if is_date => Some(Self::Warn),
            'E' | 'F' if is_date => Some(Self::Error),
            _ => None,
        }
    }
}

/// Leaves out what makes words colored on a terminal.
fn without_colors(line: &str) -> String {
    let mut plain = String::with_capacity(line.len().min(START));
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.find(|letter: char| letter.is_ascii_alphabetic()).map_or("", |end| &after[end + 1..]);
    }
    plain.push_str(rest);
    plain
}

/// The level of each line, given all lines in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Levels {
    last: BTreeMap<(String, LogStream), (u32, Level)>,
}

impl Levels {
    /// Returns a line's level: what it says, or that of the line before it by the same process in the same stream, or [`Level::Info`].
    pub(super) fn next(&mut self, line: &LogLine) -> Level {
        let key = (line.service.clone(), line.stream);
        let before = self.last.get(&key).filter(|(run, _)| *run == line.run).map(|(_, level)| *level);
        let level = Level::of(&line.line).or(before).unwrap_or(Level::Info);
        self.last.insert(key, (line.run, level));
        level
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_all_kinds_of_programs_say_how_severe_they_are() {
        use Level::{Debug, Error, Info, Trace, Warn};
        for (line, level) in [
            (r#"{"level":"warn","msg":"slow"}"#, Some(Warn)),
            (r#"{"time":1,"severity":"ERROR","msg":"x"}"#, Some(Error)),
            (r#"{"level":30,"msg":"pino"}"#, Some(Info)),
            (r#"{"level":{},"msg":"ERROR"}"#, Some(Error)),
            ("time=2026-01-01T00:00:00Z level=error msg=\"it broke\"", Some(Error)),
            ("msg=ok lvl=\"dbug\" level=debug", Some(Debug)),
            ("2026-01-01T00:00:00.123456Z  WARN my::module: late", Some(Warn)),
            ("\u{1b}[2m2026-01-01T00:00:00Z\u{1b}[0m \u{1b}[31mERROR\u{1b}[0m target: failed", Some(Error)),
            ("[2026-01-01T00:00:00Z TRACE a::b] step", Some(Trace)),
            ("2026-01-01 12:00:00,123 [main] INFO  com.example.Main - up", Some(Info)),
            ("WARNING:root:careful", Some(Warn)),
            ("CRITICAL - no disk", Some(Error)),
            ("2026-01-01 00:00:00.000 UTC [77] FATAL:  role \"x\" does not exist", Some(Error)),
            ("2026/01/01 00:00:00 [error] 7#7: *1 open() failed", Some(Error)),
            ("<warn> network: down", Some(Warn)),
            ("error: cannot open", Some(Error)),
            ("error[E0308]: mismatched types", Some(Error)),
            ("warning: unused", Some(Warn)),
            ("E0102 15:04:05.678901       1 main.go:7] no", Some(Error)),
            ("I0102 15:04:05.678901 yes", Some(Info)),
            ("thread 'main' panicked at src/main.hf:3:5:", Some(Error)),
            ("Traceback (most recent call last):", Some(Error)),
            ("INFO no ERROR was found", Some(Info)),
            ("plain words", None),
            ("there was an error here", None),
            ("  File \"x.py\", line 3", None),
            ("information: see below", Some(Info)),
            ("Enter your name", None),
            ("é\u{1b}[", None),
            ("", None),
        ] {
            assert_eq!(Level::of(line), level, "{line}");
        }
        let late = format!("{} ERROR", "word ".repeat(40));
        assert_eq!(Level::of(&late), None, "far from its start it is but a word");
    }

    #[test]
    fn a_line_without_a_level_goes_with_the_one_before_it() {
        let mut levels = Levels::default();
        let mut level = |service: &str, run, stream, line: &str| {
            levels.next(&LogLine { seq: 0, ts: 0, service: service.into(), run, stream, line: line.into() })
        };
        let (out, err) = (LogStream::Stdout, LogStream::Stderr);
        assert_eq!(level("a", 1, out, "hello"), Level::Info);
        assert_eq!(level("a", 1, err, "ERROR it broke"), Level::Error);
        assert_eq!(level("a", 1, out, "hello"), Level::Info, "that is another stream");
        assert_eq!(level("b", 1, err, "hello"), Level::Info, "and another member");
        assert_eq!(level("a", 1, err, "  at line 3"), Level::Error);
        assert_eq!(level("a", 2, err, "hello"), Level::Info, "a new process begins anew");
    }
}
