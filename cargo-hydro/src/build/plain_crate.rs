//! A program as a plain crate: ordinary Rust and an ordinary manifest, which compile without this command.

use std::path::Path;

use hydroflow_standalone::Compilation;
use toml::{Table, Value};

use super::manifest::package_manifest;
use super::program::Program;
use super::runtime;
use crate::report::{ExitCode, Failure};
use crate::workspace::Workspace;

/// A crate as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainCrate {
    /// `Cargo.toml`.
    pub manifest: String,
    /// `src/main.rs`.
    pub main: String,
}

/// Makes a plain crate of a compiled program.
///
/// # Errors
/// The program's text is missing, or the runtime shim it depends on cannot be written.
pub fn plain_crate(workspace: &Workspace, program: &Program, compilation: &Compilation) -> Result<PlainCrate, Failure> {
    let main = compilation.plain.clone();
    let main = main.ok_or_else(|| {
        Failure::new(
            ExitCode::BuildFailed,
            format!("internal error: `{}` cannot be printed as Rust", program.source.name()),
        )
    })?;
    let shim = runtime::provide(workspace.target())?;
    let bin = (program.name.clone(), Path::new("src").join("main.rs").to_string_lossy().into_owned());
    let mut manifest = package_manifest(&program.package, &[], &[bin], (&shim, false));
    manifest.insert("workspace".into(), Value::Table(Table::new()));
    Ok(PlainCrate { manifest: manifest.to_string(), main })
}

impl PlainCrate {
    /// Returns both files as one Rust text: the manifest stands in front as a comment.
    #[must_use]
    pub fn as_one_text(&self) -> String {
        let manifest: String =
            self.manifest.lines().map(|line| format!("// {line}").trim_end().to_owned() + "\n").collect();
        format!("// Cargo.toml of this crate (`--out-dir DIRECTORY` writes both files):\n{manifest}\n{}", self.main)
    }
}
