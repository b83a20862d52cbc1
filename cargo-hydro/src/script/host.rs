//! Running a script: its interpreter beside a session, until it ends or the user interrupts; nothing outlives it.
//!
//! Read [`run`] first.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::LocalSet;
use tokio::time::timeout;

use super::interpreter::{Interpreter, Language};
use super::open::OpenSession;
use super::session::{LastWords, Session, SessionOptions};
use crate::build::BuildOptions;
use crate::deploy::Price;
use crate::report::{ExitCode, Failure, Reporter};
use crate::sys::signal::{Interrupt, Interrupts};
use crate::sys::{Exit, Process, Stdio, Stop, stop_runs};
use crate::workspace::Workspace;

/// How long an interrupted script may clean up before it is killed.
const CLEAN_UP: Duration = Duration::from_secs(5);
/// How long all services together may take to stop in order.
const ORDERLY: Duration = Duration::from_secs(10);
/// How many lines of a failed service are shown.
const LAST_LINES: usize = 20;
/// What a shell adds to a signal's number.
const SIGNALLED: i32 = 128;

/// A script to run.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// The user's workspace.
    pub workspace: Workspace,
    /// The script, as the user named it.
    pub script: PathBuf,
    /// What it is written in.
    pub language: Language,
    /// Arguments for the script.
    pub args: Vec<OsString>,
    /// Whether every machine is this one.
    pub local: bool,
    /// What machines that are made may cost an hour; none: anything.
    pub max_cost: Option<Price>,
    /// How programs are built.
    pub build: BuildOptions,
}

/// Runs a script and stops all that it leaves running. Returns the exit code: the script's own, 1 for an exception, 130 after Ctrl-C.
///
/// # Errors
/// The script cannot be read, or what runs it is missing.
pub fn run(request: &RunRequest, reporter: &Reporter) -> Result<u8, Failure> {
    let absolute = readable(&request.script)?;
    let interpreter = Interpreter::find(&request.workspace, request.language)?;
    let interrupts = Interrupts::listen().map_err(|error| internal("cannot listen to signals", error))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| internal("cannot start the engine", error))?;
    let tasks = LocalSet::new();
    let outcome = tasks.block_on(&runtime, beside(request, absolute, &interpreter, interrupts, reporter));
    drop(tasks);
    // A build that was interrupted is not waited for: it was killed, or it will be with us.
    runtime.shutdown_background();
    outcome
}

fn internal(what: &str, error: std::io::Error) -> Failure {
    Failure::new(ExitCode::Usage, what).cause(error)
}

fn readable(script: &Path) -> Result<PathBuf, Failure> {
    let cannot = || Failure::new(ExitCode::Usage, format!("cannot read the script `{}`", script.display()));
    match std::fs::File::open(script).and_then(|file| file.metadata()) {
        Ok(metadata) if metadata.is_dir() => Err(cannot().cause("it is a folder")),
        Ok(_) => std::path::absolute(script).map_err(|error| cannot().cause(error)),
        Err(error) => Err(cannot().cause(error)),
    }
}

/// Runs the script's process and its session side by side.
async fn beside(
    request: &RunRequest,
    script: PathBuf,
    interpreter: &Interpreter,
    interrupts: Interrupts,
    reporter: &Reporter,
) -> Result<u8, Failure> {
    let RunRequest { workspace, local, max_cost, build, .. } = request.clone();
    let options = SessionOptions { workspace, script, local, max_cost, build, claims: true };
    let session = OpenSession::open(options, reporter.clone())?;
    let words =
        [OsString::from("run"), request.script.clone().into_os_string()].into_iter().chain(request.args.clone());
    let mut launch = interpreter.launch(words);
    launch.stdio = Stdio::Inherited;
    session.introduce(&mut launch);
    let mut process = Process::spawn(launch).map_err(|error| Failure::new(ExitCode::Usage, error.to_string()))?;
    let ended = tokio::select! {
        biased;
        exit = process.wait() => Ok(exit),
        interrupt = interrupts.first() => Err(interrupt),
    };
    let code = match ended {
        Ok(exit) => {
            let code = shell_code(exit.map_err(|error| internal("lost sight of the script", error))?);
            if code != 0 && interrupts.seen().is_none() {
                show_failed(session.session(), reporter);
            }
            code
        }
        Err(_) => {
            end_script(&mut process).await;
            0
        }
    };
    // Also the user's second thoughts are heard: a second signal ends the command at once.
    let _ = timeout(ORDERLY, session.session().stop()).await;
    Ok(interrupts.seen().map_or(code, Interrupt::code))
}

/// Lets an interrupted script clean up, for a while.
async fn end_script(process: &mut Process) {
    stop_runs();
    // From a terminal Ctrl-C has reached the script too; it takes the first of both.
    process.signal(Stop::Asked);
    if timeout(CLEAN_UP, process.wait()).await.is_err() {
        process.signal(Stop::AtOnce);
        let _ = process.wait().await;
    }
}

fn shell_code(exit: Exit) -> u8 {
    let code = exit.code.or(exit.signal.map(|signal| SIGNALLED + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

/// Tells the last words of services that failed by themselves: they are often why the script did.
fn show_failed(session: &Session, reporter: &Reporter) {
    for words in session.last_words(LAST_LINES) {
        if words.failed {
            reporter.warning(epitaph(&words));
        }
    }
}

fn epitaph(words: &LastWords) -> String {
    let mut text = format!("`{}` {}", words.service, words.ended.as_deref().unwrap_or("still runs"));
    if !words.lines.is_empty() {
        text.push_str("; its last lines:");
        for line in &words.lines {
            text.push_str("\n    ");
            text.push_str(line);
        }
    }
    text
}
