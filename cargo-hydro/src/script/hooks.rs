//! Hooks of `Hydro.toml`: a script whose functions are called at turns of a deployment that somebody else runs.
//!
//! The script runs as long as the deployment is held, beside a session of its own; it waits for calls and tells how they ended. Read [`hooks`] first.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::time::timeout;

use super::interpreter::{Interpreter, Language};
use super::open::OpenSession;
use super::protocol::{HookError, HookExit};
use super::session::SessionOptions;
use crate::daemon::{Hooks, Turn};
use crate::deploy::{self, Engine};
use crate::report::{Event, ExitCode, Failure, LogStream, Origin, Reporter};
use crate::sys::{Process, Stop};

/// Under which name its lines are told.
const NAME: &str = "hooks";
/// How many of its last lines a failure shows.
const LAST_LINES: usize = 20;

/// Gets the hooks of a deployment ready. Needs a tokio `LocalSet`.
///
/// # Errors
/// The script or its interpreter is missing, or it cannot be started.
pub fn hooks(engine: &Engine, wished: &deploy::Hooks, reporter: &Reporter) -> Result<Rc<dyn Hooks>, Failure> {
    let deploy::Hooks { script, origin, .. } = wished;
    let at = |failure: Failure| failure.at(origin.clone());
    if !script.is_file() {
        let message = format!("cannot find the script of the hooks, `{}`", script.display());
        return Err(at(Failure::new(ExitCode::Config, message)));
    }
    let options = engine.options();
    let Some(language) = Language::of(script) else {
        let message = format!("`{}` is no script", script.display());
        return Err(at(
            Failure::new(ExitCode::Config, message).hint("hooks are in `NAME.hydro.py` or `NAME.hydro.mjs`")
        ));
    };
    let interpreter = Interpreter::find(&options.workspace, language)?;
    let root = options.workspace.root().to_owned();
    let shown = options.workspace.relative(script).to_owned();
    let session = SessionOptions {
        workspace: options.workspace,
        script: script.clone(),
        local: options.local,
        max_cost: options.max_cost,
        build: options.build,
        claims: false,
    };
    let open = OpenSession::open(session, reporter.clone())?;
    open.session().adopt(engine, reporter);
    let mut launch = interpreter.launch([OsString::from("hooks"), shown.as_os_str().to_owned()]);
    launch.directory = Some(root);
    open.introduce(&mut launch);
    let mut process = Process::spawn(launch).map_err(|error| at(Failure::new(ExitCode::Usage, error.to_string())))?;
    let lines = Lines { reporter: reporter.clone(), last: Arc::default() };
    if let Some(pipe) = process.take_stdout() {
        tokio::task::spawn_local(lines.clone().read(pipe, LogStream::Stdout));
    }
    if let Some(pipe) = process.take_stderr() {
        tokio::task::spawn_local(lines.clone().read(pipe, LogStream::Stderr));
    }
    let process = tokio::sync::Mutex::new(process);
    Ok(Rc::new(Runner { open, process, lines, wished: wished.clone() }))
}

/// A script that waits for calls.
struct Runner {
    open: OpenSession,
    /// Held while a function runs: there is one at a time.
    process: tokio::sync::Mutex<Process>,
    lines: Lines,
    wished: deploy::Hooks,
}

impl Hooks for Runner {
    fn call(&self, turn: Turn) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + '_>> {
        Box::pin(self.run(turn))
    }
}

impl Runner {
    async fn run(&self, turn: Turn) -> Result<(), Failure> {
        let mut process = self.process.lock().await;
        let (hook, exit) = match turn {
            Turn::BeforeDeploy => ("before_deploy", None),
            Turn::AfterDeploy => ("after_deploy", None),
            Turn::Stop => ("on_stop", None),
            Turn::Exit { name, code, signal, expected } => ("on_exit", Some(HookExit { name, code, signal, expected })),
        };
        let ended = self.open.session().call_hook(hook, exit);
        let work = async {
            tokio::select! {
                error = ended => Ok(error.ok().flatten()),
                exit = process.wait() => Err(exit),
            }
        };
        let outcome = timeout(self.wished.timeout, work).await;
        match outcome {
            Ok(Ok(None)) => Ok(()),
            Ok(Ok(Some(error))) => Err(failed(hook, error)),
            Ok(Err(exit)) => {
                let how = exit.map_or_else(|error| error.to_string(), |exit| exit.to_string());
                let failure = Failure::new(ExitCode::DeployFailed, format!("the script of the hooks {how}"));
                Err(self.with_lines(failure.at(self.wished.origin.clone())))
            }
            Err(_) => {
                // Whatever it does now, nobody waits for it; the next turn finds it gone.
                process.signal(Stop::AtOnce);
                let seconds = self.wished.timeout.as_secs_f64();
                let message = format!("the hook `{hook}` did not end within {seconds} s, and its script was ended");
                let failure = Failure::new(ExitCode::DeployFailed, message).at(self.wished.origin.clone());
                Err(self.with_lines(failure).hint("`timeout` in `[hooks]` allows more"))
            }
        }
    }

    fn with_lines(&self, failure: Failure) -> Failure {
        let lines: Vec<String> = self.lines.last().iter().cloned().collect();
        if lines.is_empty() { failure } else { failure.cause(format!("its last lines:\n  {}", lines.join("\n  "))) }
    }
}

fn failed(hook: &str, error: HookError) -> Failure {
    let HookError { message, file, line, traceback } = error;
    let mut failure = Failure::new(ExitCode::DeployFailed, format!("the hook `{hook}` failed: {message}"));
    failure.origin = file.zip(line).map(|(file, line)| Origin::line(file, line));
    if let Some(traceback) = traceback { failure.cause(traceback) } else { failure }
}

/// What the script writes: told, and the last of it kept.
#[derive(Clone)]
struct Lines {
    reporter: Reporter,
    last: Arc<Mutex<VecDeque<String>>>,
}

impl Lines {
    fn last(&self) -> std::sync::MutexGuard<'_, VecDeque<String>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(self, pipe: impl AsyncRead + Unpin, stream: LogStream) {
        let mut lines = BufReader::new(pipe).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            {
                let mut last = self.last();
                last.push_back(line.clone());
                if last.len() > LAST_LINES {
                    last.pop_front();
                }
            }
            self.reporter.emit(&Event::Log { service: NAME.to_owned(), stream, line });
        }
    }
}
