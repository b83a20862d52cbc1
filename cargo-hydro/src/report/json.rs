//! Events as JSON: one object per line on stdout, after a first line that names the format and its version.
//!
//! A reader skips kinds and keys it does not know; only a new major version may take some away.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::reporter::{Output, ReportOptions, Services};
use super::{Event, Verbosity};

/// Version of the format, told in the first line.
pub const FORMAT_VERSION: &str = "1.0";

/// A line, as its schema has it.
#[cfg(test)]
#[derive(Serialize, schemars::JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it stands for what is written, and is not written itself")]
pub(crate) enum Message<'a> {
    /// The first.
    Head(Head),
    /// Each other.
    Line(Line<'a>),
}

/// Something happened.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Line<'a> {
    #[serde(flatten)]
    event: &'a Event,
    /// Milliseconds since 1970.
    ts: u64,
    /// From 0, without gaps.
    seq: u64,
}

/// The first line, which names the format.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Head {
    /// The word `hydro-format`.
    #[cfg_attr(test, schemars(extend("const" = "hydro-format")))]
    reason: &'static str,
    /// Version of the format.
    version: &'static str,
    /// Version of the command.
    hydro: &'static str,
}

/// Writes events as JSON lines.
pub(super) struct Json {
    options: ReportOptions,
    written: u64,
}

impl Json {
    pub(super) fn new(options: ReportOptions) -> Self {
        Self { options, written: 0 }
    }

    pub(super) fn emit(&mut self, output: &mut Output, event: &Event) {
        if self.is_hidden(event) {
            return;
        }
        if self.written == 0 {
            let head = Head { reason: "hydro-format", version: FORMAT_VERSION, hydro: env!("CARGO_PKG_VERSION") };
            write_line(output, &head);
        }
        let ts = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0));
        write_line(output, &Line { event, ts, seq: self.written });
        self.written += 1;
    }

    fn is_hidden(&self, event: &Event) -> bool {
        match event {
            Event::Progress { .. } | Event::Note { .. } => true,
            Event::Log { .. } => {
                self.options.services == Services::LeftToScript && self.options.verbosity < Verbosity::Verbose
            }
            _ => false,
        }
    }
}

fn write_line(output: &mut Output, value: &impl Serialize) {
    // Events hold strings, numbers and JSON values: nothing that JSON cannot say.
    if let Ok(mut text) = serde_json::to_string(value) {
        text.push('\n');
        output.stdout.write(&text);
    }
}

#[cfg(test)]
mod tests {
    use crate::report::{Event, Format, LogStream, ReportOptions, Reporter, ServiceState, Services};

    fn told(services: Services, events: &[Event]) -> Vec<serde_json::Value> {
        let (reporter, captured) =
            Reporter::captured(ReportOptions { format: Format::Json, services, ..Default::default() });
        for event in events {
            reporter.emit(event);
        }
        assert_eq!(captured.stderr(), "");
        captured.stdout().lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    #[test]
    fn the_first_line_names_the_format_and_all_are_numbered() {
        let lines = told(
            Services::Shown,
            &[
                Event::Status { verb: "Building".into(), message: "echo".into() },
                Event::Progress { message: "1 of 2".into() },
                Event::Service {
                    service: "a.0".into(),
                    state: ServiceState::Exited { code: Some(3), signal: None, expected: false },
                },
            ],
        );
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0]["reason"], "hydro-format");
        assert_eq!(lines[0]["version"], "1.0");
        assert_eq!((&lines[1]["reason"], &lines[1]["seq"]), (&"status".into(), &0.into()));
        assert_eq!(lines[2]["seq"], 1);
        assert_eq!((&lines[2]["state"], &lines[2]["code"]), (&"exited".into(), &3.into()));
        assert!(lines[2]["ts"].as_u64().is_some_and(|ts| ts > 1_600_000_000_000));
    }

    #[test]
    fn logs_that_belong_to_a_script_are_left_out() {
        let log = Event::Log { service: "a".into(), stream: LogStream::Stdout, line: "x".into() };
        assert!(told(Services::LeftToScript, std::slice::from_ref(&log)).is_empty());
        assert_eq!(told(Services::Shown, &[log]).len(), 2);
    }
}
