//! The programs that several suites share, in `tests/programs`: one workspace, built with one call.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::hydro::{Hydro, Output};
use super::place::repository;
use super::workspace::Workspace;

/// The workspace of the shared programs, built.
pub(crate) struct Programs {
    workspace: Workspace,
    built: Output,
    deployed: Mutex<()>,
}

/// Returns the shared programs; the first caller builds them.
pub(crate) fn programs() -> &'static Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let workspace = Workspace::copy("programs", &repository().join("tests/programs"));
        let built = workspace.hydro(["build", "--message-format", "json"]).run().exits(0);
        Programs { workspace, built, deployed: Mutex::new(()) }
    })
}

impl Programs {
    /// Returns the workspace. Its `Hydro.toml` and its tests belong to whoever holds [`Programs::with`].
    pub(crate) fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Returns the executable of `src/NAME.hf`.
    pub(crate) fn executable(&self, name: &str) -> PathBuf {
        self.built.executable(&format!("src/{name}.hf"))
    }

    /// Lays a `Hydro.toml` and other files into the workspace, for as long as the answer lives; others wait.
    pub(crate) fn with(&'static self, toml: &str, files: &[(&str, &str)]) -> Deployed {
        let guard = self.deployed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut laid = vec!["Hydro.toml".to_owned()];
        self.workspace.write("Hydro.toml", toml);
        for (file, text) in files {
            self.workspace.write(file, text);
            laid.push((*file).to_owned());
        }
        Deployed { programs: self, laid, _guard: guard }
    }

    /// Begins a run of a script, which lies under a name of its own beside the programs.
    pub(crate) fn script(&self, name: &str, text: &str) -> Hydro {
        let file = format!("{name}.hydro.py");
        self.workspace.write(&file, text);
        self.workspace.hydro(["run", &file])
    }
}

/// The shared programs with a `Hydro.toml`; dropping it takes the files away.
pub(crate) struct Deployed {
    programs: &'static Programs,
    laid: Vec<String>,
    _guard: MutexGuard<'static, ()>,
}

impl Deployed {
    /// Begins a call of the command.
    pub(crate) fn hydro<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Hydro {
        self.programs.workspace.hydro(arguments)
    }
}

impl Drop for Deployed {
    fn drop(&mut self) {
        for file in &self.laid {
            self.programs.workspace.remove(file);
        }
    }
}
