//! What a host keeps on disk of a deployment, so that it goes on after a crash or a restart of the machine.
//!
//! Knows what members are to be, not how they are.

use std::fs::{File, OpenOptions};
use std::io;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::words::{Bound, Spec};

/// Whose the deployment is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    pub(crate) token: String,
    pub(crate) who: String,
}

/// What is kept of a member.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) member: String,
    /// Its place among the sockets.
    pub(crate) number: u32,
    pub(crate) bound: Bound,
    pub(crate) spec: Option<Spec>,
    /// Whether it is to stay down.
    pub(crate) held: bool,
    /// Its last start.
    pub(crate) run: u64,
    /// Whether that had not ended when this was written.
    #[serde(default)]
    pub(crate) is_up: bool,
}

/// The deployment's folder on this machine. While it exists, no other host serves it.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    /// The lock goes with it.
    _lock: File,
}

impl Store {
    /// Opens it, for one host at a time.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        for folder in [folder.to_owned(), folder.join("members"), folder.join("work"), folder.join("run")] {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(folder.join("lock"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self { folder: folder.to_owned(), _lock: lock })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn owner(&self) -> Option<Owner> {
        serde_json::from_slice(&std::fs::read(self.folder.join("owner")).ok()?).ok()
    }

    pub(crate) fn set_owner(&self, owner: &Owner) -> io::Result<()> {
        self.write("owner", &serde_json::to_vec(owner)?)
    }

    /// Returns what is kept of all members; what cannot be read is left out.
    pub(crate) fn members(&self) -> Vec<Kept> {
        let files = std::fs::read_dir(self.folder.join("members")).into_iter().flatten().flatten();
        files.filter_map(|file| serde_json::from_slice(&std::fs::read(file.path()).ok()?).ok()).collect()
    }

    pub(crate) fn keep(&self, kept: &Kept) -> io::Result<()> {
        self.write(&format!("members/{}", file_name(&kept.member)), &serde_json::to_vec(kept)?)
    }

    pub(crate) fn forget(&self, member: &str) {
        let _ = std::fs::remove_file(self.folder.join("members").join(file_name(member)));
    }

    /// Writes a file that the deployer names; it does not leave the folder.
    pub(crate) fn write_file(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        let Some(folder) = Path::new(name).parent().filter(|_| inside) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(self.folder.join(folder))?;
        self.write(name, content)
    }

    /// Removes all that there is.
    pub(crate) fn remove(&self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }

    /// Others see the old content or the new one.
    fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let (path, part) = (self.folder.join(name), self.folder.join(format!("{name}.part")));
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&part)?;
        file.write_all(content)?;
        std::fs::rename(part, path)
    }
}

/// Names of members are words with dots; whatever else there may be does not leave the folder.
fn file_name(member: &str) -> String {
    member.replace('/', "_")
}
