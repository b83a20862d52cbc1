//! The repository's Rust files, read once per test.

use std::path::{Path, PathBuf};

use crate::support::repository;

/// A Rust file of ours.
pub(super) struct Source {
    /// Its path, relative to the repository.
    pub(super) path: PathBuf,
    /// Its text.
    pub(super) text: String,
}

impl Source {
    /// Returns the lines that are code: their numbers from 1, and what stands in front of a comment.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().filter_map(|(at, line)| {
            let line = line.trim();
            let code = if line.starts_with("//") { "" } else { line.split(" // ").next().unwrap_or_default() };
            (!code.is_empty()).then_some((at + 1, code))
        })
    }

    /// Returns the complaint that stands at a line.
    pub(super) fn complaint(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path.display())
    }
}

/// Returns all files of these folders of the repository, in order. Folders that are not there yet have none.
pub(super) fn sources(folders: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    for folder in folders {
        collect(&repository().join(folder), &mut found);
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(!found.is_empty(), "no Rust file in {folders:?}");
    found
}

/// Returns all Rust files of the repository.
pub(super) fn all() -> Vec<Source> {
    sources(&[
        "cargo-hydro",
        "hydro_gcp",
        "hydroflow_standalone",
        "hydro_runtime_shim",
        "tests",
        "examples",
        "templates",
        "benches",
    ])
}

fn collect(folder: &Path, found: &mut Vec<Source>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let kind = entry.file_type().expect("is readable");
        if kind.is_dir() {
            if !matches!(entry.file_name().to_str(), Some("target")) {
                collect(&path, found);
            }
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("is text");
            let path = path.strip_prefix(repository()).expect("is inside").to_owned();
            found.push(Source { path, text });
        }
    }
}

/// Asserts that there is nothing to complain of.
#[track_caller]
pub(super) fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
