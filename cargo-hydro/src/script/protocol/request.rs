//! What a script asks of the engine.
//!
//! Read [`Call`] first.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::machine::Kind;
use super::{Body, ErrorBody, Heal, HookDone, HookWait, Partition, Reply, SetFault};
use crate::report::{LogStream, Origin};

/// How many items a stream may send ahead when the client does not say.
const DEFAULT_AHEAD: usize = 1024;

/// One line from the script.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Request {
    /// Chosen by the client; the reply repeats it.
    pub id: u64,
    /// What is asked.
    #[serde(flatten)]
    pub call: Call,
}

/// The part of a request that can be read even if the rest is wrong, so that the error reaches its sender.
#[derive(Deserialize)]
struct RequestId {
    id: u64,
}

/// Everything a script can ask.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "method", content = "params")]
pub enum Call {
    /// The first request of each connection: which session it belongs to. → [`Welcome`](super::Welcome)
    #[serde(rename = "hello")]
    Hello(Hello),
    /// Makes an empty deployment. → [`DeploymentMade`](super::DeploymentMade)
    #[serde(rename = "deployment.create")]
    CreateDeployment(CreateDeployment),
    /// Makes the deployment of a `Hydro.toml`. → [`DeploymentMade`](super::DeploymentMade)
    #[serde(rename = "deployment.from_toml")]
    FromToml(FromToml),
    /// Starts what does not run yet and waits until it runs. → null
    #[serde(rename = "deployment.deploy")]
    Deploy(InDeployment),
    /// Stops everything. → null
    #[serde(rename = "deployment.stop")]
    StopDeployment(InDeployment),
    /// Cuts the links between two services, as a broken network would. → null
    #[serde(rename = "deployment.partition")]
    Partition(Partition),
    /// Puts a fault between two services. → null
    #[serde(rename = "deployment.fault")]
    Fault(SetFault),
    /// Ends all faults, or those between two services. → null
    #[serde(rename = "deployment.heal")]
    Heal(Heal),
    /// Tells what a deploy would change of what runs. → [`Changes`](crate::deploy::Changes)
    #[serde(rename = "deployment.plan")]
    Plan(InDeployment),
    /// Tells how each member is. → a list of [`MemberState`](super::MemberState)
    #[serde(rename = "deployment.status")]
    Status(InDeployment),
    /// Draws services and links. → an SVG text
    #[serde(rename = "deployment.graph")]
    Graph(InDeployment),
    /// Asks all running programs for what they count. → a list of the contract's `Metrics`
    #[serde(rename = "deployment.metrics")]
    AllMetrics(InDeployment),
    /// Keeps what happens from now on for `deployment.events`. → [`Joined`](super::Joined)
    #[serde(rename = "deployment.watch")]
    Watch(InDeployment),
    /// Reads what happens. Items: JSON texts of [`Happening`](super::Happening)
    #[serde(rename = "deployment.events")]
    Events(Receive),
    /// Adds a machine. → [`MachineMade`](super::MachineMade)
    #[serde(rename = "machine.add")]
    AddMachine(AddMachine),
    /// Stops the services of a machine. → null
    #[serde(rename = "machine.terminate")]
    TerminateMachine(OnMachine),
    /// Adds a service that runs an `.hf` file. → [`ServiceMade`](super::ServiceMade)
    #[serde(rename = "service.add_hydroflow")]
    AddHydroflow(AddHydroflow),
    /// Adds a service that runs an executable. → [`ServiceMade`](super::ServiceMade)
    #[serde(rename = "service.add_command")]
    AddCommand(AddCommand),
    /// Looks a port up. → [`PortInfo`](super::PortInfo)
    #[serde(rename = "service.port")]
    Port(OfPort),
    /// Asks for the address peers know. → text or null
    #[serde(rename = "service.address")]
    Address(OfService),
    /// Asks for what peers need to reach each member. → a list of [`Resolved`](super::Resolved)
    #[serde(rename = "service.resolve")]
    Resolve(OfService),
    /// Asks each running member for what it counts. → a list of the contract's `Metrics`
    #[serde(rename = "service.metrics")]
    Metrics(OfService),
    /// Stops a service in order. → null
    #[serde(rename = "service.stop")]
    Stop(OfService),
    /// Kills a service. → null
    #[serde(rename = "service.kill")]
    Kill(OfService),
    /// Starts a service that was stopped or has ended. → null
    #[serde(rename = "service.start")]
    Start(OfService),
    /// Stops a service and starts it again. → null
    #[serde(rename = "service.restart")]
    Restart(OfService),
    /// Waits until all members run and have found the peers they call. → null
    #[serde(rename = "service.wait_healthy")]
    WaitHealthy(WaitHealthy),
    /// Gives a service another number of members. → [`ServiceMade`](super::ServiceMade)
    #[serde(rename = "service.scale")]
    Scale(Scale),
    /// Waits for the end of a service. → exit code, or the negative number of a signal
    #[serde(rename = "service.exit_code")]
    ExitCode(OfService),
    /// Reads the lines of a service from its start on. Items: texts
    #[serde(rename = "service.logs")]
    Logs(Logs),
    /// Links an output to an input. → null
    #[serde(rename = "link.connect")]
    Connect(Connect),
    /// Unlinks an output from an input; what runs is told by the next deploy. → null
    #[serde(rename = "link.disconnect")]
    Disconnect(Disconnect),
    /// Sends items to an input, in order. → null
    #[serde(rename = "port.send")]
    Send(Send),
    /// Says that the script will send to an input, which then needs no link. → null
    #[serde(rename = "port.open")]
    OpenPort(OfPort),
    /// Has a port reached from outside once its service starts. → null
    #[serde(rename = "port.expose")]
    Expose(Expose),
    /// Asks where an exposed port is reached. → text or null
    #[serde(rename = "port.address")]
    PortAddress(OfPort),
    /// Joins an output; what it sends is kept for `port.receive` from now on. → [`Joined`](super::Joined)
    #[serde(rename = "port.join")]
    JoinPort(OfPort),
    /// Reads what a joined output sends. Items: JSON texts
    #[serde(rename = "port.receive")]
    Receive(Receive),
    /// Waits for calls of hooks. Items: JSON texts of [`HookCall`](super::HookCall)
    #[serde(rename = "hooks.wait")]
    HookWait(HookWait),
    /// Tells that a hook has ended. → null
    #[serde(rename = "hooks.done")]
    HookDone(HookDone),
    /// Lets a stream of this connection send more items. → null
    #[serde(rename = "stream.more")]
    More(More),
    /// Ends a request of this connection that nobody waits for any more. → null
    #[serde(rename = "cancel")]
    Cancel(Cancel),
}

