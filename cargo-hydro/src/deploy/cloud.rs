//! Machines that are made for a deployment: written down, made, entered, opened for the links they need, and deleted.
//!
//! A made machine is one that is reached over ssh, so all else of it is [`machines`](super::machines)' affair. What is written down before it is made is enough to
//! find and delete it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use super::engine::Engine;
use super::machines::{UsedMachine, UsedMachines, another, deployed, failure, file, folder, told};
use super::model::{Deployment, MachineKind};
use super::plan::Plan;
use crate::build::Wishes;
use crate::machine::gcp::{Cloud, USER};
use crate::machine::{Admission, NotReady};
use crate::machine::{CloudMachine, CloudRecord, KeyPair, ReachedMachine, SshTarget, write_known_host};
use crate::report::{ExitCode, Failure, Reporter};

/// How long a machine that is up may take to let us in.
const ENTER: Duration = Duration::from_secs(180);
/// The pause between two tries.
const AGAIN: Duration = Duration::from_millis(500);

/// The machines that were made, or are being made, and who makes them.
#[derive(Debug, Default)]
pub(super) struct Clouds {
    cloud: OnceCell<Cloud>,
    made: Mutex<BTreeMap<String, CloudRecord>>,
}

/// One machine that is being made.
struct Making {
    cloud: Cloud,
    name: String,
    record: CloudRecord,
    key: KeyPair,
    /// Where keys are.
    folder: PathBuf,
    root: PathBuf,
    deployment: String,
    /// Whether its peers are all in its network.
    inside: bool,
    reporter: Reporter,
}

impl Making {
    /// Has it up, writes down how it is reached, and enters it.
    async fn up(self) -> Result<ReachedMachine, Failure> {
        let keys = (self.folder.as_path(), &self.key, self.inside);
        match bring_up(&self.cloud, &self.record, keys, &self.reporter).await {
            Ok((target, is_new)) => {
                self.remember(&target, is_new);
                self.reporter.status("Connecting", format!("to {} ({target})", self.name));
                enter(&self.name, target, &self.reporter).await
            }
            Err(not) => {
                // Rules without a machine; where that is not sure, `down` finds it.
                if !not.left && self.cloud.remove(&self.record).await.is_ok() {
                    let _ = forget(&self.root, &self.deployment, &BTreeSet::from([self.name]));
                }
                Err(not.failure)
            }
        }
    }

    /// Where it cannot be written, it is asked for again.
    fn remember(&self, target: &SshTarget, is_new: bool) {
        let Ok(mut used) = UsedMachines::read(&self.root, &self.deployment) else { return };
        let Some(known) = used.machines.get_mut(&self.name) else { return };
        known.target = target.clone();
        if is_new {
            // Nothing that happened on another machine of this name will happen again.
            known.next = 0;
        }
        let _ = used.write(&self.root);
    }
}

impl Engine {
    /// Deletes a machine that was made for the deployment, whose services have ended; another is left as it is.
    ///
    /// # Errors
    /// It cannot be deleted; it stays known.
    pub async fn terminate(&self, machine: &str) -> Result<(), Failure> {
        let (options, deployment) = (self.options(), self.deployment().name);
        self.inner.machines.terminate(machine, (options.workspace.root(), &deployment), &self.inner.reporter).await
    }

    /// Forgets what ran on machines that somebody else deleted or stopped, so that it is started anew.
    pub(super) async fn forget_gone(&self) {
        for machine in self.inner.machines.give_up_gone().await {
            self.inner.reporter.warning(format!("the machine `{machine}` is not there any more, or was stopped"));
            let mut state = self.state();
            let on_it = state.deployment.services.iter().filter(|(_, service)| service.machine == machine);
            let services: Vec<String> = on_it.map(|(name, _)| name.clone()).collect();
            for service in services {
                let Some(started) = state.started.shift_remove(&service) else { continue };
                started.members.iter().for_each(|member| state.supervision.forget(member.name()));
            }
        }
    }
}

impl Clouds {
    fn made(&self) -> MutexGuard<'_, BTreeMap<String, CloudRecord>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds the credentials, once.
    pub(super) async fn cloud(&self) -> Result<&Cloud, Failure> {
        self.cloud.get_or_try_init(Cloud::find).await
    }

    /// Says that machines are written down: whatever happens from now on, they are to be deleted at the end.
    pub(super) fn take(&self, records: &[(String, CloudRecord)]) {
        self.made().extend(records.iter().cloned());
    }

