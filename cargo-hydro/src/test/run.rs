//! A whole run: find, choose, build everything once, then run the tests side by side.
//!
//! Read [`run`] first.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::{JoinSet, LocalSet};

use super::case::{self, Context};
use super::discover::{self, Case, Found};
use super::select::Filter;
use crate::build::{self, BuildOptions};
use crate::deploy::{self, Program};
use crate::report::{Event, ExitCode, Failure, Reporter, TestStatus};
use crate::script::{Interpreters, SessionOptions};
use crate::sys::signal::{Interrupt, Interrupts, interruptible};
use crate::workspace::Workspace;

/// How long a test may take where nobody says otherwise.
const DEFAULT_LIMIT: Duration = Duration::from_secs(60);

/// Tests to run.
#[derive(Clone, Debug)]
pub struct TestRequest {
    /// The user's workspace.
    pub workspace: Workspace,
    /// How programs are built.
    pub build: BuildOptions,
    /// Which tests.
    pub filter: Filter,
    /// Whether the tests are listed only.
    pub list: bool,
    /// How many run at a time; none: as many as there are cores.
    pub jobs: Option<usize>,
    /// How long each may take; none: 60 s. Builds and starts are not counted.
    pub limit: Option<Duration>,
}

/// Runs tests. Returns the exit code: 0 where all passed, 100 where one failed, 130 after Ctrl-C.
///
/// # Errors
/// No test is meant (4), `Hydro.toml` is wrong (96), its programs do not compile (101), or what runs them is not installed (1).
pub fn run(request: &TestRequest, reporter: &Reporter) -> Result<u8, Failure> {
    let files = discover::files(&request.workspace)?;
    let interpreters = Interpreters::find(&request.workspace, discover::languages(&files))?;
    let prepare = {
        let (request, interpreters, reporter) = (request.clone(), interpreters.clone(), reporter.clone());
        move || prepare(&request, &files, &interpreters, &reporter)
    };
    let chosen = match interruptible(prepare) {
        Ok(chosen) => chosen?,
        Err(interrupt) => return Ok(interrupt.code()),
    };
    if request.list {
        return Ok(ExitCode::Ok as u8);
    }
    run_chosen(request, chosen, interpreters, reporter)
}

/// The tests that are meant, and how many are not.
#[derive(Debug)]
struct Chosen {
    cases: Vec<Case>,
    skipped: usize,
}

fn prepare(
    request: &TestRequest,
    files: &BTreeSet<PathBuf>,
    interpreters: &Interpreters,
    reporter: &Reporter,
) -> Result<Chosen, Failure> {
    let Found { cases, sources, doubtful } = discover::discover(&request.workspace, files, interpreters)?;
    for doubt in doubtful {
        reporter.warning(doubt);
    }
    let all = cases.len();
    let cases: Vec<Case> = cases.into_iter().filter(|case| request.filter.takes(&case.name())).collect();
    if request.list {
        for case in &cases {
            reporter.emit(&Event::TestListed { test: case.name() });
        }
        return Ok(Chosen { skipped: all - cases.len(), cases });
    }
    if cases.is_empty() {
        return Err(nothing(request, all));
    }
    build_once(request, sources, reporter)?;
    Ok(Chosen { skipped: all - cases.len(), cases })
}

fn nothing(request: &TestRequest, all: usize) -> Failure {
    if all == 0 {
        let root = request.workspace.root().display();
        return Failure::new(ExitCode::NothingMatched, format!("there are no tests in `{root}`"))
            .hint("write `async def test_…(deployment):` in `tests/NAME.hydro.py`, or `export async function test…(deployment)` in `tests/NAME.hydro.mjs`");
    }
    let words = request.filter.words.join("`, `");
    Failure::new(ExitCode::NothingMatched, format!("none of the {all} tests matches `{words}`"))
        .hint("`cargo hydro test --list` shows them all")
}

/// Builds what `Hydro.toml` and the tests name with one cargo call, so that no test has to wait for a compiler.
fn build_once(request: &TestRequest, named: Vec<PathBuf>, reporter: &Reporter) -> Result<(), Failure> {
    let TestRequest { workspace, build: options, .. } = request;
    let deployed = deployed_sources(workspace, reporter)?;
    let mut sources = deployed.clone();
    sources.extend(named.into_iter().filter(|source| !deployed.contains(source)));
    if sources.is_empty() {
        return Ok(());
    }
    if deployed.len() == sources.len() {
        return build::build(workspace, &deployed, options, reporter).map(drop);
    }
    // A test may name a program because it does not compile; then the others shall run, and that one tells the errors itself.
    match build::build(workspace, &sources, options, &reporter.without_diagnostics()) {
        Err(_) if !deployed.is_empty() => build::build(workspace, &deployed, options, reporter).map(drop),
        _ => Ok(()),
    }
}

/// Returns the `.hf` files of the workspace's `Hydro.toml`, each once.
fn deployed_sources(workspace: &Workspace, reporter: &Reporter) -> Result<Vec<PathBuf>, Failure> {
    let mut sources = Vec::new();
    if !deploy::has_toml(workspace) {
        return Ok(sources);
    }
    for service in deploy::from_toml(workspace, reporter)?.services.into_values() {
        if let Program::Hydroflow { source, .. } = service.program
            && !sources.contains(&source)
        {
            sources.push(source);
        }
    }
    Ok(sources)
}

fn run_chosen(
    request: &TestRequest,
    chosen: Chosen,
    interpreters: Interpreters,
    reporter: &Reporter,
) -> Result<u8, Failure> {
    let failed = |error: std::io::Error| Failure::new(ExitCode::Usage, "cannot start the engine").cause(error);
    let interrupts = Interrupts::listen().map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let jobs = request.jobs.or_else(|| std::thread::available_parallelism().map(usize::from).ok()).unwrap_or(1).max(1);
    let context = Rc::new(Context {
        interpreters,
        session: SessionOptions {
            workspace: request.workspace.clone(),
            script: request.workspace.root().to_owned(),
            local: true,
            max_cost: None,
            build: request.build.clone(),
            claims: false,
        },
        reporter: reporter.clone(),
        limit: request.limit.unwrap_or(DEFAULT_LIMIT),
    });
    let tasks = LocalSet::new();
    let outcome = tasks.block_on(&runtime, async {
        tokio::select! {
            biased;
            interrupt = interrupts.first() => Err(interrupt),
            code = run_all(chosen, jobs, &context) => Ok(code),
        }
    });
    // Whatever an interrupt has left is killed with the tasks that own it; a build is not waited for.
    drop(tasks);
    runtime.shutdown_background();
    Ok(outcome.map_or_else(Interrupt::code, |code| code as u8))
}

/// Runs the tests, `jobs` at a time, and sums up.
async fn run_all(chosen: Chosen, jobs: usize, context: &Rc<Context>) -> ExitCode {
    let began = Instant::now();
    let Chosen { cases, skipped } = chosen;
    let (mut passed, mut failed) = (0, 0);
    let mut waiting = cases.into_iter();
    let mut running = JoinSet::new();
    loop {
        while running.len() < jobs
            && let Some(case) = waiting.next()
        {
            running.spawn_local(case::run(case, context.clone()));
        }
        match running.join_next().await {
            Some(Ok(TestStatus::Pass)) => passed += 1,
            Some(_) => failed += 1,
            None => break,
        }
    }
    context.reporter.emit(&Event::TestSummary { passed, failed, skipped, seconds: began.elapsed().as_secs_f64() });
    if failed == 0 { ExitCode::Ok } else { ExitCode::TestsFailed }
}
