//! `cargo hydro ps`: the members of a deployment and how each is, as a table or as JSON.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::held::HeldArgs;
use super::status::status;
use super::table::columns;
use crate::daemon::{self, MemberReport, Reply, StatusReport};
use crate::deploy::Outside;
use crate::report::{Event, ExitCode, Failure, Reporter};

/// Arguments of `ps`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// Print it again whenever something changes
    #[arg(short, long)]
    watch: bool,
    #[command(flatten)]
    held: HeldArgs,
}

pub(super) fn run(args: &Args, folder: &Path, reporter: &Reporter) -> Result<u8, Failure> {
    let home = args.held.home(folder)?;
    let look = || {
        let mut status = status(&home)?;
        if status.pid.is_none() {
            let options = args.held.options(folder)?;
            status.members = daemon::elsewhere::members(&options, home.name(), reporter)?;
        }
        show(&status, args.json, reporter)
    };
    look()?;
    let Some(client) = daemon::find(&home)? else { return Ok(0) };
    if args.watch {
        let mut result = Ok(());
        let watched = client.watch(|reply| {
            if let Reply::Event { event: Event::Service { .. } | Event::Plan { .. } | Event::GaveUp { .. }, .. } = reply
            {
                result = look();
            }
            result.is_ok()
        });
        // Who looked at the very end was refused; that the deployment is gone is no failure.
        if let Err(failure) = result.and(watched)
            && daemon::find(&home)?.is_some()
        {
            return Err(failure);
        }
    }
    Ok(0)
}

/// Shows how a deployment is, as a table or as one JSON object.
pub(super) fn show(status: &StatusReport, json: bool, reporter: &Reporter) -> Result<(), Failure> {
    if json {
        let text = serde_json::to_string(status)
            .map_err(|error| Failure::new(ExitCode::DeployFailed, "cannot write the status").cause(error))?;
        reporter.data(&text);
        return Ok(());
    }
    if status.pid.is_none() && !status.members.is_empty() {
        reporter.status("Left", format!("{} runs by itself; `deploy --detach` takes it up again", status.deployment));
        reporter.data(&table(&status.members, now()));
        tell_exposed(&status.members, reporter);
        return Ok(());
    }
    let Some(pid) = status.pid else {
        reporter.status("Down", format!("{}: nothing of it runs", status.deployment));
        return Ok(());
    };
    let place = if status.foreground { "in a terminal" } else { "in the background" };
    reporter.status("Running", format!("{} {place} (pid {pid}), release {}", status.deployment, status.releases));
    status.troubles.iter().for_each(|trouble| reporter.warning(trouble.as_str()));
    reporter.data(&table(&status.members, now()));
    tell_exposed(&status.members, reporter);
    Ok(())
}

/// Says where ports are reached from outside.
fn tell_exposed(members: &[MemberReport], reporter: &Reporter) {
    for member in members {
        for (name, Outside { port, address }) in &member.exposed {
            let event = Event::Exposed {
                name: name.clone(),
                member: member.name.clone(),
                port: port.clone(),
                address: address.to_string(),
            };
            reporter.emit(&event);
        }
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn table(members: &[MemberReport], now: u64) -> String {
    let head = ["SERVICE", "STATE", "PID", "RESTARTS", "SINCE", "MACHINE", "ADDRESS"].map(str::to_owned);
    let rows = members.iter().map(|member| {
        let state = match &member.ended {
            Some(ended) => format!("{} ({ended})", member.state),
            None => match &member.unhealthy {
                Some(ill) => format!("{} (unhealthy: {ill})", member.state),
                None => member.state.clone(),
            },
        };
        [
            member.name.clone(),
            state,
            member.pid.map_or("-".to_owned(), |pid| pid.to_string()),
            member.restarts.to_string(),
            age(now.saturating_sub(member.started_ms)),
            member.machine.clone(),
            member.address.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    });
    columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

/// Writes a time as people say it: the two largest units at most.
fn age(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_table_has_straight_columns() {
        let member = |name: &str, ended: Option<&str>| MemberReport {
            name: name.into(),
            is_program: true,
            service: name.into(),
            machine: "localhost".into(),
            state: if ended.is_some() { "paused" } else { "up" }.into(),
            pid: ended.is_none().then_some(4711),
            address: Some("127.0.0.1:4000".into()),
            exposed: BTreeMap::new(),
            restarts: 2,
            unhealthy: (name == "ill").then(|| "waits for `x` to end with 0: failed 1 of 3".into()),
            started_ms: 1_000,
            ended: ended.map(Into::into),
        };
        let table = table(&[member("server", None), member("ü.0", Some("exited with code 1"))], 91_000);
        assert!(
            self::table(&[member("ill", None)], 91_000)
                .contains("up (unhealthy: waits for `x` to end with 0: failed 1 of 3)")
        );
        let expected = "\
SERVICE  STATE                        PID   RESTARTS  SINCE  MACHINE    ADDRESS
server   up                           4711  2         1m30s  localhost  127.0.0.1:4000
ü.0      paused (exited with code 1)  -     2         1m30s  localhost  127.0.0.1:4000
";
        assert_eq!(table, expected);
        assert_eq!([age(59_999), age(3_600_000), age(90_000_000)], ["59s", "1h00m", "1d01h"]);
    }
}
