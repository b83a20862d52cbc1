//! `cargo hydro stop|start|restart|down`: wishes to a deployment that runs.

use std::path::Path;

use super::held::HeldArgs;
use crate::daemon::{self, Home, Reply, Request};
use crate::report::{Event, ExitCode, Failure, Reporter};
use crate::script;

/// Arguments of `stop`, `start` and `restart`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Services, or members (`service.0`); none: all
    #[arg(value_name = "SERVICE")]
    names: Vec<String>,
    #[command(flatten)]
    held: HeldArgs,
}

/// Arguments of `down`.
#[derive(Debug, clap::Args)]
pub(super) struct DownArgs {
    /// On other machines, end it whoever began it there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    held: HeldArgs,
}

/// What is wished for services.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wish {
    Stop,
    Start,
    Restart,
}

pub(super) fn run(wish: Wish, args: Args, folder: &Path, reporter: &Reporter) -> Result<u8, Failure> {
    let client = args.held.client(folder)?;
    let (verb, names) = (
        match wish {
            Wish::Stop => "Stopped",
            Wish::Start => "Started",
            Wish::Restart => "Restarted",
        },
        args.names,
    );
    let told = if names.is_empty() { "all services".to_owned() } else { names.join(", ") };
    let request = match wish {
        Wish::Stop => Request::Stop { names },
        Wish::Start => Request::Start { names },
        Wish::Restart => Request::Restart { names },
    };
    ended(client.ask(&request, |_| ())?, reporter)?;
    reporter.status(verb, told);
    Ok(0)
}

/// Arguments of `scale`.
#[derive(Debug, clap::Args)]
pub(super) struct ScaleArgs {
    /// The service
    service: String,
    /// How many members it is to have, until Hydro.toml is deployed again
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    count: u32,
    #[command(flatten)]
    held: HeldArgs,
}

pub(super) fn scale(args: ScaleArgs, folder: &Path, reporter: &Reporter) -> Result<u8, Failure> {
    let client = args.held.client(folder)?;
    let request = Request::Scale { service: args.service, count: args.count };
    ended(client.ask(&request, |event| without_logs(&event, reporter))?, reporter)?;
    Ok(0)
}

pub(super) fn down(args: &DownArgs, folder: &Path, reporter: &Reporter) -> Result<u8, Failure> {
    let home = args.held.home(folder)?;
    let Some(client) = daemon::find(&home)? else {
        let machines = elsewhere(args, &home, folder, reporter)?;
        let told =
            if machines.is_empty() { "it did not run".to_owned() } else { format!("on {}", machines.join(", ")) };
        reporter.status("Down", format!("{} ({told})", home.name()));
        return Ok(0);
    };
    match client.ask(&Request::Down {}, |event| without_logs(&event, reporter)) {
        // Whoever held it died in this very moment; its guardian ends the services.
        Err(_) if daemon::find(&home)?.is_none() => {}
        reply => ended(reply?, reporter)?,
    }
    home.wait_until_free();
    let options = args.held.options(folder)?;
    if daemon::elsewhere::is_elsewhere(&options, home.name())? {
        // What could not be ended there is tried again with what we may do, and told if that is in vain, too.
        elsewhere(args, &home, folder, reporter)?;
    }
    reporter.status("Down", home.name());
    Ok(0)
}

/// Ends what is left on other machines; returns their names.
fn elsewhere(args: &DownArgs, home: &Home, folder: &Path, reporter: &Reporter) -> Result<Vec<String>, Failure> {
    let options = args.held.options(folder)?;
    if !args.force && script::is_running(&options.workspace, home.name()) {
        let message = format!("a script runs `{}` at this moment", home.name());
        let hint = "end the script, which takes its deployment along; `--force` ends the deployment under it";
        return Err(Failure::new(ExitCode::DeployFailed, message).hint(hint));
    }
    daemon::elsewhere::down(&options, home.name(), args.force, reporter).map_err(|mut failures| {
        let last = failures.pop().unwrap_or_else(|| Failure::new(ExitCode::DeployFailed, "nothing was ended"));
        failures.iter().for_each(|failure| reporter.failure(failure));
        last
    })
}

/// Tells an event; what services write is for `logs`.
pub(super) fn without_logs(event: &Event, reporter: &Reporter) {
    if !matches!(event, Event::Log { .. }) {
        reporter.emit(event);
    }
}

/// Tells all failures of a reply; the last one ends the command.
pub(super) fn ended(reply: Reply, reporter: &Reporter) -> Result<(), Failure> {
    match reply {
        Reply::Failed { mut failures } => {
            let last = failures.pop().unwrap_or_else(|| Failure::new(ExitCode::DeployFailed, "the deployment failed"));
            failures.iter().for_each(|failure| reporter.failure(failure));
            Err(last)
        }
        _ => Ok(()),
    }
}
