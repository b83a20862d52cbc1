//! `cargo hydro plan`: what a deploy would change of what runs in the background.

use std::path::{Path, PathBuf};

use super::deploy::{checked, in_background};
use super::options::{CompileArgs, WorkspaceArgs};
use super::services::{ended, without_logs};
use crate::daemon::{self, Home, Reply, Request};
use crate::deploy::Changes;
use crate::report::{ExitCode, Failure, Reporter};

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Place every machine on this one
    #[arg(long)]
    local: bool,
    /// Keep the plan; `deploy --detach --plan FILE` does that and nothing else
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the plan as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    compile: CompileArgs,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

/// Returns 0 where nothing would change, and 2 where something would.
pub(super) fn run(args: &Args, folder: &Path, reporter: &Reporter) -> Result<u8, Failure> {
    let workspace = args.workspace.workspace(folder)?;
    let mut deployment = checked(&workspace, args.local, reporter)?;
    if args.local {
        deployment.place_here();
    }
    let home = Home::new(workspace.root(), &deployment.name);
    let changes = match daemon::find(&home)? {
        None => Changes::first(&workspace, &deployment)?,
        Some(client) => {
            let request = Request::Plan(in_background(folder, &args.workspace, &args.compile, (args.local, None)));
            match client.ask(&request, |event| without_logs(&event, reporter))? {
                Reply::Plan { changes } => changes,
                other => {
                    ended(other, reporter)?;
                    return Err(Failure::new(ExitCode::DeployFailed, "the deployment's process made no plan"));
                }
            }
        }
    };
    let text = serde_json::to_string(&changes)
        .map_err(|error| Failure::new(ExitCode::DeployFailed, "cannot write the plan").cause(error))?;
    if let Some(out) = &args.out {
        std::fs::write(super::absolute(folder, out), &text)
            .map_err(|error| Failure::new(ExitCode::Usage, format!("cannot write `{}`", out.display())).cause(error))?;
    }
    match args.json {
        true => reporter.data(&text),
        false => reporter.emit(&changes.event(&deployment.name)),
    }
    Ok(if changes.is_empty() { ExitCode::Ok as u8 } else { ExitCode::Changes as u8 })
}
