//! For build scripts: `.hf` text → Rust functions in `OUT_DIR`, for programs that drive a dataflow themselves.
//!
//! The one room of this crate that reads files and the environment, because a build script has nothing else. Nothing else here uses it.

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::diagnostic::Level;
use crate::graph::GraphOptions;
use crate::source::SourceFile;
use crate::{Library, Options, Products, compile_with};

/// Compiles an `.hf` file of this package from its build script. `src/flow.hf` becomes `OUT_DIR/flow.rs`, to be taken in by
///
/// ```text
/// mod flow {
///     include!(concat!(env!("OUT_DIR"), "/flow.rs"));
/// }
/// ```
///
/// It has a function for each module: its inputs are streams, its outputs sinks, its parameters values, and it returns the dataflow, to be run by its
/// `run`, `run_available` or `run_tick`. The package needs `hydro_runtime_shim` among its dependencies.
///
/// What is wrong with the file is told at its lines, and ends the build script with code 1.
pub fn build(path: impl AsRef<Path>) {
    let path = path.as_ref();
    if let Err(message) = try_build(path) {
        fail(&message);
    }
}

fn try_build(path: &Path) -> Result<(), String> {
    println_for_cargo(path);
    let text = fs::read_to_string(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
    let source = SourceFile::new(path.display().to_string(), text);
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let graph = GraphOptions { type_guards: env::var_os("PROFILE").is_some_and(|profile| profile != "release") };
    let options = Options { program: stem.clone(), graph, products: Products::Embedded, root: String::new() };
    let outcome = compile_with(&source, &Alone, &options);
    let rendered: Vec<String> =
        outcome.diagnostics.iter().map(|found| found.render_in(&outcome.sources, false)).collect();
    let Some(embedded) = outcome.compilation.and_then(|compilation| compilation.embedded) else {
        return Err(format!("`{}` has errors\n\n{}", path.display(), rendered.join("\n\n")));
    };
    for (diagnostic, text) in outcome.diagnostics.iter().zip(&rendered) {
        if diagnostic.level == Level::Warning {
            text.lines().for_each(warn_for_cargo);
        }
    }
    let folder = env::var_os("OUT_DIR").map(PathBuf::from).ok_or("`OUT_DIR` is not set: this is for build scripts")?;
    let place = folder.join(format!("{stem}.rs"));
    fs::write(&place, embedded).map_err(|error| format!("cannot write `{}`: {error}", place.display()))
}

#[expect(
    clippy::print_stderr,
    clippy::exit,
    clippy::disallowed_methods,
    reason = "a build script fails by its exit code, and cargo shows what it wrote"
)]
fn fail(message: &str) -> ! {
    eprintln!("{message}");
    std::process::exit(1)
}

#[expect(clippy::print_stdout, reason = "a build script talks to cargo by its output")]
fn println_for_cargo(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}

#[expect(clippy::print_stdout, reason = "a build script talks to cargo by its output")]
fn warn_for_cargo(line: &str) {
    println!("cargo::warning={line}");
}

/// A build script makes one Rust file of one `.hf` file; where that will be taken in it does not know, so nothing could refer to other files' items.
struct Alone;

impl Library for Alone {
    fn beside(&self, _file: &str, name: &str) -> Result<SourceFile, String> {
        Err(format!("a build script takes one file; the modules of `{name}` must stand in it"))
    }

    fn in_package(&self, package: &str, _name: &str) -> Result<SourceFile, String> {
        Err(format!("a build script takes one file; the modules of `{package}` can be used by `cargo hydro`"))
    }
}
