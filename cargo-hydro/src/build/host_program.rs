//! The program that keeps members up on other machines: its source is carried by this command and built for the machine's kind, once.
//!
//! Knows nothing of machines.

use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;

use super::elf;
use super::runtime::standalone;
use super::target::{Glibc, Target};
use super::toolchain::{Toolchain, toolchain};
use crate::report::{ExitCode, Failure, Reporter};
use crate::sys::{self, Launch, SpawnError};
use crate::workspace::Workspace;
use crate::workspace::stamp::hash_file;

#[derive(RustEmbed)]
#[folder = "host"]
#[include = "Cargo.toml"]
#[include = "src/*"]
struct Source;

/// The versions of what it depends on: those that it was tested with.
const LOCK: &str = include_str!("../../workspace.lock");
/// Its name, and its package's.
const PROGRAM: &str = "hydro-host";

/// A built host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostProgram {
    /// The executable; its path holds its content's hash.
    pub executable: PathBuf,
    /// Hex hash of the executable.
    pub hash: String,
}

impl HostProgram {
    /// Returns the newest version of glibc that the host asks for; none: it asks for none, or cannot be read.
    #[must_use]
    pub fn glibc_need(&self) -> Option<Glibc> {
        elf::glibc_need(&std::fs::read(&self.executable).ok()?)
    }
}

/// Builds the host for this kind of machine, or finds it built. Blocks.
///
/// # Errors
/// It does not compile, or cargo cannot be run.
pub fn host_program(workspace: &Workspace, reporter: &Reporter) -> Result<HostProgram, Failure> {
    host_program_for(workspace, None, reporter)
}

/// Builds the host for a target, or finds it built; none: this kind of machine. Blocks.
///
/// # Errors
/// It does not compile, or this machine cannot build for the target.
pub fn host_program_for(
    workspace: &Workspace,
    target: Option<&Target>,
    reporter: &Reporter,
) -> Result<HostProgram, Failure> {
    let place = target.map(|target| format!("-{target}")).unwrap_or_default();
    let folder = workspace.target().join("hydro").join(format!("host-{}{place}", content_hash()));
    let ready = folder.join("built");
    let failed = |error: std::io::Error| {
        Failure::new(ExitCode::BuildFailed, format!("cannot write to `{}`", folder.display())).cause(error)
    };
    let _lock =
        std::fs::create_dir_all(&folder).and_then(|()| sys::fs::Lock::acquire(&folder.join("lock"))).map_err(failed)?;
    if let Some(known) = known(&ready) {
        return Ok(known);
    }
    let source = folder.join("source");
    write(&source).map_err(failed)?;
    let made = target.map_or_else(|| Ok(Toolchain::native()), |target| toolchain(workspace, target))?;
    let what = "the program that keeps services up on other machines";
    let mut built = folder.join("target");
    match &made.target {
        Some(target) => {
            reporter.status("Building", format!("{what}, for {target} with {}: {}", made.shown, made.why));
            built.push(&target.triple);
        }
        None => reporter.status("Building", what),
    }
    built.extend(["release", PROGRAM]);
    compile(workspace, &source, &folder.join("target"), &made)?;
    let hash = hash_file(&built)
        .ok_or_else(|| Failure::new(ExitCode::BuildFailed, format!("cargo made no `{}`", built.display())))?;
    sys::fs::write_atomic(&ready, format!("{hash}\n{}", built.display()).as_bytes()).map_err(failed)?;
    Ok(HostProgram { executable: built, hash })
}

fn known(ready: &Path) -> Option<HostProgram> {
    let text = std::fs::read_to_string(ready).ok()?;
    let (hash, executable) = text.split_once('\n')?;
    let executable = PathBuf::from(executable);
    executable.is_file().then(|| HostProgram { executable, hash: hash.to_owned() })
}

fn content_hash() -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(LOCK.as_bytes());
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
    for name in Source::iter() {
        hasher.update(name.as_bytes());
        hasher.update(&Source::get(&name).map(|file| file.data).unwrap_or_default());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

fn write(folder: &Path) -> std::io::Result<()> {
    for name in Source::iter() {
        let path = folder.join(&*name);
        let content = Source::get(&name).map(|file| file.data).unwrap_or_default();
        std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
        if name == "Cargo.toml" {
            let manifest = standalone(&String::from_utf8_lossy(&content)).map_err(std::io::Error::other)?;
            sys::fs::write_atomic(&path, manifest.as_bytes())?;
        } else {
            sys::fs::write_atomic(&path, &content)?;
        }
    }
    sys::fs::write_atomic(&folder.join("Cargo.lock"), LOCK.as_bytes())
}

fn compile(workspace: &Workspace, source: &Path, target: &Path, made: &Toolchain) -> Result<(), Failure> {
    let mut args: Vec<std::ffi::OsString> =
        [made.word(), "--release", "--bin", PROGRAM, "--manifest-path"].map(Into::into).into();
    args.extend([source.join("Cargo.toml").into(), "--target-dir".into(), target.into()]);
    if workspace.flags().sources().iter().any(|flag| flag == "--offline" || flag == "--frozen") {
        args.push("--offline".into());
    }
    if let Some(target) = &made.target {
        args.extend(["--target".into(), target.to_string().into()]);
    }
    let launch = Launch {
        program: made.program().into(),
        args,
        env: made.variables(),
        directory: Some(source.to_owned()),
        ..Launch::default()
    };
    let mut said = Vec::new();
    let exit = sys::run(launch, &mut |_, line| said.push(line.to_owned())).map_err(|error| match error {
        SpawnError::Interrupted => Failure::new(ExitCode::Interrupted, "interrupted"),
        error => Failure::new(ExitCode::BuildFailed, format!("cannot run {}", made.builder.name())).cause(error),
    })?;
    if exit.success() {
        return Ok(());
    }
    let failure = Failure::new(ExitCode::BuildFailed, "the program that keeps services up elsewhere does not compile");
    Err(failure.cause(said.join("\n  ")).hint("members on this machine need it not: `--local` places all of them here"))
}
