//! Where a deployment keeps what outlives a command: a folder of its own below the workspace's `.hydro`.
//!
//! Whoever holds the lock may run the deployment; the lock goes with its process, whatever ends it. Knows nothing of what runs.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::sys::fs::{Lock, create_private_folder, write_private};

/// Below the workspace's root.
const DEPLOYMENTS: &str = ".hydro/deployments";

/// The folder of one deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    name: String,
    folder: PathBuf,
}

/// Who holds a deployment, for others to find.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    /// Process id.
    pub(super) pid: u32,
    /// Where it answers.
    pub(super) socket: PathBuf,
    /// Version of the command.
    pub(super) version: String,
    /// Whether it runs in somebody's terminal.
    pub(super) foreground: bool,
}

impl Home {
    /// Names the folder of a deployment; nothing is made yet.
    #[must_use]
    pub fn new(workspace: &Path, deployment: &str) -> Self {
        // A name may hold anything; a folder's name may not.
        let safe = |letter: char| if letter.is_alphanumeric() || "-_".contains(letter) { letter } else { '_' };
        let mut folder: String = deployment.chars().map(safe).collect();
        if folder != deployment || folder.is_empty() {
            folder.push_str(&format!("-{}", &blake3::hash(deployment.as_bytes()).to_hex()[..8]));
        }
        Self { name: deployment.to_owned(), folder: workspace.join(DEPLOYMENTS).join(folder) }
    }

    /// Returns the deployment's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes the deployment; none: somebody has it.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub(super) fn take(&self) -> io::Result<Option<Lock>> {
        create_private_folder(&self.folder)?;
        write_private(&self.folder.join("name"), self.name.as_bytes())?;
        Lock::try_acquire(&self.folder.join("lock"))
    }

    /// Whether somebody has it. A folder that is not there is nobody's.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.folder.is_dir() && matches!(Lock::try_acquire(&self.folder.join("lock")), Ok(None))
    }

    /// Waits until nobody has it.
    pub fn wait_until_free(&self) {
        // Where the folder went away, nobody has it.
        let _ = Lock::acquire(&self.folder.join("lock"));
    }

    /// Tells others who holds it.
    pub(super) fn announce(&self, holder: &Holder) -> io::Result<()> {
        write_private(&self.holder_file(), &serde_json::to_vec(holder)?)
    }

    /// Says that nobody holds it any more.
    pub(super) fn retract(&self) {
        let _ = std::fs::remove_file(self.holder_file());
    }

    /// Returns who said to hold it last; whether that is still so, [`Home::is_taken`] tells.
    pub(super) fn holder(&self) -> Option<Holder> {
        serde_json::from_slice(&std::fs::read(self.holder_file()).ok()?).ok()
    }

    fn holder_file(&self) -> PathBuf {
        self.folder.join("holder.json")
    }

    /// Where a process without a terminal writes what it could tell nobody.
    pub(super) fn complaints(&self) -> PathBuf {
        self.folder.join("daemon.log")
    }
}

/// Returns the homes of all deployments that the workspace ever kept, by name.
#[must_use]
pub fn all_homes(workspace: &Path) -> Vec<Home> {
    let Ok(entries) = std::fs::read_dir(workspace.join(DEPLOYMENTS)) else { return Vec::new() };
    let mut homes: Vec<Home> = entries
        .flatten()
        .filter_map(|entry| {
            let name = std::fs::read_to_string(entry.path().join("name")).ok()?;
            Some(Home { name, folder: entry.path() })
        })
        .collect();
    homes.sort_by(|a, b| a.name.cmp(&b.name));
    homes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_has_one_holder_and_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let (plain, odd) = (Home::new(folder.path(), "echo"), Home::new(folder.path(), "../a b"));
        assert!(plain.folder().ends_with(".hydro/deployments/echo"));
        assert!(odd.folder().starts_with(folder.path().join(DEPLOYMENTS)), "{}", odd.folder().display());
        assert!(!plain.is_taken() && all_homes(folder.path()).is_empty());
        let lock = plain.take().unwrap().unwrap();
        drop(odd.take().unwrap());
        assert!(plain.take().unwrap().is_none() && plain.is_taken() && !odd.is_taken());
        assert_eq!(all_homes(folder.path()).iter().map(Home::name).collect::<Vec<_>>(), ["../a b", "echo"]);
        let holder = Holder { pid: 1, socket: "/x".into(), version: "0".into(), foreground: true };
        plain.announce(&holder).unwrap();
        assert_eq!(plain.holder(), Some(holder));
        plain.retract();
        drop(lock);
        assert!(plain.holder().is_none() && !plain.is_taken());
    }

    #[test]
    fn what_is_corrupted_is_nobodys_word() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path(), "echo");
        let _lock = home.take().unwrap();
        for content in [&b""[..], b"{\"pid\": 1", b"\xff\xfe", b"{\"pid\": -3, \"socket\": []}"] {
            std::fs::write(home.holder_file(), content).unwrap();
            assert_eq!(home.holder(), None);
        }
    }
}
