//! One machine of a deployment: connected, looked at, with its host at work.
//!
//! Everything is asked of the host; nothing is kept here but the connection and who waits for what.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hydro_host::words::{Answer, Ask, Bind, Bound, Check, Claim, Event, MemberState, Spec, Upkeep, VERSION};
use tokio::sync::{Mutex as AsyncMutex, mpsc, watch};

use super::control::{Control, converse};
use super::follow::listen;
use super::forward::Forwards;
use super::probe::Probe;
use super::reached::ReachedMachine;
use super::session::Connection;
use super::upload::bring;
use super::wire::Wire;
use super::{SshError, SshTarget, Upload};
use crate::report::Reporter;
use crate::sys::fs::RuntimeDir;

/// Events that are kept of a member that nobody listens for yet.
const EARLY: usize = 10_000;
/// How long the end of a deployment waits for a connection: longer than it takes to make one.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked whether there is one.
const LOOK: Duration = Duration::from_millis(250);
/// In place of a member's name: all of them.
const ALL: &str = "*";
/// Whose members are on the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployed {
    /// The deployment's name.
    pub deployment: String,
    /// Names it among all of its name.
    pub token: String,
    /// Who is at work, for people.
    pub who: String,
    /// Whether another's deployment is taken over.
    pub force: bool,
}

/// What is needed to take a machine into use.
#[derive(Clone, Debug)]
pub struct Given {
    /// For whom.
    pub deployed: Deployed,
    /// The program that keeps members up there.
    pub host: Upload,
    /// The first event that nobody has seen yet.
    pub from: u64,
    /// Whether nothing is changed there: others may be at work.
    pub looks: bool,
    /// Where losses of the connection are told.
    pub reporter: Reporter,
}

/// Who hears of what happens to members.
#[derive(Debug, Default)]
struct Listeners {
    units: BTreeMap<String, mpsc::UnboundedSender<Event>>,
    /// What happened to members that nobody listens for yet; the last of it.
    early: BTreeMap<String, VecDeque<Event>>,
    /// Whether somebody has begun to listen to the machine.
    are_heard: bool,
}

/// See the module. Clones are the same machine.
#[derive(Clone, Debug)]
pub struct SshMachine {
    inner: Arc<Inner>,
    control: Arc<Control>,
}

/// What the tasks of a machine share.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) name: String,
    pub(super) reporter: Reporter,
    /// The number of the next event.
    pub(super) next: AtomicU64,
    target: SshTarget,
    deployed: Deployed,
    probe: Probe,
    program: String,
    folder: String,
    runtime: RuntimeDir,
    connection: AsyncMutex<Option<Arc<Connection>>>,
    forwards: Forwards,
    listeners: Mutex<Listeners>,
    over: AtomicBool,
    /// Whether there is no connection.
    pub(super) lost: AtomicBool,
    /// Whether the deployment ends.
    ending: watch::Sender<bool>,
    /// Whether nothing is changed there.
    pub(super) looks: bool,
    /// The number of the first event that had not happened when we came.
    known: AtomicU64,
    /// What keeps members up there.
    upkeep: Mutex<Upkeep>,
}

impl SshMachine {
    /// Brings the host along and claims the deployment. Needs a running tokio runtime.
    ///
    /// # Errors
    /// The machine has no room, or has a deployment of that name that is not ours.
    pub async fn connect(reached: ReachedMachine, given: Given) -> Result<Self, SshError> {
        let Given { deployed, host, from, looks, reporter } = given;
        let ReachedMachine { name, target, probe, runtime, connection } = reached;
        let (program, folder) = (host.place(&probe.home), folder(&probe, &deployed.deployment));
        let inner = Arc::new(Inner {
            name,
            reporter,
            next: AtomicU64::new(from),
            target,
            deployed,
            probe,
            program,
            folder,
            runtime,
            connection: AsyncMutex::new(Some(Arc::new(connection))),
            forwards: Forwards::default(),
            listeners: Mutex::default(),
            over: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            ending: watch::channel(false).0,
            looks,
            known: AtomicU64::new(0),
            upkeep: Mutex::default(),
        });
        // It may have been lost while programs were built.
        let connection = inner.connection().await?;
        bring(&connection, &host, &inner.probe.home).await.map_err(|error| of(&inner.name, error))?;
        let (wire, answer) = inner.join(looks).await?;
        if let Answer::Claimed { next, upkeep, .. } = answer {
            inner.known.store(next, Ordering::Release);
            *inner.upkeep.lock().unwrap_or_else(PoisonError::into_inner) = upkeep;
        }
        let (control, orders) = Control::new();
        tokio::spawn(converse(Arc::clone(&inner), wire, orders));
        Ok(Self { inner, control: Arc::new(control) })
    }

    /// Returns its name in the deployment.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Returns what was found there.
    #[must_use]
    pub fn probe(&self) -> &Probe {
        &self.inner.probe
    }

    /// Returns the number of the first event that was not seen yet.
    #[must_use]
    pub fn next_event(&self) -> u64 {
        self.inner.next.load(Ordering::Acquire)
    }

