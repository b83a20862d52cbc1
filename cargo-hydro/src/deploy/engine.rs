//! The engine: turns a wished-for deployment into running, wired services, and holds on to them.
//!
//! Scripts, tests and `deploy` all use it, and all see the same: what is checked, built, started, in which order. It prints nothing
//! but events. Read [`Engine::deploy`](super::apply) first. When the last clone is dropped, whatever it started is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use hydro_runtime_shim::contract::{AdminReply, AdminRequest};
use indexmap::IndexMap;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::cost::Price;
use super::keep::{self, Clock};
use super::late::Late;
use super::machines::Machines;
use super::model::{Deployment, PortRef, Program};
use super::plan::Outside;
use super::rounds::Ill;
use super::sockets::Sockets;
use super::started::Started;
use crate::build::BuildOptions;
use crate::machine::{self, ExitWatch, LogReader, Member};
use crate::report::{ExitCode, Failure, LogStream, Reporter};
use crate::supervision::{Standing, Supervision};
use crate::sys::Exit;
use crate::workspace::Workspace;

/// Log lines that a failure shows.
pub(super) const SHOWN_LINES: usize = 20;

/// What an engine needs to know once.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Where programs come from; services work in its root.
    pub workspace: Workspace,
    /// How programs are built.
    pub build: BuildOptions,
    /// Whether every machine is this one.
    pub local: bool,
    /// What machines that are made may cost an hour; none: anything.
    pub max_cost: Option<Price>,
    /// Whether all lines of services are kept, on disk where they are many; otherwise only the last.
    pub keeps_all_lines: bool,
}

/// A deployment and what runs of it. Clones share it.
#[derive(Clone)]
pub struct Engine {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    options: Mutex<EngineOptions>,
    pub(super) reporter: Reporter,
    state: Mutex<State>,
    /// One deploy at a time; never held together with `state` across an await.
    pub(super) deploying: tokio::sync::Mutex<()>,
    pub(super) sockets: Sockets,
    pub(super) machines: Machines,
    /// Counts the changes of members: ends, and what followed from them.
    pub(super) changes: watch::Sender<u64>,
    pub(super) clock: Clock,
}

/// What is wished for and what runs.
#[derive(Debug)]
pub(super) struct State {
    pub(super) deployment: Deployment,
    /// In the order of starting.
    pub(super) started: IndexMap<String, Started>,
    /// Links that running services know of.
    pub(super) wired: BTreeSet<(PortRef, PortRef)>,
    /// Where the receiver calls.
    pub(super) late: Late,
    pub(super) builds: u64,
    /// Says who is started again.
    pub(super) supervision: Supervision,
    /// Members that run and are not well, since their last start.
    pub(super) ill: BTreeMap<String, Ill>,
    /// All are being stopped; nothing is started any more.
    pub(super) is_ending: bool,
    /// Somebody tells the supervision of the time.
    pub(super) is_timed: bool,
}

/// A started member as others may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberStatus {
    /// `service`, or `service.N`.
    pub name: String,
    /// Its service.
    pub service: String,
    /// Process id.
    pub pid: u32,
    /// The address by which peers know it.
    pub address: Option<SocketAddr>,
    /// The Unix socket at which it listens, too.
    pub socket: Option<PathBuf>,
    /// Where its exposed ports are reached, by the name of the exposure.
    pub exposed: BTreeMap<String, Outside>,
    /// How it ended; none: it runs.
    pub exit: Option<Exit>,
    /// Whether somebody asked for its end.
    pub stopped: bool,
    /// Where its supervisor sees it.
    pub standing: Standing,
    /// When it was started, in milliseconds since 1970.
    pub started_ms: u64,
    /// How often it was started again in a row.
    pub restarts: u32,
    /// What it does not answer to, in words; none: it is well, or nobody asks.
    pub unhealthy: Option<String>,
}

impl Engine {
    /// Makes an engine for a deployment; nothing happens yet.
    #[must_use]
    pub fn new(options: EngineOptions, deployment: Deployment, reporter: Reporter) -> Self {
        let clock = Clock::default();
        let supervision = keep::supervision(&deployment);
        let (started, wired, late, builds) = Default::default();
        let state = Mutex::new(State {
            deployment,
            started,
            wired,
            late,
            builds,
            supervision,
            ill: BTreeMap::new(),
            is_ending: false,
            is_timed: false,
        });
        let (deploying, sockets, changes) = (tokio::sync::Mutex::new(()), Sockets::default(), watch::channel(0).0);
        Self {
            inner: Arc::new(Inner {
                options: Mutex::new(options),
                reporter,
                state,
                deploying,
                sockets,
                machines: Machines::default(),
                changes,
                clock,
            }),
        }
    }

