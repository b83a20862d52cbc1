//! The process in the background: this program again, holding one deployment until it is taken down.
//!
//! When it is killed, the guardian ends its services, and the next command finds nobody: nothing is ever orphaned.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::client::Client;
use super::home::Home;
use super::hooks::MakeHooks;
use super::host::Host;
use crate::report::{ExitCode, Failure, ReportOptions, Reporter};
use crate::sys::signal::Interrupts;
use crate::sys::{say_ready, start_detached};

/// The argument that makes this program the process in the background; the workspace's root and the deployment's name follow.
pub const ARGUMENT: &str = "--hydro-daemon";

/// Starts the process for a deployment that nobody holds.
///
/// # Errors
/// It cannot be started, or somebody was faster.
pub fn start(workspace: &Path, home: &Home) -> Result<Client, Failure> {
    let arguments: [OsString; 3] = [ARGUMENT.into(), workspace.into(), home.name().into()];
    let failed = |error| {
        let message = format!("cannot start the process that holds `{}`", home.name());
        let said = std::fs::read_to_string(home.complaints()).unwrap_or_default();
        let failure = Failure::new(ExitCode::DeployFailed, message).cause(error);
        match said.trim() {
            "" => failure,
            said => failure.cause(said),
        }
    };
    std::fs::create_dir_all(home.folder()).map_err(failed)?;
    let ready = start_detached(&arguments, workspace, &home.complaints()).map_err(failed)?;
    Ok(Client::new(PathBuf::from(ready)))
}

/// Is that process, until the deployment is taken down. Returns the exit code.
#[must_use]
pub fn serve(workspace: &Path, name: &str, make_hooks: MakeHooks) -> u8 {
    let reporter = Reporter::new(ReportOptions::default());
    match hold(Home::new(workspace, name), make_hooks) {
        Ok(()) => 0,
        Err(failure) => {
            reporter.failure(&failure);
            failure.code as u8
        }
    }
}

fn hold(home: Home, make_hooks: MakeHooks) -> Result<(), Failure> {
    let system = |error: std::io::Error| Failure::new(ExitCode::DeployFailed, "cannot start").cause(error);
    let interrupts = Interrupts::listen().map_err(system)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(system)?;
    let local = tokio::task::LocalSet::new();
    let result = local.block_on(&runtime, async {
        let host = Host::open(home, false, &Reporter::silent(ReportOptions::default()), make_hooks)?;
        say_ready(&host.socket().display().to_string());
        tokio::select! {
            () = host.over() => {}
            _ = interrupts.first() => host.stop_all().await,
        }
        Ok(())
    });
    drop(local);
    runtime.shutdown_background();
    result
}
