//! The one enum of things that happen. Human output, JSON and tests all read it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where a log line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LogStream {
    /// The program's standard output.
    Stdout,
    /// The program's standard error.
    Stderr,
}

/// What a service is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase", tag = "state")]
pub enum ServiceState {
    /// Its process was started.
    Started {
        /// Process id.
        pid: u32,
        /// The address peers know it by, where it has one.
        address: Option<String>,
    },
    /// It runs, but did not answer that it is well, so often in a row that it counts as failed and is ended.
    Unhealthy {
        /// How often.
        failures: u32,
        /// What was waited for.
        expected: String,
    },
    /// It ended, and will be started again after a pause.
    Paused {
        /// How long, in milliseconds.
        pause_ms: u64,
        /// How many restarts in a row this is.
        restarts: u32,
    },
    /// Its process ended.
    Exited {
        /// Exit code, where it exited.
        code: Option<i32>,
        /// Signal number, where it was killed.
        signal: Option<i32>,
        /// Whether we asked it to.
        expected: bool,
    },
}

/// A link of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LinkEvent {
    /// `service.port` that sends.
    pub from: String,
    /// `service.port` that receives.
    pub to: String,
}

/// A service of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PlannedService {
    /// Its name.
    pub service: String,
    /// How many members will start.
    pub members: u32,
    /// The machine they will run on.
    pub machine: String,
    /// What they run: an `.hf` file, or a command line.
    pub program: String,
    /// The target it was built for; none: this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum TestStatus {
    /// It passed.
    Pass,
    /// It failed.
    Fail,
}

/// One thing that happened. In JSON its kind is the key `reason`, as in cargo's messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Event {
    /// Work goes on: a verb of the house (`Parsing`, `Compiling`, `Starting`, …) and what it is applied to.
    Status {
        /// The verb, capitalised.
        verb: Cow<'static, str>,
        /// What it is applied to.
        message: String,
    },
    /// Passing work, shown only while it lasts and only on a terminal.
    Progress {
        /// What is going on.
        message: String,
    },
    /// A port can be reached from outside.
    Exposed {
        /// What it is called.
        name: String,
        /// The member.
        member: String,
        /// The port's name.
        port: String,
        /// Where it is reached: an address and a port number.
        address: String,
    },
    /// What a person at the terminal may like to know; nothing has happened.
    Note {
        /// The whole text.
        message: String,
    },
    /// Something doubtful.
    Warning {
        /// The whole text.
        message: String,
    },
    /// A diagnostic about the user's text, rendered; in JSON also in cargo's schema.
    Diagnostic {
        /// As rustc would show it.
        rendered: String,
        /// In the schema of rustc's JSON messages.
        message: serde_json::Value,
    },
    /// A program was built, or was there already.
    Artifact {
        /// The `.hf` file.
        source: String,
        /// The executable.
        executable: String,
        /// Hex hash of the executable.
        hash: String,
        /// The target it was built for; none: this machine.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<String>,
        /// Whether nothing had to be done.
        fresh: bool,
    },
    /// What a deployment is going to do.
    Plan {
        /// Its name.
        deployment: String,
        /// Services that will start.
        start: Vec<PlannedService>,
        /// Links that will be made.
        links: Vec<LinkEvent>,
    },
    /// What a release is going to change of a deployment that runs.
    Changes {
        /// Its name.
        deployment: String,
        /// Members that will be started.
        start: Vec<String>,
        /// Members that will be stopped.
        stop: Vec<String>,
        /// Members that will be started again.
        restart: Vec<String>,
        /// Members that will be told of other peers while they run.
        rewire: Vec<String>,
        /// Links that will be made.
        link: Vec<LinkEvent>,
        /// Links that will be unmade.
        unlink: Vec<LinkEvent>,
        /// Whether services will be kept up in another way.
        supervision: bool,
        /// What services that will be started, or started again, are built for, where that is known and not this machine.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        targets: BTreeMap<String, String>,
    },
    /// A service changed its state.
    Service {
        /// Its name, with `.N` for members.
        service: String,
        /// The new state.
        #[serde(flatten)]
        state: ServiceState,
    },
    /// Services ended more often than their supervisor bears; it stops what it looks after.
    GaveUp {
        /// The group; none: the deployment itself.
        group: Option<String>,
        /// Whose end was one too many.
        service: String,
    },
    /// A service wrote a line.
    Log {
        /// Its name, with `.N` for members.
        service: String,
        /// Where to.
        stream: LogStream,
        /// The line, without its end.
        line: String,
    },
    /// A test that is there; on stdout, as this is what was asked for.
    TestListed {
        /// `file::function`.
        test: String,
    },
    /// A test began.
    TestStarted {
        /// `file::function`.
        test: String,
    },
    /// A test ended.
    TestFinished {
        /// `file::function`.
        test: String,
        /// How.
        status: TestStatus,
        /// How long it took, in seconds.
        seconds: f64,
        /// What a failed test left: the script's own lines, the services' last lines.
        output: String,
    },
    /// All tests ended.
    TestSummary {
        /// How many passed.
        passed: usize,
        /// How many failed.
        failed: usize,
        /// How many were left out by the filter.
        skipped: usize,
        /// How long all took, in seconds.
        seconds: f64,
    },
    /// The command could not do its work.
    Failure {
        /// What.
        message: String,
        /// Where, `file:line[:column]`.
        origin: Option<String>,
        /// Why.
        causes: Vec<String>,
        /// The next step.
        hint: Option<String>,
        /// The exit code that follows.
        code: u8,
    },
}
