//! An ordinary Rust program that drives a module itself: cargo builds it by its build script, without the command.

use crate::support::{Hydro, Workspace, repository};

/// Lays a copy of the example, whose dependencies lie in the repository and have the versions of its lock file.
fn example(name: &str) -> Workspace {
    let workspace = Workspace::copy(name, &repository().join("examples/embed"));
    let root = repository().display().to_string();
    let manifest = workspace.read("Cargo.toml");
    assert!(manifest.contains("\"../../"), "{manifest}");
    workspace.write("Cargo.toml", &manifest.replace("\"../../", &format!("\"{root}/")));
    let lock = std::fs::read_to_string(repository().join("Cargo.lock")).expect("the repository has a lock file");
    workspace.write("Cargo.lock", &lock);
    workspace
}

fn cargo(workspace: &Workspace, command: &str) -> Hydro {
    Hydro::named("cargo").arguments([command, "--quiet"]).directory(workspace.root())
}

#[test]
fn a_program_with_a_module_in_it_builds_and_runs() {
    let output = cargo(&example("embed"), "run").run().exits(0);
    let expected = "the fish and the bird: [(\"the\", 1), (\"fish\", 1), (\"and\", 1), (\"the\", 2), (\"bird\", 1)]\n\
                    A bird is a bird: [(\"bird\", 2), (\"bird\", 3)]\n";
    assert_eq!(output.stdout, expected, "{output}");
}

#[test]
fn what_is_wrong_with_the_module_is_told_at_its_line_by_cargo() {
    let workspace = example("embed-wrong");
    let right = workspace.read("src/words.hf");
    let line = right.lines().position(|line| line.contains("-> filter(")).expect("the module filters") + 1;
    workspace.write("src/words.hf", &right.replace("-> filter(", "-> filtre("));
    let place = format!(" --> src/words.hf:{line}:12");
    let output = cargo(&workspace, "check").run().exits(101);
    output.says(&["error[HF0108]: unknown operator `filtre`", &place, "help: a similar operator exists: `filter`"]);
    // The next build sees the change.
    workspace.write("src/words.hf", &right);
    cargo(&workspace, "check").run().exits(0);
}
