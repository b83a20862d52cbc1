//! Building and checking: the way from `.hf` files to artifacts, and what an artifact is.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

use hydro_runtime_shim::contract::{CONTRACT_VERSION, ProgramDescription};
use hydroflow_standalone::{Compilation, Products};

use super::cargo_call::{Command, call};
use super::crates::lay_out;
use super::library;
use super::program::{self, Program, read_program};
use super::record;
use crate::report::{Event, ExitCode, Failure, Reporter};
use crate::sys::{self, Launch, Stream};
use crate::workspace::Workspace;
use crate::workspace::stamp::hash_file;

/// A built program.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// The `.hf` file it was built from, absolute.
    pub source: PathBuf,
    /// The executable; its path holds its content's hash, so it never changes under a running service.
    pub executable: PathBuf,
    /// Hex hash of the executable.
    pub hash: String,
    /// What the program says of itself, with types as rustc names them.
    pub description: ProgramDescription,
}

/// What one binary is made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sources {
    /// The `.hf` files of its programs.
    pub programs: Vec<PathBuf>,
    /// Whether it runs what a variable names, each on a thread of its own, and not the one program that it holds.
    pub shared: bool,
}

impl Sources {
    /// A binary of one program.
    #[must_use]
    pub fn one(program: PathBuf) -> Self {
        Self { programs: vec![program], shared: false }
    }

    fn absolute(&self, workspace: &Workspace) -> Result<Self, Failure> {
        Ok(Self { programs: absolute(workspace, &self.programs)?, shared: self.shared })
    }
}

/// How to build: cargo's flags with cargo's meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildOptions {
    /// Cargo profile; none: `dev`.
    pub profile: Option<String>,
    /// Target triple; none: this machine's.
    pub target: Option<String>,
    /// `--jobs`
    pub jobs: Option<String>,
    /// Whether programs can speak TLS, which takes its time to build.
    pub tls: bool,
}

impl BuildOptions {
    fn is_release(&self) -> bool {
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
/// program; those of one binary have one executable.
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
    call(workspace, &crates, Command::Check, options, reporter).map(|_| ())
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

fn compile_read(
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

fn build_stale(
    workspace: &Workspace,
    stale: &[&Sources],
    options: &BuildOptions,
    reporter: &Reporter,
) -> Result<Vec<Vec<Artifact>>, Failure> {
    let (started, read) = (std::time::Instant::now(), std::time::SystemTime::now());
    let mut programs = Vec::new();
    for binary in stale {
        for (number, path) in binary.programs.iter().enumerate() {
            let mut program = read_program(workspace, path)?;
            if binary.shared {
                program.root = format!("colocated_{number}");
            }
            programs.push(program);
        }
    }
    let mut programs = compile_read(workspace, programs, Products::Layered, options, reporter)?;
    let names: Vec<String> = programs.iter().map(|(program, _)| program.name.clone()).collect();
    let list = if names.len() > 8 { format!("{} programs", names.len()) } else { names.join(", ") };
    reporter.status("Compiling", list.clone());
    let binaries: Vec<Vec<_>> = stale.iter().map(|binary| programs.drain(..binary.programs.len()).collect()).collect();
    let crates = lay_out(workspace, &binaries, options.tls)?;
    let executables = call(workspace, &crates, Command::Build, options, reporter)?;
    let mut artifacts = Vec::new();
    for ((programs, binary), sources) in binaries.iter().zip(&crates.binaries).zip(stale) {
        let executable = executables.get(&binary.name);
        let executable = executable.ok_or_else(|| {
            Failure::new(ExitCode::BuildFailed, format!("cargo made no program of `{}`", binary.shown))
        })?;
        let of_binary = keep(workspace, programs, executable, options)?;
        let files = programs.iter().flat_map(|(_, compilation)| &compilation.files);
        let files = files.filter_map(|file| library::path(workspace, file)).collect();
        record::write(workspace, (sources, &of_binary), (files, read), &dep_info(executable), options);
        artifacts.push(of_binary);
    }
    reporter.status("Built", format!("{list} in {:.1} s", started.elapsed().as_secs_f64()));
    Ok(artifacts)
}

fn dep_info(executable: &Path) -> PathBuf {
    let mut name = executable.as_os_str().to_owned();
    name.push(".d");
    PathBuf::from(name)
}

/// Keeps the executable under its content's name, so that the next build cannot change it under a running service.
fn keep(
    workspace: &Workspace,
    programs: &[(Program, Compilation)],
    executable: &Path,
    options: &BuildOptions,
) -> Result<Vec<Artifact>, Failure> {
    let shown = programs.first().map(|(program, _)| program.source.name()).unwrap_or_default();
    let failed = |error: std::io::Error| {
        Failure::new(ExitCode::BuildFailed, format!("cannot keep the program of `{shown}`")).cause(error)
    };
    let names: Vec<&str> = programs.iter().map(|(program, _)| program.name.as_str()).collect();
    let hash = hash_file(executable).ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
    let kept = workspace.target().join("hydro").join("artifacts").join(&hash[..16]).join(file_name(&names.join("+")));
    if !kept.is_file() {
        let folder = kept.parent().unwrap_or(workspace.target());
        std::fs::create_dir_all(folder).map_err(failed)?;
        let part = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        std::fs::copy(executable, part.path()).map_err(failed)?;
        // The file must be closed before it can be executed.
        part.into_temp_path().persist(&kept).map_err(|error| failed(error.error))?;
    }
    let descriptions = describe(&kept, shown, options)?;
    if descriptions.len() != programs.len() {
        let message = format!("the binary of `{shown}` holds {} programs, not {}", descriptions.len(), programs.len());
        return Err(Failure::new(ExitCode::BuildFailed, message).cause("internal error: please report it"));
    }
    let artifact = |((program, _), description): (&(Program, Compilation), ProgramDescription)| Artifact {
        source: program.path.clone(),
        executable: kept.clone(),
        hash: hash.clone(),
        description,
    };
    Ok(programs.iter().zip(descriptions).map(artifact).collect())
}

/// The names of many programs are shortened to what a file may be called.
fn file_name(names: &str) -> String {
    const LONGEST: usize = 60;
    names.chars().take(LONGEST).collect()
}

/// Asks the programs of a binary what they are: their ports with the types as rustc names them.
fn describe(executable: &Path, shown: &str, options: &BuildOptions) -> Result<Vec<ProgramDescription>, Failure> {
    let failed = || {
        let failure = Failure::new(ExitCode::BuildFailed, format!("the program of `{shown}` cannot tell its ports"));
        match &options.target {
            Some(target) => failure.cause(format!("it was built for {target} and does not run here")),
            None => failure,
        }
    };
    let launch = Launch { program: executable.into(), args: vec!["--describe".into()], ..Launch::default() };
    let mut text = String::new();
    let exit = sys::run(launch, &mut |stream, line| {
        if stream == Stream::Stdout {
            text.push_str(line);
            text.push('\n');
        }
    });
    let exit = exit.map_err(|error| failed().cause(error))?;
    if !exit.success() {
        return Err(failed().cause(exit));
    }
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let descriptions: Vec<ProgramDescription> =
        lines.map(serde_json::from_str).collect::<Result<_, _>>().map_err(|error| failed().cause(error))?;
    if let Some(other) = descriptions.iter().find(|description| description.contract != CONTRACT_VERSION) {
        return Err(failed().cause(format!("it speaks contract {}, this command {CONTRACT_VERSION}", other.contract)));
    }
    Ok(descriptions)
}
