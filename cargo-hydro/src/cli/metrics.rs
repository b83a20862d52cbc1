//! `cargo hydro metrics`: what running programs count, link by link.

use std::path::Path;

use hydro_runtime_shim::contract::{AdminReply, AdminRequest, Direction, LinkReport, Metrics};

use super::held::HeldArgs;
use super::ps::columns;
use super::services::ended;
use crate::daemon::{Client, Reply, Request};
use crate::report::{ExitCode, Failure, Reporter};

/// Arguments of `metrics`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Services, or members (`service.0`); none: all programs
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,
    /// How they are printed
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Form,
    #[command(flatten)]
    held: HeldArgs,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Form {
    /// A line for each link
    Table,
    /// Prometheus' text format
    Prometheus,
    /// One JSON object for each program
    Json,
}

pub(super) fn run(args: &Args, folder: &Path, reporter: &Reporter) -> Result<u8, Failure> {
    let client = args.held.client(folder)?;
    let mut all = Vec::new();
    for name in names(args, &client)? {
        match client.ask(&Request::Ask { name, ask: AdminRequest::Metrics {} }, |_| ())? {
            Reply::Asked { answers } => all.extend(answers.into_iter().filter_map(|answer| match answer.answer {
                AdminReply::Metrics(metrics) => Some((answer.member, metrics)),
                _ => None,
            })),
            other => ended(other, reporter)?,
        }
    }
    match args.format {
        Form::Table => reporter.data(&table(&all)),
        // The format has one text for each program: its series do not say whose they are.
        Form::Prometheus => match all.as_slice() {
            [(_, metrics)] => reporter.data(&metrics.to_prometheus()),
            several => {
                let message = format!("{} programs cannot share one text in Prometheus' format", several.len());
                return Err(Failure::new(ExitCode::Usage, message)
                    .hint("name one member: `cargo hydro metrics server --format prometheus`"));
            }
        },
        Form::Json => {
            for (_, metrics) in &all {
                let text = serde_json::to_string(metrics)
                    .map_err(|error| Failure::new(ExitCode::DeployFailed, "cannot write the metrics").cause(error))?;
                reporter.data(&text);
            }
        }
    }
    Ok(0)
}

/// Those that were named, or all that can be asked.
fn names(args: &Args, client: &Client) -> Result<Vec<String>, Failure> {
    if !args.services.is_empty() {
        return Ok(args.services.clone());
    }
    match client.ask(&Request::Status {}, |_| ())? {
        Reply::Status(status) => {
            let programs = status.members.into_iter().filter(|member| member.is_program && member.pid.is_some());
            Ok(programs.map(|member| member.name).collect())
        }
        _ => Ok(Vec::new()),
    }
}

fn table(all: &[(String, Metrics)]) -> String {
    let head =
        ["MEMBER", "BUSY", "PORT", "PEER", "UP", "MESSAGES", "BYTES", "RESENT", "HELD", "LATENCY"].map(str::to_owned);
    let mut rows = vec![head];
    for (member, metrics) in all {
        let busy = format!("{:.0}%", metrics.busy_ratio() * 100.0);
        for link in &metrics.links {
            rows.push(row(member, &busy, link));
        }
        if metrics.links.is_empty() {
            let mut row = [const { String::new() }; 10].map(|_| "-".to_owned());
            (row[0], row[1]) = (member.clone(), busy);
            rows.push(row);
        }
    }
    columns(&rows)
}

fn row(member: &str, busy: &str, link: &LinkReport) -> [String; 10] {
    let arrow = if link.direction == Some(Direction::Output) { "→" } else { "←" };
    let held = if link.direction == Some(Direction::Output) { link.queue_messages.to_string() } else { "-".to_owned() };
    [
        member.to_owned(),
        busy.to_owned(),
        link.port.clone(),
        format!("{arrow} {}", link.peer.as_deref().or(link.endpoint.as_deref()).unwrap_or("-")),
        if link.connected { "yes" } else { "no" }.to_owned(),
        link.messages.to_string(),
        link.bytes.to_string(),
        link.resent.to_string(),
        held,
        median(link),
    ]
}

/// Returns the limit below which at least half of the samples are.
fn median(link: &LinkReport) -> String {
    let half = link.latency.count.div_ceil(2);
    let bucket = link.latency.buckets.iter().find(|(_, below)| *below >= half);
    match bucket {
        Some((limit, _)) if half > 0 => format!("< {}µs", (limit * 1e6).round()),
        _ => "-".to_owned(),
    }
}
