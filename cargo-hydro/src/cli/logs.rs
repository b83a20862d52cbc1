//! `cargo hydro logs`: what services wrote, merged in the order it came; also after they have ended.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::held::HeldArgs;
use crate::daemon::{self, Level, LogFilter, LogLine, LogQuery, Logbook, Reply};
use crate::report::{Event, ExitCode, Failure, Format, Reporter};

/// Arguments of `logs`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Services, or members (`service.0`); none: all
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,
    /// Go on with what they write from now on
    #[arg(short, long)]
    follow: bool,
    /// Only the last so many lines
    #[arg(short = 'n', long, value_name = "LINES")]
    tail: Option<usize>,
    /// Only lines that are not older: 30s, 5m, 2h
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only lines that hold this text
    #[arg(short, long, value_name = "TEXT")]
    grep: Option<String>,
    /// Only lines that are at least that severe; of lines that do not say it, those that follow such a line
    #[arg(short, long, value_enum, value_name = "LEVEL", ignore_case = true)]
    level: Option<Level>,
    /// Of each member, what it wrote before it was last started again
    #[arg(short, long, conflicts_with = "follow")]
    previous: bool,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    held: HeldArgs,
}

pub(super) fn run(args: &Args, folder: &Path, reporter: &Reporter) -> Result<u8, Failure> {
    let home = args.held.home(folder)?;
    let query = LogQuery {
        services: args.services.clone(),
        since_ms: args.since.as_deref().map_or(Ok(0), since)?,
        tail: args.tail,
        grep: args.grep.clone(),
        level: args.level,
        previous: args.previous,
    };
    let mut filter = LogFilter::new(query);
    let runs_elsewhere = !home.is_taken() && daemon::elsewhere::is_elsewhere(&args.held.options(folder)?, home.name())?;
    if !args.follow || runs_elsewhere {
        Logbook::read_by(home.folder(), &mut filter).iter().for_each(|line| show(line, args.json, reporter));
        tell_strange(&filter, home.folder(), reporter);
    }
    if runs_elsewhere {
        let take = |line: LogLine| {
            if filter.takes(&line) {
                show(&line, args.json, reporter);
            }
            true
        };
        daemon::elsewhere::logs(&args.held.options(folder)?, home.name(), args.follow, reporter, take)?;
        return Ok(0);
    }
    if !args.follow {
        return Ok(0);
    }
    let Some(client) = daemon::find(&home)? else {
        let failure = Failure::new(ExitCode::NothingMatched, format!("`{}` does not run", home.name()));
        return Err(failure.hint("without `--follow`, `logs` shows what was written before"));
    };
    let mut last = 0;
    client.watch(|reply| {
        match reply {
            // From here on nothing is missed, so now the book is read; what came both ways is shown once.
            Reply::Watching {} => {
                for line in Logbook::read_by(home.folder(), &mut filter) {
                    last = line.seq;
                    show(&line, args.json, reporter);
                }
                tell_strange(&filter, home.folder(), reporter);
            }
            Reply::Event { seq, ts, run, event: Event::Log { service, stream, line } } if seq > last => {
                let line = LogLine { seq, ts, service, run, stream, line };
                if filter.takes(&line) {
                    show(&line, args.json, reporter);
                }
            }
            _ => {}
        }
        true
    })?;
    Ok(0)
}

fn tell_strange(filter: &LogFilter, folder: &Path, reporter: &Reporter) {
    if filter.strange() > 0 {
        let (count, book) = (filter.strange(), folder.join("logs.jsonl"));
        reporter.warning(format!(
            "{count} lines of `{}` were written by another version and are left out; that version of `cargo hydro` shows them",
            book.display()
        ));
    }
}

fn show(line: &LogLine, json: bool, reporter: &Reporter) {
    if json || reporter.format() == Format::Json {
        if let Ok(text) = serde_json::to_string(line) {
            reporter.data(&text);
        }
        return;
    }
    reporter.emit(&Event::Log { service: line.service.clone(), stream: line.stream, line: line.line.clone() });
}

/// Reads how long ago, as milliseconds since 1970.
fn since(text: &str) -> Result<u64, Failure> {
    let wrong = || {
        Failure::new(ExitCode::Usage, format!("`--since {text}` is no time"))
            .hint("write a number and its unit: `30s`, `5m`, `2h`")
    };
    let ago: Duration = crate::workspace::hydro_toml::parse_duration(text).ok_or_else(wrong)?;
    let then = SystemTime::now().checked_sub(ago).unwrap_or(UNIX_EPOCH);
    let since = then.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
