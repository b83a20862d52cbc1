//! What of a deployment runs on other machines while nobody here holds it: asked there directly.
//!
//! Changes nothing but what [`down`] takes away. A new deploy takes everything up again.

use std::future::Future;
use std::net::SocketAddr;

use hydro_host::words::{Event as Happening, Happened, MemberState};

use super::{LogLine, MemberReport};
use crate::deploy::{EngineOptions, Outside, UsedMachines, open_machines, take_machines_down};
use crate::machine::SshMachine;
use crate::report::{ExitCode, Failure, LogStream, Reporter};

/// Tells whether a deployment has been on other machines and was not taken down there.
///
/// # Errors
/// What is known of its machines cannot be read.
pub fn is_elsewhere(options: &EngineOptions, deployment: &str) -> Result<bool, Failure> {
    Ok(!UsedMachines::read(options.workspace.root(), deployment)?.machines.is_empty())
}

/// Asks all its machines how its members are. A machine that cannot be asked is told.
///
/// # Errors
/// What is known of its machines cannot be read, or the program that is spoken with there does not compile.
pub fn members(options: &EngineOptions, deployment: &str, reporter: &Reporter) -> Result<Vec<MemberReport>, Failure> {
    blocking(async {
        let mut all = Vec::new();
        for machine in machines(options, deployment, reporter).await? {
            match machine.members().await {
                Ok(members) => {
                    machine.reboot_trouble().into_iter().for_each(|trouble| reporter.warning(trouble));
                    all.extend(members.into_iter().map(|member| report(member, &machine)));
                }
                Err(error) => reporter.warning(format!("{error}: {}", error.causes.join(": "))),
            }
            machine.leave();
        }
        Ok(all)
    })
}

/// Reads what its members wrote that nobody has seen, and with `follow` what they go on to write, until `show` wants no more.
///
/// # Errors
/// As [`members`].
pub fn logs(
    options: &EngineOptions,
    deployment: &str,
    follow: bool,
    reporter: &Reporter,
    mut show: impl FnMut(LogLine) -> bool,
) -> Result<(), Failure> {
    blocking(async {
        let (sender, mut lines) = tokio::sync::mpsc::unbounded_channel();
        for machine in machines(options, deployment, reporter).await? {
            let sender = sender.clone();
            tokio::spawn(async move {
                let (mut events, end) = machine.events();
                let mut seen = machine.next_event();
                while follow || seen < end {
                    let Some(event) = events.recv().await else { return };
                    seen = event.seq + 1;
                    if sender.send(event).is_err() {
                        return;
                    }
                }
                machine.leave();
            });
        }
        drop(sender);
        while let Some(event) = lines.recv().await {
            if let Some(line) = line(event)
                && !show(line)
            {
                break;
            }
        }
        Ok(())
    })
}

/// Ends all of it there. Returns the names of the machines.
///
/// # Errors
/// A machine cannot be reached or asked; the others are down, and this one is known for the next attempt.
pub fn down(
    options: &EngineOptions,
    deployment: &str,
    force: bool,
    reporter: &Reporter,
) -> Result<Vec<String>, Vec<Failure>> {
    let ended = async { Ok(take_machines_down(options, deployment, force, reporter).await) };
    blocking(ended).map_err(|failure| vec![failure])?
}

async fn machines(options: &EngineOptions, deployment: &str, reporter: &Reporter) -> Result<Vec<SshMachine>, Failure> {
    let opened = open_machines(options, deployment, reporter).await.map_err(|mut failures| {
        failures.pop().unwrap_or_else(|| Failure::new(ExitCode::DeployFailed, "no machine can be asked"))
    })?;
    let mut machines = Vec::new();
    for (_, machine) in opened {
        match machine {
            Ok(machine) => machines.push(machine),
            Err(error) => reporter.warning(format!("{error}: {} ({})", error.causes.join(": "), error.hint)),
        }
    }
    Ok(machines)
}

fn report(member: MemberState, machine: &SshMachine) -> MemberReport {
    let service = member.member.split('.').next().unwrap_or_default().to_owned();
    let state = match (member.pid, member.waits) {
        (Some(_), _) => "up",
        (None, true) => "paused",
        (None, false) => "down",
    };
    let address = member.bound.address.map(|address| match machine.address() {
        Some(ip) if address.ip().is_unspecified() => format!("{ip}:{}", address.port()),
        _ => address.to_string(),
    });
    let outside = |(port, mut address): (String, SocketAddr)| {
        if let Some(ip) = machine.address().filter(|_| address.ip().is_unspecified()) {
            address.set_ip(ip);
        }
        (format!("{service}.{port}"), Outside { port, address })
    };
    let exposed = member.bound.exposed.into_iter().map(outside).collect();
    MemberReport {
        exposed,
        name: member.member,
        service,
        is_program: address.is_some(),
        machine: machine.name().to_owned(),
        state: state.to_owned(),
        pid: member.pid,
        address,
        restarts: u32::try_from(member.run.saturating_sub(1)).unwrap_or(u32::MAX),
        unhealthy: None,
        started_ms: member.since_ms,
        ended: None,
    }
}

fn line(event: Happening) -> Option<LogLine> {
    let (stream, line) = match event.what {
        Happened::Out(line) => (LogStream::Stdout, line),
        Happened::Err(line) => (LogStream::Stderr, line),
        Happened::Up { .. } | Happened::Exit { .. } => return None,
    };
    let run = u32::try_from(event.run).unwrap_or(u32::MAX);
    Some(LogLine { seq: event.seq, ts: event.ts, service: event.member, run, stream, line })
}

fn blocking<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let failed = |error| Failure::new(ExitCode::DeployFailed, "cannot use the system's notifications").cause(error);
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?.block_on(work)
}
