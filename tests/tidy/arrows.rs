//! Who may use whom: between the crates, and between the rooms of the command.

use super::sources::{Source, assert_none, sources};

/// The rooms of the command: each may use those behind it.
const ROOMS: [&str; 11] =
    ["cli", "test", "script", "daemon", "deploy", "machine", "build", "workspace", "supervision", "report", "sys"];

#[test]
fn rooms_use_only_rooms_behind_them() {
    let mut complaints = Vec::new();
    for (at, room) in ROOMS.iter().enumerate() {
        for source in sources(&[&format!("cargo-hydro/src/{room}")]) {
            for (line, code) in source.code() {
                let used = code.split("crate::").skip(1).map(first_word).filter(|word| !word.is_empty());
                let grouped =
                    code.strip_prefix("use crate::{").into_iter().flat_map(|group| group.split(", ").map(first_word));
                for other in used.chain(grouped).filter(|word| ROOMS.contains(word)) {
                    if ROOMS[..at].contains(&other) {
                        complaints.push(source.complaint(line, &format!("`{room}` must not use `{other}`")));
                    }
                }
            }
        }
    }
    assert_none(&complaints);
}

fn first_word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

/// Complains of every line of code that holds one of the words.
fn forbid(sources: &[Source], words: &[&str], why: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        for (line, code) in source.code() {
            for word in words.iter().filter(|word| code.contains(**word)) {
                complaints.push(source.complaint(line, &format!("`{word}`: {why}")));
            }
        }
    }
    complaints
}

#[test]
fn the_language_is_pure() {
    let language = sources(&["hydroflow_standalone/src"]);
    let why = "text in, text and diagnostics out";
    // What it writes names these too, but from the root (`::std::process`).
    let words =
        [" std::fs::", "(std::fs::", " std::env::", "(std::env::", " std::process::", "tokio", "cargo_metadata"];
    assert_none(&forbid(&language, &words, why));
    let mut complaints = Vec::new();
    for source in &language {
        for (line, code) in source.code() {
            let used =
                ["fs", "env", "process", "net"].iter().find(|name| code.starts_with(&format!("use std::{name}")));
            complaints.extend(used.map(|name| source.complaint(line, &format!("`std::{name}`: {why}"))));
        }
    }
    assert_none(&complaints);
}

#[test]
fn only_the_graph_stage_names_the_dataflow_compiler() {
    let others: Vec<Source> = sources(&[
        "hydroflow_standalone/src",
        "cargo-hydro/src",
        "hydro_runtime_shim/src",
        "hydro_runtime_shim/macros",
    ])
    .into_iter()
    .filter(|source| !source.path.starts_with("hydroflow_standalone/src/graph"))
    .collect();
    assert_none(&forbid(&others, &["hydroflow_lang::", "dfir_lang::"], "its next release is to be one folder's work"));
}

#[test]
fn the_shim_knows_neither_other_crate() {
    let shim = sources(&["hydro_runtime_shim/src", "hydro_runtime_shim/macros/src"]);
    assert_none(&forbid(&shim, &["cargo_hydro", "hydroflow_standalone"], "every program carries the shim"));
    let manifest =
        std::fs::read_to_string(crate::support::repository().join("hydro_runtime_shim/Cargo.toml")).expect("is there");
    for heavy in ["cargo-hydro", "hydroflow_standalone", "syn", "clap"] {
        assert!(!manifest.lines().any(|line| line.starts_with(heavy)), "the shim depends on `{heavy}`");
    }
}

#[test]
fn the_client_of_google_cloud_knows_no_deployment_and_one_room_knows_it() {
    let client = sources(&["hydro_gcp/src"]);
    let others = ["cargo_hydro", "hydroflow_standalone", "hydro_runtime_shim"];
    let mut complaints = forbid(&client, &others, "it serves machines, not deployments");
    let command = sources(&["cargo-hydro/src"]).into_iter();
    let others: Vec<Source> =
        command.filter(|source| !source.path.starts_with("cargo-hydro/src/machine/gcp")).collect();
    complaints.extend(forbid(&others, &["hydro_gcp::"], "`machine/gcp` speaks with Google Cloud"));
    assert_none(&complaints);
}

#[test]
fn of_the_shim_the_command_uses_the_contract_alone() {
    let mut complaints = Vec::new();
    for source in sources(&["cargo-hydro/src"]) {
        for (line, code) in source.code() {
            let uses = code.split("hydro_runtime_shim::").skip(1).map(first_word);
            complaints.extend(
                uses.filter(|word| *word != "contract" && !word.is_empty() && !code.contains('"'))
                    .map(|word| source.complaint(line, &format!("`hydro_runtime_shim::{word}`"))),
            );
        }
    }
    assert_none(&complaints);
}
