//! When a deploy is done: services are well, programs have read their environment, and their links are connected.
//!
//! Programs are asked over their admin sockets; links go on being made when nobody waits for them any more, so one that is missing is told and fails nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hydro_runtime_shim::contract::{AdminReply, AdminRequest, Direction, Endpoint, Health, Missing, Transport};
use indexmap::IndexMap;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::engine::{Engine, with_lines};
use super::machines;
use super::plan::Plan;
use super::start::{Starting, service_of};
use super::started::Started;
use crate::machine::{self, ExitWatch, Member};
use crate::report::{ExitCode, Failure};
use crate::sys::Exit;

/// How long programs may take until they answer, and then until their links are connected; as long as a start may take that says nothing else.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// A first tick that takes longer, in seconds, is not waited for.
const LONG_TICK: f64 = 0.1;
/// The first pause between two questions; each further one is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(16);
/// Questions at once: each takes a descriptor here and there.
const QUESTIONS: usize = 32;

/// A program that is asked.
#[derive(Clone, Debug)]
struct Asked {
    name: String,
    admin: PathBuf,
    exit: ExitWatch,
}

impl Asked {
    fn of(member: &Member) -> Option<Self> {
        let admin = member.admin().clone()?;
        Some(Self { name: member.name().to_owned(), admin, exit: member.exit().clone() })
    }

    /// Asks until what it says is enough, or it has ended.
    async fn until(&self, places: &Semaphore, is_enough: impl Fn(&Health) -> bool) -> Result<Health, Exit> {
        let asking = async {
            let mut pause = FIRST_PAUSE;
            loop {
                let place = places.acquire().await;
                let reply = machine::ask(&self.admin, &AdminRequest::Health {}).await;
                drop(place);
                match reply {
                    Ok(AdminReply::Health(health)) if is_enough(&health) => return health,
                    // Its socket is not there yet, as a rule.
                    _ => tokio::time::sleep(pause).await,
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        };
        tokio::select! {
            health = asking => Ok(health),
            exit = self.exit.wait() => Err(exit),
        }
    }
}

/// Whether a program has been through its first tick, or is in it for so long that it may be for ever. Who is to fail at once has failed by then.
fn has_begun(health: &Health) -> bool {
    health.ticks > 0 || health.tick_running_seconds > LONG_TICK
}

/// Asks programs until they have begun: those that find their environment wrong end instead. Returns the first that failed.
async fn until_up(programs: Vec<Asked>, patience: Duration) -> Result<(), (String, Exit)> {
    let places = Arc::new(Semaphore::new(QUESTIONS));
    let mut asking = JoinSet::new();
    for program in programs {
        let places = Arc::clone(&places);
        asking.spawn(async move { (program.until(&places, has_begun).await, program.name) });
    }
    let deadline = Instant::now() + patience;
    while let Ok(Some(Ok((result, name)))) = timeout_at(deadline, asking.join_next()).await {
        if let Some(exit) = result.err().filter(|exit| !exit.success()) {
            return Err((name, exit));
        }
    }
    Ok(())
}

impl Starting<'_> {
    /// Waits until members are well that have a check for it.
    pub(super) async fn until_well(
        &self,
        names: &[String],
        started: &IndexMap<String, Started>,
    ) -> Result<(), Failure> {
        let all = started.values().flat_map(|started| started.members.iter().zip(&started.again));
        for (member, again) in all.filter(|(member, _)| names.iter().any(|name| name == member.name())) {
            if let Err(error) = member.start_watch().wait().await {
                let mut failure = machines::failure(error);
                failure.message = format!("starting `{}` failed: {}", member.name(), failure.message);
                failure.origin = self.deployment.services.get(service_of(member)).and_then(|s| s.origin.clone());
                return Err(failure);
            }
            let ill = tokio::select! {
                ill = again.until_well() => ill.err(),
                exit = member.exit().wait() => Some(format!("it {exit}")),
            };
            if let Some(ill) = ill {
                let message = format!("`{}` did not become healthy: {ill}", member.name());
                let mut failure = Failure::new(ExitCode::DeployFailed, message);
                failure.origin = self.deployment.services.get(service_of(member)).and_then(|s| s.origin.clone());
                return Err(with_lines(failure, member).hint("look at the service's `health` and at what it wrote"));
            }
        }
        Ok(())
    }

    /// Waits until all programs have begun; returns at once where one of them fails. Commands may end as they like: a script may be waiting for just that.
    pub(super) async fn until_up(&self, started: &IndexMap<String, Started>) -> Result<(), Failure> {
        let members = || started.values().flat_map(|started| &started.members);
        let Err((name, exit)) = until_up(members().filter_map(Asked::of).collect(), self.patience).await else {
            return Ok(());
        };
        let mut failure = Failure::new(ExitCode::DeployFailed, format!("starting `{name}` failed: it {exit}"));
        let Some(member) = members().find(|member| member.name() == name) else { return Err(failure) };
        failure.origin = self.deployment.services.get(service_of(member)).and_then(|service| service.origin.clone());
        Err(with_lines(failure, member))
    }
}

impl Engine {
    /// Waits until programs that were started again have begun, or one has failed.
    pub(super) async fn until_up(&self, members: &[String]) {
        // Who has failed is seen by whoever looks next.
        let _ = until_up(self.asked(|name| members.iter().any(|member| member == name)), PATIENCE).await;
    }

