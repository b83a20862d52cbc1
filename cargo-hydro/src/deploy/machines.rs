//! The machines of a deployment that are not this one: taken into use before anything is placed on them, and left clean.
//!
//! Which machines were ever taken into use is on disk before anything is done there, so that whatever ends us, a later command finds them. Knows nothing of
//! what runs there.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::cloud::{self, Clouds, Made};
use super::engine::EngineOptions;
use super::model::{Deployment, MachineKind};
use super::plan::Plan;
use crate::build;
use crate::machine::{CloudMachine, CloudRecord, Deployed, Given, Place, SshError, SshMachine, SshTarget, Upload};
use crate::report::{ExitCode, Failure, Reporter};
use crate::sys;

/// Below the workspace's root: what is known of deployments' machines.
const FOLDER: &str = ".hydro/machines";
/// Whoever has the same file may take deployments on other machines up again.
const TOKEN: &str = "token";
/// How often it is written down what has been seen.
const SAVE: Duration = Duration::from_secs(1);

/// A machine that a deployment has used, and what was seen of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedMachine {
    /// How it is reached.
    pub target: SshTarget,
    /// The number of the first event that nobody has seen.
    #[serde(default)]
    pub next: u64,
    /// What was made for the deployment; none: the machine was there before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<CloudRecord>,
}

/// What is on disk of the machines that a deployment uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedMachines {
    /// The deployment.
    pub deployment: String,
    /// Them, by name.
    pub machines: BTreeMap<String, UsedMachine>,
}