    /// Returns the address at which other machines reach it.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.inner.target.address.or(self.inner.probe.address)
    }

    /// Returns the address at which it is reached from outside its network.
    #[must_use]
    pub fn outside(&self) -> Option<IpAddr> {
        self.inner.target.outside.or_else(|| self.address())
    }

    /// Returns what keeps members up there.
    #[must_use]
    pub fn upkeep(&self) -> Upkeep {
        self.inner.upkeep.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says what becomes of members when the machine is started anew, where that is not what one would hope.
    #[must_use]
    pub fn reboot_trouble(&self) -> Option<String> {
        let Upkeep { boots, lacks, .. } = self.upkeep();
        let why = lacks.map(|lacks| format!(" ({lacks})")).unwrap_or_default();
        (!boots).then(|| {
            format!("when the machine `{}` is started anew, its services wait until somebody looks{why}", self.name())
        })
    }

    /// Returns the deployment's folder there.
    #[must_use]
    pub fn folder(&self) -> &str {
        &self.inner.folder
    }

    /// Brings a file there, unless it is there; returns how many bytes were sent.
    ///
    /// # Errors
    /// The connection is lost, or the machine has no room.
    pub async fn bring(&self, upload: &Upload) -> Result<u64, SshError> {
        let connection = self.inner.connection().await?;
        bring(&connection, upload, &self.inner.probe.home).await.map_err(|error| of(self.name(), error))
    }

    /// Binds what a member asks for.
    ///
    /// # Errors
    /// It cannot be had there.
    pub async fn bind(&self, wish: Bind) -> Result<Bound, SshError> {
        match self.ask(Ask::Bind(wish)).await? {
            Answer::Bound(bound) => Ok(bound),
            other => Err(self.odd(&other)),
        }
    }

    /// Makes a Unix socket there reachable here.
    ///
    /// # Errors
    /// The machine does not let us.
    pub async fn reach(&self, there: &str) -> Result<PathBuf, SshError> {
        let connection = self.inner.connection().await?;
        let folder = self.inner.runtime.path();
        self.inner.forwards.add(&connection.session(), there, folder).await.map_err(|error| {
            let what = format!("the machine `{}` does not pass `{there}` on", self.name());
            SshError::new(what, error, "its ssh server must allow it: `AllowStreamLocalForwarding yes`")
        })
    }

    /// Starts a member, or finds it running as it is to be.
    ///
    /// # Errors
    /// The machine does not start it.
    pub(super) async fn start(&self, spec: Spec) -> Result<(u64, u32), SshError> {
        match self.ask(Ask::Start(Box::new(spec))).await? {
            Answer::Started { run, pid } => Ok((run, pid)),
            other => Err(self.odd(&other)),
        }
    }

    /// Asks a member to end.
    ///
    /// # Errors
    /// The deployment is over.
    pub async fn stop(&self, member: &str, kill: bool, hold: bool) -> Result<(), SshError> {
        self.ask(Ask::Stop { member: member.to_owned(), kill, hold }).await.map(drop)
    }

    /// Forgets a member that has ended.
    ///
    /// # Errors
    /// The deployment is over, or the member runs.
    pub async fn forget(&self, member: &str) -> Result<(), SshError> {
        self.ask(Ask::Remove { member: member.to_owned() }).await.map(drop)
    }

    /// Writes a private file into the deployment's folder; returns where it is.
    ///
    /// # Errors
    /// The machine has no room.
    pub async fn write(&self, name: &str, content: String) -> Result<String, SshError> {
        self.ask(Ask::Write { name: name.to_owned(), content }).await?;
        Ok(format!("{}/{name}", self.inner.folder))
    }

    /// Asks whether a member is well.
    ///
    /// # Errors
    /// The deployment is over.
    pub async fn check(&self, member: &str, check: Check) -> Result<bool, SshError> {
        match self.ask(Ask::Check { member: member.to_owned(), check }).await? {
            Answer::Well { well } => Ok(well),
            other => Err(self.odd(&other)),
        }
    }

    /// Lists the members there.
    ///
    /// # Errors
    /// The deployment is over.
    pub async fn members(&self) -> Result<Vec<MemberState>, SshError> {
        match self.ask(Ask::List {}).await? {
            Answer::Members { members } => Ok(members),
            other => Err(self.odd(&other)),
        }
    }

    /// Ends all members there and removes what is left of the deployment; its data stays.
    ///
    /// # Errors
    /// The machine does not do it.
    pub async fn down(&self) -> Result<(), SshError> {
        let asked = tokio::select! {
            asked = self.ask(Ask::Down {}) => asked.map(drop),
            () = self.given_up() => {
                let what = format!("cannot end what is on the machine `{}`", self.name());
                let hint = "it stays known: `cargo hydro down` ends it when the machine can be reached again";
                Err(SshError::new(what, "there is no connection to it", hint))
            }
        };
        self.inner.over.store(true, Ordering::Release);
        asked
    }

    /// Says that the deployment ends: nobody waits for long any more where there is no connection.
    pub fn prepare_end(&self) {
        self.inner.ending.send_replace(true);
    }

    /// Waits until the deployment ends and there was no connection for [`PATIENCE`].
    pub(super) async fn given_up(&self) {
        let mut ending = self.inner.ending.subscribe();
        if ending.wait_for(|ending| *ending).await.is_err() {
            return;
        }
        let mut lost = Duration::ZERO;
        while lost < PATIENCE {
            tokio::time::sleep(LOOK).await;
            lost = if self.is_lost() { lost + LOOK } else { Duration::ZERO };
        }
    }

    /// Asks nothing more; what runs there goes on.
    pub fn leave(&self) {
        self.inner.over.store(true, Ordering::Release);
    }

    /// Whether there is no connection to it at this moment.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.inner.lost.load(Ordering::Acquire)
    }

    /// Whether nothing more is asked.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.inner.is_over()
    }

    /// Has the events of all members sent that nobody else waits for; also returns the number of the first that had not happened when we came.
    #[must_use]
    pub fn events(&self) -> (mpsc::UnboundedReceiver<Event>, u64) {
        (self.watch(ALL), self.inner.known.load(Ordering::Acquire))
    }

    /// Has the events of a member sent, in place of whoever had them before.
    pub(super) fn watch(&self, member: &str) -> mpsc::UnboundedReceiver<Event> {
        let (sender, events) = mpsc::unbounded_channel();
        let mut listeners = self.inner.listeners();
        if member == ALL {
            for event in std::mem::take(&mut listeners.early).into_values().flatten() {
                let _ = sender.send(event);
            }
        }
        for event in listeners.early.remove(member).into_iter().flatten() {
            let _ = sender.send(event);
        }
        listeners.units.insert(member.to_owned(), sender);
        if !std::mem::replace(&mut listeners.are_heard, true) {
            tokio::spawn(listen(Arc::clone(&self.inner)));
        }
        events
    }

    /// Keeps what has come for a member that nobody listens for any more, for whoever is next.
    pub(super) fn unwatch(&self, member: &str, mut events: mpsc::UnboundedReceiver<Event>) {
        let mut listeners = self.inner.listeners();
        listeners.units.remove(member);
        let early = listeners.early.entry(member.to_owned()).or_default();
        while let Ok(event) = events.try_recv() {
            early.push_back(event);
        }
    }

    async fn ask(&self, ask: Ask) -> Result<Answer, SshError> {
        match self.control.ask(ask).await {
            Ok(Answer::Refused { why }) => {
                let what = format!("the machine `{}` refuses", self.name());
                Err(SshError::new(what, why, format!("look there: `{}`", self.inner.target.command())))
            }
            answer => answer.map_err(|error| of(self.name(), error)),
        }
    }

    fn odd(&self, answer: &Answer) -> SshError {
        let what = format!("the machine `{}` answers something else than it was asked", self.name());
        SshError::new(what, format!("{answer:?}"), "this is a fault of ours")
    }
}

