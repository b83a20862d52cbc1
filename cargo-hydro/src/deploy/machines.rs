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

use super::engine::EngineOptions;
use super::model::{Deployment, MachineKind};
use crate::build;
use crate::machine::{Deployed, Given, Place, SshError, SshMachine, SshTarget, Upload};
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

    fn write(&self, root: &Path) -> io::Result<()> {
        let path = file(root, &self.deployment);
        prepare(root)?;
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

    /// Takes those machines into use that services are on, all at once; those in use stay so.
    pub(super) async fn connect(
        &self,
        deployment: &Deployment,
        options: &EngineOptions,
        reporter: &Reporter,
    ) -> Result<(), Vec<Failure>> {
        let named: BTreeSet<&String> = deployment.services.values().map(|service| &service.machine).collect();
        let wanted: Vec<(String, SshTarget)> = named
            .into_iter()
            .filter(|name| !self.connected().contains_key(*name))
            .filter_map(|name| match &deployment.machines.get(name)?.kind {
                MachineKind::Ssh(target) => Some((name.clone(), target.clone())),
                MachineKind::Localhost | MachineKind::Gcp { .. } => None,
            })
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let root = options.workspace.root().to_owned();
        let host = host(options, reporter).await.map_err(|failure| vec![failure])?;
        let before = UsedMachines::read(&root, &deployment.name).map_err(|failure| vec![failure])?;
        let (deployed, used) = note(before.clone(), &root, &wanted).map_err(|failure| vec![failure])?;
        let new: Vec<&String> = used.machines.keys().filter(|name| !before.machines.contains_key(*name)).collect();
        let mut connecting = JoinSet::new();
        for (name, target) in wanted {
            reporter.status("Connecting", format!("to {name} ({target})"));
            let from = used.machines.get(&name).map_or(0, |used| used.next);
            let given = Given {
                name: name.clone(),
                target,
                deployed: deployed.clone(),
                host: host.clone(),
                from,
                looks: false,
                reporter: reporter.clone(),
            };
            connecting.spawn(async move { (name, SshMachine::connect(given).await) });
        }
        let mut problems = Vec::new();
        for (name, machine) in connecting.join_all().await {
            match machine {
                Ok(machine) => {
                    machine.reboot_trouble().into_iter().for_each(|trouble| reporter.warning(trouble));
                    self.connected().insert(name, machine);
                }
                Err(error) => problems.push(at_machine(deployment, &name, error)),
            }
        }
        // Nothing of ours is where we never came.
        forget(&root, &deployment.name, new.iter().filter(|name| !self.connected().contains_key(name.as_str())));
        tokio::spawn(save(root, deployment.name.clone(), self.connected().values().cloned().collect()));
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Ends what is left on all machines, and forgets them. Those that cannot be asked are told, and stay known.
    pub(super) async fn down(&self, root: &Path, deployment: &str, reporter: &Reporter) {
        let machines: BTreeMap<String, SshMachine> = std::mem::take(&mut *self.connected());
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
    let mut used = UsedMachines::read(root, deployment).map_err(|failure| vec![failure])?;
    let (mut done, mut problems) = (Vec::new(), Vec::new());
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
    let used = UsedMachines::read(root, deployment).map_err(|failure| vec![failure])?;
    if used.machines.is_empty() {
        return Ok(Vec::new());
    }
    let host = host(options, reporter).await.map_err(|failure| vec![failure])?;
    let deployed = deployed(root, deployment, force).map_err(|error| vec![unreadable(root, &error)])?;
    let mut connecting = JoinSet::new();
    for (name, UsedMachine { target, next }) in used.machines {
        let (deployed, host, reporter) = (deployed.clone(), host.clone(), reporter.clone());
        let given = Given { name: name.clone(), target, deployed, host, from: next, looks, reporter };
        connecting.spawn(async move { (name, SshMachine::connect(given).await) });
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

/// Writes down that machines are about to be used.
fn note(
    mut used: UsedMachines,
    root: &Path,
    wanted: &[(String, SshTarget)],
) -> Result<(Deployed, UsedMachines), Failure> {
    for (name, target) in wanted {
        let fresh = UsedMachine { target: target.clone(), next: 0 };
        let known = used.machines.entry(name.clone()).or_insert_with(|| fresh.clone());
        if !known.target.is_same_machine(target) {
            let message = format!(
                "the machine `{name}` was `{}` when the deployment was made, and is `{target}` now",
                known.target
            );
            let hint = "take the deployment down first, or give the new machine another name";
            return Err(Failure::new(ExitCode::DeployFailed, message).hint(hint));
        }
        known.target = target.clone();
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

fn file(root: &Path, deployment: &str) -> PathBuf {
    root.join(FOLDER).join(format!("{}.json", &blake3::hash(deployment.as_bytes()).to_hex()[..16]))
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

fn at_machine(deployment: &Deployment, name: &str, error: SshError) -> Failure {
    let origin = deployment.machines.get(name).and_then(|machine| machine.origin.clone());
    Failure { origin, ..failure(error) }
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
