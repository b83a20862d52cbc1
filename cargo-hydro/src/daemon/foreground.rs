//! A deployment in a terminal: deploy, stay while services run, end them all in order; meanwhile other shells can ask and change it.
//!
//! Knows no command line; the engine does the work.

use std::time::Duration;

use tokio::time::timeout;

use super::{Home, Host};
use crate::deploy::{Deployment, Engine, EngineOptions};
use crate::report::{ExitCode, Failure, Reporter};
use crate::sys::signal::{Interrupt, Interrupts};
use crate::sys::stop_runs;

/// How long an interrupted deploy may take to have what it started come up, or to see that its build was ended.
const SETTLING: Duration = Duration::from_secs(1);

/// Deploys and stays in the foreground until all services have ended, one of them fails, or the user interrupts. Blocks.
///
/// # Errors
/// All problems found, or the failure of a service; by then nothing runs any more.
pub fn foreground(
    options: EngineOptions,
    deployment: Deployment,
    reporter: &Reporter,
) -> Result<ExitCode, Vec<Failure>> {
    if deployment.services.is_empty() {
        let failure = Failure::new(ExitCode::NothingMatched, format!("`{}` has no services", deployment.name));
        return Err(vec![
            failure.hint("write at least one into `Hydro.toml`: `[services.NAME]` with `src` or `command`"),
        ]);
    }
    let system = |what: &str, error: std::io::Error| vec![Failure::new(ExitCode::DeployFailed, what).cause(error)];
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| system("cannot start the runtime", error))?;
    let interrupts = Interrupts::listen().map_err(|error| system("cannot listen to signals", error))?;
    let local = tokio::task::LocalSet::new();
    let home = Home::new(options.workspace.root(), &deployment.name);
    let result = local.block_on(&runtime, async {
        let host = Host::open(home, true, reporter).map_err(|failure| vec![failure])?;
        let engine = Engine::new(options, deployment, host.reporter().clone());
        host.hold(&engine);
        tokio::select! {
            result = stay(&engine, &interrupts) => result,
            () = host.over() => Ok(ExitCode::Ok),
        }
    });
    drop(local);
    // A build that was interrupted is not waited for: what it ran has been killed.
    runtime.shutdown_background();
    result
}

async fn stay(engine: &Engine, interrupts: &Interrupts) -> Result<ExitCode, Vec<Failure>> {
    let mut deploying = std::pin::pin!(engine.deploy());
    let deployed = tokio::select! {
        deployed = &mut deploying => deployed,
        interrupt = interrupts.first() => {
            stop_runs();
            // What was started just now is known to the deploy alone until it is up; it is to have an orderly end too.
            let _ = timeout(SETTLING, deploying).await;
            return Ok(stop(engine, interrupt).await);
        }
    };
    if let Err(problems) = deployed {
        engine.stop_all().await;
        return Err(problems);
    }
    let mut changes = engine.changes();
    while !engine.is_over() && !engine.has_failed() {
        tokio::select! {
            // The engine holds the other end, so this waits for a change and nothing else.
            _ = changes.changed() => {}
            interrupt = interrupts.first() => return Ok(stop(engine, interrupt).await),
        }
    }
    let failed = engine.failed_members();
    tokio::select! {
        () = engine.stop_all() => {}
        interrupt = interrupts.first() => return Ok(stop(engine, interrupt).await),
    }
    if failed.is_empty() { Ok(ExitCode::Ok) } else { Err(failed) }
}

async fn stop(engine: &Engine, interrupt: Interrupt) -> ExitCode {
    stop_runs();
    engine.reporter().status("Stopping", engine.deployment().name);
    engine.stop_all().await;
    interrupt.into()
}