    /// Returns the deployment as it is wished for now.
    #[must_use]
    pub fn deployment(&self) -> Deployment {
        self.state().deployment.clone()
    }

    /// Changes what is wished for; the next [`Engine::deploy`] starts what is new. What runs is not touched.
    pub fn edit<T>(&self, change: impl FnOnce(&mut Deployment) -> T) -> T {
        change(&mut self.state().deployment)
    }

    /// Returns how it builds and places.
    #[must_use]
    pub fn options(&self) -> EngineOptions {
        self.inner.options.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns where events go.
    #[must_use]
    pub fn reporter(&self) -> &Reporter {
        &self.inner.reporter
    }

    /// Waits for the end of a service (or of one member, `service.N`); of several members, one that failed counts. The future holds nothing
    /// of the engine.
    ///
    /// # Errors
    /// It was not started.
    pub fn exit(&self, name: &str) -> Result<impl Future<Output = Exit> + Send + use<>, Failure> {
        let exits: Vec<ExitWatch> = self.pick(name, Member::exit)?;
        Ok(together(exits.into_iter().map(|exit| async move { exit.wait().await })))
    }

    /// Asks the running programs of a service (or one member, `service.N`) over their admin sockets, one after the other.
    ///
    /// # Errors
    /// It was not started, or is a command; or a program refuses or does not answer.
    pub async fn ask(&self, name: &str, request: &AdminRequest) -> Result<Vec<(String, AdminReply)>, Failure> {
        let members = self.members(name)?;
        let mut replies = Vec::new();
        for member in members.iter().filter(|member| member.exit.is_none()) {
            let failed = |cause: String| {
                let message = format!("asking `{}` failed: {cause}", member.name);
                Failure::new(ExitCode::DeployFailed, message)
            };
            let Some(socket) = self.pick(&member.name, Member::admin)?.into_iter().flatten().next() else {
                return Err(failed("it is a command and has no admin socket".to_owned()));
            };
            match machine::ask(&socket, request).await {
                Ok(AdminReply::Error { reason }) => return Err(failed(reason)),
                Ok(reply) => replies.push((member.name.clone(), reply)),
                Err(error) => return Err(failed(error.to_string())),
            }
        }
        Ok(replies)
    }

    /// Returns the variables with which a member was started, and the folder it works in; of a service: those of its first member.
    ///
    /// # Errors
    /// It was not started.
    pub fn surroundings(&self, name: &str) -> Result<(BTreeMap<String, String>, PathBuf), Failure> {
        let member = self.members(name)?.swap_remove(0);
        let state = self.state();
        let all = state.started.values().flat_map(|started| started.members.iter().zip(&started.again));
        let found = all.into_iter().find(|(other, _)| other.name() == member.name);
        match found {
            Some((_, spec)) => match &spec.away {
                None => Ok((spec.env.clone(), spec.directory.clone())),
                Some(away) => Err(Failure::new(
                    ExitCode::DeployFailed,
                    format!(
                        "`{name}` runs on the machine `{}`, and commands are run on this one only",
                        away.machine.name()
                    ),
                )
                .hint("log in there with `ssh` and run it by hand")),
            },
            None => Err(Failure::new(
                ExitCode::DeployFailed,
                format!("`{name}` shares a process, and its variables are not the process's"),
            )),
        }
    }

    /// Returns the ports that a member has by name, as `{port:NAME}` in a command gives them.
    #[must_use]
    pub fn named_ports(&self, member: &str) -> BTreeMap<String, u16> {
        let state = self.state();
        let mut all = state.started.values().flat_map(|started| started.members.iter().zip(&started.owns));
        all.find(|(other, _)| other.name() == member).map(|(_, own)| own.ports.clone()).unwrap_or_default()
    }

    /// Reads what a member wrote, from its start.
    ///
    /// # Errors
    /// It was not started, or it is a service of several members: then one must be named.
    pub fn logs(&self, name: &str, stream: LogStream) -> Result<LogReader, Failure> {
        let logs = self.pick(name, Member::logs)?;
        match logs.as_slice() {
            [logs] => Ok(logs.read(stream)),
            several => {
                let message = format!("`{name}` has {} members, each with its own output", several.len());
                Err(Failure::new(ExitCode::DeployFailed, message).hint(format!("ask one of them: `{name}.0`")))
            }
        }
    }

    /// Returns the last lines that a service (or one member) wrote, members one after the other.
    ///
    /// # Errors
    /// It was not started.
    pub fn last_lines(&self, name: &str, count: usize) -> Result<Vec<String>, Failure> {
        Ok(self.pick(name, Member::logs)?.iter().flat_map(|logs| logs.last(count)).collect())
    }

    /// Returns the address of a member; of a service: of its first member. None: it is a command without `listen`.
    ///
    /// # Errors
    /// It was not started.
    pub fn address(&self, name: &str) -> Result<Option<SocketAddr>, Failure> {
        Ok(self.members(name)?.first().and_then(|member| member.address))
    }

    /// Returns the members of a service, or one member by its name.
    ///
    /// # Errors
    /// It was not started.
    pub fn members(&self, name: &str) -> Result<Vec<MemberStatus>, Failure> {
        let all = self.status();
        let picked: Vec<MemberStatus> =
            all.into_iter().filter(|member| member.service == name || member.name == name).collect();
        if picked.is_empty() { Err(self.not_started(name)) } else { Ok(picked) }
    }

    /// Returns all started members, in the order of starting.
    #[must_use]
    pub fn status(&self) -> Vec<MemberStatus> {
        let state = self.state();
        let members = state.started.iter().flat_map(|(service, started)| {
            started.members.iter().enumerate().map(move |(number, m)| (service, m, (started, number)))
        });
        members
            .map(|(service, member, (started, number))| {
                let (standing, restarts) = state.supervision.standing(member.leader()).unwrap_or((Standing::Down, 0));
                MemberStatus {
                    name: member.name().to_owned(),
                    service: service.clone(),
                    pid: member.pid(),
                    address: member.address(),
                    socket: started.socket(number),
                    exposed: started.planned.get(number).map(|planned| planned.exposed.clone()).unwrap_or_default(),
                    exit: member.exit().now(),
                    stopped: member.stopper().was_asked(),
                    standing,
                    started_ms: milliseconds(member.started()),
                    restarts,
                    unhealthy: state.ill.get(member.name()).map(Ill::to_string),
                }
            })
            .collect()
    }

    /// Returns a failure for every member that failed although nobody asked for its end, with its last lines.
    #[must_use]
    pub fn failed_members(&self) -> Vec<Failure> {
        let state = self.state();
        let members =
            state.started.iter().flat_map(|(service, started)| started.members.iter().map(move |m| (service, m)));
        members
            .filter(|(_, member)| !member.is_led())
            .filter_map(|(service, member)| {
                let was_asked = member.process_stopper().was_asked();
                let exit = member.process_exit().now().filter(|exit| !exit.success() && !was_asked)?;
                let who = match member.shared() {
                    Some(shared) => format!("the process of `{}`", shared.names.join("`, `")),
                    None => format!("`{}`", member.name()),
                };
                let failure = Failure::new(ExitCode::DeployFailed, format!("{who} {exit}"));
                let origin = state.deployment.services.get(service).and_then(|service| service.origin.clone());
                Some(with_lines(Failure { origin, ..failure }, member))
            })
            .collect()
    }

    /// Whether a Hydroflow service failed although nobody asked for its end; commands may end as they like.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        let is_program = |service: &str| {
            self.state()
                .deployment
                .services
                .get(service)
                .is_some_and(|s| matches!(s.program, Program::Hydroflow { .. }))
        };
        self.status().iter().any(|member| {
            let has_failed = !member.stopped && member.exit.is_some_and(|exit| !exit.success());
            has_failed && member.standing == Standing::Down && is_program(&member.service)
        })
    }

    /// Tells what is wrong with the machines in use, in words.
    #[must_use]
    pub fn troubles(&self) -> Vec<String> {
        self.inner.machines.troubles()
    }

    /// Whether nothing runs (any more), and nothing will be started again.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.status().iter().all(|member| member.standing == Standing::Down)
    }

    /// Returns a counter of what happened to members; wait for its change, then look at [`Engine::status`].
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    /// Picks something of each member behind a name: all of a service, or one.
    pub(super) fn pick<T: Clone>(&self, name: &str, part: impl Fn(&Member) -> &T) -> Result<Vec<T>, Failure> {
        let picked: Vec<T> = {
            let state = self.state();
            let of_service = state.started.get(name).into_iter().flat_map(|started| &started.members);
            let all = state.started.values().flat_map(|started| &started.members);
            match state.started.contains_key(name) {
                true => of_service.map(|member| part(member).clone()).collect(),
                false => all.filter(|member| member.name() == name).map(|member| part(member).clone()).collect(),
            }
        };
        if picked.is_empty() { Err(self.not_started(name)) } else { Ok(picked) }
    }

    fn not_started(&self, name: &str) -> Failure {
        let base = name.split('.').next().unwrap_or(name);
        let state = self.state();
        if state.deployment.services.contains_key(base) && !state.started.contains_key(base) {
            let failure = Failure::new(ExitCode::DeployFailed, format!("`{name}` was not started"));
            return failure.hint("deploy first: services start when the deployment is deployed");
        }
        Failure::new(ExitCode::DeployFailed, format!("there is no service `{name}`"))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state()
    }
}

