//! Wrong programs and what is said of them: each `tests/ui/TOPIC/CASE.hf` has its golden `CASE.stderr` and its place in the tables here.
//!
//! `ours` are the errors that are found before cargo starts, `rustc` those that rustc finds, `odd` the texts that are made here since nobody
//! would want to open them, `suggestions` what an editor can mend by itself. No output may name what lies between the user's text and the message.

mod odd;
mod ours;
mod rustc;
mod suggestions;

use std::path::{Path, PathBuf};

use crate::support::{Workspace, repository, shared_target};

const MANIFEST: &str = r#"[workspace]
resolver = "3"

[package]
name = "ui"
version = "0.1.0"
edition = "2024"

[dependencies]
serde = { version = "1", features = ["derive"] }
dfir_rs = { version = "=0.17.0-alpha.6", default-features = false }
"#;

const LIBRARY: &str = "//! Types for the wrong programs.

use serde::{Deserialize, Serialize};

/// A type that serde does not know.
pub struct Silent;

/// An answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Answer {
    /// Yes.
    Yes,
    /// No.
    No,
}

/// A type that cannot be copied, and keeps its number to itself.
#[derive(Debug)]
pub struct Ticket {
    number: u32,
}

impl Ticket {
    /// Makes one.
    pub fn new(number: u32) -> Self {
        Self { number }
    }

    /// Its number.
    pub fn number(&self) -> u32 {
        self.number
    }
}

/// A type that travels, but cannot be copied.
#[derive(Debug, Serialize, Deserialize)]
pub struct Parcel {
    /// In grams.
    pub weight: u32,
}

mod secrets {
    /// Not for others.
    #[allow(dead_code)]
    pub struct Key;
}
";

/// Lays the wrong programs of one topic into a workspace of their own.
fn workspace(topic: &str) -> Workspace {
    let mut files = vec![("Cargo.toml".to_owned(), MANIFEST.to_owned()), ("src/lib.rs".to_owned(), LIBRARY.to_owned())];
    let paths = programs(&folder(topic)).into_iter().chain(programs(&folder(topic).join("files")));
    for path in paths {
        let name = path.file_name().expect("has a name").to_string_lossy().into_owned();
        files.push((format!("src/{name}"), std::fs::read_to_string(&path).expect("is readable")));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    Workspace::new(&format!("ui-{topic}"), &files)
}

/// Returns the names of a topic's programs, in order.
fn cases(topic: &str) -> Vec<String> {
    let name = |path: PathBuf| path.file_stem().expect("has a name").to_string_lossy().into_owned();
    programs(&folder(topic)).into_iter().map(name).collect()
}

/// Returns the `.hf` files in a folder, in order; those that cases name by `mod x;` lie in one called `files`.
fn programs(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut programs: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "hf")).collect();
    programs.sort();
    programs
}

fn folder(topic: &str) -> PathBuf {
    repository().join("tests/ui").join(topic)
}

/// Asserts that each program stands in the table, and each row has its program.
#[track_caller]
fn assert_table_is_whole(topic: &str, table: &[(&str, &str)]) {
    let listed: Vec<&str> = table.iter().map(|(case, _)| *case).collect();
    assert_eq!(cases(topic), listed, "the table of tests/ui/{topic}");
}

/// Asserts that nothing is named that lies between the user's text and the message.
#[track_caller]
fn assert_names_nothing_generated(text: &str, root: &Path) {
    let text = text.replace(&*root.to_string_lossy(), "[ROOT]");
    let target = shared_target().to_string_lossy().into_owned();
    for forbidden in [
        target.as_str(),
        "target/hydro",
        "/gen-",
        "hf-ui",
        "hf_ui",
        "__hf",
        "__dfir",
        "check_input",
        "check_iter",
        "{closure#",
        "module_main",
        "program_",
        "accepted_by",
        "loc_nopath",
        ".expansion",
        "long-type",
        "hydro_runtime_shim/",
    ] {
        assert!(!text.contains(forbidden), "`{forbidden}` in\n{text}");
    }
}
