//! Building and checking: the way from `.hf` files to artifacts, and what an artifact is.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

use hydro_runtime_shim::contract::ProgramDescription;
use hydroflow_standalone::{Compilation, Products};

use super::batch::build_stale;
use super::cargo_call;
use super::crates::lay_out;
use super::program::{self, Program, read_program};
use super::record;
use super::target::{Glibc, Target};
use crate::report::{Event, ExitCode, Failure, Reporter};
use crate::sys;
use crate::workspace::Workspace;

/// A built program.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// The `.hf` file it was built from, absolute.
    pub source: PathBuf,
    /// The executable; its path holds its content's hash, so it never changes under a running service.
    pub executable: PathBuf,
    /// Hex hash of the executable.
    pub hash: String,
    /// What it was built for; none: this machine.
    pub target: Option<Target>,
    /// The newest version of glibc that the executable asks for; none: it asks for none.
    pub glibc: Option<Glibc>,
    /// What the program says of itself, with types as rustc names them.
    pub description: ProgramDescription,
}

/// What one binary is made of, and for which machine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sources {
    /// The `.hf` files of its programs.
    pub programs: Vec<PathBuf>,
    /// Whether it runs what a variable names, each on a thread of its own, and not the one program that it holds.
    pub shared: bool,
    /// What it is built for; none: this machine.
    pub target: Option<Target>,
}

impl Sources {
    /// A binary of one program, for this machine.
    #[must_use]
    pub fn one(program: PathBuf) -> Self {
        Self { programs: vec![program], shared: false, target: None }
    }

    /// Returns the same binary for another machine; none: for this one.
    #[must_use]
    pub fn for_target(self, target: Option<Target>) -> Self {
        Self { target, ..self }
    }

    fn absolute(&self, workspace: &Workspace) -> Result<Self, Failure> {
        Ok(Self { programs: absolute(workspace, &self.programs)?, ..self.clone() })
    }
}

/// How to build: cargo's flags with cargo's meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildOptions {
    /// Cargo profile; none: `dev`.
    pub profile: Option<String>,
    /// `--jobs`
    pub jobs: Option<String>,
    /// Whether programs can speak TLS, which takes its time to build.
    pub tls: bool,
}

impl BuildOptions {
    pub(super) fn is_release(&self) -> bool {
        self.profile.as_deref().is_some_and(|profile| !matches!(profile, "dev" | "test"))
    }
}

/// Builds programs with one cargo call, or none where nothing changed. Blocks. The artifacts stand in the order of `sources`.
///
/// # Errors
/// A program does not compile (what is wrong has been told at `.hf` positions), or cargo cannot be run.
pub fn build(
    workspace: &Workspace,
    sources: &[PathBuf],
    options: &BuildOptions,
    reporter: &Reporter,
) -> Result<Vec<Artifact>, Failure> {
    let binaries: Vec<Sources> = sources.iter().map(|source| Sources::one(source.clone())).collect();
    Ok(build_binaries(workspace, &binaries, options, reporter)?.into_iter().flatten().collect())
}

/// Builds binaries, each of one program or of several of one package, which it then runs in one process. Blocks. There is an artifact for each
/// program; those of one binary have one executable. Cargo is called once for each distinct target.
///
/// # Errors
/// As [`build`].
pub fn build_binaries(
    workspace: &Workspace,
    binaries: &[Sources],
    options: &BuildOptions,
    reporter: &Reporter,
) -> Result<Vec<Vec<Artifact>>, Failure> {
    let binaries = binaries.iter().map(|binary| binary.absolute(workspace)).collect::<Result<Vec<_>, _>>()?;
    let _lock = lock(workspace, reporter)?;
    let known: Vec<Option<Vec<Artifact>>> =
        binaries.iter().map(|binary| record::fresh(workspace, binary, options)).collect();
    let mut stale: Vec<&Sources> =
        binaries.iter().zip(&known).filter(|(_, known)| known.is_none()).map(|(binary, _)| binary).collect();
    stale.sort();
    stale.dedup();
    let built = if stale.is_empty() { Vec::new() } else { build_stale(workspace, &stale, options, reporter)? };
    let mut artifacts = Vec::new();
    for (binary, known) in binaries.iter().zip(known) {
        let fresh = known.is_some();
        let made = || stale.iter().position(|other| *other == binary).and_then(|at| built.get(at).cloned());
        let of_binary = known.or_else(made).ok_or_else(|| {
            let shown = binary.programs.first().map(|path| path.display().to_string()).unwrap_or_default();
            Failure::new(ExitCode::BuildFailed, format!("cargo made no program of `{shown}`"))
        })?;
        for artifact in &of_binary {
            reporter.emit(&Event::Artifact {
                source: workspace.relative(&artifact.source).display().to_string(),
                executable: artifact.executable.display().to_string(),
                hash: artifact.hash.clone(),
                target: artifact.target.as_ref().map(ToString::to_string),
                fresh,
            });
        }
        artifacts.push(of_binary);
    }
    Ok(artifacts)
}

