//! One go of building what is stale: the texts are compiled and laid out once, cargo is called for each distinct target, and what came of it is kept.
//!
//! Does not know what is stale, nor what a target's builder does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use hydro_runtime_shim::contract::ProgramDescription;
use hydroflow_standalone::{Compilation, Products};

use super::artifact::{Artifact, BuildOptions, Sources, compile_read};
use super::cargo_call::{self, Call};
use super::crates::{Crates, lay_out};
use super::describe;
use super::elf;
use super::library;
use super::program::{Program, read_program};
use super::record;
use super::target::{Glibc, Target};
use super::toolchain::{Toolchain, toolchain};
use crate::report::{ExitCode, Failure, Reporter};
use crate::workspace::Workspace;
use crate::workspace::stamp::hash_file;

/// Builds binaries. The artifacts stand in the order of `stale`.
pub(super) fn build_stale(
    workspace: &Workspace,
    stale: &[&Sources],
    options: &BuildOptions,
    reporter: &Reporter,
) -> Result<Vec<Vec<Artifact>>, Failure> {
    let read = SystemTime::now();
    // The same binary for several targets is laid out once.
    let mut distinct: Vec<Sources> = stale.iter().map(|sources| (*sources).clone().for_target(None)).collect();
    distinct.sort();
    distinct.dedup();
    let compiled = compile(workspace, &distinct, options, reporter)?;
    let groups = groups(workspace, stale, &distinct)?;
    let crates = lay_out(workspace, &compiled, options.tls)?;
    let mut batch = Batch { workspace, options, reporter, binaries: distinct, compiled, crates, told: BTreeSet::new() };
    let mut made = BTreeMap::new();
    for (toolchain, members) in groups {
        let wanted: BTreeSet<usize> = members.iter().map(|(_, binary)| *binary).collect();
        let built = batch.build(&toolchain, &wanted.into_iter().collect::<Vec<_>>())?;
        for (number, binary) in members {
            let (Some(sources), Some(built)) = (stale.get(number), built.get(&binary)) else { continue };
            let artifacts = built.artifacts(sources, toolchain.target.as_ref());
            let files = batch.files(binary);
            record::write(workspace, (sources, &artifacts), (files, read), &dep_info(&built.executable), options);
            made.insert(number, artifacts);
        }
    }
    Ok(made.into_values().collect())
}

/// Compiles the texts of binaries.
fn compile(
    workspace: &Workspace,
    binaries: &[Sources],
    options: &BuildOptions,
    reporter: &Reporter,
) -> Result<Vec<Vec<(Program, Compilation)>>, Failure> {
    let mut programs = Vec::new();
    for binary in binaries {
        for (number, path) in binary.programs.iter().enumerate() {
            let mut program = read_program(workspace, path)?;
            if binary.shared {
                program.root = format!("colocated_{number}");
            }
            programs.push(program);
        }
    }
    let mut programs = compile_read(workspace, programs, Products::Layered, options, reporter)?;
    Ok(binaries.iter().map(|binary| programs.drain(..binary.programs.len()).collect()).collect())
}

/// Binaries that one call builds: each by its place among those that are stale, and among the distinct ones.
type Members = Vec<(usize, usize)>;

/// Puts together what one call builds. Targets that come to the same, as this machine's own triple and none, are one.
fn groups(
    workspace: &Workspace,
    stale: &[&Sources],
    distinct: &[Sources],
) -> Result<Vec<(Toolchain, Members)>, Failure> {
    let mut toolchains: BTreeMap<&Option<Target>, Toolchain> = BTreeMap::new();
    for sources in stale {
        if !toolchains.contains_key(&sources.target) {
            let found = sources.target.as_ref().map(|target| toolchain(workspace, target)).transpose()?;
            toolchains.insert(&sources.target, found.unwrap_or_else(Toolchain::native));
        }
    }
    let mut groups: Vec<(Toolchain, Members)> = Vec::new();
    for (number, sources) in stale.iter().enumerate() {
        let is_this = |other: &Sources| (&other.programs, other.shared) == (&sources.programs, sources.shared);
        let Some(binary) = distinct.iter().position(is_this) else { continue };
        let Some(found) = toolchains.get(&sources.target) else { continue };
        match groups.iter_mut().find(|(toolchain, _)| toolchain == found) {
            Some((_, members)) => members.push((number, binary)),
            None => groups.push((found.clone(), vec![(number, binary)])),
        }
    }
    Ok(groups)
}

/// What is being built, laid out.
struct Batch<'a> {
    workspace: &'a Workspace,
    options: &'a BuildOptions,
    reporter: &'a Reporter,
    /// Without a target.
    binaries: Vec<Sources>,
    compiled: Vec<Vec<(Program, Compilation)>>,
    crates: Crates,
    told: BTreeSet<String>,
}

/// A binary that cargo made.
struct Built {
    /// Where cargo put it.
    executable: PathBuf,
    kept: PathBuf,
    hash: String,
    glibc: Option<Glibc>,
    descriptions: Vec<ProgramDescription>,
}

impl Built {
    fn artifacts(&self, sources: &Sources, target: Option<&Target>) -> Vec<Artifact> {
        let artifact = |(source, description): (&PathBuf, &ProgramDescription)| Artifact {
            source: source.clone(),
            executable: self.kept.clone(),
            hash: self.hash.clone(),
            target: target.map(|_| sources.target.clone()).unwrap_or_default(),
            glibc: self.glibc,
            description: description.clone(),
        };
        sources.programs.iter().zip(&self.descriptions).map(artifact).collect()
    }
}

