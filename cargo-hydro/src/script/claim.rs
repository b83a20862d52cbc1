//! The names of scripts' deployments: two scripts of a workspace that run at a time have none in common.
//!
//! Their data and certificates lie in folders of that name. A claim goes with its process, whatever ends it. Read [`Claim::take`] first.

use std::io;

use crate::daemon::Home;
use crate::sys::fs::{Lock, create_private_folder};
use crate::workspace::Workspace;

/// Whether a script runs a deployment of that name at this moment.
#[must_use]
pub fn is_running(workspace: &Workspace, name: &str) -> bool {
    matches!(Claim::take(workspace, name), Ok(None)) && !Home::new(workspace.root(), name).is_taken()
}

/// A name that nobody else has.
#[derive(Debug)]
pub(super) struct Claim {
    _lock: Lock,
}

impl Claim {
    /// Takes a name; none: another script has it, or `cargo hydro deploy` runs a deployment of that name.
    pub(super) fn take(workspace: &Workspace, name: &str) -> io::Result<Option<Self>> {
        if Home::new(workspace.root(), name).is_taken() {
            return Ok(None);
        }
        // One target folder may serve several workspaces.
        let root = workspace.root().to_string_lossy();
        let key = blake3::hash(format!("{root}\0{name}").as_bytes()).to_hex();
        let folder = workspace.target().join("hydro").join("scripts");
        create_private_folder(&folder)?;
        let lock = Lock::try_acquire(&folder.join(format!("{}.lock", &key[..16])))?;
        Ok(lock.map(|lock| Self { _lock: lock }))
    }
}
