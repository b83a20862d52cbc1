//! Wrong programs and what is said of them: each `tests/ui/TOPIC/CASE.hf` has its golden `CASE.stderr` and its place in the tables here.
//!
//! `ours` are the errors that are found before cargo starts, `rustc` those that rustc finds, `odd` the texts that are made here since nobody
//! would want to open them. No output may name what lies between the user's text and the message.

mod odd;
mod ours;
mod rustc;

use std::path::Path;

use crate::support::{Workspace, repository, shared_target};

const MANIFEST: &str = r#"[workspace]
resolver = "3"

[package]
name = "ui"
version = "0.1.0"
edition = "2024"

[dependencies]
serde = { version = "1", features = ["derive"] }
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
";

/// Lays the wrong programs of one topic into a workspace of their own.
fn workspace(topic: &str) -> Workspace {
    let mut files = vec![("Cargo.toml".to_owned(), MANIFEST.to_owned()), ("src/lib.rs".to_owned(), LIBRARY.to_owned())];
    for case in cases(topic) {
        let text = std::fs::read_to_string(folder(topic).join(format!("{case}.hf"))).expect("is readable");
        files.push((format!("src/{case}.hf"), text));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    Workspace::new(&format!("ui-{topic}"), &files)
}

/// Returns the names of a topic's programs, in order.
fn cases(topic: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder(topic)).expect("is a folder");
    let paths = entries.map(|entry| entry.expect("is readable").path());
    let programs = paths.filter(|path| path.extension().is_some_and(|extension| extension == "hf"));
    let mut names: Vec<String> =
        programs.map(|path| path.file_stem().expect("has a name").to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn folder(topic: &str) -> std::path::PathBuf {
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
        ".expansion",
        "long-type",
        "hydro_runtime_shim/",
    ] {
        assert!(!text.contains(forbidden), "`{forbidden}` in\n{text}");
    }
}
