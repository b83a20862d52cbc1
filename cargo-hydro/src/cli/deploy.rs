//! `cargo hydro deploy`: what `Hydro.toml` describes, built, started and wired, in the foreground.

use std::path::Path;

use super::options::{CompileArgs, WorkspaceArgs};
use crate::deploy::{self, Deployment, EngineOptions, topology};
use crate::report::{ExitCode, Failure, Reporter};
use crate::workspace::Workspace;

/// Arguments of `deploy`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Place every machine on this one
    #[arg(long)]
    local: bool,
    #[command(flatten)]
    compile: CompileArgs,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

pub(super) fn run(args: &Args, folder: &Path, reporter: &Reporter) -> Result<u8, Failure> {
    let workspace = args.workspace.workspace(folder)?;
    foreground(workspace, args.local, &args.compile, reporter)
}

/// Reads `Hydro.toml` and keeps what it describes running until it ends or is ended.
pub(super) fn foreground(
    workspace: Workspace,
    local: bool,
    compile: &CompileArgs,
    reporter: &Reporter,
) -> Result<u8, Failure> {
    let deployment = deploy::from_toml(&workspace, reporter)?;
    let options = EngineOptions { workspace, build: compile.options(None), local };
    match deploy::foreground(options, deployment, reporter) {
        Ok(code) => Ok(code as u8),
        Err(failures) => Err(last_of(failures, reporter)),
    }
}

/// Reads `Hydro.toml` and checks that its parts fit together.
pub(super) fn checked(workspace: &Workspace, local: bool, reporter: &Reporter) -> Result<Deployment, Failure> {
    let deployment = deploy::from_toml(workspace, reporter)?;
    let failures = topology::check(&deployment, local);
    if failures.is_empty() { Ok(deployment) } else { Err(last_of(failures, reporter)) }
}

/// All failures are told; the last one ends the command.
fn last_of(mut failures: Vec<Failure>, reporter: &Reporter) -> Failure {
    let end = failures.pop().unwrap_or_else(|| Failure::new(ExitCode::DeployFailed, "the deployment failed"));
    failures.iter().for_each(|failure| reporter.failure(failure));
    end
}