    /// Refuses to have machines that are in use otherwise than they were made.
    pub(super) fn check_same(&self, deployment: &Deployment) -> Result<(), Failure> {
        for (name, record) in &*self.made() {
            let Some(machine) = deployment.machines.get(name) else { continue };
            let is = match &machine.kind {
                MachineKind::Gcp(wish) if *wish == record.wish => continue,
                MachineKind::Gcp(wish) => told(wish),
                MachineKind::Ssh(target) => format!("`{target}`"),
                MachineKind::Localhost => continue,
            };
            return Err(Failure { origin: machine.origin.clone(), ..another(name, &told(&record.wish), &is) });
        }
        Ok(())
    }

    /// Whether a machine was made.
    pub(super) fn has(&self, machine: &str) -> bool {
        self.made().contains_key(machine)
    }

    /// Writes machines down, has all of them up at once, and enters them.
    pub(super) async fn make(
        &self,
        wanted: Vec<(String, CloudMachine, Wishes)>,
        (root, deployment): (&Path, &Deployment),
        reporter: &Reporter,
        making: &mut JoinSet<(String, Result<ReachedMachine, Failure>)>,
    ) -> Result<(), Failure> {
        if wanted.is_empty() {
            return Ok(());
        }
        // Who may not make any has nothing written down either.
        let cloud = self.cloud().await?;
        let records = note(wanted, root, &deployment.name)?;
        self.made().extend(records.iter().cloned());
        let folder = folder(root, &deployment.name);
        let key = key(folder.clone()).await?;
        for (name, record) in records {
            let one = Making {
                cloud: cloud.clone(),
                inside: is_beside_its_peers(deployment, &name, &record.wish),
                name,
                record,
                key: key.clone(),
                folder: folder.clone(),
                root: root.to_owned(),
                deployment: deployment.name.clone(),
                reporter: reporter.clone(),
            };
            making.spawn(async move { (one.name.clone(), one.up().await) });
        }
        Ok(())
    }

