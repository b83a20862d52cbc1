//! `cargo hydro metrics`: what the programs of a deployment that runs count, as a table, for Prometheus, or as JSON.

use std::path::Path;

use hydro_runtime_shim::contract::{AdminReply, AdminRequest, Direction, LinkReport, Metrics};

use super::held::HeldArgs;
use super::services::ended;
use crate::daemon::{Client, Reply, Request};
use crate::report::{ExitCode, Failure, Reporter};

/// Arguments of `metrics`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Services, or members (`service.0`); none: all programs that run
    #[arg(value_name = "SERVICE")]
    names: Vec<String>,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    held: HeldArgs,
}

/// How metrics are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A line for each link
    #[default]
    Table,
    /// Prometheus' text format
    Prometheus,
    /// One JSON array
    Json,
}

pub(super) fn run(args: &Args, folder: &Path, reporter: &Reporter) -> Result<u8, Failure> {
    let client = args.held.client(folder)?;
    let names = if args.names.is_empty() { programs(&client)? } else { args.names.clone() };
    let mut all = Vec::new();
    for name in names {
        let request = Request::Ask { name, ask: AdminRequest::Metrics {} };
        match client.ask(&request, |_| ())? {
            Reply::Asked { answers } => all.extend(answers.into_iter().filter_map(|answer| match answer.answer {
                AdminReply::Metrics(metrics) => Some((answer.member, metrics)),
                _ => None,
            })),
            other => ended(other, reporter)?,
        }
    }
    reporter.data(&match args.format {
        Format::Table => table(&all),
        Format::Prometheus => prometheus(&all),
        Format::Json => {
            let all: Vec<&Metrics> = all.iter().map(|(_, metrics)| metrics).collect();
            serde_json::to_string(&all)
                .map_err(|error| Failure::new(ExitCode::DeployFailed, "cannot write the metrics").cause(error))?
        }
    });
    Ok(0)
}

/// Returns all members that run and can be asked.
fn programs(client: &Client) -> Result<Vec<String>, Failure> {
    match client.ask(&Request::Status {}, |_| ())? {
        Reply::Status(status) => {
            let running = status.members.into_iter().filter(|member| member.is_program && member.pid.is_some());
            Ok(running.map(|member| member.name).collect())
        }
        _ => Err(Failure::new(ExitCode::DeployFailed, "the deployment's process gave no status")),
    }
}

/// The table's columns, and which of them are numbers.
const HEAD: [(&str, bool); 9] = [
    ("SERVICE", false),
    ("PORT", false),
    ("PEER", false),
    ("LINK", false),
    ("ITEMS", true),
    ("BYTES", true),
    ("WAITING", true),
    ("LEFT OUT", true),
    ("RECONNECTS", true),
];

/// Draws a line for each link; each column as wide as its widest cell.
fn table(all: &[(String, Metrics)]) -> String {
    let links = all.iter().flat_map(|(member, metrics)| metrics.links.iter().map(move |link| row(member, link)));
    let rows: Vec<[String; 9]> = std::iter::once(HEAD.map(|(word, _)| word.to_owned())).chain(links).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let columns: [(usize, bool); 9] = std::array::from_fn(|column| (width(column), HEAD[column].1));
    let line = |row: &[String; 9]| {
        let cell = |(cell, (width, is_number)): (&String, (usize, bool))| match is_number {
            true => format!("{cell:>width$}"),
            false => format!("{cell:width$}"),
        };
        let cells: Vec<String> = row.iter().zip(columns).map(cell).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn row(member: &str, link: &LinkReport) -> [String; 9] {
    let arrow = if link.direction == Some(Direction::Output) { "→" } else { "←" };
    let peer = link.peer.as_deref().or(link.endpoint.as_deref()).unwrap_or("?");
    [
        member.to_owned(),
        link.port.clone(),
        format!("{arrow} {peer}"),
        if link.connected { "up" } else { "down" }.to_owned(),
        link.messages.to_string(),
        link.bytes.to_string(),
        link.queue_messages.to_string(),
        link.left_out.to_string(),
        link.reconnects.to_string(),
    ]
}

/// Writes the metrics of several programs as one text: each series once, with the labels of whom it is from.
fn prometheus(all: &[(String, Metrics)]) -> String {
    // Every program has the same series in the same order.
    let texts: Vec<(String, String)> = all
        .iter()
        .map(|(_, metrics)| {
            let whose = format!("service=\"{}\",member=\"{}\"", metrics.service, metrics.member);
            (whose, metrics.to_prometheus())
        })
        .collect();
    let families: Vec<Vec<&str>> = texts.iter().map(|(_, text)| text.split_inclusive("# HELP ").collect()).collect();
    let count = families.first().map_or(0, Vec::len);
    let mut merged = String::new();
    for family in 1..count {
        for (index, ((whose, _), families)) in texts.iter().zip(&families).enumerate() {
            let lines = families.get(family).copied().unwrap_or_default().trim_end_matches("# HELP ");
            for (number, line) in lines.lines().enumerate() {
                match number {
                    0 if index == 0 => merged.push_str(&format!("# HELP {line}\n")),
                    1 if index == 0 => merged.push_str(&format!("{line}\n")),
                    0 | 1 => {}
                    _ => merged.push_str(&format!("{}\n", with_labels(line, whose))),
                }
            }
        }
    }
    merged
}

/// Adds labels to a sample, unless it says whose it is.
fn with_labels(sample: &str, whose: &str) -> String {
    match (sample.split_once('{'), sample.split_once(' ')) {
        _ if sample.contains(whose) => sample.to_owned(),
        (Some((name, rest)), _) => format!("{name}{{{whose},{rest}"),
        (None, Some((name, value))) => format!("{name}{{{whose}}} {value}"),
        (None, None) => sample.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(service: &str, member: u32, messages: u64) -> (String, Metrics) {
        let link = LinkReport {
            port: "out".into(),
            direction: Some(Direction::Output),
            peer: Some("server.0".into()),
            connected: true,
            messages,
            ..LinkReport::default()
        };
        let metrics = Metrics {
            program: "p".into(),
            deployment: "d".into(),
            service: service.into(),
            member,
            uptime_seconds: 2.0,
            ticks: 5,
            busy_seconds: 0.5,
            tick_running_seconds: 0.0,
            links: vec![link],
            ports: Vec::new(),
        };
        (format!("{service}.{member}"), metrics)
    }

    #[test]
    fn a_table_has_a_line_for_each_link() {
        let expected = "\
SERVICE  PORT  PEER        LINK  ITEMS  BYTES  WAITING  LEFT OUT  RECONNECTS
a.0      out   → server.0  up        7      0        0         0           0
a.1      out   → server.0  up     1000      0        0         0           0
";
        assert_eq!(table(&[of("a", 0, 7), of("a", 1, 1000)]), expected);
    }

    #[test]
    fn prometheus_reads_each_series_once_with_whose_it_is() {
        let text = prometheus(&[of("a", 0, 7), of("b", 1, 8)]);
        for line in [
            "hydro_info{program=\"p\",deployment=\"d\",service=\"b\",member=\"1\"} 1",
            "hydro_ticks_total{service=\"a\",member=\"0\"} 5",
            "hydro_link_messages_total{service=\"b\",member=\"1\",port=\"out\",peer=\"server.0\",direction=\"out\"} 8",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
        let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("# TYPE")).collect();
        let mut once = heads.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(heads.len(), once.len(), "{text}");
        assert_eq!(prometheus(&[]), "");
    }
}
