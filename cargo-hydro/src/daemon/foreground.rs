//! A deployment in a terminal: deploy, stay while services run, end them all in order; meanwhile other shells can ask and change it.
//!
//! Knows no command line; the engine does the work. Read [`foreground`] first; [`watched`] is its sibling that follows edits.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use super::hooks::MakeHooks;
use super::keys::{self, ShowStatus};
use super::watch;
use super::{DeployRequest, Home, Host};
use crate::deploy::{self, Deployment, Engine, EngineOptions};
use crate::report::{ExitCode, Failure, Reporter};
use crate::sys::signal::Interrupts;
use crate::sys::stop_runs;
use crate::workspace::Workspace;

/// How long an interrupted deploy may take to have what it started come up, or to see that its build was ended.
const SETTLING: Duration = Duration::from_secs(1);

/// Deploys and stays in the foreground until all services have ended, one of them fails, or the user ends it. Blocks.
///
/// # Errors
/// All problems found, or the failure of a service; by then nothing runs any more.
pub fn foreground(
    options: EngineOptions,
    deployment: Deployment,
    reporter: &Reporter,
    show_status: ShowStatus,
    make_hooks: MakeHooks,
) -> Result<ExitCode, Vec<Failure>> {
    if deployment.services.is_empty() {
        let failure = Failure::new(ExitCode::NothingMatched, format!("`{}` has no services", deployment.name));
        return Err(vec![
            failure.hint("write at least one into `Hydro.toml`: `[services.NAME]` with `src` or `command`"),
        ]);
    }
    let home = Home::new(options.workspace.root(), &deployment.name);
    hold(home, reporter, (show_status, make_hooks), async |host, ending| {
        let engine = Engine::new(options, deployment, host.reporter().clone());
        host.hold(&engine);
        stay(host, &engine, ending).await
    })
}

/// Deploys what is asked for, and again whenever a file changes that it depends on, until the user ends it. What fails is told, and what runs goes on. Blocks.
///
/// # Errors
/// `Hydro.toml` is wrong from the start, the deployment cannot be held, or files cannot be watched.
pub fn watched(
    workspace: Workspace,
    request: DeployRequest,
    reporter: &Reporter,
    show_status: ShowStatus,
    make_hooks: MakeHooks,
) -> Result<ExitCode, Vec<Failure>> {
    // Without the file nobody knows the name under which other shells look for it.
    let silent = Reporter::silent(reporter.options());
    match deploy::from_toml(&workspace, &silent) {
        Err(failure) if failure.code == ExitCode::Config => return Err(vec![failure]),
        // What is wrong with a program is told when it is built, and may be mended.
        _ => {}
    }
    let home = Home::new(workspace.root(), &deploy::name(&workspace));
    hold(home, reporter, (show_status, make_hooks), async |host, ending| {
        watch::stay(host, workspace, request, ending).await
    })
}

/// Holds a deployment while `work` does, with a terminal's keys where there are some.
fn hold(
    home: Home,
    reporter: &Reporter,
    (show_status, make_hooks): (ShowStatus, MakeHooks),
    work: impl AsyncFnOnce(&Host, &Ending) -> Result<ExitCode, Vec<Failure>>,
) -> Result<ExitCode, Vec<Failure>> {
    let system = |what: &str, error: std::io::Error| vec![Failure::new(ExitCode::DeployFailed, what).cause(error)];
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| system("cannot start the runtime", error))?;
    let interrupts = Interrupts::listen().map_err(|error| system("cannot listen to signals", error))?;
    let local = tokio::task::LocalSet::new();
    let result = local.block_on(&runtime, async {
        let host = Host::open(home, true, reporter, make_hooks).map_err(|failure| vec![failure])?;
        let ending = Ending { interrupts, quit: Rc::default() };
        let _keys = keys::attach(host.remote(), Rc::clone(&ending.quit), reporter, show_status);
        tokio::select! {
            result = work(&host, &ending) => result,
            () = host.over() => Ok(ExitCode::Ok),
        }
    });
    drop(local);
    // A build that was interrupted is not waited for: what it ran has been killed.
    runtime.shutdown_background();
    result
}

/// The user's wish for the end, however it is uttered.
pub(super) struct Ending {
    interrupts: Interrupts,
    quit: Rc<Notify>,
}

impl Ending {
    /// Waits for it, and returns the exit code that follows.
    pub(super) async fn wished(&self) -> ExitCode {
        tokio::select! {
            interrupt = self.interrupts.first() => interrupt.into(),
            () = self.quit.notified() => ExitCode::Ok,
        }
    }
}

/// Waits for a deploy; where the user ends it, returns the exit code.
pub(super) async fn unless_ended<T>(deploying: impl Future<Output = T>, ending: &Ending) -> Result<T, ExitCode> {
    let mut deploying = std::pin::pin!(deploying);
    tokio::select! {
        deployed = &mut deploying => Ok(deployed),
        code = ending.wished() => {
            stop_runs();
            // What was started just now is known to the deploy alone until it is up; it is to have an orderly end too.
            let _ = timeout(SETTLING, deploying).await;
            Err(code)
        }
    }
}

async fn stay(host: &Host, engine: &Engine, ending: &Ending) -> Result<ExitCode, Vec<Failure>> {
    let deployed = match unless_ended(host.deploy_with(engine), ending).await {
        Ok(deployed) => deployed,
        Err(code) => return Ok(stop(host, engine, code).await),
    };
    if let Err(problems) = deployed {
        host.stop_all().await;
        return Err(problems);
    }
    let mut changes = engine.changes();
    while !engine.is_over() && !engine.has_failed() {
        tokio::select! {
            // The engine holds the other end, so this waits for a change and nothing else.
            _ = changes.changed() => {}
            code = ending.wished() => return Ok(stop(host, engine, code).await),
        }
    }
    let failed = engine.failed_members();
    tokio::select! {
        () = host.stop_all() => {}
        code = ending.wished() => return Ok(stop(host, engine, code).await),
    }
    if failed.is_empty() { Ok(ExitCode::Ok) } else { Err(failed) }
}

/// Ends all services in order.
pub(super) async fn stop(host: &Host, engine: &Engine, code: ExitCode) -> ExitCode {
    stop_runs();
    engine.reporter().status("Stopping", engine.deployment().name);
    host.stop_all().await;
    code
}
