//! One test: its own process and session, ended at its time limit, and what it left when it fails.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::discover::{self, Case};
use super::output::Output;
use crate::report::{Captured, Event, ExitCode, Failure, ReportOptions, Reporter, Services, TestStatus, Verbosity};
use crate::script::{Interpreters, LastWords, OpenSession, Session, SessionOptions};
use crate::sys::{Exit, Process, Stop};

/// How long a test that is over its limit may say where it stands.
const CLEAN_UP: Duration = Duration::from_secs(2);
/// How long the services of one test may take to stop in order.
const ORDERLY: Duration = Duration::from_secs(10);
/// How many lines of each service are shown.
const LAST_LINES: usize = 20;

/// What all tests share.
#[derive(Debug)]
pub(super) struct Context {
    /// What runs them.
    pub(super) interpreters: Interpreters,
    /// Workspace and build; the script is each test's own.
    pub(super) session: SessionOptions,
    /// Who is told of the tests.
    pub(super) reporter: Reporter,
    /// How long a test may take, builds and starts not counted.
    pub(super) limit: Duration,
}

/// Runs one test and tells how it ended.
pub(super) async fn run(case: Case, context: Rc<Context>) -> TestStatus {
    let test = case.name();
    context.reporter.emit(&Event::TestStarted { test: test.clone() });
    let began = Instant::now();
    let outcome = match &case.function {
        Ok(function) => {
            run_function(&case.file, function, &context).await.unwrap_or_else(|failure| Err(describe(&failure)))
        }
        Err(error) => Err(error.clone()),
    };
    let seconds = began.elapsed().as_secs_f64();
    let (status, output) = match outcome {
        Ok(()) => (TestStatus::Pass, String::new()),
        Err(output) => (TestStatus::Fail, output),
    };
    context.reporter.emit(&Event::TestFinished { test, status, seconds, output });
    status
}

/// Runs a test function; the inner result is the test's own, with what it left.
async fn run_function(file: &str, function: &str, context: &Context) -> Result<Result<(), String>, Failure> {
    let root = context.session.workspace.root();
    let options = SessionOptions { script: root.join(file), ..context.session.clone() };
    let (reporter, told) = of_deployment(&context.reporter);
    let session = OpenSession::open(options, reporter)?;
    let mut launch =
        discover::interpreter(&context.interpreters, file)?.launch(["test", file, function].map(OsString::from));
    launch.directory = Some(root.to_owned());
    session.introduce(&mut launch);
    let mut process = Process::spawn(launch).map_err(|error| Failure::new(ExitCode::Usage, error.to_string()))?;
    let mut output = Output::default();
    if let Some(pipe) = process.take_stdout() {
        output.read(pipe);
    }
    if let Some(pipe) = process.take_stderr() {
        output.read(pipe);
    }
    let in_time = tokio::select! {
        exit = process.wait() => Some(exit),
        () = time_is_up(session.session(), context.limit) => None,
    };
    let verdict = match in_time {
        Some(Ok(exit)) if exit.success() => Ok(()),
        Some(Ok(exit)) => Err(unusual_end(exit)),
        Some(Err(error)) => Err(format!("lost sight of the script: {error}\n")),
        None => {
            end(&mut process).await;
            Err(format!("did not end within {} s; `--timeout` allows more\n", context.limit.as_secs()))
        }
    };
    let words = if verdict.is_err() { session.session().last_words(LAST_LINES) } else { Vec::new() };
    let stopped = timeout(ORDERLY, session.session().stop()).await;
    drop(stopped);
    let text = output.finish().await;
    Ok(verdict.map_err(|reason| format!("{}{}", told.stderr(), left(&text, &reason, &words))))
}

/// Deployments of tests that run side by side say nothing, unless a test fails, or the user asks for everything.
fn of_deployment(reporter: &Reporter) -> (Reporter, Captured) {
    let silent = ReportOptions { services: Services::LeftToScript, verbosity: Verbosity::Quiet, ..Default::default() };
    let (captured, told) = Reporter::captured(silent);
    if reporter.verbosity() == Verbosity::Verbose { (reporter.clone(), told) } else { (captured, told) }
}

/// Waits until the test has had its time; what was spent on builds and starts is given back.
async fn time_is_up(session: &Session, limit: Duration) {
    let began = Instant::now();
    loop {
        let spent = began.elapsed().saturating_sub(session.time_deploying());
        let Some(rest) = limit.checked_sub(spent).filter(|rest| !rest.is_zero()) else { return };
        tokio::time::sleep(rest).await;
    }
}

async fn end(process: &mut Process) {
    process.signal(Stop::Asked);
    if timeout(CLEAN_UP, process.wait()).await.is_err() {
        process.signal(Stop::AtOnce);
        let _ = process.wait().await;
    }
}

/// An exception speaks for itself; other ends have to be told.
fn unusual_end(exit: Exit) -> String {
    if exit.code == Some(1) { String::new() } else { format!("the script {exit}\n") }
}

fn left(text: &str, reason: &str, words: &[LastWords]) -> String {
    let mut left = text.to_owned();
    if !left.is_empty() && !left.ends_with('\n') {
        left.push('\n');
    }
    left.push_str(reason);
    for LastWords { service, ended, lines, .. } in words {
        let state = ended.as_deref().unwrap_or("running");
        let _ = writeln!(
            left,
            "---- {service} ({state}){}",
            if lines.is_empty() { ", wrote nothing" } else { ", last lines:" }
        );
        for line in lines {
            let _ = writeln!(left, "{line}");
        }
    }
    left
}

fn describe(failure: &Failure) -> String {
    let mut text: String = failure.rendered.iter().map(|diagnostic| format!("{}\n", diagnostic.text)).collect();
    let _ = writeln!(text, "{failure}");
    if let Some(hint) = &failure.hint {
        let _ = writeln!(text, "hint: {hint}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_test_shows_the_script_then_the_services() {
        let words = |service: &str, ended: Option<&str>, lines: &[&str]| LastWords {
            service: service.into(),
            ended: ended.map(str::to_owned),
            failed: false,
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        };
        let words = [words("server", Some("exited with code 3"), &["oh", "no"]), words("client", None, &[])];
        let text = left("AssertionError", "", &words);
        let expected = "AssertionError
---- server (exited with code 3), last lines:
oh
no
---- client (running), wrote nothing
";
        assert_eq!(text, expected);
        assert_eq!(unusual_end(Exit { code: None, signal: Some(11) }), "the script was killed by signal 11\n");
    }
}
