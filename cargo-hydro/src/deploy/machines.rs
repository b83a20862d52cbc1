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

use super::building::Hosts;
use super::cloud::{self, Clouds};
use super::engine::EngineOptions;
use super::hosts::fitting_host;
use super::model::{Deployment, Machine, MachineKind};
use super::plan::Plan;
use super::targets::wished;
use crate::build::Wishes;
use crate::machine::{
    CloudMachine, CloudRecord, Deployed, Given, Place, ReachedMachine, SshError, SshMachine, SshTarget,
};
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
    /// What is wished of building for it.
    #[serde(default, skip_serializing_if = "Wishes::is_none")]
    pub wishes: Wishes,
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

/// Returns the names of deployments that have left something on other machines, or may have.
#[must_use]
pub fn left(root: &Path) -> Vec<String> {
    let files = std::fs::read_dir(root.join(FOLDER)).into_iter().flatten().flatten().map(|entry| entry.path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let known = files.filter_map(|path| serde_json::from_slice::<UsedMachines>(&std::fs::read(path).ok()?).ok());
    let mut names: Vec<String> = known.map(|used| used.deployment).collect();
    names.sort_unstable();
    names
}

/// Machines that can be spoken with, by name; nothing was done there.
pub(super) type Reached = BTreeMap<String, ReachedMachine>;

/// The machines that are in use. Clones of a machine share its connection.
#[derive(Debug, Default)]
pub(super) struct Machines {
    connected: Mutex<BTreeMap<String, SshMachine>>,
    clouds: Clouds,
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
        let lost = lost.map(|(name, _)| format!("no connection to the machine `{name}`; trying again"));
        lost.chain(connected.values().filter_map(SshMachine::reboot_trouble)).collect()
    }

    /// Returns our own address as other machines see it.
    pub(super) fn our_address(&self) -> Option<IpAddr> {
        self.connected().values().find_map(|machine| machine.probe().ours)
    }

    /// Whether services are on a machine that is not this one and not in use.
    pub(super) fn is_wanted(&self, deployment: &Deployment, name: &str) -> bool {
        let is_far = deployment.machines.get(name).is_some_and(|machine| machine.kind != MachineKind::Localhost);
        let is_named = || deployment.services.values().any(|service| service.machine == name);
        is_far && is_named() && !self.connected().contains_key(name)
    }

    /// Connects to those of these machines that are not in use, to all at once, and asks them what they are. Nothing is done there; machines that are to be made for the
    /// deployment are made.
    pub(super) async fn reach(
        &self,
        deployment: &Deployment,
        names: &BTreeSet<String>,
        options: &EngineOptions,
        reporter: &Reporter,
    ) -> Result<Reached, Vec<Failure>> {
        self.clouds.check_same(deployment).map_err(|failure| vec![failure])?;
        let wanted: Vec<&String> = names.iter().filter(|name| self.is_wanted(deployment, name)).collect();
        if wanted.is_empty() {
            return Ok(Reached::new());
        }
        let root = options.workspace.root();
        let used = UsedMachines::read(root, &deployment.name).map_err(|failure| vec![failure])?;
        let mut connecting = JoinSet::new();
        let mut made = Vec::new();
        for name in wanted {
            let Some(machine) = deployment.machines.get(name) else { continue };
            check_same(&used, (name, machine)).map_err(|failure| vec![at(deployment, name, failure)])?;
            match &machine.kind {
                MachineKind::Ssh(target) => {
                    reporter.status("Connecting", format!("to {name} ({target})"));
                    let (name, target, reporter) = (name.clone(), target.clone(), reporter.clone());
                    connecting.spawn(async move {
                        let machine = ReachedMachine::open(&name, target, &reporter).await;
                        (name, machine.map_err(failure))
                    });
                }
                MachineKind::Gcp(wish) => made.push((name.clone(), wish.clone(), machine.wishes.clone())),
                MachineKind::Localhost => {}
            }
        }
        self.clouds.make(made, (root, deployment), reporter, &mut connecting).await.map_err(|failure| vec![failure])?;
        let (mut reached, mut problems) = (Reached::new(), Vec::new());
        for (name, machine) in connecting.join_all().await {
            match machine {
                Ok(machine) => drop(reached.insert(name, machine)),
                Err(failure) => problems.push(at(deployment, &name, failure)),
            }
        }
        if problems.is_empty() { Ok(reached) } else { Err(problems) }
    }

    /// Takes machines into use that can be spoken with, all at once.
    pub(super) async fn connect(
        &self,
        deployment: &Deployment,
        (reached, hosts): (Reached, &Hosts),
        options: &EngineOptions,
        reporter: &Reporter,
    ) -> Result<(), Vec<Failure>> {
        if reached.is_empty() {
            return Ok(());
        }
        let root = options.workspace.root().to_owned();
        let before = UsedMachines::read(&root, &deployment.name).map_err(|failure| vec![failure])?;
        let (deployed, used) = note(before.clone(), &root, deployment, &reached).map_err(|failure| vec![failure])?;
        let new: Vec<&String> = used.machines.keys().filter(|name| !before.machines.contains_key(*name)).collect();
        let mut connecting = JoinSet::new();
        for (name, machine) in reached {
            let host = hosts.get(&name).cloned().ok_or_else(|| {
                vec![Failure::new(ExitCode::DeployFailed, format!("internal error: nothing was built for `{name}`"))]
            })?;
            let from = used.machines.get(&name).map_or(0, |used| used.next);
            let given = Given { deployed: deployed.clone(), host, from, looks: false, reporter: reporter.clone() };
            connecting.spawn(async move { (name, SshMachine::connect(machine, given).await) });
        }
        let mut problems = Vec::new();
        for (name, machine) in connecting.join_all().await {
            match machine {
                Ok(machine) => {
                    machine.reboot_trouble().into_iter().for_each(|trouble| reporter.warning(trouble));
                    self.connected().insert(name, machine);
                }
                Err(error) => problems.push(at(deployment, &name, failure(error))),
            }
        }
        // Nothing of ours is where we never came.
        forget(&root, &deployment.name, new.iter().filter(|name| !self.connected().contains_key(name.as_str())));
        tokio::spawn(save(root, deployment.name.clone(), self.connected().values().cloned().collect()));
        if problems.is_empty() { Ok(()) } else { Err(problems) }
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
                cloud::warn(&failure, reporter);
            }
        }
    }

    /// Says to all machines that the deployment ends.
    pub(super) fn prepare_end(&self) {
        self.connected().values().for_each(SshMachine::prepare_end);
    }

    /// Ends what is left on all machines, and forgets them. Those that cannot be asked are told, and stay known.
    pub(super) async fn down(&self, root: &Path, deployment: &str, reporter: &Reporter) {
        let machines: BTreeMap<String, SshMachine> = std::mem::take(&mut *self.connected());
        // What runs on a machine that is deleted needs no ending.
        let (made, machines): (Vec<_>, Vec<_>) = machines.into_iter().partition(|(name, _)| self.clouds.has(name));
        made.iter().for_each(|(_, machine)| machine.leave());
        for failure in self.clouds.remove(None, (root, deployment), reporter).await {
            cloud::warn(&failure, reporter);
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
            Ok(machine) => machine.down().await,
            Err(error) => Err(error),
        };
        match ended {
            Ok(()) => {
                used.machines.remove(&name);
                done.push(name);
            }
            Err(error) => problems.push(failure(error)),
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
type Opened = Vec<(String, Result<SshMachine, SshError>)>;

async fn connect_used(
    options: &EngineOptions,
    deployment: &str,
    (looks, force): (bool, bool),
    reporter: &Reporter,
) -> Result<Opened, Vec<Failure>> {
    let root = options.workspace.root();
    let mut used = UsedMachines::read(root, deployment).map_err(|failure| vec![failure])?;
    // Who does more than look has deleted those that were made, or told why not.
    used.machines.retain(|_, machine| looks || machine.cloud.is_none());
    if used.machines.is_empty() {
        return Ok(Vec::new());
    }
    let deployed = deployed(root, deployment, force).map_err(|error| vec![unreadable(root, &error)])?;
    let mut connecting = JoinSet::new();
    for (name, used) in used.machines {
        let (deployed, options, reporter) = (deployed.clone(), options.clone(), reporter.clone());
        connecting.spawn(async move {
            let machine = connect_again(&name, used, (deployed, looks), &options, &reporter).await;
            (name, machine)
        });
    }
    let mut opened = connecting.join_all().await;
    opened.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(opened)
}

/// Connects to a machine of which only is known what is on disk.
async fn connect_again(
    name: &str,
    UsedMachine { target, wishes, next, cloud }: UsedMachine,
    (deployed, looks): (Deployed, bool),
    options: &EngineOptions,
    reporter: &Reporter,
) -> Result<SshMachine, SshError> {
    let of_failure = |failure: Failure| SshError {
        what: failure.message,
        causes: failure.causes,
        hint: failure.hint.unwrap_or_default(),
    };
    let machine = match cloud {
        Some(record) => {
            let place = folder(options.workspace.root(), &deployed.deployment);
            cloud::reopen((name, &record), target, &place, reporter).await.map_err(of_failure)?
        }
        None => ReachedMachine::open(name, target, reporter).await?,
    };
    let probe = machine.probe().clone();
    let target = wished((name, None), &wishes, &probe.target().triple).map_err(of_failure)?;
    let host = fitting_host((options, reporter), (name, None), target.as_ref(), &probe).await.map_err(of_failure)?;
    let given = Given { deployed, host, from: next, looks, reporter: reporter.clone() };
    SshMachine::connect(machine, given).await
}

/// A machine goes by one name for as long as something of a deployment may be there.
fn check_same(used: &UsedMachines, (name, wanted): (&str, &Machine)) -> Result<(), Failure> {
    let Some(known) = used.machines.get(name) else { return Ok(()) };
    let (is_same, is) = match (&wanted.kind, &known.cloud) {
        (MachineKind::Ssh(target), None) => (known.target.is_same_machine(target), format!("`{target}`")),
        (MachineKind::Ssh(target), Some(_)) => (false, format!("`{target}`")),
        (MachineKind::Gcp(wish), cloud) => (cloud.as_ref().is_some_and(|known| known.wish == *wish), told(wish)),
        (MachineKind::Localhost, _) => return Ok(()),
    };
    if is_same {
        return Ok(());
    }
    let was = known.cloud.as_ref().map_or_else(|| format!("`{}`", known.target), |record| told(&record.wish));
    Err(another(name, &was, &is))
}

/// Tells that a name means another machine than it did.
pub(super) fn another(name: &str, was: &str, is: &str) -> Failure {
    let message = match was == is {
        true => format!("the machine `{name}` would be made otherwise than it was ({was})"),
        false => format!("the machine `{name}` was {was} when the deployment was made, and is {is} now"),
    };
    Failure::new(ExitCode::DeployFailed, message)
        .hint("take the deployment down first, or give the new machine another name")
}

pub(super) fn told(wish: &CloudMachine) -> String {
    format!("a {} in {} of {}", wish.machine_type, wish.zone, wish.project)
}

/// Writes down that machines are about to be used.
fn note(
    mut used: UsedMachines,
    root: &Path,
    deployment: &Deployment,
    reached: &Reached,
) -> Result<(Deployed, UsedMachines), Failure> {
    for (name, machine) in reached {
        let target = machine.target().clone();
        let wishes = deployment.machines.get(name).map(|machine| machine.wishes.clone()).unwrap_or_default();
        let known = used.machines.remove(name);
        let next = known.as_ref().map_or(0, |known| known.next);
        let cloud = known.and_then(|known| known.cloud);
        used.machines.insert(name.clone(), UsedMachine { target, wishes, next, cloud });
    }
    let name = used.deployment.clone();
    let deployed = used.write(root).and_then(|()| deployed(root, &name, false));
    Ok((deployed.map_err(|error| unreadable(&file(root, &name), &error))?, used))
}

/// Says that nothing was done on machines after all. Where that cannot be written, a later command finds nothing there.
fn forget<'a>(root: &Path, deployment: &str, machines: impl Iterator<Item = &'a &'a String>) {
    let Ok(mut used) = UsedMachines::read(root, deployment) else { return };
    machines.for_each(|name| drop(used.machines.remove(*name)));
    let _ = used.write(root);
}

pub(super) fn deployed(root: &Path, name: &str, force: bool) -> io::Result<Deployed> {
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
