//! The one cargo call of a build: its arguments, its messages, its end.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::artifact::BuildOptions;
use super::crates::Crates;
use super::positions::Positions;
use super::target::Builder;
use super::toolchain::Toolchain;
use super::wrapper;
use crate::report::{Event, ExitCode, Failure, Reporter};
use crate::sys::{self, Launch, SpawnError, Stream};
use crate::workspace::Workspace;

/// One of several cargo calls for the same programs, each for another target.
pub(super) struct Call<'a> {
    /// Who builds, and for what.
    pub(super) toolchain: &'a Toolchain,
    /// The binaries, by their places among the crates'.
    pub(super) binaries: &'a [usize],
    /// What calls before it told of the programs, so that it is told once.
    pub(super) told: &'a mut BTreeSet<String>,
}

/// Diagnostics that were told by other calls, and by this one.
struct Told<'a> {
    before: &'a BTreeSet<String>,
    now: BTreeSet<String>,
}

/// Which of cargo's commands is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// `cargo build`
    Build,
    /// `cargo check`
    Check,
}

/// Checks all binaries.
pub(super) fn check(
    workspace: &Workspace,
    crates: &Crates,
    options: &BuildOptions,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let (toolchain, mut told) = (Toolchain::native(), BTreeSet::new());
    let binaries: Vec<usize> = (0..crates.binaries.len()).collect();
    let mut call = Call { toolchain: &toolchain, binaries: &binaries, told: &mut told };
    run(workspace, (crates, Command::Check), &mut call, options, reporter).map(|_| ())
}

/// Builds a call's binaries and returns the executables by binary name.
pub(super) fn build(
    workspace: &Workspace,
    crates: &Crates,
    call: &mut Call<'_>,
    options: &BuildOptions,
    reporter: &Reporter,
) -> Result<BTreeMap<String, PathBuf>, Failure> {
    run(workspace, (crates, Command::Build), call, options, reporter)
}

fn run(
    workspace: &Workspace,
    (crates, command): (&Crates, Command),
    call: &mut Call<'_>,
    options: &BuildOptions,
    reporter: &Reporter,
) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let mut positions = Positions::new(crates, workspace.root(), reporter.color());
    let mut executables = BTreeMap::new();
    let mut said = Vec::new();
    let launch = launch(workspace, (crates, command), call, options, reporter);
    let mut told = Told { before: call.told, now: BTreeSet::new() };
    let exit = sys::run(launch, &mut |stream, line| match stream {
        Stream::Stdout => message(line, &mut positions, (&mut executables, &mut told), reporter),
        Stream::Stderr => cargo_line(&positions.line(line), crates, &mut said, reporter),
    });
    let now = told.now;
    call.told.extend(now);
    let builder = call.toolchain.builder;
    let exit = exit.map_err(|error| match error {
        SpawnError::Interrupted => Failure::new(ExitCode::Interrupted, "interrupted"),
        error if builder != Builder::Cargo => {
            Failure::new(ExitCode::BuildFailed, format!("cannot run {}", builder.name())).cause(error)
        }
        error => Failure::new(ExitCode::BuildFailed, "cannot run cargo")
            .cause(error)
            .hint("Rust is needed to build programs: https://rustup.rs"),
    })?;
    if exit.success() {
        executables.values_mut().for_each(|path| outside(path, call.toolchain, workspace));
        return Ok(executables);
    }
    positions.held_back().iter().for_each(|event| reporter.emit(event));
    Err(failure(&said, call.toolchain))
}

/// cross tells of places in its container, where the target folder has another name.
fn outside(path: &mut PathBuf, toolchain: &Toolchain, workspace: &Workspace) {
    if toolchain.builder == Builder::Cross
        && let Ok(below) = path.strip_prefix("/target")
        && !path.exists()
    {
        *path = workspace.target().join(below);
    }
}

