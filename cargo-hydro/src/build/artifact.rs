//! What a build gives.

use std::path::{Path, PathBuf};

use hydro_runtime_shim::contract::ProgramDescription;
use hydroflow_standalone::interface::ModuleInterface;

use crate::report::{ExitCode, Failure, Reporter};
use crate::workspace::Workspace;

/// A built program.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// The `.hf` file it was built from, relative to the workspace.
    pub source: PathBuf,
    /// The executable; its path holds its content's hash, so it never changes under a running service.
    pub executable: PathBuf,
    /// Hex hash of the executable.
    pub hash: String,
    /// What the program says of itself, with types as rustc names them.
    pub description: ProgramDescription,
}

/// How to build: cargo's flags with cargo's meaning.
#[derive(Clone, Debug, Default)]
pub struct BuildOptions {
    /// Cargo profile; none: `dev`.
    pub profile: Option<String>,
}

/// Reads the header of an `.hf` file's `main` module; no cargo, no rustc.
///
/// # Errors
/// The file cannot be read, or its syntax is wrong (then with rendered diagnostics).
pub fn interface(workspace: &Workspace, source: &Path) -> Result<ModuleInterface, Failure> {
    let _ = workspace;
    Err(Failure::new(ExitCode::BuildFailed, format!("cannot read `{}`", source.display())))
}

/// Builds programs with one cargo call, or none where nothing changed. Blocks. The artifacts stand in the order of `sources`.
///
/// # Errors
/// A program does not compile (with rendered diagnostics at `.hf` positions), or cargo cannot be run.
pub fn build(
    workspace: &Workspace,
    sources: &[PathBuf],
    options: &BuildOptions,
    reporter: &Reporter,
) -> Result<Vec<Artifact>, Failure> {
    let _ = (workspace, sources, options, reporter);
    Err(Failure::new(ExitCode::BuildFailed, "not built"))
}
