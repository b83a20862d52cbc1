//! Python on this machine: where it is, and our package for it, which is carried inside the command.
//!
//! Knows nothing of what scripts do. Read [`Python::find`] first.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;

use crate::report::{ExitCode, Failure};
use crate::sys::{self, Launch};
use crate::workspace::Workspace;

/// The package as it stands in the source tree.
#[derive(RustEmbed)]
#[folder = "sdk/python"]
struct Package;

/// The program that runs scripts.
const PYTHON: &str = "python3";

/// How many characters of a hash tell one version of the package from another.
const HASH_LENGTH: usize = 16;

/// A Python that can run scripts.
#[derive(Clone, Debug)]
pub struct Python {
    program: PathBuf,
    package: PathBuf,
}

impl Python {
    /// Finds `python3` and lays our package into the target folder, where no other version of it is overwritten.
    ///
    /// # Errors
    /// There is no `python3`, or the target folder cannot be written to.
    pub fn find(workspace: &Workspace) -> Result<Self, Failure> {
        let program = sys::env::find_program(PYTHON, Path::new(".")).ok_or_else(|| {
            Failure::new(ExitCode::Usage, format!("cannot find `{PYTHON}` on PATH, which runs scripts"))
                .hint("install Python 3.9 or newer; nothing else of it is needed")
        })?;
        let folder = workspace.target().join("hydro");
        let package = install(&folder).map_err(|error| {
            Failure::new(ExitCode::Usage, format!("cannot write the Python package into `{}`", folder.display()))
                .cause(error)
        })?;
        Ok(Self { program, package })
    }

    /// Prepares a start of our runner with these words.
    #[must_use]
    pub fn launch(&self, words: impl IntoIterator<Item = OsString>) -> Launch {
        let args = std::iter::once(self.package.clone().into_os_string()).chain(words).collect();
        let mut launch = Launch { program: self.program.clone().into_os_string(), args, ..Launch::default() };
        // Also for the python processes that the script itself may start.
        let others = sys::env::path("PYTHONPATH");
        let others = others.iter().flat_map(|paths| std::env::split_paths(paths).collect::<Vec<_>>());
        let paths = std::iter::once(self.package.clone()).chain(others);
        // A folder with a colon in its name cannot be on the path; the runner itself does not need it there.
        if let Ok(joined) = std::env::join_paths(paths) {
            launch.env.insert("PYTHONPATH".into(), joined);
        }
        launch
    }
}

/// Lays the package into a folder named by its content, once.
fn install(parent: &Path) -> std::io::Result<PathBuf> {
    let files: Vec<_> = Package::iter()
        .filter(|path| !path.contains("__pycache__"))
        .filter_map(|path| Package::get(&path).map(|file| (path, file.data)))
        .collect();
    let mut hasher = blake3::Hasher::new();
    for (path, content) in &files {
        hasher.update(path.as_bytes()).update(&[0]).update(&content.len().to_le_bytes()).update(content);
    }
    let hash = hasher.finalize().to_hex();
    let folder = parent.join(format!("sdk-{}", &hash[..HASH_LENGTH]));
    if folder.is_dir() {
        return Ok(folder);
    }
    std::fs::create_dir_all(parent)?;
    let new = tempfile::Builder::new().prefix(".sdk-").tempdir_in(parent)?;
    for (path, content) in &files {
        let file = new.path().join(path.as_ref());
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(file, content)?;
    }
    // Whole or not at all; somebody else may have been faster.
    match std::fs::rename(new.path(), &folder) {
        Err(error) if !folder.is_dir() => Err(error),
        _ => Ok(folder),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_laid_down_once() {
        let folder = tempfile::tempdir().expect("has a folder");
        let first = install(folder.path()).expect("is written");
        assert!(first.join("hydro/__init__.py").is_file() && first.join("hydro/py.typed").is_file());
        assert_eq!(install(folder.path()).expect("is there"), first);
        assert_eq!(std::fs::read_dir(folder.path()).expect("is a folder").count(), 1);
    }
}
