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

/// Names another one.
const NODE_VARIABLE: &str = "HYDRO_NODE";

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
        let chosen = sys::env::text(NODE_VARIABLE);
        let name = chosen.as_deref().unwrap_or(NODE);
        let program = sys::env::find_program(name, Path::new(".")).ok_or_else(|| {
            let what = format!("cannot find `{name}` on PATH, which runs scripts in JavaScript");
            let failure = Failure::new(ExitCode::Usage, what);
            match &chosen {
                Some(_) => failure.cause(format!("the variable `{NODE_VARIABLE}` names it")),
                None => failure.hint("install Node.js 18.19 or newer; nothing else of it is needed"),
            }
        })?;
        Ok(Self { program, package: Self::package(workspace)? })
    }

    /// Lays our package into the target folder and returns where: a folder that `npm install` takes.
    ///
    /// # Errors
    /// The target folder cannot be written to.
    pub fn package(workspace: &Workspace) -> Result<PathBuf, Failure> {
        install::<Package>(workspace, "sdk-javascript")
    }

    /// Prepares a start of our runner with these words.
    #[must_use]
    pub fn launch(&self, words: impl IntoIterator<Item = OsString>) -> Launch {
        let args = std::iter::once(self.package.join(RUNNER).into_os_string()).chain(words).collect();
        Launch { program: self.program.clone().into_os_string(), args, ..Launch::default() }
    }
}
