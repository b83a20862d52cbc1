//! What is written about the code is there: linked files, and each example whole.

use std::path::{Path, PathBuf};

use super::sources::assert_none;
use crate::support::repository;

/// Returns the Markdown files of the repository's root and of `docs`.
fn documents() -> Vec<PathBuf> {
    let folders = [repository().to_owned(), repository().join("docs"), repository().join("benches")];
    let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let mut documents: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    documents.sort();
    documents
}

#[test]
fn links_of_documents_lead_somewhere() {
    let mut complaints = Vec::new();
    for document in documents() {
        let text = std::fs::read_to_string(&document).expect("is text");
        let folder = document.parent().unwrap_or(Path::new("."));
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let outside = link.is_empty() || link.contains("://") || link.starts_with("mailto:");
            if !outside && !folder.join(link).exists() {
                complaints.push(format!("{}: there is no `{link}`", document.display()));
            }
        }
    }
    assert_none(&complaints);
}

#[test]
fn paths_that_documents_name_are_there() {
    let mut complaints = Vec::new();
    for document in documents() {
        let text = std::fs::read_to_string(&document).expect("is text");
        for word in text.split(|c: char| c.is_whitespace() || matches!(c, '`' | '(' | ')' | ',' | '"')) {
            let word = word.trim_end_matches(['.', ':', ';']);
            let is_path = [
                "examples/",
                "templates/",
                "cargo-hydro/src/",
                "hydroflow_standalone/src/",
                "hydro_runtime_shim/src/",
                "tests/",
            ]
            .iter()
            .any(|start| word.starts_with(start));
            let is_pattern = word.contains(['*', '<', '{', '…', '|']) || word.chars().any(|c| c.is_ascii_uppercase());
            if is_path && !is_pattern && !repository().join(word).exists() && !word.contains(".hydro.") {
                complaints.push(format!("{}: there is no `{word}`", document.display()));
            }
        }
    }
    assert_none(&complaints);
}

#[test]
fn every_example_has_a_deployment_a_script_and_a_test() {
    for name in ["echo", "chat", "kvs", "paxos", "web"] {
        let folder = repository().join("examples").join(name);
        for file in [
            "Cargo.toml".to_owned(),
            "Hydro.toml".to_owned(),
            format!("{name}.hydro.py"),
            format!("tests/{name}.hydro.py"),
        ] {
            assert!(folder.join(&file).is_file(), "examples/{name} has no {file}");
        }
    }
}
