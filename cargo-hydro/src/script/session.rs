//! One script's session: the deployments it made, its links to programs, and the meaning of each request.
//!
//! All connections of a script's process share it. Knows neither lines nor sockets of the script; read [`Session::answer`] first.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use super::claim::Claim;
use super::connection::Items;
use super::error::CallError;
use super::events::Listener;
use super::faults::one_deployment;
use super::interpreter::Language;
use super::links::{Links, PortKey};
use super::live::Live;
use super::protocol::{
    AddCommand, AddHydroflow, AddMachine, Answer, Call, Connect, CreateDeployment, DeploymentMade, ErrorBody, Fault,
    FromToml, HookCall, HookDone, HookExit, HookWait, Joined, Logs, MachineMade, OfPort, OnMachine, Partition, Receive,
    Scale, Send, ServiceMade, SetFault,
};
use super::stopwatch::Stopwatch;
use super::trace::{Speaker, Trace};
use super::turns::{Ended, Turns};
use super::wishes;
use crate::build::{self, BuildOptions};
use crate::deploy::{self, Deployment, Engine, Price, Program, Security};
use crate::report::{ExitCode, Failure, Reporter};
use crate::workspace::Workspace;

/// What a session is made for.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// The user's workspace.
    pub workspace: Workspace,
    /// The script's file, absolute.
    pub script: PathBuf,
    /// Whether every machine is this one.
    pub local: bool,
    /// What machines that are made may cost an hour; none: anything.
    pub max_cost: Option<Price>,
    /// How programs are built.
    pub build: BuildOptions,
    /// Whether its deployments' names are nobody else's meanwhile; tests run several of one name side by side.
    pub claims: bool,
}

/// The last lines of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastWords {
    /// Its name, with `.N` for members.
    pub service: String,
    /// How it ended; none: it still ran.
    pub ended: Option<String>,
    /// Whether it failed: ended by itself, and not in order.
    pub failed: bool,
    /// What it wrote last.
    pub lines: Vec<String>,
}

/// One script's session.
#[derive(Debug)]
pub struct Session {
    options: SessionOptions,
    reporter: Reporter,
    token: String,
    links: Links,
    deployments: RefCell<Vec<Rc<Live>>>,
    /// Those who listen to events and have not begun to read, by number.
    listeners: RefCell<BTreeMap<u64, Listener>>,
    last_listener: Cell<u64>,
    trace: Option<Trace>,
    /// Where ports were found, with the changes of members by then.
    keys: RefCell<BTreeMap<OfPort, (u64, PortKey)>>,
    turns: Turns,
    /// The names of its deployments.
    claims: RefCell<Vec<Claim>>,
    deploying: Stopwatch,
}

impl Session {
    /// Begins a session without deployments.
    ///
    /// # Errors
    /// There is no free address for the script.
    pub(super) fn new(options: SessionOptions, reporter: Reporter) -> Result<Self, Failure> {
        let links = Links::new().map_err(|error| {
            Failure::new(ExitCode::Usage, "cannot reserve an address on 127.0.0.1 for the script").cause(error)
        })?;
        // Seeded by the system's random numbers; the socket's folder is the real protection.
        let token = format!("{:016x}", RandomState::new().build_hasher().finish());
        let trace = Trace::wished()?;
        let (deployments, listeners, last_listener, claims, turns, keys, deploying) = Default::default();
        Ok(Self {
            options,
            reporter,
            token,
            links,
            deployments,
            listeners,
            last_listener,
            trace,
            claims,
            turns,
            keys,
            deploying,
        })
    }

