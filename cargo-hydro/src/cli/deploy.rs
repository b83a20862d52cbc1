//! `cargo hydro deploy`: what `Hydro.toml` describes, built, started and wired, in the foreground.

use std::path::{Path, PathBuf};

use super::options::{CompileArgs, WorkspaceArgs};
use super::ps;
use super::services::{ended, without_logs};
use crate::daemon::{self, DeployRequest, Home, Request, ShowStatus};
use crate::deploy::{self, Changes, Deployment, EngineOptions, topology};
use crate::report::{ExitCode, Failure, Reporter};
use crate::script;
use crate::supervision::Restart;
use crate::workspace::Workspace;

/// Arguments of `deploy`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Place every machine on this one
    #[arg(long)]
    local: bool,
    /// Refuse machines at Google Cloud that cost more, in US dollars, by an estimate
    #[arg(long, value_name = "USD", conflicts_with = "local")]
    max_cost_per_hour: Option<deploy::Price>,
    /// Leave it running in the background; `ps`, `logs`, `stop` and `down` find it there
    #[arg(short, long)]
    detach: bool,
    /// Apply changes of Hydro.toml and sources as they are saved
    #[arg(short, long, conflicts_with = "detach")]
    watch: bool,
    /// Change what this plan says, or nothing; for what runs in the background
    #[arg(long, value_name = "FILE", requires = "detach")]
    plan: Option<PathBuf>,
    #[command(flatten)]
    compile: CompileArgs,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

pub(super) fn run(args: &Args, folder: &Path, reporter: &Reporter) -> Result<u8, Failure> {
    let workspace = args.workspace.workspace(folder)?;
    if args.detach {
        return detached(args, folder, &workspace, reporter);
    }
    let request = request(folder, &args.workspace, &args.compile, (args.local, args.max_cost_per_hour));
    foreground(workspace, request, args.watch, reporter)
}

/// Has the process in the background make what runs what `Hydro.toml` says; without one, it is started.
fn detached(args: &Args, folder: &Path, workspace: &Workspace, reporter: &Reporter) -> Result<u8, Failure> {
    // What is wrong is told before anything is begun.
    let deployment = checked(workspace, args.local, reporter)?;
    let home = Home::new(workspace.root(), &deployment.name);
    let expected = args.plan.as_ref().map(|file| kept_plan(&super::absolute(folder, file), file)).transpose()?;
    let request = DeployRequest {
        expected,
        ..in_background(folder, &args.workspace, &args.compile, (args.local, args.max_cost_per_hour))
    };
    let request = Request::Deploy(request);
    let ask = || {
        let client = match daemon::find(&home)? {
            Some(client) => client,
            None => daemon::start(workspace.root(), &home)?,
        };
        client.ask(&request, |event| without_logs(&event, reporter))
    };
    let reply = match ask() {
        // Whoever held it died in this very moment, and its services with it: begin anew.
        Err(_) if daemon::find(&home)?.is_none() => ask()?,
        reply => reply?,
    };
    ended(reply, reporter)?;
    reporter.status("Deployed", format!("{} in the background; `cargo hydro ps` lists it", deployment.name));
    Ok(0)
}

/// Whether every machine is this one, and what machines that are made may cost an hour.
pub(super) type Placing = (bool, Option<deploy::Price>);

/// Says what is to be deployed in the background.
pub(super) fn in_background(
    folder: &Path,
    workspace: &WorkspaceArgs,
    compile: &CompileArgs,
    local: Placing,
) -> DeployRequest {
    // Nobody watches it: who fails is started again.
    DeployRequest { default_restart: Some(Restart::Transient), ..request(folder, workspace, compile, local) }
}

/// Says what is to be deployed here.
pub(super) fn request(
    folder: &Path,
    workspace: &WorkspaceArgs,
    compile: &CompileArgs,
    (local, max_cost): Placing,
) -> DeployRequest {
    DeployRequest {
        folder: folder.to_owned(),
        flags: workspace.flags(folder),
        build: compile.options(),
        local,
        max_cost,
        default_restart: None,
        expected: None,
    }
}

/// Reads `Hydro.toml` and keeps what it describes running until it ends or is ended; or until it is ended alone, following edits.
pub(super) fn foreground(
    workspace: Workspace,
    request: DeployRequest,
    watch: bool,
    reporter: &Reporter,
) -> Result<u8, Failure> {
    let shown = reporter.clone();
    // What a table holds can always be written.
    let show_status: ShowStatus = Box::new(move |status| drop(ps::show(status, false, &shown)));
    let result = if watch {
        daemon::watched(workspace, request, reporter, show_status, script::hooks)
    } else {
        let deployment = deploy::from_toml(&workspace, reporter)?;
        let DeployRequest { build, local, max_cost, .. } = request;
        let options = EngineOptions { workspace, build, local, max_cost, keeps_all_lines: false };
        daemon::foreground(options, deployment, reporter, show_status, script::hooks)
    };
    match result {
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

/// Reads a plan that was kept.
fn kept_plan(file: &Path, shown: &Path) -> Result<Changes, Failure> {
    let wrong = |error: String| {
        let failure = Failure::new(ExitCode::Usage, format!("`{}` is no plan", shown.display())).cause(error);
        failure.hint("make one with `cargo hydro plan --out FILE`")
    };
    let text = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    let changes: Changes = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    // Who leaves something of a plan out does another.
    let known = serde_json::to_value(&changes).unwrap_or_default();
    let said: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&text).unwrap_or_default();
    match said.keys().find(|key| known.get(key.as_str()).is_none()) {
        None => Ok(changes),
        Some(key) => {
            let message = format!(
                "`{}` says `{key}`, which version {} does not know",
                shown.display(),
                env!("CARGO_PKG_VERSION")
            );
            let failure = Failure::new(ExitCode::Usage, message);
            Err(failure.hint("deploy it with the version of `cargo hydro` that made it, or make another here"))
        }
    }
}
