//! Python on this machine: where it is, and our package for it, which is carried inside the command.
//!
//! Knows nothing of what scripts do. Read [`Python::find`] first.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;

use super::package::install;
use crate::report::{ExitCode, Failure};
use crate::sys::{self, Launch};
use crate::workspace::Workspace;

/// The package as it stands in the source tree.
#[derive(RustEmbed)]
#[folder = "sdk/python"]
struct Package;

/// The program that runs scripts.
const PYTHON: &str = "python3";
/// Names another one: that of a virtual environment, say.
const PYTHON_VARIABLE: &str = "HYDRO_PYTHON";

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
        let chosen = sys::env::text(PYTHON_VARIABLE);
        let name = chosen.as_deref().unwrap_or(PYTHON);
        let program = sys::env::find_program(name, Path::new(".")).ok_or_else(|| {
            let failure = Failure::new(ExitCode::Usage, format!("cannot find `{name}` on PATH, which runs scripts"));
            match &chosen {
                Some(_) => failure.cause(format!("the variable `{PYTHON_VARIABLE}` names it")),
                None => failure.hint("install Python 3.9 or newer; nothing else of it is needed"),
            }
        })?;
        Ok(Self { program, package: Self::package(workspace)? })
    }

    /// Lays our package into the target folder and returns where: a folder for `PYTHONPATH`.
    ///
    /// # Errors
    /// The target folder cannot be written to.
    pub fn package(workspace: &Workspace) -> Result<PathBuf, Failure> {
        install::<Package>(workspace, "sdk")
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
