//! Node.js on this machine: where it is, and our package for it, which is carried inside the command.
//!
//! Knows nothing of what scripts do, nor how node finds the package: our runner sees to that. Read [`Node::find`] first.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;

use super::package::install;
use crate::report::{ExitCode, Failure};
use crate::sys::{self, Launch};
use crate::workspace::Workspace;

/// The package as it stands in the source tree.
#[derive(RustEmbed)]
#[folder = "sdk/javascript"]
struct Package;

/// The program that runs scripts.
const NODE: &str = "node";

/// What of the package is started.
const RUNNER: &str = "run.mjs";

/// A Node.js that can run scripts.
#[derive(Clone, Debug)]
pub struct Node {
    program: PathBuf,
    package: PathBuf,
}

impl Node {
    /// Finds `node` and lays our package into the target folder.
    ///
    /// # Errors
    /// There is no `node`, or the target folder cannot be written to.
    pub fn find(workspace: &Workspace) -> Result<Self, Failure> {
        let program = sys::env::find_program(NODE, Path::new(".")).ok_or_else(|| {
            Failure::new(ExitCode::Usage, format!("cannot find `{NODE}` on PATH, which runs scripts in JavaScript"))
                .hint("install Node.js 18.19 or newer; nothing else of it is needed")
        })?;
        Ok(Self { program, package: install::<Package>(workspace, "sdk-javascript")? })
    }

    /// Prepares a start of our runner with these words.
    #[must_use]
    pub fn launch(&self, words: impl IntoIterator<Item = OsString>) -> Launch {
        let args = std::iter::once(self.package.join(RUNNER).into_os_string()).chain(words).collect();
        Launch { program: self.program.clone().into_os_string(), args, ..Launch::default() }
    }
}
