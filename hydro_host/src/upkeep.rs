//! What keeps a deployment up on this machine: decided when its host is started for the first time, and kept until it is taken down.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;

use crate::child;
use crate::cron;
use crate::systemd::Systemd;
use crate::words::{Keeper, Services, Upkeep};

/// In the deployment's folder: what was decided.
const FILE: &str = "upkeep";
/// Where a host says what it cannot say to anybody.
pub(crate) const LOG: &str = "host.log";

/// Returns what was decided; a host that was started by hand keeps its members by itself.
pub(crate) fn known(folder: &Path) -> Upkeep {
    read(folder).unwrap_or_default()
}

/// Returns the systemd that has the deployment's units; none: they are the host's children.
pub(crate) fn units(upkeep: &Upkeep, folder: &Path) -> Option<Systemd> {
    match upkeep.by {
        Keeper::Host => None,
        Keeper::System => Some(Systemd::of(false, folder)),
        Keeper::User => Some(Systemd::of(true, folder)),
    }
}

/// Has the host of a deployment started, as it was decided, or as is wished where nothing was decided yet.
pub(crate) fn start(folder: &Path, wish: Services) -> io::Result<()> {
    let upkeep = match read(folder) {
        Some(upkeep) => upkeep,
        None => {
            let upkeep = decide(folder, wish)?;
            let part = folder.join("upkeep.part");
            std::fs::write(&part, serde_json::to_vec(&upkeep)?)?;
            std::fs::rename(part, folder.join(FILE))?;
            upkeep
        }
    };
    match units(&upkeep, folder) {
        Some(systemd) => systemd.install(),
        None => spawn(folder),
    }
}

/// Undoes on the machine what was done there beyond the deployment's folder.
pub(crate) fn undo(upkeep: &Upkeep, folder: &Path) {
    match units(upkeep, folder) {
        Some(systemd) => systemd.uninstall(),
        None => cron::remove(folder),
    }
}

fn read(folder: &Path) -> Option<Upkeep> {
    serde_json::from_slice(&std::fs::read(folder.join(FILE)).ok()?).ok()
}

fn decide(folder: &Path, wish: Services) -> io::Result<Upkeep> {
    let refused = match wish {
        Services::Plain => None,
        Services::Auto | Services::Systemd => match Systemd::look(folder) {
            Ok(_) => {
                let by = if rustix::process::geteuid().is_root() { Keeper::System } else { Keeper::User };
                return Ok(Upkeep { by, boots: true, lacks: None });
            }
            Err(why) => Some(why),
        },
    };
    if let (Services::Systemd, Some(why)) = (wish, &refused) {
        return Err(io::Error::other(format!("services cannot be units of systemd there: {why}")));
    }
    let (boots, cron) = match cron::add(folder) {
        Ok(()) => (true, None),
        Err(why) => (false, Some(why)),
    };
    let lacks = match (boots, refused, cron) {
        (true, _, _) | (_, None, None) => None,
        (false, refused, cron) => Some(refused.into_iter().chain(cron).collect::<Vec<_>>().join(", and ")),
    };
    Ok(Upkeep { by: Keeper::Host, boots, lacks })
}

/// Starts a host that nobody but its guard looks after.
fn spawn(folder: &Path) -> io::Result<()> {
    let log = OpenOptions::new().append(true).create(true).mode(0o600).open(folder.join(LOG))?;
    let mut command = child::command(std::env::current_exe()?);
    command.arg("serve").arg(folder).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    let detach = || rustix::process::setsid().map(drop).map_err(io::Error::from);
    // SAFETY: the closure makes one system call and allocates nothing.
    unsafe { command.pre_exec(detach) };
    let mut process = command.spawn()?;
    // Another may have been started at the same time; then this one ends, and that one listens soon.
    std::thread::spawn(move || process.wait());
    Ok(())
}
