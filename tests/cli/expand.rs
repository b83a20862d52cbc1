//! `expand`: the product of each stage as it is, and the crate that compiles on its own.

use crate::support::{Hydro, Workspace, assert_golden, command, redact, shared_target};

const MANIFEST: &str =
    "[workspace]\nresolver = \"3\"\n\n[package]\nname = \"expanded\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
const SERVER: &str = "use std::net::SocketAddr;

/// Answers with how often it was asked.
module main(
    /// Questions.
    input questions: (String, SocketAddr),
    output answers: (u64, SocketAddr),
    /// The first answer.
    param start: u64 = 1
) {
    questions
        -> enumerate()
        -> map(|(i, (_, from)): (u64, _)| (start + i, from))
        -> answers;
}
";
const CLIENT: &str = "module main(input answers: u64, output questions: String) {
    source_iter([\"how often?\".to_owned()]) -> questions;
    answers -> for_each(|answer| println!(\"{answer}\"));
}
";
const TOML: &str = "[deployment]
name = \"questions\"

[services.server]
src = \"src/server.hf\"
count = 2
params = { start = 7 }

[services.client]
src = \"src/client.hf\"

[[links]]
from = \"client.questions\"
to = \"server.questions\"
policy = \"round_robin\"

[[links]]
from = \"server.answers\"
to = \"client.answers\"
";

fn workspace(name: &str) -> Workspace {
    let files = [
        ("Cargo.toml", MANIFEST),
        ("Hydro.toml", TOML),
        ("src/lib.rs", "//! Nothing.\n"),
        ("src/server.hf", SERVER),
        ("src/client.hf", CLIENT),
    ];
    Workspace::new(name, &files)
}

fn expand(workspace: &Workspace, stage: &str, file: &[&str]) -> String {
    let output = workspace.hydro(["expand", "--stage", stage].into_iter().chain(file.iter().copied())).run().exits(0);
    assert_eq!(output.stderr, "");
    redact(&output.stdout, workspace.root())
}

#[test]
fn each_stage_is_printed() {
    let workspace = workspace("expand");
    assert_golden("cli/expand/server.ast", &expand(&workspace, "ast", &["src/server.hf"]));
    assert_golden("cli/expand/server.crate", &expand(&workspace, "crate", &["src/server.hf"]));
    assert_golden("cli/expand/plan.json", &expand(&workspace, "plan", &[]));
    let graph = expand(&workspace, "graph", &["src/server.hf"]);
    let graph: serde_json::Value = serde_json::from_str(&graph).expect("is JSON");
    assert_golden("cli/expand/server.graph.json", &serde_json::to_string_pretty(&graph).expect("can be written"));
    assert_eq!(
        expand(&workspace, "crate", &["src/server.hf"]),
        expand(&workspace, "crate", &["src/server.hf"]),
        "same input, same text"
    );
    workspace.hydro(["expand", "--stage", "ast"]).run().exits(1).says(&["which program?", "hint: name the `.hf` file"]);
    workspace.hydro(["expand", "src/none.hf"]).run().exits(101).says(&["cannot read `src/none.hf`"]);
}

#[test]
fn the_crate_compiles_on_its_own() {
    let workspace = workspace("expand-alone");
    workspace.remove("alone");
    workspace.hydro(["expand", "src/server.hf", "-o", "alone"]).run().exits(0).says(&["Wrote a crate to"]);
    // Both forms are the same text: the manifest is a comment in front.
    let printed = workspace.hydro(["expand", "src/server.hf"]).run().exits(0).stdout;
    let (manifest, main) = printed.split_once("\n\n").expect("has two parts");
    let manifest: Vec<&str> = manifest.lines().skip(1).map(|line| line.trim_start_matches("//").trim_start()).collect();
    assert_eq!(manifest.join("\n").trim_end(), workspace.read("alone/Cargo.toml").trim_end());
    assert_eq!(main, workspace.read("alone/src/main.rs"));
    let mut cargo = command("cargo");
    cargo.args(["build", "--quiet"]).current_dir(workspace.path("alone")).env("CARGO_TARGET_DIR", shared_target());
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let help = Hydro::named(shared_target().join("debug/server")).arguments(["--help"]).run().exits(0);
    help.prints(&["questions: (String, SocketAddr)", "--start <u64>"]);
}
