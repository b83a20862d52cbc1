//! `cargo hydro status` and `resolve`: what is deployed here, and where services are found.

use std::path::Path;

use super::held::HeldArgs;
use super::options::WorkspaceArgs;
use super::table::columns;
use crate::daemon::{self, Home, Reply, Request, StatusReport};
use crate::report::{ExitCode, Failure, Reporter};

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print one JSON object for each deployment
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

/// Arguments of `resolve`.
#[derive(Debug, clap::Args)]
pub(super) struct ResolveArgs {
    /// The service, or one member (`service.0`)
    name: String,
    #[command(flatten)]
    held: HeldArgs,
}

/// Lists all deployments that the workspace has or had.
pub(super) fn run(args: &Args, folder: &Path, reporter: &Reporter) -> Result<u8, Failure> {
    let workspace = args.workspace.workspace(folder)?;
    let mut rows = vec![["DEPLOYMENT", "STATE", "RELEASE", "UP", "PID"].map(str::to_owned)];
    for home in daemon::all_homes(workspace.root()) {
        let status = status(&home)?;
        if args.json {
            let text = serde_json::to_string(&status)
                .map_err(|error| Failure::new(ExitCode::DeployFailed, "cannot write the status").cause(error))?;
            reporter.data(&text);
            continue;
        }
        let state = match (status.pid, status.foreground) {
            (None, _) => "down",
            (Some(_), true) => "in a terminal",
            (Some(_), false) => "in the background",
        };
        let up = status.members.iter().filter(|member| member.state == "up").count();
        rows.push([
            status.deployment,
            state.to_owned(),
            status.releases.to_string(),
            format!("{up} of {}", status.members.len()),
            status.pid.map_or("-".to_owned(), |pid| pid.to_string()),
        ]);
    }
    if !args.json {
        reporter.data(&columns(&rows));
    }
    Ok(0)
}

/// Asks whoever holds a deployment how it is; that nobody does is an answer too.
pub(super) fn status(home: &Home) -> Result<StatusReport, Failure> {
    let Some(client) = daemon::find(home)? else {
        let (deployment, members) = (home.name().to_owned(), Vec::new());
        return Ok(StatusReport {
            deployment,
            pid: None,
            foreground: false,
            releases: 0,
            troubles: Vec::new(),
            members,
        });
    };
    match client.ask(&Request::Status {}, |_| ())? {
        Reply::Status(status) => Ok(status),
        _ => Err(Failure::new(ExitCode::DeployFailed, "the deployment's process gave no status")),
    }
}

/// Prints the addresses of a service's members that run, one per line.
pub(super) fn resolve(args: &ResolveArgs, folder: &Path, reporter: &Reporter) -> Result<u8, Failure> {
    let status = status(&args.held.home(folder)?)?;
    let named = |name: &str, service: &str| name == args.name || service == args.name;
    let found: Vec<_> = status.members.iter().filter(|member| named(&member.name, &member.service)).collect();
    if found.is_empty() {
        let message = format!("`{}` has no service `{}`", status.deployment, args.name);
        let names = status.members.iter().map(|member| member.service.as_str());
        let failure = Failure::new(ExitCode::NothingMatched, message);
        return Err(match hydroflow_standalone::diagnostic::nearest(&args.name, names) {
            Some(near) => failure.hint(format!("a similar name exists: `{near}`")),
            None => failure.hint("`cargo hydro ps` lists what runs"),
        });
    }
    let live = found.iter().filter(|member| member.pid.is_some()).filter_map(|member| member.address.as_ref());
    let live: Vec<&str> = live.map(String::as_str).collect();
    if live.is_empty() {
        let message = format!("`{}` has no address now", args.name);
        return Err(
            Failure::new(ExitCode::NothingMatched, message).hint("it does not run, or is a command without `listen`")
        );
    }
    reporter.data(&live.join("\n"));
    Ok(0)
}