impl UsedMachines {
    /// Reads what is known of a deployment's machines; none were used where nothing is.
    ///
    /// # Errors
    /// The file cannot be read, or is not one of ours.
    pub fn read(root: &Path, deployment: &str) -> Result<Self, Failure> {
        let path = file(root, deployment);
        let empty = || Self { deployment: deployment.to_owned(), machines: BTreeMap::new() };
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(empty()),
            text => text.map_err(|error| unreadable(&path, &error))?,
        };
        serde_json::from_slice(&text).map_err(|error| unreadable(&path, &error))
    }

    pub(super) fn write(&self, root: &Path) -> io::Result<()> {
        let path = file(root, &self.deployment);
        prepare(root)?;
        if self.machines.values().all(|machine| machine.cloud.is_none()) {
            // Keys that open nothing any more.
            match std::fs::remove_dir_all(folder(root, &self.deployment)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if self.machines.is_empty() {
            return match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        sys::fs::write_private(&path, &serde_json::to_vec_pretty(self)?)
    }
}

/// The machines that are in use. Clones of a machine share its connection.
#[derive(Debug, Default)]
pub(super) struct Machines {
    connected: Mutex<BTreeMap<String, SshMachine>>,
    clouds: Clouds,
}

/// A machine that is to be used.
#[derive(Clone, Debug)]
enum Wanted {
    /// One that is there.
    There(SshTarget),
    /// One that is made where there is none.
    Made(CloudMachine),
}

impl Machines {
    fn connected(&self) -> MutexGuard<'_, BTreeMap<String, SshMachine>> {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns where members of a service are that is on this machine of the deployment.
    pub(super) fn place(&self, machine: &str) -> Place {
        self.connected().get(machine).map_or(Place::Localhost, |machine| Place::Ssh(machine.clone()))
    }

    /// Tells which machines cannot be reached at this moment.
    pub(super) fn troubles(&self) -> Vec<String> {
        let connected = self.connected();
        let lost = connected.iter().filter(|(_, machine)| machine.is_lost());
        lost.map(|(name, _)| format!("no connection to the machine `{name}`; trying again")).collect()
    }

    /// Returns our own address as other machines see it.
    pub(super) fn our_address(&self) -> Option<IpAddr> {
        self.connected().values().find_map(|machine| machine.probe().ours)
    }

    /// Takes those machines into use that services are on, all at once; those in use stay so.
    pub(super) async fn connect(
        &self,
        deployment: &Deployment,
        options: &EngineOptions,
        reporter: &Reporter,
    ) -> Result<(), Vec<Failure>> {
        let wanted = self.wanted(deployment);
        if wanted.is_empty() {
            return Ok(());
        }
        let one = |failure| vec![failure];
        if wanted.iter().any(|(_, wanted)| matches!(wanted, Wanted::Made(_))) {
            // Who may not make any has nothing written down either.
            self.clouds.cloud().await.map_err(one)?;
        }
        let root = options.workspace.root().to_owned();
        let before = UsedMachines::read(&root, &deployment.name).map_err(one)?;
        let (deployed, used) = note(before.clone(), &root, &wanted).map_err(one)?;
        let records: Vec<(String, CloudRecord)> = wanted
            .iter()
            .filter_map(|(name, _)| Some((name.clone(), used.machines.get(name)?.cloud.clone()?)))
            .collect();
        self.clouds.take(&records);
        let making = self.clouds.ready(records, (&root, deployment), reporter);
        let (host, made) = tokio::join!(host(options, reporter), making);
        let (host, mut made) = (host.map_err(one)?, made.map_err(one)?);
        let mut connecting = JoinSet::new();
        let mut problems = Vec::new();
        let mut kept: BTreeSet<String> = before.machines.keys().cloned().collect();
        for (name, known) in used.machines.iter().filter(|(name, _)| wanted.iter().any(|(wanted, _)| wanted == *name)) {
            let mut known = known.clone();
            let is_made = match made.remove(name) {
                None => false,
                Some(Err(not)) => {
                    kept.extend(not.left.then(|| name.clone()));
                    problems.push(at(deployment, name, not.failure));
                    continue;
                }
                Some(Ok(Made { target, is_new })) => {
                    kept.insert(name.clone());
                    known = UsedMachine { next: if is_new { 0 } else { known.next }, target, cloud: known.cloud };
                    remember(&root, &deployment.name, name, &known);
                    true
                }
            };
            reporter.status("Connecting", format!("to {name} ({})", known.target));
            let given = Given {
                name: name.clone(),
                target: known.target,
                deployed: deployed.clone(),
                host: host.clone(),
                from: known.next,
                looks: false,
                reporter: reporter.clone(),
            };
            let name = name.clone();
            connecting.spawn(async move {
                let connected = match is_made {
                    true => cloud::enter(given).await,
                    false => SshMachine::connect(given).await.map_err(failure),
                };
                (name, connected)
            });
        }
        for (name, machine) in connecting.join_all().await {
            match machine {
                Ok(machine) => drop(self.connected().insert(name, machine)),
                Err(failure) => problems.push(at(deployment, &name, failure)),
            }
        }
        // Nothing of ours is where we never came.
        kept.extend(self.connected().keys().cloned());
        forget(&root, &deployment.name, used.machines.keys().filter(|name| !kept.contains(*name)));
        tokio::spawn(save(root, deployment.name.clone(), self.connected().values().cloned().collect()));
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Returns the machines that services are on and that are not in use yet.
    fn wanted(&self, deployment: &Deployment) -> Vec<(String, Wanted)> {
        let named: BTreeSet<&String> = deployment.services.values().map(|service| &service.machine).collect();
        let new = named.into_iter().filter(|name| !self.connected().contains_key(*name));
        new.filter_map(|name| match &deployment.machines.get(name)?.kind {
            MachineKind::Ssh(target) => Some((name.clone(), Wanted::There(target.clone()))),
            MachineKind::Gcp(wish) => Some((name.clone(), Wanted::Made(wish.clone()))),
            MachineKind::Localhost => None,
        })
        .collect()
    }

    /// Lets those come to made machines that their services are linked with.
    pub(super) async fn admit(&self, deployment: &Deployment, plan: &Plan) -> Result<(), Vec<Failure>> {
        self.clouds.admit(deployment, plan, self.our_address()).await
    }

    /// Gives up made machines that somebody else deleted or stopped, so that they are made or started again; returns their names.
    pub(super) async fn give_up_gone(&self) -> Vec<String> {
        let made: Vec<String> = self.connected().keys().filter(|name| self.clouds.has(name)).cloned().collect();
        let gone = self.clouds.gone(made).await;
        for name in &gone {
            if let Some(machine) = self.connected().remove(name) {
                machine.leave();
            }
        }
        gone
    }

    /// Deletes a made machine, whose services have ended; another is left as it is.
    pub(super) async fn terminate(
        &self,
        machine: &str,
        (root, deployment): (&Path, &str),
        reporter: &Reporter,
    ) -> Result<(), Failure> {
        if !self.clouds.has(machine) {
            return Ok(());
        }
        if let Some(connected) = self.connected().remove(machine) {
            connected.leave();
        }
        let problems = self.clouds.remove(Some(machine), (root, deployment), reporter).await;
        problems.into_iter().next().map_or(Ok(()), Err)
    }

    /// Deletes made machines on which a deployment has nothing any more.
    pub(super) async fn retire(&self, deployment: &Deployment, root: &Path, reporter: &Reporter) {
        let Ok(used) = UsedMachines::read(root, &deployment.name) else { return };
        let is_needed = |name: &String| deployment.services.values().any(|service| service.machine == *name);
        let records = used.machines.into_iter().filter(|(name, _)| !is_needed(name));
        let records: Vec<(String, CloudRecord)> =
            records.filter_map(|(name, used)| Some((name, used.cloud?))).collect();
        self.clouds.take(&records);
        for (name, _) in records {
            if let Err(failure) = self.terminate(&name, (root, &deployment.name), reporter).await {
                reporter.warning(failure.to_string());
            }
        }
    }

    /// Ends what is left on all machines, and forgets them. Those that cannot be asked are told, and stay known.
    pub(super) async fn down(&self, root: &Path, deployment: &str, reporter: &Reporter) {
        let machines: BTreeMap<String, SshMachine> = std::mem::take(&mut *self.connected());
        // What runs on a machine that is deleted needs no ending.
        let (made, machines): (Vec<_>, Vec<_>) = machines.into_iter().partition(|(name, _)| self.clouds.has(name));
        made.iter().for_each(|(_, machine)| machine.leave());
        for failure in self.clouds.remove(None, (root, deployment), reporter).await {
            reporter.warning(failure.to_string());
        }
        if machines.is_empty() {
            return;
        }
        let mut ending = JoinSet::new();
        for (name, machine) in machines {
            ending.spawn(async move { (name, machine.down().await) });
        }
        let ended = ending.join_all().await;
        let kept = UsedMachines::read(root, deployment).map_err(io::Error::other).and_then(|mut used| {
            for (name, result) in &ended {
                match result {
                    Ok(()) => drop(used.machines.remove(name)),
                    Err(error) => reporter.warning(format!("{error}: {}", error.causes.join(": "))),
                }
            }
            used.write(root)
        });
        if let Err(error) = kept {
            reporter.warning(format!("cannot write down which machines are in use: {error}"));
        }
    }
}

/// Ends what a deployment left on machines, without anything else being known of it. Returns the names of the machines.
///
/// # Errors
/// A machine cannot be reached or asked; then it stays known.
pub async fn take_down(
    options: &EngineOptions,
    deployment: &str,
    force: bool,
    reporter: &Reporter,
) -> Result<Vec<String>, Vec<Failure>> {
    let root = options.workspace.root();
    let used = UsedMachines::read(root, deployment).map_err(|failure| vec![failure])?;
    let (gone, mut problems) = cloud::delete_used(&used, root, reporter).await;
    let mut done: Vec<String> = gone.into_iter().collect();
    let mut used = UsedMachines::read(root, deployment).map_err(|failure| vec![failure])?;
    for (name, machine) in connect_used(options, deployment, (false, force), reporter).await? {
        let ended = match machine {
            Ok(machine) => machine.down().await.map_err(failure),
            Err(error) => Err(error),
        };
        match ended {
            Ok(()) => {
                used.machines.remove(&name);
                done.push(name);
            }
            Err(failure) => problems.push(failure),
        }
    }
    if let Err(error) = used.write(root) {
        problems.push(unreadable(&file(root, deployment), &error));
    }
    if problems.is_empty() { Ok(done) } else { Err(problems) }
}

/// Connects to all machines that a deployment has used, only to look.
///
/// # Errors
/// It is not known which those are, or the host cannot be built.
pub async fn open(options: &EngineOptions, deployment: &str, reporter: &Reporter) -> Result<Opened, Vec<Failure>> {
    connect_used(options, deployment, (true, false), reporter).await
}

/// Machines by name, or why they cannot be used.
type Opened = Vec<(String, Result<SshMachine, Failure>)>;

async fn connect_used(
    options: &EngineOptions,
    deployment: &str,
    (looks, force): (bool, bool),
    reporter: &Reporter,
) -> Result<Opened, Vec<Failure>> {
    let root = options.workspace.root();
    let mut used = UsedMachines::read(root, deployment).map_err(|failure| vec![failure])?;
    // Who does more than look has deleted them, or told why not.
    used.machines.retain(|_, machine| looks || machine.cloud.is_none());
    if used.machines.is_empty() {
        return Ok(Vec::new());
    }
    let host = host(options, reporter).await.map_err(|failure| vec![failure])?;
    let deployed = deployed(root, deployment, force).map_err(|error| vec![unreadable(root, &error)])?;
    let mut connecting = JoinSet::new();
    for (name, UsedMachine { target, next, cloud }) in used.machines {
        let (deployed, host, reporter) = (deployed.clone(), host.clone(), reporter.clone());
        let given = Given { name: name.clone(), target, deployed, host, from: next, looks, reporter };
        let folder = folder(root, deployment);
        connecting.spawn(async move {
            let connected = match cloud {
                Some(record) => cloud::reopen(given, record, &folder).await,
                None => SshMachine::connect(given).await.map_err(failure),
            };
            (name, connected)
        });
    }
    let mut opened = connecting.join_all().await;
    opened.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(opened)
}

/// Builds the host.
async fn host(options: &EngineOptions, reporter: &Reporter) -> Result<Upload, Failure> {
    let (workspace, reporter) = (options.workspace.clone(), reporter.clone());
    let built = tokio::task::spawn_blocking(move || build::host_program(&workspace, &reporter)).await;
    let host = built.map_err(|_| Failure::new(ExitCode::Interrupted, "interrupted"))??;
    Ok(Upload { local: host.executable, hash: host.hash })
}

/// Writes down that machines are about to be used, or made.
fn note(mut used: UsedMachines, root: &Path, wanted: &[(String, Wanted)]) -> Result<(Deployed, UsedMachines), Failure> {
    let deployment = used.deployment.clone();
    let unwritable = |error: io::Error| unreadable(&file(root, &deployment), &error);
    let deployed = deployed(root, &deployment, false).map_err(unwritable)?;
    for (name, wanted) in wanted {
        let fresh = match wanted {
            Wanted::There(target) => UsedMachine { target: target.clone(), next: 0, cloud: None },
            Wanted::Made(wish) => {
                let record = CloudRecord::new(wish.clone(), (&deployment, name), &deployed.token);
                // Where it is reached shows when it is there.
                let target = SshTarget { host: record.instance.clone(), ..SshTarget::default() };
                UsedMachine { target, next: 0, cloud: Some(record) }
            }
        };
        let known = used.machines.entry(name.clone()).or_insert_with(|| fresh.clone());
        let is_same = match (&known.cloud, &fresh.cloud) {
            (None, None) => known.target.is_same_machine(&fresh.target),
            (known, fresh) => known == fresh,
        };
        if !is_same {
            return Err(another(name, known, &fresh));
        }
        if fresh.cloud.is_none() {
            known.target = fresh.target;
        }
    }
    used.write(root).map_err(unwritable)?;
    Ok((deployed, used))
}

/// Tells that a name means another machine than it did.
fn another(name: &str, known: &UsedMachine, fresh: &UsedMachine) -> Failure {
    let told = |used: &UsedMachine| match &used.cloud {
        Some(record) => format!("a {} in {} of {}", record.wish.machine_type, record.wish.zone, record.wish.project),
        None => format!("`{}`", used.target),
    };
    let (was, is) = (told(known), told(fresh));
    let message = match was == is {
        true => format!("the machine `{name}` would be made otherwise than it was ({was})"),
        false => format!("the machine `{name}` was {was} when the deployment was made, and is {is} now"),
    };
    let hint = "take the deployment down first, or give the new machine another name";
    Failure::new(ExitCode::DeployFailed, message).hint(hint)
}

/// Writes down how a machine is reached. Where that cannot be written, it is asked again.
fn remember(root: &Path, deployment: &str, name: &str, known: &UsedMachine) {
    let Ok(mut used) = UsedMachines::read(root, deployment) else { return };
    used.machines.insert(name.to_owned(), known.clone());
    let _ = used.write(root);
}

/// Says that nothing was done on machines after all. Where that cannot be written, a later command finds nothing there.
fn forget<'a>(root: &Path, deployment: &str, machines: impl Iterator<Item = &'a String>) {
    let Ok(mut used) = UsedMachines::read(root, deployment) else { return };
    machines.for_each(|name| drop(used.machines.remove(name)));
    let _ = used.write(root);
}

fn deployed(root: &Path, name: &str, force: bool) -> io::Result<Deployed> {
    prepare(root)?;
    let path = root.join(FOLDER).join(TOKEN);
    let token = match std::fs::read_to_string(&path) {
        Ok(token) => token,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let token = sys::random_text()?;
            sys::fs::write_private(&path, token.as_bytes())?;
            token
        }
        Err(error) => return Err(error),
    };
    Ok(Deployed { deployment: name.to_owned(), token, who: sys::who(), force })
}

fn prepare(root: &Path) -> io::Result<()> {
    sys::fs::create_private_folder(&root.join(FOLDER))?;
    // Nobody shall commit keys by accident.
    sys::fs::write_if_changed(&root.join(".hydro/.gitignore"), b"*\n").map(drop)
}

pub(super) fn file(root: &Path, deployment: &str) -> PathBuf {
    folder(root, deployment).with_extension("json")
}

/// Where keys of made machines are.
pub(super) fn folder(root: &Path, deployment: &str) -> PathBuf {
    root.join(FOLDER).join(&blake3::hash(deployment.as_bytes()).to_hex()[..16])
}

/// Writes down what has been seen, until the machines are left.
async fn save(root: PathBuf, deployment: String, machines: Vec<SshMachine>) {
    let mut last: Vec<u64> = Vec::new();
    while machines.iter().any(|machine| !machine.is_over()) {
        tokio::time::sleep(SAVE).await;
        let now: Vec<u64> = machines.iter().map(SshMachine::next_event).collect();
        if now == last {
            continue;
        }
        let Ok(mut used) = UsedMachines::read(&root, &deployment) else { continue };
        for machine in &machines {
            if let Some(used) = used.machines.get_mut(machine.name()) {
                used.next = machine.next_event();
            }
        }
        // What could not be written is seen twice after a crash.
        let _ = used.write(&root);
        last = now;
    }
}

fn at(deployment: &Deployment, name: &str, failure: Failure) -> Failure {
    let origin = deployment.machines.get(name).and_then(|machine| machine.origin.clone());
    Failure { origin, ..failure }
}

/// Tells what a machine does not do.
pub(super) fn failure(error: SshError) -> Failure {
    let mut failure = Failure::new(ExitCode::DeployFailed, error.what).hint(error.hint);
    failure.causes = error.causes;
    failure
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    let message = format!("cannot keep what is known of other machines in `{}`", path.display());
    let hint =
        "the file says on which machines services were started; if it is damaged, look there by hand and remove it";
    Failure::new(ExitCode::DeployFailed, message).cause(error).hint(hint)
}

/// An address that other machines can call, with a free port.
pub(super) fn anywhere(port: u16) -> SocketAddr {
    SocketAddr::from(([0, 0, 0, 0], port))
}