fn launch(
    workspace: &Workspace,
    (crates, command): (&Crates, Command),
    call: &Call<'_>,
    options: &BuildOptions,
    reporter: &Reporter,
) -> Launch {
    let toolchain = call.toolchain;
    let word = if command == Command::Check { "check" } else { toolchain.word() };
    let format = if reporter.color() { "json-diagnostic-rendered-ansi" } else { "json" };
    let mut arguments = vec![word.to_owned(), format!("--message-format={format}")];
    let path = |path: &Path| path.to_string_lossy().into_owned();
    arguments.extend(["--manifest-path".to_owned(), path(&crates.root.join("Cargo.toml"))]);
    arguments.extend(["--target-dir".to_owned(), path(workspace.target())]);
    for binary in call.binaries.iter().filter_map(|&at| crates.binaries.get(at)) {
        arguments.extend(["--bin".to_owned(), binary.name.clone()]);
    }
    let target = toolchain.target.as_ref().map(ToString::to_string);
    let given = [("--profile", &options.profile), ("--target", &target), ("--jobs", &options.jobs)];
    for (flag, value) in given.into_iter().filter_map(|(flag, value)| Some((flag, value.as_ref()?))) {
        arguments.extend([flag.to_owned(), value.clone()]);
    }
    // A check tells everything that is wrong, not only what is wrong with the first program.
    if command == Command::Check {
        arguments.push("--keep-going".to_owned());
    }
    // Our lock is made from the user's, which was checked already; only where things may come from still counts.
    arguments.extend(
        workspace
            .flags()
            .sources()
            .into_iter()
            .filter(|flag| flag != "--locked")
            .map(|flag| if flag == "--frozen" { "--offline".to_owned() } else { flag }),
    );
    arguments.extend(workspace.flags().features());
    let env = variables(workspace, crates, toolchain, reporter);
    Launch {
        program: toolchain.program().into(),
        args: arguments.into_iter().map(Into::into).collect(),
        env,
        directory: Some(workspace.root().to_owned()),
        ..Launch::default()
    }
}

fn variables(
    workspace: &Workspace,
    crates: &Crates,
    toolchain: &Toolchain,
    reporter: &Reporter,
) -> BTreeMap<OsString, OsString> {
    let mut env = toolchain.variables();
    // Nobody in a container could call us.
    if let Ok(this) = std::env::current_exe()
        && toolchain.builder != Builder::Cross
    {
        let mut remap = crates.root.as_os_str().to_owned();
        remap.push("=");
        remap.push(workspace.root());
        env.insert(wrapper::VARIABLE.into(), remap);
        if let Some(inner) = sys::env::path("RUSTC_WORKSPACE_WRAPPER") {
            env.insert(wrapper::INNER.into(), inner.into());
        }
        env.insert("RUSTC_WORKSPACE_WRAPPER".into(), this.into());
    }
    if reporter.shows_progress() {
        // Only cargo knows how much there is to do. Its terminal is ours, which it does not see.
        env.insert("CARGO_TERM_PROGRESS_WHEN".into(), "always".into());
        env.insert("CARGO_TERM_PROGRESS_WIDTH".into(), "120".into());
    }
    env
}

