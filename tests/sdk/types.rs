//! The Python package and all scripts of ours, as mypy sees them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{command, repository, shared_target};

/// What is installed where there is none.
const MYPY: &str = "mypy>=1.11,<3";

/// Returns a python3 that has mypy; none: it cannot be installed here.
fn python() -> Option<PathBuf> {
    let has_mypy = |python: &Path| {
        let output = command(python).args(["-m", "mypy", "--version"]).output();
        output.is_ok_and(|output| output.status.success())
    };
    let system = PathBuf::from("python3");
    if has_mypy(&system) {
        return Some(system);
    }
    let folder = shared_target().join("mypy");
    let own = folder.join("bin/python3");
    if !has_mypy(&own) {
        // Without a network it stays away; whether that matters, the caller decides.
        let _ = command(&system).args(["-m", "venv"]).arg(&folder).output();
        let _ = command(&own).args(["-m", "pip", "install", "--quiet", MYPY]).output();
    }
    Some(own).filter(|own| has_mypy(own))
}

/// Finds scripts below a folder, without what is built.
fn scripts(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && name != "target" => scripts(&path, found),
            Ok(kind) if kind.is_file() && name.ends_with(".hydro.py") => found.push(path),
            _ => {}
        }
    }
}

/// Whether a folder holds Python that is no script.
fn has_modules(folder: &Path) -> bool {
    let names = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .any(|name| name.ends_with(".py") && !name.ends_with(".hydro.py"))
}

/// Runs mypy over the package, or over scripts, each under a name of its own: to mypy two files of one name are one module.
fn check(python: &Path, flags: &[&str], files: &[PathBuf]) {
    let folder = tempfile::tempdir().expect("can be made");
    let package = repository().join("cargo-hydro/sdk/python");
    let mut call = command(python);
    call.args(["-m", "mypy", "--cache-dir"]).arg(shared_target().join("mypy-cache")).args(flags);
    for file in files {
        let inside = file.strip_prefix(repository()).expect("is ours").to_string_lossy();
        let stem = inside.strip_suffix(".hydro.py").expect("is a script");
        let copy = folder.path().join(format!("{}.py", stem.replace(|c: char| !c.is_alphanumeric(), "_")));
        fs::copy(file, &copy).expect("can be copied");
        call.arg(copy);
    }
    if files.is_empty() {
        call.arg(package.join("hydro"));
    }
    // What scripts import lies beside them, or beside the example whose tests they are.
    let folders = files.iter().flat_map(|file| file.ancestors().skip(1).take(2));
    let beside: BTreeSet<&Path> = folders.filter(|folder| has_modules(folder)).collect();
    let places = std::env::join_paths([package.as_path()].into_iter().chain(beside)).expect("no `:` is in them");
    let output = call.env("MYPYPATH", places).output().expect("runs");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that is left out says so")]
fn mypy_finds_nothing_in_the_package_and_in_scripts() {
    let Some(python) = python() else {
        assert!(std::env::var_os("CI").is_none(), "mypy is not installed, and must be where CI is set");
        println!("skipped: mypy is neither installed nor can it be");
        return;
    };
    check(&python, &["--strict"], &[]);
    let (mut shown, mut features) = (Vec::new(), Vec::new());
    scripts(&repository().join("examples"), &mut shown);
    scripts(&repository().join("benches"), &mut shown);
    assert!(shown.len() >= 8, "{shown:?}");
    check(&python, &["--strict"], &shown);
    scripts(&repository().join("tests/sdk/features"), &mut features);
    check(&python, &["--check-untyped-defs"], &features);
}
