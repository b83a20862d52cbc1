//! What the engine answers to a script.
//!
//! Read [`Body`] first.

use std::collections::BTreeMap;

use hydro_runtime_shim::contract::Metrics;
use serde::Serialize;

use crate::deploy::Changes;
use crate::report::Failure;

/// What the engine can do beyond the first version of this protocol; a client asks for the word, not for a version.
pub const CAPABILITIES: &[&str] = &[
    "deployment",
    "hydroflow",
    "command",
    "links",
    "logs",
    "ports",
    "exit-codes",
    "streams-with-credit",
    "metrics",
    "faults",
    "events",
    "supervision",
    "plan",
    "late-links",
    "batches",
];

/// Version of this protocol. A change that an older client would misunderstand makes it another one.
pub const PROTOCOL: u32 = 1;

/// One line to the script.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Reply {
    /// The request's.
    pub id: u64,
    /// What is answered.
    #[serde(flatten)]
    pub body: Body,
}

/// The body of a reply.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Body {
    /// The request succeeded; for streams: nothing follows.
    Result(Answer),
    /// One item of a stream: a line, or an item's JSON text.
    Item(String),
    /// The request failed; for streams: nothing follows.
    Error(ErrorBody),
}

/// What a request gives.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Answer {
    /// Nothing but its success.
    Done(()),
    /// For [`Call::Hello`](super::Call::Hello).
    Welcome(Welcome),
    /// For the makers of deployments.
    Deployment(DeploymentMade),
    /// For [`Call::AddMachine`](super::Call::AddMachine).
    Machine(MachineMade),
    /// For the makers of services.
    Service(ServiceMade),
    /// For [`Call::Port`](super::Call::Port).
    Port(PortInfo),
    /// For [`Call::Address`](super::Call::Address).
    Text(Option<String>),
    /// For [`Call::ExitCode`](super::Call::ExitCode).
    Code(i32),
    /// For [`Call::JoinPort`](super::Call::JoinPort).
    Joined(Joined),
    /// For the questions for metrics.
    #[cfg_attr(test, schemars(with = "Vec<crate::machine::MetricsMirror>"))]
    Metrics(Vec<Metrics>),
    /// For [`Call::Plan`](super::Call::Plan).
    Changes(Changes),
    /// For [`Call::Status`](super::Call::Status).
    Status(Vec<MemberState>),
    /// For [`Call::Resolve`](super::Call::Resolve).
    Resolved(Vec<Resolved>),
}

/// Answer to [`Call::Hello`](super::Call::Hello).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Welcome {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// Version of the engine.
    pub engine: &'static str,
    /// [`CAPABILITIES`].
    pub capabilities: &'static [&'static str],
}

/// A deployment was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DeploymentMade {
    /// Its number in this session.
    pub deployment: usize,
    /// Its name.
    pub name: String,
    /// The services it has already.
    pub services: Vec<ServiceMade>,
}

/// A machine was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MachineMade {
    /// Its name.
    pub name: String,
}

/// A service was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ServiceMade {
    /// Its name.
    pub name: String,
    /// How many members it has.
    pub count: u32,
    /// Its ports.
    pub ports: Vec<PortInfo>,
}

/// A port of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PortInfo {
    /// Its name.
    pub name: String,
    /// `input` or `output`.
    pub direction: &'static str,
    /// The payload type as the `.hf` file has it.
    #[serde(rename = "type")]
    pub type_text: String,
}

/// How a member is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MemberState {
    /// `service`, or `service.N`.
    pub name: String,
    /// Its service.
    pub service: String,
    /// The machine it is placed on.
    pub machine: String,
    /// What it runs: an `.hf` file, or a program.
    pub program: String,
    /// `new` before it was deployed, `up`, `paused` before a restart, `starting`, `stopping` or `down`.
    pub state: &'static str,
    /// Process id, while it runs.
    pub pid: Option<u32>,
    /// The address by which peers know it.
    pub address: Option<String>,
    /// How often in a row it was started again.
    pub restarts: u32,
    /// How its last process ended, in words; none: it runs.
    pub ended: Option<String>,
}

/// What peers need to reach a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Resolved {
    /// `service`, or `service.N`.
    pub name: String,
    /// Its address, `ip:port`; none: it has no address of its own.
    pub address: Option<String>,
    /// Ports of a command by their names in `{port:NAME}`, each as `ip:port`.
    pub ports: BTreeMap<String, String>,
}

/// An output was joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Joined {
    /// For [`Call::Receive`](super::Call::Receive).
    pub receiver: u64,
}

/// Kinds of errors that a client may want to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// The request itself was wrong: a fault of the client.
    Protocol,
    /// A service has no such port.
    UnknownPort,
    /// The client speaks another version of the protocol.
    Version,
    /// The service does not run.
    NotRunning,
    /// A program refused an item.
    ItemRefused,
    /// It took longer than was allowed.
    TimedOut,
    /// Everything else.
    Failed,
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ErrorBody {
    /// What kind of error.
    pub kind: ErrorKind,
    /// What went wrong.
    pub message: String,
    /// The line of the user's text it comes from.
    pub origin: Option<OriginBody>,
    /// Why.
    pub causes: Vec<String>,
    /// The next step.
    pub hint: Option<String>,
    /// Diagnostics that were rendered already.
    pub rendered: Vec<String>,
}

/// An [`Origin`] on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OriginBody {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: Option<usize>,
}

impl ErrorBody {
    /// Makes an error of the client's own making.
    #[must_use]
    pub fn protocol(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Protocol,
            message: message.into(),
            origin: None,
            causes: Vec::new(),
            hint: None,
            rendered: Vec::new(),
        }
    }

    /// Says which kind of error it is.
    #[must_use]
    pub fn kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }
}

impl From<Failure> for ErrorBody {
    fn from(failure: Failure) -> Self {
        let origin = failure.origin.map(|origin| OriginBody {
            file: origin.file.display().to_string(),
            line: origin.line,
            column: origin.column,
        });
        let Failure { message, causes, hint, rendered, .. } = failure;
        let rendered = rendered.into_iter().map(|diagnostic| diagnostic.text).collect();
        Self { kind: ErrorKind::Failed, message, origin, causes, hint, rendered }
    }
}