fn message(
    line: &str,
    positions: &mut Positions<'_>,
    (executables, told): (&mut BTreeMap<String, PathBuf>, &mut Told<'_>),
    reporter: &Reporter,
) {
    let Ok(value) = serde_json::from_str::<Value>(line) else { return };
    let text = |value: &Value, keys: &[&str]| keys.iter().try_fold(value.clone(), |value, key| value.get(key).cloned());
    match value.get("reason").and_then(Value::as_str) {
        Some("compiler-message") => {
            let program = text(&value, &["target", "name"]).unwrap_or_default();
            let program = program.as_str().unwrap_or_default();
            let event = value.get("message").and_then(|message| positions.event(program, message));
            if let Some(event) = event.filter(|event| is_news(event, told)) {
                reporter.emit(&event);
            }
        }
        Some("compiler-artifact") => {
            let name = text(&value, &["target", "name"]).and_then(|name| name.as_str().map(str::to_owned));
            let executable = text(&value, &["executable"]).and_then(|path| path.as_str().map(PathBuf::from));
            executables.extend(name.zip(executable));
        }
        _ => {}
    }
}

/// The build for each target says the same of a program.
fn is_news(event: &Event, told: &mut Told<'_>) -> bool {
    let Event::Diagnostic { rendered, .. } = event else { return true };
    told.now.insert(rendered.clone());
    !told.before.contains(rendered)
}

/// What cargo writes for people: progress is shown as ours, trouble is kept for the end, the rest is of no use here.
fn cargo_line(line: &str, crates: &Crates, said: &mut Vec<String>, reporter: &Reporter) {
    const PROGRESS: &[&str] = &[
        "Compiling",
        "Checking",
        "Downloading",
        "Downloaded",
        "Updating",
        "Locking",
        "Blocking",
        "Fresh",
        "Adding",
        "Removing",
        "Downgrading",
        "Updated",
    ];
    let plain = anstream::adapter::strip_str(line).to_string();
    let trimmed = plain.trim_start();
    let verb = trimmed.split(' ').next().unwrap_or_default();
    let shown =
        |name: &str| crates.binaries.iter().find(|binary| binary.name == name).map(|binary| binary.shown.clone());
    if let Some(message) = counted(trimmed, shown) {
        reporter.emit(&Event::Progress { message });
    } else if reporter.shows_progress() && matches!(verb, "Compiling" | "Checking" | "Fresh") {
        // The counted line names it as well.
    } else if PROGRESS.contains(&verb) {
        reporter.emit(&Event::Progress { message: trimmed.split(" (").next().unwrap_or(trimmed).to_owned() });
    } else if verb != "Finished" && !plain.trim().is_empty() {
        said.push(plain);
    }
}

/// Reads cargo's bar, `Building [==>   ] 3/12: a, b(bin)`; none: it is another line. Programs are `shown` by their files.
fn counted(line: &str, shown: impl Fn(&str) -> Option<String>) -> Option<String> {
    let (bar, rest) = line.strip_prefix("Building [")?.split_once("] ")?;
    if !bar.chars().all(|letter| matches!(letter, '=' | '>' | ' ')) {
        return None;
    }
    let (count, names) = rest.split_once(": ").unwrap_or((rest.trim_end_matches(':'), ""));
    let (done, all) = count.split_once('/')?;
    let (done, all): (u32, u32) = (done.trim().parse().ok()?, all.trim().parse().ok()?);
    let plain = |name: &str| name.split('(').next().unwrap_or(name).trim().to_owned();
    let names: Vec<String> = names.split(", ").map(plain).map(|name| shown(&name).unwrap_or(name)).collect();
    Some(format!("{:>12} {done}/{all} {}", "Building", names.join(", ")).trim_end().to_owned())
}

/// Cargo's own words about a failed build, without those that only count what was shown.
fn failure(said: &[String], toolchain: &Toolchain) -> Failure {
    let is_count = |line: &&String| {
        (line.starts_with("error: could not compile")
            || line.starts_with("warning: build failed")
            || line.starts_with("warning: `"))
            || line.starts_with("error: aborting")
    };
    let is_about_programs = said.iter().any(|line| line.starts_with("error: could not compile"));
    let rest: Vec<&String> = said.iter().filter(|line| !is_count(line)).collect();
    let mut message = if is_about_programs {
        "could not compile the programs".to_owned()
    } else {
        format!("{} could not build the programs", toolchain.builder.name())
    };
    if let Some(target) = &toolchain.target {
        let _ = write!(message, " for {target}");
    }
    rest.into_iter().fold(Failure::new(ExitCode::BuildFailed, message), |failure, line| {
        failure.cause(line.trim_start_matches("error: "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_bar_becomes_a_counted_line() {
        let shown = |name: &str| (name == "hf-x-echo").then(|| "src/echo.hf".to_owned());
        let read = |line| counted(line, shown);
        let line = "Building [====>      ] 3/12: serde(build), hf-x-echo(bin)";
        assert_eq!(read(line).unwrap(), "    Building 3/12 serde, src/echo.hf");
        assert_eq!(read("Building [           ] 0/2").unwrap(), "    Building 0/2");
        for other in [
            "Building [x] 3/12: a",
            "Building echo",
            "Building [=> ] many",
            "Compiling a v1",
            "Building [=> ] -1/3: a",
            "Building [",
            "",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