impl Batch<'_> {
    /// Builds binaries with one call, and tells which.
    fn build(&mut self, toolchain: &Toolchain, wanted: &[usize]) -> Result<BTreeMap<usize, Built>, Failure> {
        let started = Instant::now();
        let list = self.list(wanted);
        let place = toolchain.target.as_ref().map(|target| format!(" for {target}")).unwrap_or_default();
        if toolchain.target.is_some() {
            self.reporter.status("Building", format!("{list}{place} with {}: {}", toolchain.shown, toolchain.why));
        } else {
            self.reporter.status("Compiling", list.clone());
        }
        let mut call = Call { toolchain, binaries: wanted, told: &mut self.told };
        let executables = cargo_call::build(self.workspace, &self.crates, &mut call, self.options, self.reporter)?;
        let (mut built, mut silent) = (BTreeMap::new(), Vec::new());
        for &binary in wanted {
            let made = self.keep(binary, &executables, toolchain)?;
            if made.descriptions.is_empty() {
                silent.push(binary);
            }
            built.insert(binary, made);
        }
        if !silent.is_empty() {
            let list = self.list(&silent);
            self.reporter.status("Describing", format!("{list} as built for this machine, where nothing runs{place}"));
            for (binary, descriptions) in self.described_here(&silent)? {
                if let (Some(made), Some(target)) = (built.get_mut(&binary), &toolchain.target) {
                    made.descriptions = describe::as_built_for(descriptions, &format!("{target}, described here"));
                }
            }
        }
        self.reporter.status("Built", format!("{list}{place} in {:.1} s", started.elapsed().as_secs_f64()));
        Ok(built)
    }

    /// Learns what programs are by their builds for this machine, those of earlier ones where they hold.
    fn described_here(&mut self, wanted: &[usize]) -> Result<Vec<(usize, Vec<ProgramDescription>)>, Failure> {
        let mut found = Vec::new();
        let mut unknown = Vec::new();
        for &binary in wanted {
            let known =
                self.binaries.get(binary).and_then(|sources| record::fresh(self.workspace, sources, self.options));
            match known {
                Some(known) => found.push((binary, known.into_iter().map(|artifact| artifact.description).collect())),
                None => unknown.push(binary),
            }
        }
        if !unknown.is_empty() {
            let built = self.build(&Toolchain::native(), &unknown)?;
            found.extend(built.into_iter().map(|(binary, built)| (binary, built.descriptions)));
        }
        Ok(found)
    }

    fn list(&self, wanted: &[usize]) -> String {
        let programs = wanted.iter().filter_map(|&binary| self.compiled.get(binary)).flatten();
        let names: Vec<&str> = programs.map(|(program, _)| program.name.as_str()).collect();
        if names.len() > 8 { format!("{} programs", names.len()) } else { names.join(", ") }
    }

    /// Returns the `.hf` files of a binary's programs.
    fn files(&self, binary: usize) -> Vec<PathBuf> {
        let files = self.compiled.get(binary).into_iter().flatten().flat_map(|(_, compilation)| &compilation.files);
        files.filter_map(|file| library::path(self.workspace, file)).collect()
    }

    /// Keeps an executable under its content's name, so that the next build cannot change it under a running service. There are no descriptions of what
    /// does not run here.
    fn keep(
        &self,
        binary: usize,
        executables: &BTreeMap<String, PathBuf>,
        toolchain: &Toolchain,
    ) -> Result<Built, Failure> {
        let (Some(programs), Some(laid)) = (self.compiled.get(binary), self.crates.binaries.get(binary)) else {
            return Err(Failure::new(ExitCode::BuildFailed, "internal error: a binary that was not laid out"));
        };
        let executable = executables
            .get(&laid.name)
            .ok_or_else(|| Failure::new(ExitCode::BuildFailed, format!("cargo made no program of `{}`", laid.shown)))?;
        let shown = programs.first().map(|(program, _)| program.source.name()).unwrap_or_default();
        let failed = |error: std::io::Error| {
            Failure::new(ExitCode::BuildFailed, format!("cannot keep the program of `{shown}`")).cause(error)
        };
        let names: Vec<&str> = programs.iter().map(|(program, _)| program.name.as_str()).collect();
        let hash = hash_file(executable).ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
        let folder = match &toolchain.target {
            Some(target) => format!("{}-{}", &hash[..16], target.triple),
            None => hash[..16].to_owned(),
        };
        let kept =
            self.workspace.target().join("hydro").join("artifacts").join(folder).join(file_name(&names.join("+")));
        if !kept.is_file() {
            copy(executable, &kept).map_err(failed)?;
        }
        let descriptions = describe::describe(self.workspace, &kept, shown, toolchain.target.as_ref())?;
        if !descriptions.is_empty() && descriptions.len() != programs.len() {
            let message =
                format!("the binary of `{shown}` holds {} programs, not {}", descriptions.len(), programs.len());
            return Err(Failure::new(ExitCode::BuildFailed, message).cause("internal error: please report it"));
        }
        let glibc = std::fs::read(&kept).ok().and_then(|bytes| elf::glibc_need(&bytes));
        Ok(Built { executable: executable.clone(), kept, hash, glibc, descriptions })
    }
}

fn copy(executable: &Path, kept: &Path) -> std::io::Result<()> {
    let folder = kept.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let part = tempfile::NamedTempFile::new_in(folder)?;
    std::fs::copy(executable, part.path())?;
    // The file must be closed before it can be executed.
    part.into_temp_path().persist(kept).map_err(|error| error.error)
}

fn dep_info(executable: &Path) -> PathBuf {
    let mut name = executable.as_os_str().to_owned();
    name.push(".d");
    PathBuf::from(name)
}

/// The names of many programs are shortened to what a file may be called.
fn file_name(names: &str) -> String {
    const LONGEST: usize = 60;
    names.chars().take(LONGEST).collect()
}
