//! `.hf` files of the workspace: finding them, reading their headers, compiling them with everything that is wrong reported.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use hydroflow_standalone::diagnostic::{Diagnostic, Level, has_errors};
use hydroflow_standalone::graph::{Graph, GraphOptions};
use hydroflow_standalone::interface::ModuleInterface;
use hydroflow_standalone::source::{SourceFile, SourceMap};
use hydroflow_standalone::{Compilation, Options, Outcome, Products, compile_with, drawings, interfaces};

use super::library::WorkspaceLibrary;
use super::record;
use crate::report::{ExitCode, Failure, Reporter, diagnostic_event, diagnostic_rendered};
use crate::workspace::{Package, Workspace};

/// How files end that are sources wherever they lie in a package.
pub const SOURCES: [&str; 2] = ["hf", "rs"];

/// An `.hf` file that has been read.
#[derive(Clone, Debug)]
pub struct Program {
    /// The file, absolute.
    pub path: PathBuf,
    /// The program's name: the file's stem.
    pub name: String,
    /// Its text, under the name users see.
    pub source: SourceFile,
    /// The package that holds it.
    pub package: Package,
    /// The Rust module that it becomes a part of, where several programs become one binary; empty: the crate's root.
    pub(super) root: String,
}

/// Finds all `.hf` files under the `src` folders of the workspace's packages, in order.
#[must_use]
pub fn find_programs(workspace: &Workspace, packages: &[String]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for package in workspace.packages() {
        if packages.is_empty() || packages.contains(&package.name) {
            collect(&package.folder.join("src"), &["hf"], &mut found);
        }
    }
    found.sort();
    found
}

/// Returns all that a build of these programs may depend on: what the last good ones were made of, and all sources of the workspace's packages,
/// for a build that failed does not tell what it was missing.
#[must_use]
pub fn inputs(workspace: &Workspace, programs: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut found = Vec::from(programs);
    for package in workspace.packages() {
        found.extend(["Cargo.toml", "build.rs"].map(|name| package.folder.join(name)));
        collect(&package.folder.join("src"), &SOURCES, &mut found);
    }
    found.extend(["Cargo.toml", "Cargo.lock"].map(|name| workspace.root().join(name)));
    let mut found: BTreeSet<PathBuf> = found.into_iter().collect();
    found.extend(record::inputs(workspace, programs));
    found
}

fn collect(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        // A link may lead back to where we are; links to folders are not followed.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&path, endings, found);
        } else if path.extension().and_then(OsStr::to_str).is_some_and(|ending| endings.contains(&ending)) {
            found.push(path);
        }
    }
}

/// Reads an `.hf` file and finds the package it belongs to.
///
/// # Errors
/// The file cannot be read, is no UTF-8 text, or belongs to no package of the workspace.
pub fn read_program(workspace: &Workspace, path: &Path) -> Result<Program, Failure> {
    let shown = workspace.relative(path).display().to_string();
    let failed = |message: String| Failure::new(ExitCode::BuildFailed, message);
    let absolute = path.canonicalize().map_err(|error| {
        failed(format!("cannot read `{shown}`")).cause(error).hint("a program's `src` is a path to an `.hf` file")
    })?;
    let bytes = std::fs::read(&absolute).map_err(|error| failed(format!("cannot read `{shown}`")).cause(error))?;
    let text = String::from_utf8(bytes).map_err(|error| no_text(&shown, &error))?;
    let root = workspace.root().canonicalize().unwrap_or_else(|_| workspace.root().to_owned());
    let name_for_users = absolute.strip_prefix(&root).unwrap_or(&absolute).display().to_string();
    let Some(package) = workspace.package_of(&absolute).cloned() else {
        return Err(failed(format!(
            "`{name_for_users}` belongs to no package of the workspace `{}`",
            workspace.root().display()
        ))
        .hint("put it into the `src` folder of a package; its dependencies are the program's"));
    };
    let name = absolute.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let source = SourceFile::new(name_for_users, text);
    Ok(Program { name, source, package, path: absolute, root: String::new() })
}

/// Tells where a file stops being text; what cannot be read is shown as `�`.
fn no_text(shown: &str, error: &FromUtf8Error) -> Failure {
    let start = error.utf8_error().valid_up_to();
    let source = SourceFile::new(shown, String::from_utf8_lossy(error.as_bytes()));
    let found = Diagnostic::error("HF0007", "these bytes are no UTF-8", start..start + '\u{fffd}'.len_utf8())
        .label("no text")
        .hint("save the file as UTF-8");
    Failure::new(ExitCode::BuildFailed, format!("`{shown}` is no UTF-8 text")).rendered(diagnostic_rendered(
        &found,
        &SourceMap::new(source),
        false,
    ))
}

