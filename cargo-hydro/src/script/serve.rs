//! A session for a script that somebody else runs: plain `python3`, a notebook.
//!
//! The script is our parent: it reads where the session is from our standard output, and its end is the end of our standard input. Read [`serve`] first.

use std::io::Read as _;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::LocalSet;
use tokio::time::timeout;

use super::open::OpenSession;
use super::session::SessionOptions;
use crate::build::BuildOptions;
use crate::report::{ExitCode, Failure, Reporter};
use crate::sys::signal::Interrupts;
use crate::workspace::Workspace;

/// How long all services together may take to stop in order.
const ORDERLY: Duration = Duration::from_secs(10);

/// A session to serve.
#[derive(Clone, Debug)]
pub struct ServeRequest {
    /// The user's workspace.
    pub workspace: Workspace,
    /// The script, or a file beside which its paths are, absolute.
    pub script: PathBuf,
    /// Whether every machine is this one.
    pub local: bool,
    /// How programs are built.
    pub build: BuildOptions,
}

/// Serves a session until the script has ended, and stops all that it leaves running. Returns the exit code.
///
/// # Errors
/// The engine cannot be started.
pub fn serve(request: &ServeRequest, reporter: &Reporter) -> Result<u8, Failure> {
    let failed = |error: std::io::Error| Failure::new(ExitCode::Usage, "cannot start the engine").cause(error);
    let interrupts = Interrupts::listen().map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let ServeRequest { workspace, script, local, build } = request.clone();
    let options = SessionOptions { workspace, script, local, max_cost: None, build, claims: true };
    let tasks = LocalSet::new();
    let outcome = tasks.block_on(&runtime, async {
        let session = OpenSession::open(options, reporter.clone())?;
        reporter.data(&session.address());
        let code = tokio::select! {
            () = parent_ended() => 0,
            interrupt = interrupts.first() => interrupt.code(),
        };
        let _ = timeout(ORDERLY, session.session().stop()).await;
        Ok(code)
    });
    drop(tasks);
    runtime.shutdown_background();
    outcome
}

/// Waits for the end of standard input; what comes there means nothing.
async fn parent_ended() {
    let (tell, ended) = oneshot::channel();
    // A thread, as a file or a terminal on standard input cannot be waited for in another way.
    std::thread::spawn(move || {
        let mut bytes = [0; 256];
        while std::io::stdin().read(&mut bytes).is_ok_and(|read| read > 0) {}
        let _ = tell.send(());
    });
    let _ = ended.await;
}