/// Checks the text of programs: syntax, names and dataflow. Neither cargo nor rustc is started. Blocks.
///
/// # Errors
/// Something is wrong; it has been told.
pub fn check_text(
    workspace: &Workspace,
    sources: &[PathBuf],
    options: &BuildOptions,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let paths = absolute(workspace, sources)?;
    let paths: Vec<&PathBuf> = paths.iter().collect();
    compile(workspace, &paths, Products::CheckLibrary, options, reporter).map(|_| ())
}

/// Checks programs: everything that is wrong with their text, then what rustc says of them. Blocks.
///
/// # Errors
/// Something is wrong; it has been told.
pub fn check(
    workspace: &Workspace,
    sources: &[PathBuf],
    options: &BuildOptions,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let paths = absolute(workspace, sources)?;
    let _lock = lock(workspace, reporter)?;
    let paths: Vec<&PathBuf> = paths.iter().collect();
    let programs = compile(workspace, &paths, Products::Library, options, reporter)?;
    if programs.is_empty() {
        return Ok(());
    }
    let binaries: Vec<_> = programs.into_iter().map(|program| vec![program]).collect();
    let crates = lay_out(workspace, &binaries, options.tls)?;
    cargo_call::check(workspace, &crates, options, reporter)
}

fn absolute(workspace: &Workspace, sources: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    sources
        .iter()
        .map(|source| source.canonicalize().or_else(|_| read_program(workspace, source).map(|program| program.path)))
        .collect()
}

/// Two commands may build at once; they take turns, as two cargos do.
fn lock(workspace: &Workspace, reporter: &Reporter) -> Result<sys::fs::Lock, Failure> {
    let path = workspace.target().join("hydro").join("build.lock");
    let cannot = |error| Failure::new(ExitCode::BuildFailed, format!("cannot lock `{}`", path.display())).cause(error);
    std::fs::create_dir_all(path.parent().unwrap_or(workspace.target())).map_err(cannot)?;
    if let Some(lock) = sys::fs::Lock::try_acquire(&path).map_err(cannot)? {
        return Ok(lock);
    }
    reporter.status("Waiting", "for another build of this workspace");
    sys::fs::Lock::acquire(&path).map_err(cannot)
}

/// Compiles `.hf` files to Rust text; all that is wrong with any of them is told.
fn compile(
    workspace: &Workspace,
    paths: &[&PathBuf],
    products: Products,
    options: &BuildOptions,
    reporter: &Reporter,
) -> Result<Vec<(Program, Compilation)>, Failure> {
    let read = paths.iter().map(|path| read_program(workspace, path)).collect::<Result<Vec<_>, _>>()?;
    compile_read(workspace, read, products, options, reporter)
}

pub(super) fn compile_read(
    workspace: &Workspace,
    read: Vec<Program>,
    products: Products,
    options: &BuildOptions,
    reporter: &Reporter,
) -> Result<Vec<(Program, Compilation)>, Failure> {
    let outcomes = program::outcomes(&read, workspace, products, options.is_release());
    let mut programs = Vec::new();
    let mut wrong = Vec::new();
    for (program, outcome) in read.into_iter().zip(outcomes) {
        match program::told(outcome, reporter) {
            Some(compilation) => programs.push((program, compilation)),
            None => wrong.push(format!("`{}`", program.source.name())),
        }
    }
    if wrong.is_empty() {
        return Ok(programs);
    }
    Err(Failure::new(
        ExitCode::BuildFailed,
        format!("{} {} errors", wrong.join(", "), if wrong.len() == 1 { "has" } else { "have" }),
    ))
}