/// Returns the name of the package that holds an `.hf` file; empty: none does, which building it tells.
#[must_use]
pub fn package_name(workspace: &Workspace, path: &Path) -> String {
    let absolute = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    workspace.package_of(&absolute).map(|package| package.name.clone()).unwrap_or_default()
}

/// Reads the header of an `.hf` file's `main` module; no cargo, no rustc.
///
/// # Errors
/// The file cannot be read, or its syntax is wrong (then with rendered diagnostics).
pub fn interface(workspace: &Workspace, source: &Path) -> Result<ModuleInterface, Failure> {
    let program = read_program(workspace, source)?;
    let (modules, diagnostics) = interfaces(&program.source);
    let name = program.source.name();
    if has_errors(&diagnostics) {
        let failure = Failure::new(ExitCode::BuildFailed, format!("`{name}` has errors"));
        let sources = SourceMap::new(program.source.clone());
        return Err(diagnostics
            .iter()
            .fold(failure, |failure, found| failure.rendered(diagnostic_rendered(found, &sources, false))));
    }
    modules.into_iter().find(|module| module.name == "main").ok_or_else(|| {
        Failure::new(ExitCode::BuildFailed, format!("`{name}` has no `module main`"))
            .hint("the module called `main` is the program")
    })
}

impl Program {
    /// Compiles the file to Rust text.
    fn compile(&self, workspace: &Workspace, products: Products, release: bool) -> Outcome {
        // Type guards give better errors and cost build time; a release build is made of what was checked before.
        let graph = GraphOptions { type_guards: !release };
        let options = Options { program: self.name.clone(), graph, products, root: self.root.clone() };
        compile_with(&self.source, &WorkspaceLibrary { workspace }, &options)
    }
}

/// Compiles programs to Rust text, as many at once as there are processors. The outcomes stand in the order of the programs.
pub(super) fn outcomes(programs: &[Program], workspace: &Workspace, products: Products, release: bool) -> Vec<Outcome> {
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(programs.len());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let at = next.fetch_add(1, Ordering::Relaxed)
            && let Some(program) = programs.get(at)
        {
            done.push((at, program.compile(workspace, products, release)));
        }
        done
    };
    let mut outcomes: Vec<(usize, Outcome)> = thread::scope(|scope| {
        let started: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        started.into_iter().flat_map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    outcomes.sort_by_key(|(at, _)| *at);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Tells everything that is wrong; none: there were errors.
pub(super) fn told(outcome: Outcome, reporter: &Reporter) -> Option<Compilation> {
    for diagnostic in &outcome.diagnostics {
        reporter.emit(&diagnostic_event(diagnostic, &outcome.sources, reporter.color()));
    }
    outcome.compilation
}

impl Program {
    /// Whether the file has a program, not only modules for others.
    pub(super) fn has_main(&self) -> bool {
        interfaces(&self.source).0.iter().any(|module| module.name == "main")
    }
}

/// Whether a file holds a program, not only modules for others. A file that cannot be read counts: building it tells why.
#[must_use]
pub fn is_program(workspace: &Workspace, path: &Path) -> bool {
    let Ok(program) = read_program(workspace, path) else { return true };
    let (modules, diagnostics) = interfaces(&program.source);
    has_errors(&diagnostics) || modules.iter().any(|module| module.name == "main")
}

/// Compiles one file for showing: all products, nothing built.
///
/// # Errors
/// The file cannot be read or has errors, which have been told.
pub fn show(workspace: &Workspace, path: &Path, reporter: &Reporter) -> Result<(Program, Compilation), Failure> {
    let program = read_program(workspace, path)?;
    let compilation = told(program.compile(workspace, Products::All, true), reporter);
    let name = program.source.name().to_owned();
    let compilation = compilation.ok_or_else(|| Failure::new(ExitCode::BuildFailed, format!("`{name}` has errors")))?;
    Ok((program, compilation))
}

/// A file for showing: what its modules declare, and the dataflow of those that compile.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The file.
    pub program: Program,
    /// The headers of its modules.
    pub modules: Vec<ModuleInterface>,
    /// The dataflow of its modules.
    pub graphs: Vec<Graph>,
}

/// Reads one file for drawings and documents; it need not be a program.
///
/// # Errors
/// The file cannot be read or has errors, which have been told.
pub fn picture(workspace: &Workspace, path: &Path, reporter: &Reporter) -> Result<Shown, Failure> {
    let program = read_program(workspace, path)?;
    let (modules, graphs, diagnostics, sources) = drawings(&program.source, &WorkspaceLibrary { workspace });
    for diagnostic in diagnostics.iter().filter(|diagnostic| diagnostic.level == Level::Error) {
        reporter.emit(&diagnostic_event(diagnostic, &sources, reporter.color()));
    }
    if has_errors(&diagnostics) {
        return Err(Failure::new(ExitCode::BuildFailed, format!("`{}` has errors", program.source.name())));
    }
    Ok(Shown { program, modules, graphs })
}