impl Inner {
    pub(super) fn set_options(&self, options: EngineOptions) {
        *self.options.lock().unwrap_or_else(PoisonError::into_inner) = options;
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("state", &*self.state()).finish_non_exhaustive()
    }
}

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Adds the last lines of a member to the failure it caused.
pub(super) fn with_lines(failure: Failure, member: &Member) -> Failure {
    let lines = member.logs().last(SHOWN_LINES);
    if lines.is_empty() {
        return failure.cause(format!("`{}` wrote nothing", member.name()));
    }
    failure.cause(format!("the last lines of `{}`:\n  {}", member.name(), lines.join("\n  ")))
}

/// Waits for all; of their ends, one that was no success counts.
pub(super) async fn together(ends: impl IntoIterator<Item = impl Future<Output = Exit> + Send + 'static>) -> Exit {
    let mut set: JoinSet<(usize, Exit)> = JoinSet::new();
    for (index, end) in ends.into_iter().enumerate() {
        set.spawn(async move { (index, end.await) });
    }
    let ends: BTreeMap<usize, Exit> = set.join_all().await.into_iter().collect();
    let success = Exit { code: Some(0), signal: None };
    ends.into_values().find(|exit| !exit.success()).unwrap_or(success)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use hydro_runtime_shim::contract::Delivery;

    use super::*;
    use crate::deploy::samples::{command, deployment, engine, link};

    fn commands(scripts: &[(&str, &str)]) -> Deployment {
        let mut made = Deployment { name: "test".into(), ..Default::default() };
        for (name, script) in scripts {
            command(&mut made, name, &["sh", "-c", script]);
        }
        made
    }

    async fn first_line(engine: &Engine, name: &str) -> String {
        engine.logs(name, LogStream::Stdout).unwrap().next().await.unwrap()
    }

    #[tokio::test]
    async fn what_is_new_starts_what_runs_stays() {
        let (engine, captured) = engine(commands(&[("a", "echo $HYDRO_SERVICE $HYDRO_MEMBERS; sleep 60")]));
        engine.deploy().await.unwrap();
        assert_eq!(first_line(&engine, "a").await, "a 1");
        let pid = engine.status()[0].pid;

        engine.edit(|wished| command(wished, "b", &["sh", "-c", "echo $HYDRO_MEMBER; sleep 60"]));
        engine.edit(|wished| wished.services["b"].count = 2);
        assert!(engine.exit("b").is_err_and(|failure| failure.message == "`b` was not started"));
        engine.deploy().await.unwrap();
        assert_eq!(first_line(&engine, "b.1").await, "1");
        let names: Vec<String> = engine.status().into_iter().map(|member| member.name).collect();
        assert_eq!((names, engine.status()[0].pid), (vec!["a".into(), "b.0".into(), "b.1".into()], pid));
        assert!(engine.logs("b", LogStream::Stdout).is_err(), "which of the two?");
        assert!(engine.stop("c").await.is_err_and(|failure| failure.message == "there is no service `c`"));

        engine.stop_all().await;
        assert!(engine.is_over() && engine.failed_members().is_empty());
        let stderr = captured.stderr();
        let (last, first) = (stderr.find("Stopped b.1").unwrap(), stderr.find("Stopped a").unwrap());
        assert!(last < first, "the last started ends first:\n{stderr}");
    }

    #[tokio::test]
    async fn the_end_of_a_service_is_told_with_its_last_lines() {
        let (engine, _) =
            engine(commands(&[("bad", "echo one; echo two >&2; exit 3"), ("good", "true"), ("long", "sleep 60")]));
        engine.deploy().await.unwrap();
        assert_eq!(engine.exit("bad").unwrap().await.code, Some(3));
        assert!(engine.exit("good").unwrap().await.success());
        let failed = engine.failed_members();
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0].message, "`bad` exited with code 3");
        assert!(failed[0].causes[0].contains("one") && failed[0].causes[0].contains("two"), "{failed:?}");
        assert!(!engine.has_failed(), "a command may end as it likes");
        let waiting = engine.exit("long").unwrap();
        assert_eq!(engine.kill("long").await.unwrap().signal, Some(9));
        assert_eq!(waiting.await.signal, Some(9));
    }

    #[tokio::test]
    async fn problems_are_told_before_anything_starts() {
        let mut wrong = commands(&[("a", "echo started > /dev/stderr")]);
        link(&mut wrong, "a.x", "b.y", None);
        let (engine, captured) = engine(wrong);
        let problems = engine.deploy().await.unwrap_err();
        assert_eq!(problems.len(), 2);
        assert_eq!((engine.status(), captured.stderr()), (Vec::new(), String::new()));
    }

    #[tokio::test]
    async fn a_missing_program_stops_what_was_started_before_it() {
        let mut wrong = commands(&[("a", "sleep 60")]);
        command(&mut wrong, "b", &["no-such-program"]);
        let (engine, captured) = engine(wrong);
        let problems = engine.deploy().await.unwrap_err();
        assert_eq!(problems[0].message, "starting `b` failed: cannot find the program `no-such-program`");
        assert_eq!(problems[0].origin.as_ref().map(|origin| origin.line), Some(50));
        assert!(captured.stderr().contains("Stopped a"), "{}", captured.stderr());
        assert!(engine.status().is_empty());
    }

    #[tokio::test]
    async fn between_running_services_no_link_can_be_made() {
        let (engine, _) = engine(commands(&[("a", "sleep 60")]));
        engine.deploy().await.unwrap();
        engine.edit(|wished| {
            let mut programs = deployment(&[("a", "output x, input y")]);
            link(&mut programs, "a.x", "a.y", None);
            *wished = programs;
        });
        let problems = engine.deploy().await.unwrap_err();
        assert_eq!(problems[0].message, "`a.x` cannot be linked to `a.y`: both run already");
    }

    #[tokio::test]
    async fn an_output_that_runs_does_not_become_another() {
        let (engine, _) = engine(commands(&[("a", "sleep 60")]));
        engine.deploy().await.unwrap();
        engine.edit(|wished| {
            let mut programs = deployment(&[("a", "output x"), ("b", "input y")]);
            link(&mut programs, "a.x", "b.y", None);
            programs.links[0].delivery = Some(Delivery::Lossy);
            *wished = programs;
        });
        let problems = engine.deploy().await.unwrap_err();
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].message, "`a.x` cannot become `lossy`: it runs already");
    }

    #[tokio::test]
    async fn one_that_does_not_listen_delays_the_end_for_a_bounded_time() {
        let deaf = "trap '' TERM; echo up; while :; do sleep 0.05; done";
        let (engine, _) = engine(commands(&[("a", deaf), ("b", deaf), ("c", "echo up; sleep 60")]));
        engine.deploy().await.unwrap();
        for name in ["a", "b", "c"] {
            first_line(&engine, name).await;
        }
        let asked = Instant::now();
        engine.stop_all().await;
        assert!(engine.is_over());
        assert!(asked.elapsed() < keep::GRACE + keep::LAST_GRACE + Duration::from_secs(3), "{:?}", asked.elapsed());
    }

    #[tokio::test]
    async fn dropping_the_engine_kills() {
        let (engine, _) = engine(commands(&[("a", "echo up; sleep 60")]));
        engine.deploy().await.unwrap();
        first_line(&engine, "a").await;
        let exit = engine.exit("a").unwrap();
        drop(engine);
        assert_eq!(exit.await.signal, Some(9));
    }
}