    /// Waits until all links between members that run are connected. What is missing after a while is told.
    pub(super) async fn until_linked(&self, plan: &Plan) {
        let (places, still) = (Arc::new(Semaphore::new(QUESTIONS)), Still::default());
        let programs = self.asked(|_| true);
        let peers = Arc::new(Peers::new(plan, &programs));
        let mut asking = JoinSet::new();
        for program in programs {
            let (places, peers, still) = (Arc::clone(&places), Arc::clone(&peers), Arc::clone(&still));
            asking.spawn(async move {
                let is_linked = |health: &Health| {
                    let missing = peers.missing(health);
                    let is_linked = missing.is_empty();
                    still.lock().unwrap_or_else(PoisonError::into_inner).insert(program.name.clone(), missing);
                    is_linked
                };
                // Who ends meanwhile has no links to wait for.
                let _ = program.until(&places, is_linked).await;
                still.lock().unwrap_or_else(PoisonError::into_inner).remove(&program.name);
            });
        }
        let deadline = Instant::now() + PATIENCE;
        while let Ok(Some(_)) = timeout_at(deadline, asking.join_next()).await {}
        let still = still.lock().unwrap_or_else(PoisonError::into_inner);
        for (member, links) in still.iter() {
            for (port, peer) in links {
                self.reporter().warning(format!(
                    "the link from `{member}.{port}` to `{peer}` is not connected after {} s; `cargo hydro logs {member}` may tell why",
                    PATIENCE.as_secs()
                ));
            }
        }
    }

    fn asked(&self, is_meant: impl Fn(&str) -> bool) -> Vec<Asked> {
        let state = self.state();
        let members = state.started.values().flat_map(|started| &started.members);
        members.filter(|member| member.is_running() && is_meant(member.name())).filter_map(Asked::of).collect()
    }
}

/// Links that are missing: of each program its own port and the peer.
type Still = Arc<Mutex<BTreeMap<String, Vec<(String, String)>>>>;

/// Who is called where.
#[derive(Debug, Default)]
struct Peers {
    /// Members by what stands in an endpoint: an address, a path, a name.
    places: BTreeMap<String, String>,
    /// Those that run, as far as is known.
    exits: BTreeMap<String, ExitWatch>,
}

impl Peers {
    fn new(plan: &Plan, programs: &[Asked]) -> Self {
        let mut peers = Self::default();
        for planned in &plan.members {
            if let Some(address) = &planned.address {
                let socket = address.socket.as_ref().map(|path| path.display().to_string());
                let keys = [Some(address.advertised.to_string()), socket, Some(planned.name.clone())];
                peers.places.extend(keys.into_iter().flatten().map(|key| (key, planned.name.clone())));
            }
        }
        peers.exits.extend(programs.iter().map(|program| (program.name.clone(), program.exit.clone())));
        peers
    }

    /// Returns the links that a program misses and that can be made: the own port and the peer. Peers that do not run, and whom the user's own variables name, come later or never.
    fn missing(&self, health: &Health) -> Vec<(String, String)> {
        let runs = |name: &&String| self.exits.get(*name).is_some_and(|exit| exit.now().is_none());
        let link = |missing: &Missing| {
            let endpoint = Endpoint::parse(&missing.endpoint, Direction::Output).ok()?;
            let key = match &endpoint.transport {
                Transport::Tcp { host, port } | Transport::Tls { host, port } if host.contains(':') => {
                    format!("[{host}]:{port}")
                }
                Transport::Tcp { host, port } | Transport::Tls { host, port } => format!("{host}:{port}"),
                Transport::Unix { path } | Transport::Shm { path } => path.display().to_string(),
                Transport::Queue { name } => name.clone(),
                Transport::Stdio | Transport::Null => return None,
            };
            let peer = self.places.get(&key).filter(runs)?;
            let port = endpoint.peer_port.map_or(String::new(), |port| format!(".{port}"));
            Some((missing.port.clone(), format!("{peer}{port}")))
        };
        health.missing.iter().filter_map(link).collect()
    }
}
