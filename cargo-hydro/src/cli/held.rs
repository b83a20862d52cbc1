//! Which deployment the commands mean that ask for, or change, one that runs.

use std::path::Path;

use super::options::WorkspaceArgs;
use crate::build::BuildOptions;
use crate::daemon::{self, Client, Home};
use crate::deploy::{self, EngineOptions};
use crate::report::{ExitCode, Failure};
use crate::workspace::Workspace;

/// Which deployment is meant.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct HeldArgs {
    /// Which deployment; without it, the one that Hydro.toml names
    #[arg(long, value_name = "NAME")]
    deployment: Option<String>,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

impl HeldArgs {
    /// Finds where it is kept.
    pub(super) fn home(&self, folder: &Path) -> Result<Home, Failure> {
        let workspace = self.workspace.workspace(folder)?;
        let homes = daemon::all_homes(workspace.root());
        if let Some(name) = &self.deployment {
            // What a script deployed has no other trace.
            let is_left = || deploy::left_on_machines(workspace.root()).contains(name);
            let found = homes.into_iter().find(|home| home.name() == name);
            return found
                .or_else(|| is_left().then(|| Home::new(workspace.root(), name)))
                .ok_or_else(|| unknown(name, &workspace));
        }
        let named = Home::new(workspace.root(), &deploy::name(&workspace));
        // While Hydro.toml is being edited it may name nothing; what runs is meant all the same.
        let mut running = homes.into_iter().filter(Home::is_taken);
        match (named.folder().is_dir(), running.next(), running.next()) {
            (false, Some(only), None) => Ok(only),
            (false, None, None) => left_by_scripts(named, &workspace),
            _ => Ok(named),
        }
    }

    /// Returns what its machines are asked with, while nobody holds it.
    pub(super) fn options(&self, folder: &Path) -> Result<EngineOptions, Failure> {
        let workspace = self.workspace.workspace(folder)?;
        Ok(EngineOptions {
            workspace,
            build: BuildOptions::default(),
            local: false,
            max_cost: None,
            keeps_all_lines: false,
        })
    }

    /// Finds whoever holds it.
    pub(super) fn client(&self, folder: &Path) -> Result<Client, Failure> {
        let home = self.home(folder)?;
        daemon::find(&home)?.ok_or_else(|| {
            let failure = Failure::new(ExitCode::NothingMatched, format!("`{}` does not run", home.name()));
            failure.hint("`cargo hydro deploy --detach` starts it and leaves it running")
        })
    }
}

/// Finds what a script has left on other machines, if that can only be one deployment.
fn left_by_scripts(named: Home, workspace: &Workspace) -> Result<Home, Failure> {
    let left = deploy::left_on_machines(workspace.root());
    match left.as_slice() {
        [only] => Ok(Home::new(workspace.root(), only)),
        [_, _, ..] if !left.iter().any(|name| name == named.name()) => {
            let message = format!("`{}` are left on other machines", left.join("`, `"));
            Err(Failure::new(ExitCode::NothingMatched, message).hint("say which is meant: `--deployment NAME`"))
        }
        _ => Ok(named),
    }
}

fn unknown(name: &str, workspace: &Workspace) -> Failure {
    let homes = daemon::all_homes(workspace.root());
    let names = homes.iter().map(Home::name);
    let failure = Failure::new(ExitCode::NothingMatched, format!("there was never a deployment `{name}` here"));
    match hydroflow_standalone::diagnostic::nearest(name, names.clone()) {
        Some(near) => failure.hint(format!("a similar name exists: `{near}`")),
        None if homes.is_empty() => failure.hint("`cargo hydro deploy` starts what Hydro.toml describes"),
        None => failure.hint(format!("there are `{}`", names.collect::<Vec<_>>().join("`, `"))),
    }
}
