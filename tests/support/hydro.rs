//! The command: called as a user calls it, in an environment without what `cargo test` adds, with a deadline.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

use super::place::{program, shared_target};
use super::running::Running;
use super::terminal::Terminal;

/// A cold build of everything on a small machine, and then some. A test that needs it hangs.
const DEADLINE: Duration = Duration::from_secs(600);

/// A call of the command.
pub(crate) struct Hydro {
    command: Command,
}

/// What a call left.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    /// Exit code; a negative number is a signal.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Hydro {
    /// Begins a call of `hydro`.
    pub(crate) fn new() -> Self {
        static COPY: OnceLock<PathBuf> = OnceLock::new();
        Self::named(COPY.get_or_init(|| program(env!("CARGO_BIN_EXE_hydro"))))
    }

    /// Begins a call of `hydro` by another program, which is given its path as the last argument.
    pub(crate) fn within(program: &[&str]) -> Self {
        let hydro = Self::new().command.get_program().to_owned();
        let (first, rest) = program.split_first().expect("a program");
        Self::named(first).arguments(rest.iter().copied()).argument(hydro)
    }

    /// Begins a call of another program in the same environment.
    pub(crate) fn named(program: impl AsRef<OsStr>) -> Self {
        let mut command = command(program);
        command.env("CARGO_TARGET_DIR", shared_target());
        command.env("XDG_CACHE_HOME", shared_target().join("cache"));
        command.env("CARGO_TERM_COLOR", "never");
        // What no test looks at costs time and space.
        command.env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only").env("CARGO_INCREMENTAL", "0");
        Self { command }
    }

    /// Adds arguments.
    pub(crate) fn arguments<'a>(mut self, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Adds one argument.
    pub(crate) fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.command.arg(argument.into());
        self
    }

    /// Calls from this folder.
    pub(crate) fn directory(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// Sets a variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Starts it and lets it run on.
    pub(crate) fn start(self) -> Running {
        Running::start(self.command)
    }

    /// Starts it at a terminal.
    pub(crate) fn at_terminal(self) -> Terminal {
        Terminal::start(self.command)
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Output {
        self.start().finish(DEADLINE)
    }
}

/// Makes a command whose environment has nothing of cargo's, nothing of ours, and nothing that changes what Python or Rust print.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    #[expect(clippy::disallowed_methods, reason = "a test is the user, who starts the command")]
    let mut command = Command::new(program);
    let is_kept = |name: &str| matches!(name, "CARGO_HOME" | "RUSTUP_HOME" | "RUSTUP_TOOLCHAIN");
    let foreign = ["CARGO", "RUST", "HYDRO", "PYTHON", "LD_", "LISTEN_"];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if foreign.iter().any(|start| text.starts_with(start)) && !is_kept(&text) {
            command.env_remove(&name);
        }
    }
    command
}

impl Output {
    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "the exit code\n{self}");
        self
    }

    /// Asserts that standard error holds these texts.
    #[track_caller]
    pub(crate) fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "stderr has no `{text}`\n{self}");
        }
        self
    }

    /// Asserts that standard output holds these texts.
    #[track_caller]
    pub(crate) fn prints(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stdout.contains(text), "stdout has no `{text}`\n{self}");
        }
        self
    }

    /// Reads standard output as one JSON value per line, the form of `--message-format json`.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}\n{self}"));
        self.stdout.lines().map(read).collect()
    }

    /// Returns the events of one kind.
    #[track_caller]
    pub(crate) fn events_of(&self, reason: &str) -> Vec<Value> {
        self.events().into_iter().filter(|event| event["reason"] == reason).collect()
    }

    /// Returns the executable that was built of a source.
    #[track_caller]
    pub(crate) fn executable(&self, source: &str) -> PathBuf {
        let artifacts = self.events_of("artifact");
        let found = artifacts.iter().find(|artifact| artifact["source"] == source);
        let found = found.and_then(|artifact| artifact["executable"].as_str());
        found.unwrap_or_else(|| panic!("no artifact of {source}\n{self}")).into()
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "exit code {}\n---- stdout\n{}\n---- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}