impl Inner {
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Returns the connection, made anew where it was lost.
    pub(super) async fn connection(&self) -> Result<Arc<Connection>, SshError> {
        let mut held = self.connection.lock().await;
        if let Some(connection) = held.as_ref()
            && connection.session().check().await.is_ok()
        {
            return Ok(Arc::clone(connection));
        }
        *held = None;
        let connection = Arc::new(Connection::open(&self.target, self.runtime.path()).await?);
        self.forwards.again(&connection.session()).await;
        *held = Some(Arc::clone(&connection));
        Ok(connection)
    }

    /// Joins the host and says whose the deployment is; `looks`: only to listen.
    pub(super) async fn join(&self, looks: bool) -> Result<(Wire, Answer), SshError> {
        let Deployed { token, who, force, .. } = self.deployed.clone();
        let connection = self.connection().await?;
        let wire = Wire::join(&connection, (&self.program, &self.folder), self.target.services).await;
        let mut wire = wire.map_err(|error| of(&self.name, error))?;
        let claim = Claim { version: VERSION, token, who, force, looks };
        let answer = wire.claim(&claim).await.map_err(|error| of(&self.name, error))?;
        Ok((wire, answer))
    }

    /// Hands an event to whoever waits for it.
    pub(super) fn dispatch(&self, event: Event) {
        let mut listeners = self.listeners();
        let unit = listeners.units.get(&event.member).or_else(|| listeners.units.get(ALL));
        let event = match unit.map(|unit| unit.send(event.clone())) {
            Some(Ok(())) => return,
            _ => event,
        };
        let early = listeners.early.entry(event.member.clone()).or_default();
        if early.len() == EARLY {
            early.pop_front();
        }
        early.push_back(event);
    }

    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the deployment is there. A socket's path may have about 100 bytes only.
fn folder(probe: &Probe, deployment: &str) -> String {
    let usual = format!("{}/.hydro/deployments/{deployment}", probe.home);
    if usual.len() < 80 { usual } else { format!("/tmp/.hydro-{}/{deployment}", probe.user) }
}

/// Names the machine where an error does not.
pub(super) fn of(name: &str, error: SshError) -> SshError {
    if error.what.contains('`') {
        error
    } else {
        SshError { what: format!("{} (machine `{name}`)", error.what), ..error }
    }
}