    /// Returns the word by which the script proves to be ours.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) fn is_own(&self, token: &str) -> bool {
        token == self.token
    }

    /// Writes messages down, where somebody asked for it.
    pub(super) fn note(&self, speaker: Speaker, messages: &[u8]) {
        if let Some(trace) = &self.trace {
            trace.note(speaker, messages);
        }
    }

    /// Returns how long the script has waited for builds and starts, which is not the script's fault.
    #[must_use]
    pub fn time_deploying(&self) -> Duration {
        self.deploying.elapsed()
    }

    /// Stops everything, latest deployment first.
    pub async fn stop(&self) {
        let deployments = self.deployments.borrow().clone();
        for live in deployments.iter().rev() {
            live.stop_all().await;
        }
    }

    /// Returns the last lines of each service.
    #[must_use]
    pub fn last_words(&self, lines: usize) -> Vec<LastWords> {
        self.deployments.borrow().iter().flat_map(|live| live.last_words(lines)).collect()
    }

    /// Does what the script asks.
    pub(super) async fn answer(&self, call: Call, items: Items) -> Result<Answer, ErrorBody> {
        match call {
            Call::CreateDeployment(call) => Ok(Answer::Deployment(self.create(call)?)),
            Call::FromToml(call) => Ok(Answer::Deployment(self.create_from_toml(call)?)),
            Call::AddMachine(call) => Ok(Answer::Machine(self.add_machine(call)?)),
            Call::AddHydroflow(call) => self.add_hydroflow(call),
            Call::AddCommand(call) => self.add_command(call),
            Call::Connect(call) => self.connect(call),
            Call::Port(of) => {
                let live = self.live(of.owner.deployment)?;
                let find = |wishes: &mut Deployment| wishes::port(wishes, &of.owner.service, &of.port);
                Ok(Answer::Port(live.wishes(find)?))
            }
            Call::Address(of) => {
                let address = self.live(of.deployment)?.address(&of)?;
                Ok(Answer::Text(address.map(|address| address.to_string())))
            }
            Call::PortAddress(of) => {
                let address = self.live(of.owner.deployment)?.outside(&of)?;
                Ok(Answer::Text(address.map(|address| address.to_string())))
            }
            Call::Metrics(of) => Ok(Answer::Metrics(self.live(of.deployment)?.metrics(&of).await?)),
            Call::AllMetrics(of) => Ok(Answer::Metrics(self.live(of.deployment)?.all_metrics().await?)),
            Call::Plan(of) => Ok(Answer::Changes(self.live(of.deployment)?.plan().await?)),
            Call::Status(of) => Ok(Answer::Status(self.live(of.deployment)?.status())),
            Call::Graph(of) => Ok(Answer::Text(Some(self.live(of.deployment)?.graph()))),
            Call::Resolve(of) => Ok(Answer::Resolved(self.live(of.deployment)?.resolve(&of)?)),
            Call::Scale(call) => Ok(Answer::Service(self.scale(&call).await?)),
            Call::Watch(of) => Ok(Answer::Joined(Joined { receiver: self.listen(of.deployment)? })),
            Call::ExitCode(of) => Ok(Answer::Code(self.live(of.deployment)?.exit_code(&of).await?)),
            Call::JoinPort(of) => {
                let receiver = self.links.receive(&self.port_key(&of)?).await?;
                Ok(Answer::Joined(Joined { receiver }))
            }
            call => self.answer_without_value(call, items).await.map(Answer::Done),
        }
    }

    async fn answer_without_value(&self, call: Call, items: Items) -> Result<(), ErrorBody> {
        match call {
            Call::Deploy(of) => self.start(of.deployment).await?,
            Call::StopDeployment(of) => self.live(of.deployment)?.stop_all().await,
            Call::TerminateMachine(call) => self.terminate(call).await?,
            Call::Partition(Partition { one, other }) => {
                self.fault(&SetFault { one, other, fault: Fault::Partition }).await?;
            }
            Call::Fault(call) => self.fault(&call).await?,
            Call::Heal(call) => self.live(call.deployment)?.heal(&call).await?,
            Call::Start(of) => self.live(of.deployment)?.start(&of)?,
            Call::Restart(of) => self.live(of.deployment)?.restart(&of).await?,
            Call::WaitHealthy(call) => {
                self.live(call.owner.deployment)?.wait_healthy(&call.owner, call.seconds).await?;
            }
            Call::Disconnect(call) => {
                self.live(call.deployment)?.wishes(|wishes| wishes::disconnect(wishes, call))?;
            }
            Call::Events(call) => self.events(call, items).await?,
            Call::HookWait(call) => self.wait_for_hooks(call, items).await,
            Call::HookDone(HookDone { number, error }) => drop(self.turns.done(number, error)),
            Call::Stop(of) => self.live(of.deployment)?.stop(&of).await?,
            Call::Kill(of) => self.live(of.deployment)?.kill(&of).await?,
            Call::Logs(call) => self.logs(call, items).await?,
            Call::OpenPort(of) => self.live(of.owner.deployment)?.wishes(|wishes| wishes::open(wishes, &of))?,
            Call::Expose(call) => self.live(call.of.owner.deployment)?.expose(call)?,
            Call::Send(Send { to, item, items }) => {
                self.links.send(&self.port_key(&to)?, item.into_iter().chain(items).collect()).await?;
            }
            Call::Receive(call) => self.receive(call, items).await?,
            _ => return Err(ErrorBody::protocol("this request belongs to a connection, not to a session")),
        }
        Ok(())
    }

    fn create(&self, call: CreateDeployment) -> Result<DeploymentMade, ErrorBody> {
        let CreateDeployment { name, tls, local_links, certificate_seconds } = call;
        let certificate_lifetime = certificate_seconds.map(|seconds| Duration::from_secs(seconds.into()));
        let named = name.is_some();
        let name = name.unwrap_or_else(|| self.script_name());
        let local_links = wishes::local_links("local_links", local_links)?.unwrap_or_default();
        let security = match tls {
            Some(word) => Security::parse(&word).ok_or(CallError::Tls { word })?,
            None => Security::default(),
        };
        self.begin(Deployment { name, security, local_links, certificate_lifetime, ..Deployment::default() }, named)
    }

    fn create_from_toml(&self, call: FromToml) -> Result<DeploymentMade, ErrorBody> {
        let workspace = &self.options.workspace;
        let deployment = match call.path {
            Some(path) => deploy::from_toml_at(workspace, &self.find(&path)?, &self.reporter)?,
            None if call.optional && !deploy::has_toml(workspace) => return self.create(CreateDeployment::default()),
            None => deploy::from_toml(workspace, &self.reporter)?,
        };
        self.begin(deployment, true)
    }

    /// Takes a deployment in. A name that the user did not give is made another one where somebody has it.
    fn begin(&self, mut deployment: Deployment, named: bool) -> Result<DeploymentMade, ErrorBody> {
        let mut deployments = self.deployments.borrow_mut();
        let is_ours = |name: &str| deployments.iter().any(|live| live.name() == name);
        deployment.name = wishes::unused(&deployment.name, is_ours);
        if self.options.claims {
            let wished = deployment.name.clone();
            let mut claim = self.claim(&wished)?;
            for number in 2.. {
                if claim.is_some() {
                    break;
                }
                if named {
                    return Err(CallError::DeploymentTaken { name: wished }.into());
                }
                deployment.name = format!("{wished}_{number}");
                claim = if is_ours(&deployment.name) { None } else { self.claim(&deployment.name)? };
            }
            self.claims.borrow_mut().extend(claim);
        }
        let services = deployment.services.iter().map(|(name, service)| wishes::describe(name, service)).collect();
        let made = DeploymentMade { deployment: deployments.len(), name: deployment.name.clone(), services };
        deployments.push(Rc::new(Live::new(deployment, &self.options, self.reporter.clone())));
        Ok(made)
    }

    fn claim(&self, name: &str) -> Result<Option<Claim>, Failure> {
        let workspace = &self.options.workspace;
        Claim::take(workspace, name).map_err(|error| {
            let folder = workspace.target().display();
            Failure::new(ExitCode::Usage, format!("cannot write into `{folder}`")).cause(error)
        })
    }

    fn add_machine(&self, call: AddMachine) -> Result<MachineMade, ErrorBody> {
        let live = self.live(call.deployment)?;
        let name = live.wishes(|wishes| wishes::add_machine(wishes, call, self.options.local))?;
        Ok(MachineMade { name })
    }

    fn add_hydroflow(&self, call: AddHydroflow) -> Result<Answer, ErrorBody> {
        let live = self.live(call.place.deployment)?;
        let source = self.find(&call.src)?;
        let interface = build::interface(&self.options.workspace, &source)?;
        let package = call.colocate.then(|| build::package_name(&self.options.workspace, &source));
        let program = wishes::hydroflow(source, interface, call.params);
        let add = |wishes: &mut Deployment| {
            let made = wishes::add_service(wishes, program, call.args, call.place)?;
            if let Some(service) = wishes.services.get_mut(&made.name) {
                service.colocate = package;
            }
            Ok::<_, CallError>(made)
        };
        Ok(Answer::Service(live.wishes(add)?))
    }

    fn add_command(&self, call: AddCommand) -> Result<Answer, ErrorBody> {
        let live = self.live(call.place.deployment)?;
        let program = Program::Command { argv: call.argv };
        Ok(Answer::Service(live.wishes(|wishes| wishes::add_service(wishes, program, Vec::new(), call.place))?))
    }

    fn connect(&self, call: Connect) -> Result<Answer, ErrorBody> {
        let live = self.live(call.deployment)?;
        if call.other_deployment.is_some_and(|other| other != call.deployment) {
            let shown = |end: &super::protocol::End| format!("{}.{}", end.service, end.port);
            let (from, to) = (shown(&call.output), shown(&call.input));
            return Err(CallError::TwoDeployments { from, to }.into());
        }
        live.wishes(|wishes| wishes::connect(wishes, call))?;
        Ok(Answer::Done(()))
    }

    async fn start(&self, deployment: usize) -> Result<(), ErrorBody> {
        let live = self.live(deployment)?;
        let _running = self.deploying.start();
        Ok(live.deploy().await?)
    }

    async fn terminate(&self, call: OnMachine) -> Result<(), ErrorBody> {
        let live = self.live(call.deployment)?;
        if !live.wishes(|wishes| wishes.machines.contains_key(&call.machine)) {
            return Err(CallError::Unknown { what: "machine", name: call.machine }.into());
        }
        Ok(live.terminate(&call.machine).await?)
    }

    async fn logs(&self, call: Logs, items: Items) -> Result<(), ErrorBody> {
        let mut lines = self.live(call.owner.deployment)?.logs(&call.owner, call.stream)?;
        items.begin(call.ahead);
        while let Some(line) = lines.next().await {
            if items.send(line).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    async fn fault(&self, call: &SetFault) -> Result<(), ErrorBody> {
        Ok(self.live(one_deployment(&call.one, &call.other)?)?.fault(call).await?)
    }

    async fn scale(&self, call: &Scale) -> Result<ServiceMade, ErrorBody> {
        let live = self.live(call.deployment)?;
        let _running = self.deploying.start();
        Ok(live.scale(call).await?)
    }

    /// Listens to a deployment from now on; returns the listener's number.
    fn listen(&self, deployment: usize) -> Result<u64, ErrorBody> {
        let listener = self.live(deployment)?.listen();
        let number = self.last_listener.get() + 1;
        self.last_listener.set(number);
        self.listeners.borrow_mut().insert(number, listener);
        Ok(number)
    }

    async fn events(&self, call: Receive, items: Items) -> Result<(), ErrorBody> {
        let taken = self.listeners.borrow_mut().remove(&call.receiver);
        let mut listener = taken.ok_or_else(|| CallError::Unknown {
            what: "listener that nobody reads yet,",
            name: call.receiver.to_string(),
        })?;
        items.begin(call.ahead);
        while let Some(happening) = listener.next().await {
            if items.send(happening).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Takes a deployment in that somebody else runs, as number 0.
    pub(super) fn adopt(&self, engine: &Engine, reporter: &Reporter) {
        self.deployments.borrow_mut().push(Rc::new(Live::of(engine, reporter)));
    }

    /// Calls a hook for the deployment that was adopted.
    pub(super) fn call_hook(&self, hook: &'static str, exit: Option<HookExit>) -> Ended {
        let live = self.deployments.borrow().first().cloned();
        let deployment = live.map(|live| {
            let describe = |(name, service): (&String, &deploy::Service)| wishes::describe(name, service);
            let services = live.wishes(|wishes| wishes.services.iter().map(describe).collect());
            DeploymentMade { deployment: 0, name: live.name().to_owned(), services }
        });
        let deployment =
            deployment.unwrap_or_else(|| DeploymentMade { deployment: 0, name: String::new(), services: Vec::new() });
        self.turns.call(|number| HookCall { number, hook, deployment, exit })
    }

    async fn wait_for_hooks(&self, call: HookWait, items: Items) {
        let Some(mut calls) = self.turns.take() else { return };
        items.begin(call.ahead);
        while let Some(call) = calls.recv().await {
            // Names and numbers: nothing that JSON cannot say.
            let Ok(text) = serde_json::to_string(&call) else { continue };
            if items.send(text).await.is_err() {
                return;
            }
        }
    }

    async fn receive(&self, call: Receive, items: Items) -> Result<(), ErrorBody> {
        let mut arrivals = self.links.receiver(call.receiver)?;
        items.begin(call.ahead);
        while let Some(arrival) = arrivals.recv().await {
            if items.send(arrival?).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Finds where a port's member listens; what was found counts until a member changes.
    fn port_key(&self, of: &OfPort) -> Result<PortKey, ErrorBody> {
        let changes = self.live(of.owner.deployment)?.changes();
        if let Some((_, key)) = self.keys.borrow().get(of).filter(|(at, _)| *at == changes) {
            return Ok(key.clone());
        }
        let key = self.look_up(of)?;
        self.keys.borrow_mut().insert(of.clone(), (changes, key.clone()));
        Ok(key)
    }

    fn look_up(&self, of: &OfPort) -> Result<PortKey, ErrorBody> {
        let OfPort { owner, port } = of;
        let live = self.live(owner.deployment)?;
        let count = live.wishes(|wishes| {
            wishes::meets_scripts(wishes, &owner.service, port)?;
            wishes::find_service(wishes, &owner.service).map(|service| service.count)
        })?;
        let shown = match owner.member {
            None if count > 1 => {
                let (service, port) = (owner.service.clone(), port.clone());
                return Err(CallError::ChooseMember { service, count, port }.into());
            }
            None => format!("{}.{port}", owner.service),
            Some(member) => format!("{}[{member}].{port}", owner.service),
        };
        let not_running = || CallError::NotRunning { service: owner.service.clone() };
        let place = live.place(owner, port)?.ok_or_else(not_running)?;
        Ok(PortKey { deployment: live.name().to_owned(), place, shown, port: port.clone() })
    }

    fn live(&self, deployment: usize) -> Result<Rc<Live>, CallError> {
        let found = self.deployments.borrow().get(deployment).cloned();
        found.ok_or_else(|| CallError::Unknown { what: "deployment", name: deployment.to_string() })
    }

    /// Finds a file of the user's, beside the script or in the workspace.
    fn find(&self, path: &str) -> Result<PathBuf, CallError> {
        let beside = self.options.script.parent().map(|folder| folder.join(path));
        let looked: Vec<PathBuf> = beside.into_iter().chain([self.options.workspace.root().join(path)]).collect();
        match looked.iter().find(|file| file.exists()) {
            Some(file) => Ok(file.clone()),
            None => Err(CallError::NoSource { source_file: path.to_owned(), looked }),
        }
    }

    fn script_name(&self) -> String {
        let name = self.options.script.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Language::strip(&name).to_owned()
    }
}
