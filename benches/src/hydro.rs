//! The command under test: the one that is named, or the one of this checkout, built for release.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::flags::Flags;

/// Returns the folder of the benchmarks in this checkout.
pub fn benches_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns `--hydro PATH`, or builds the command of this checkout.
///
/// # Errors
/// There is no such file, or it cannot be built.
pub fn command(flags: &Flags) -> Result<PathBuf, String> {
    let given: String = flags.value("--hydro", String::new())?;
    if !given.is_empty() {
        return Path::new(&given).canonicalize().map_err(|error| format!("cannot find `{given}`: {error}"));
    }
    let root = benches_folder().parent().unwrap_or(benches_folder());
    eprintln!("building `hydro` for release; `--hydro PATH` names one that is built already");
    let status = cargo(root).args(["build", "--release", "--quiet", "-p", "cargo-hydro", "--bin", "hydro"]).status();
    match status {
        Ok(status) if status.success() => Ok(root.join("target/release/hydro")),
        Ok(status) => Err(format!("cargo cannot build `hydro`: {status}")),
        Err(error) => Err(format!("cannot run cargo: {error}")),
    }
}

/// Returns a call of cargo in a folder, without what the cargo that runs a benchmark says to its own children.
pub fn cargo(folder: &Path) -> Command {
    let mut command = Command::new("cargo");
    clean(command.current_dir(folder));
    command
}

/// Takes away what cargo tells the programs it runs: the children are to behave as when a user calls them.
pub fn clean(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let of_cargo = name.to_string_lossy().starts_with("CARGO_") && name != "CARGO_HOME";
        if of_cargo || name == "CARGO" || name == "LD_LIBRARY_PATH" || name == "RUSTUP_TOOLCHAIN" {
            command.env_remove(name);
        }
    }
}