/// See [`Call::Hello`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Hello {
    /// The token that the engine gave to its script.
    pub session: String,
    /// Version of this protocol that the client speaks.
    #[serde(default = "first_version")]
    pub protocol: u32,
    /// What the client is, for messages.
    #[serde(default)]
    pub client: Option<String>,
    /// Version of the client, for messages.
    #[serde(default)]
    pub version: Option<String>,
}

fn first_version() -> u32 {
    1
}

/// A line of the script, as the client sends it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Line {
    /// The file, as the script was named.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

impl From<Line> for Origin {
    fn from(line: Line) -> Self {
        Self::line(line.file, line.line)
    }
}

/// See [`Call::CreateDeployment`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CreateDeployment {
    /// Its name; none: the script's.
    #[serde(default)]
    pub name: Option<String>,
    /// Which links are encrypted: `machines` (default) or `always`.
    #[serde(default)]
    pub tls: Option<String>,
    /// What carries links within a machine: `shm` (default), `unix` or `tcp`.
    #[serde(default)]
    pub local_links: Option<String>,
    /// How long certificates count, in seconds; for tests, which cannot wait for a day.
    #[serde(default)]
    pub certificate_seconds: Option<u32>,
}

/// See [`Call::FromToml`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FromToml {
    /// The file, relative to the script; none: that of the workspace.
    #[serde(default)]
    pub path: Option<String>,
    /// Whether an empty deployment will do where there is no file.
    #[serde(default)]
    pub optional: bool,
}

/// A call about a whole deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct InDeployment {
    /// Number of the deployment.
    pub deployment: usize,
}

/// See [`Call::WaitHealthy`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WaitHealthy {
    /// Which service.
    #[serde(flatten)]
    pub owner: OfService,
    /// How many seconds it may take; none: any number.
    #[serde(default)]
    pub seconds: Option<f64>,
}

/// See [`Call::Scale`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Scale {
    /// Number of the deployment.
    pub deployment: usize,
    /// The service's name.
    pub service: String,
    /// How many members it is to have.
    pub count: u32,
}

/// See [`Call::Disconnect`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Disconnect {
    /// Number of the deployment.
    pub deployment: usize,
    /// The sending end.
    pub output: End,
    /// The receiving end.
    pub input: End,
}

/// See [`Call::AddMachine`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AddMachine {
    /// Number of the deployment.
    pub deployment: usize,
    /// What kind of machine.
    #[serde(flatten)]
    pub kind: Kind,
    /// The script's line.
    #[serde(default)]
    pub origin: Option<Line>,
}

/// A call about a machine.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OnMachine {
    /// Number of the deployment.
    pub deployment: usize,
    /// The machine's name.
    pub machine: String,
}

/// See [`Call::AddHydroflow`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AddHydroflow {
    /// The `.hf` file, relative to the script's folder or the workspace.
    pub src: String,
    /// Parameters by name.
    #[serde(default)]
    pub params: BTreeMap<String, Value>,
    /// Arguments for the program.
    #[serde(default)]
    pub args: Vec<String>,
    /// Whether it shares a process with others that wish so.
    #[serde(default)]
    pub colocate: bool,
    /// Where and how often.
    #[serde(flatten)]
    pub place: Place,
}

/// See [`Call::AddCommand`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AddCommand {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Where and how often.
    #[serde(flatten)]
    pub place: Place,
}