    /// Lets the peers of each machine in, at the ports that are linked, and nobody else.
    pub(super) async fn admit(
        &self,
        deployment: &Deployment,
        plan: &Plan,
        ours: Option<IpAddr>,
    ) -> Result<(), Vec<Failure>> {
        let made = self.made().clone();
        let mut admitting = JoinSet::new();
        for (name, record) in &made {
            let admission = admission(deployment, plan, (name, record), &made, ours);
            let cloud = self.cloud().await.map_err(|failure| vec![failure])?.clone();
            let record = record.clone();
            let exposed = exposed(plan, name);
            admitting.spawn(async move {
                let links = cloud.let_peers_in(&record, &admission);
                tokio::try_join!(links, cloud.let_everybody_in(&record, &exposed)).map(drop)
            });
        }
        let problems: Vec<Failure> = admitting.join_all().await.into_iter().filter_map(Result::err).collect();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Returns those of these machines that are not there any more, or were stopped. One that nobody can ask about is taken to be there.
    pub(super) async fn gone(&self, machines: Vec<String>) -> Vec<String> {
        let mut asking = JoinSet::new();
        for name in machines {
            let Some(record) = self.made().get(&name).cloned() else { continue };
            let Ok(cloud) = self.cloud().await.cloned() else { continue };
            asking.spawn(async move { (cloud.is_on(&record).await.unwrap_or(true), name) });
        }
        asking.join_all().await.into_iter().filter(|(is_on, _)| !is_on).map(|(_, name)| name).collect()
    }

    /// Deletes machines, all at once, and forgets them; none: all that were made. What cannot be deleted stays known.
    pub(super) async fn remove(
        &self,
        only: Option<&str>,
        (root, deployment): (&Path, &str),
        reporter: &Reporter,
    ) -> Vec<Failure> {
        let records: BTreeMap<String, CloudRecord> = {
            let made = self.made();
            made.iter()
                .filter(|(name, _)| only.is_none_or(|only| only == *name))
                .map(|(n, r)| (n.clone(), r.clone()))
                .collect()
        };
        if records.is_empty() {
            return Vec::new();
        }
        let cloud = match self.cloud().await {
            Ok(cloud) => cloud.clone(),
            Err(failure) => return vec![failure],
        };
        let (gone, problems) = delete(cloud, records, reporter).await;
        self.made().retain(|name, _| !gone.contains(name));
        problems.into_iter().chain(forget(root, deployment, &gone).err()).collect()
    }
}

/// Deletes machines that a deployment once made, by what is written down of them alone. Returns the names of those that are gone, and what went wrong with others.
pub(super) async fn delete_used(
    used: &UsedMachines,
    root: &Path,
    reporter: &Reporter,
) -> (BTreeSet<String>, Vec<Failure>) {
    let records: BTreeMap<String, CloudRecord> =
        used.machines.iter().filter_map(|(name, used)| Some((name.clone(), used.cloud.clone()?))).collect();
    if records.is_empty() {
        return (BTreeSet::new(), Vec::new());
    }
    match Cloud::find().await {
        Ok(cloud) => {
            let (gone, mut problems) = delete(cloud, records, reporter).await;
            problems.extend(forget(root, &used.deployment, &gone).err());
            (gone, problems)
        }
        Err(failure) => (BTreeSet::new(), vec![failure]),
    }
}

/// Enters a machine that was made earlier, only to look: as it was reached last, or as Google says that it is reached now.
pub(super) async fn reopen(
    (name, record): (&str, &CloudRecord),
    target: SshTarget,
    folder: &Path,
    reporter: &Reporter,
) -> Result<ReachedMachine, Failure> {
    if target.host != record.instance {
        match ReachedMachine::open(name, target.clone(), reporter).await {
            Err(error) if error.may_pass() => {}
            opened => return opened.map_err(failure),
        }
    }
    let cloud = Cloud::find().await?;
    if !cloud.is_on(record).await? {
        let message = format!("the machine `{name}` is stopped, or not there any more");
        let hint = "`hydro deploy` starts it or makes it anew, `hydro down` deletes what is left of it";
        return Err(Failure::new(ExitCode::DeployFailed, message).hint(hint));
    }
    let key = key(folder.to_owned()).await?;
    let up = bring_up(&cloud, record, (folder, &key, false), reporter).await;
    let (now, _) = up.map_err(|not| not.failure)?;
    enter(name, SshTarget { address: target.address, ..now }, reporter).await
}

/// Enters a machine that may have come up just now: its server and its user come after it.
async fn enter(name: &str, target: SshTarget, reporter: &Reporter) -> Result<ReachedMachine, Failure> {
    let deadline = Instant::now() + ENTER;
    loop {
        match ReachedMachine::open(name, target.clone(), reporter).await {
            Err(error) if error.may_pass() && Instant::now() < deadline => tokio::time::sleep(AGAIN).await,
            opened => return opened.map_err(failure),
        }
    }
}

/// Has a machine up; returns how it is reached, and whether there was none before.
async fn bring_up(
    cloud: &Cloud,
    record: &CloudRecord,
    (folder, key, inside): (&Path, &KeyPair, bool),
    reporter: &Reporter,
) -> Result<(SshTarget, bool), NotReady> {
    let up = cloud.ready(record, &key.public, reporter).await?;
    let known_hosts = folder.join(format!("{}.known", record.instance));
    let host = up.address.to_string();
    write_known_host(&known_hosts, &host, &up.host_keys)
        .map_err(|error| NotReady { failure: unwritable(&known_hosts, &error), left: true })?;
    let target = SshTarget {
        host,
        user: Some(USER.to_owned()),
        key: Some(key.private.clone()),
        known_hosts: Some(known_hosts),
        address: if inside { up.internal } else { Some(up.address) },
        outside: Some(up.address),
        ..SshTarget::default()
    };
    Ok((target, up.is_new))
}

/// Writes machines down before they are made.
fn note(
    wanted: Vec<(String, CloudMachine, Wishes)>,
    root: &Path,
    deployment: &str,
) -> Result<Vec<(String, CloudRecord)>, Failure> {
    let unwritable = |error: std::io::Error| unwritable(&file(root, deployment), &error);
    let token = deployed(root, deployment, false).map_err(unwritable)?.token;
    let mut used = UsedMachines::read(root, deployment)?;
    let mut records = Vec::new();
    for (name, wish, wishes) in wanted {
        let record = CloudRecord::new(wish, (deployment, &name), &token);
        // Where it is reached shows when it is there.
        let target = SshTarget { host: record.instance.clone(), ..SshTarget::default() };
        let fresh = UsedMachine { target, wishes, next: 0, cloud: Some(record.clone()) };
        used.machines.entry(name.clone()).or_insert(fresh);
        records.push((name, record));
    }
    used.write(root).map_err(unwritable)?;
    Ok(records)
}

async fn delete(
    cloud: Cloud,
    records: BTreeMap<String, CloudRecord>,
    reporter: &Reporter,
) -> (BTreeSet<String>, Vec<Failure>) {
    let mut deleting = JoinSet::new();
    for (name, record) in records {
        reporter.status("Deleting", format!("{name} ({})", record.instance));
        let cloud = cloud.clone();
        deleting.spawn(async move { (cloud.remove(&record).await, name) });
    }
    let (mut gone, mut problems) = (BTreeSet::new(), Vec::new());
    for (deleted, name) in deleting.join_all().await {
        match deleted {
            Ok(()) => drop(gone.insert(name)),
            Err(failure) => problems.push(failure),
        }
    }
    (gone, problems)
}

/// Tells what could not be deleted, and who deletes it.
pub(super) fn warn(failure: &Failure, reporter: &Reporter) {
    let hint = failure.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    reporter.warning(format!("{}{hint}; `hydro down` deletes what is left", failure.message));
}

/// Forgets machines that are gone.
fn forget(root: &Path, deployment: &str, gone: &BTreeSet<String>) -> Result<(), Failure> {
    let mut used = UsedMachines::read(root, deployment)?;
    used.machines.retain(|name, _| !gone.contains(name));
    used.write(root).map_err(|error| unwritable(&file(root, deployment), &error))
}

async fn key(folder: PathBuf) -> Result<KeyPair, Failure> {
    let made = tokio::task::spawn_blocking(move || KeyPair::in_folder(&folder)).await;
    made.map_err(|_| Failure::new(ExitCode::Interrupted, "interrupted"))?.map_err(failure)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(ExitCode::DeployFailed, format!("cannot write `{}`", path.display()))
        .cause(error)
        .hint("the workspace's folder `.hydro` must be writable")
}

/// Whether all that a machine is linked with is in its own network, so that nothing has to go around outside.
fn is_beside_its_peers(deployment: &Deployment, name: &str, wish: &CloudMachine) -> bool {
    let is_beside = |machine: &String| match deployment.machines.get(machine).map(|machine| &machine.kind) {
        Some(MachineKind::Gcp(other)) => wish.is_beside(other),
        _ => false,
    };
    peers(deployment, name).iter().all(is_beside)
}

/// Returns the other machines whose services are linked with those of a machine.
fn peers(deployment: &Deployment, machine: &str) -> BTreeSet<String> {
    let place = |service: &str| deployment.services.get(service).map(|service| service.machine.clone());
    let links = deployment.links.iter().filter_map(|link| Some((place(&link.from.service)?, place(&link.to.service)?)));
    let others = links.filter_map(|(from, to)| match (from == machine, to == machine) {
        (true, false) => Some(to),
        (false, true) => Some(from),
        _ => None,
    });
    others.collect()
}

/// Says who has to come to a machine: where its linked services listen, and from where those that they are linked with call.
fn admission(
    deployment: &Deployment,
    plan: &Plan,
    (name, record): (&str, &CloudRecord),
    made: &BTreeMap<String, CloudRecord>,
    ours: Option<IpAddr>,
) -> Admission {
    let linked =
        plan.members.iter().filter(|member| member.machine == *name && deployment.has_far_peers(&member.service));
    let ports: BTreeSet<u16> = linked.filter_map(|member| Some(member.address.as_ref()?.listen.port())).collect();
    let mut admission = Admission { ports: ports.into_iter().collect(), ..Admission::default() };
    let inside = is_beside_its_peers(deployment, name, &record.wish);
    for peer in peers(deployment, name) {
        match made.get(&peer).filter(|_| inside) {
            Some(peer) => admission.machines.push(peer.instance.clone()),
            None => admission.addresses.extend(address_of(plan, &peer).or(ours)),
        }
    }
    admission.addresses.sort_unstable();
    admission.addresses.dedup();
    admission
}

/// Returns the ports of a machine that are reached from outside.
fn exposed(plan: &Plan, machine: &str) -> Admission {
    let members = plan.members.iter().filter(|member| member.machine == machine);
    let ports: BTreeSet<u16> =
        members.flat_map(|member| member.exposed.values()).map(|outside| outside.address.port()).collect();
    Admission { ports: ports.into_iter().collect(), everybody: true, ..Admission::default() }
}

/// Returns the address by which a machine's members are known.
fn address_of(plan: &Plan, machine: &str) -> Option<IpAddr> {
    let of_machine = plan.members.iter().filter(|member| member.machine == machine);
    of_machine
        .filter_map(|member| member.address.as_ref())
        .map(|address| address.advertised.ip())
        .find(|ip| !ip.is_loopback())
}
