//! What is said on a deployment's socket: one JSON object per line, one request per connection, then replies.
//!
//! A newer end may say more; unknown fields are left alone. Words alone: nothing is done here.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hydro_runtime_shim::contract::{AdminReply, AdminRequest};
use serde::{Deserialize, Serialize};

use crate::build::BuildOptions;
use crate::deploy::{Changes, Outside, Price};
use crate::report::{Event, Failure};
use crate::supervision::{Restart, Standing};
use crate::workspace::CargoFlags;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// Make what runs what `Hydro.toml` says: events, then done.
    Deploy(DeployRequest),
    /// What [`Request::Deploy`] would change: events, then [`Reply::Plan`].
    Plan(DeployRequest),
    /// Give a service another number of members: events, then done.
    Scale {
        /// The service.
        service: String,
        /// How many.
        count: u32,
    },
    /// How it is: [`Reply::Status`].
    Status {},
    /// What happens from now on: events without end.
    Watch {},
    /// Stop services (or members, `service.N`); they stay stopped.
    Stop {
        /// Their names; none: all.
        names: Vec<String>,
    },
    /// Start what was stopped, or has ended.
    Start {
        /// Their names; none: all.
        names: Vec<String>,
    },
    /// Stop and start.
    Restart {
        /// Their names; none: all.
        names: Vec<String>,
    },
    /// Ask programs over their admin sockets: [`Reply::Asked`].
    Ask {
        /// The service, or one member.
        name: String,
        /// What.
        ask: AdminRequest,
    },
    /// With what a member was started: [`Reply::Surroundings`].
    Surroundings {
        /// The member, or its service.
        name: String,
    },
    /// Stop everything, and end: events, then done.
    Down {},
}

/// What to deploy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployRequest {
    /// The folder whose workspace is meant.
    pub folder: PathBuf,
    /// Cargo's flags.
    pub flags: CargoFlags,
    /// How programs are built.
    pub build: BuildOptions,
    /// Whether every machine is this one.
    pub local: bool,
    /// What machines that are made may cost an hour; none: anything.
    #[serde(default)]
    pub max_cost: Option<Price>,
    /// What becomes of services that do not say it.
    pub default_restart: Option<Restart>,
    /// What it is to change, and nothing else; none: whatever it needs.
    #[serde(default)]
    pub expected: Option<Changes>,
}

/// What is answered. `event` may come any number of times and `watching` before them, each other ends the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// Something happened.
    Event {
        /// Its number, counted by the deployment from 1.
        seq: u64,
        /// Milliseconds since 1970.
        ts: u64,
        /// Of a line in the logs: which of the member's processes wrote it, counted from 1.
        #[serde(default)]
        run: u32,
        /// What.
        event: Event,
    },
    /// From here on nothing is missed.
    Watching {},
    /// It is done.
    Done {},
    /// It could not be done.
    Failed {
        /// Why; all of it.
        failures: Vec<Failure>,
    },
    /// What would change.
    Plan {
        /// All of it.
        changes: Changes,
    },
    /// How it is.
    Status(StatusReport),
    /// With what a member was started.
    Surroundings {
        /// Its variables, on top of those of the process that holds the deployment.
        env: BTreeMap<String, String>,
        /// Where it works.
        directory: PathBuf,
    },
    /// What the programs answered, member by member.
    Asked {
        /// One for each that runs.
        answers: Vec<Answer>,
    },
}

/// What one program answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The member.
    pub member: String,
    /// Its words.
    pub answer: AdminReply,
}

/// How a deployment is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StatusReport {
    /// Its name.
    pub deployment: String,
    /// Process id of who holds it; none: nobody does, and nothing runs.
    pub pid: Option<u32>,
    /// Whether that is a command in somebody's terminal.
    pub foreground: bool,
    /// How many releases were applied.
    pub releases: u64,
    /// What is wrong with keeping it, in words.
    #[serde(default)]
    pub troubles: Vec<String>,
    /// Its members, in the order of starting.
    pub members: Vec<MemberReport>,
}

/// How a member is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MemberReport {
    /// `service`, or `service.N`.
    pub name: String,
    /// Its service.
    pub service: String,
    /// Whether it is a program of an `.hf` file, which can be asked.
    pub is_program: bool,
    /// The machine it runs on.
    pub machine: String,
    /// `up`, `paused` before a restart, `starting`, `stopping` or `down`.
    pub state: String,
    /// Process id, while it runs.
    pub pid: Option<u32>,
    /// The address by which peers know it.
    pub address: Option<String>,
    /// Where its exposed ports are reached, by the name of the exposure.
    #[serde(default)]
    pub exposed: BTreeMap<String, Outside>,
    /// How often in a row it was started again.
    pub restarts: u32,
    /// Of one that runs: what it does not answer to; none: it is well, or nobody asks.
    #[serde(default)]
    pub unhealthy: Option<String>,
    /// When it was started, in milliseconds since 1970.
    pub started_ms: u64,
    /// How its last process ended, in words; none: it runs.
    pub ended: Option<String>,
}

impl MemberReport {
    /// Returns the word for where a member stands.
    #[must_use]
    pub fn state(standing: Standing) -> &'static str {
        match standing {
            Standing::Up => "up",
            Standing::Starting => "starting",
            Standing::Stopping => "stopping",
            Standing::Down => "down",
            Standing::Paused(_) => "paused",
        }
    }
}