/// What all services have.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Place {
    /// Number of the deployment.
    pub deployment: usize,
    /// Its name; none: made from the program's.
    #[serde(default)]
    pub name: Option<String>,
    /// The machine's name; none: this machine.
    #[serde(default)]
    pub on: Option<String>,
    /// How many members.
    #[serde(default = "one")]
    pub count: u32,
    /// Environment variables for the program.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// What it may use, where its machine has systemd.
    #[serde(default)]
    pub limits: Option<Limits>,
    /// Whether it sees and changes no more of its machine than it needs.
    #[serde(default)]
    pub sandbox: bool,
    /// Properties of its unit, in systemd's words.
    #[serde(default)]
    pub systemd: BTreeMap<String, Value>,
    /// The script's line.
    #[serde(default)]
    pub origin: Option<Line>,
}

/// What a service may use.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Memory: `"512 MiB"`, or bytes.
    #[serde(default)]
    pub memory: Option<Value>,
    /// Processors: `1.5` is one and a half.
    #[serde(default)]
    pub cpu: Option<f64>,
    /// Processes and threads.
    #[serde(default)]
    pub tasks: Option<u64>,
    /// Open files.
    #[serde(default)]
    pub files: Option<u64>,
}

fn one() -> u32 {
    1
}

/// A call about a service, or one member of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OfService {
    /// Number of the deployment.
    pub deployment: usize,
    /// The service's name.
    pub service: String,
    /// The member; none: all of them.
    #[serde(default)]
    pub member: Option<u32>,
}

/// A call about a port of a service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OfPort {
    /// Whose port.
    #[serde(flatten)]
    pub owner: OfService,
    /// The port's name.
    pub port: String,
}

/// See [`Call::Expose`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Expose {
    /// Which port.
    #[serde(flatten)]
    pub of: OfPort,
    /// A port number, an IP address or both; none: where it is usual, and any free port.
    #[serde(default)]
    pub listen: Option<String>,
    /// The script's line.
    #[serde(default)]
    pub origin: Option<Line>,
}

/// See [`Call::Logs`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Logs {
    /// Whose lines.
    #[serde(flatten)]
    pub owner: OfService,
    /// Which stream.
    #[serde(deserialize_with = "log_stream")]
    pub stream: LogStream,
    /// How many items may be sent before the first [`Call::More`].
    #[serde(default = "default_ahead")]
    pub ahead: usize,
}

fn default_ahead() -> usize {
    DEFAULT_AHEAD
}

fn log_stream<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<LogStream, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Word {
        Stdout,
        Stderr,
    }
    Word::deserialize(deserializer).map(|word| match word {
        Word::Stdout => LogStream::Stdout,
        Word::Stderr => LogStream::Stderr,
    })
}

/// One end of a link.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct End {
    /// The service's name.
    pub service: String,
    /// The port's name.
    pub port: String,
}

/// See [`Call::Connect`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Connect {
    /// Number of the output's deployment.
    pub deployment: usize,
    /// Number of the input's deployment; none: the same.
    #[serde(default)]
    pub other_deployment: Option<usize>,
    /// The sending end.
    pub output: End,
    /// The receiving end.
    pub input: End,
    /// How the output divides its items among its peers.
    #[serde(default)]
    pub policy: Option<String>,
    /// What the output does with items that are not taken fast enough.
    #[serde(default)]
    pub delivery: Option<String>,
    /// What carries the link within a machine; none: what the deployment says.
    #[serde(default)]
    pub transport: Option<String>,
    /// Whether the link is never encrypted.
    #[serde(default)]
    pub insecure: bool,
    /// The script's line.
    #[serde(default)]
    pub origin: Option<Line>,
}

/// See [`Call::Send`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Send {
    /// To which port.
    #[serde(flatten)]
    pub to: OfPort,
    /// The item as JSON text, so that every number arrives as it was written; none: `items` has them.
    #[serde(default)]
    pub item: Option<String>,
    /// Several items.
    #[serde(default)]
    pub items: Vec<String>,
}

/// See [`Call::Receive`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Receive {
    /// From [`Joined`](super::Joined).
    pub receiver: u64,
    /// How many items may be sent before the first [`Call::More`].
    #[serde(default = "default_ahead")]
    pub ahead: usize,
}

/// See [`Call::More`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct More {
    /// The stream's request.
    pub stream: u64,
    /// How many items more.
    pub count: usize,
}

/// See [`Call::Cancel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cancel {
    /// The request to end.
    pub request: u64,
}

/// Reads one line of a script.
///
/// # Errors
/// The reply to send instead; it carries the request's id where that could be read, otherwise 0.
pub fn read_request(line: &str) -> Result<Request, Reply> {
    let error = match serde_json::from_str::<Request>(line) {
        Ok(request) => return Ok(request),
        Err(error) => error,
    };
    let id = serde_json::from_str::<RequestId>(line).map_or(0, |request| request.id);
    Err(Reply { id, body: Body::Error(ErrorBody::protocol(format!("cannot understand the request: {error}"))) })
}
