//! Edits: what changes is built again, what does not is not, and an error does not stay.

use std::path::PathBuf;

use crate::support::{Hydro, Output, Workspace};

const MANIFEST: &str = "[workspace]\nresolver = \"3\"\n\n[package]\nname = \"edited\"\nedition = \"2024\"\n";

fn program(answer: &str) -> String {
    format!(
        "module main() {{\n    source_iter([1_u64])\n        -> map(|i| i + {answer})\n        -> for_each(|answer| {{\n            println!(\"{{answer}} {{}}\", edited::WORD);\n            std::process::exit(0);\n        }});\n}}\n"
    )
}

fn build(workspace: &Workspace) -> Output {
    workspace.hydro(["build", "--message-format", "json"]).run()
}

fn answer(output: &Output, name: &str) -> String {
    Hydro::named(output.executable(&format!("src/{name}.hf"))).run().exits(0).stdout
}

/// Returns the sources that had to be built.
fn stale(output: &Output) -> Vec<String> {
    let artifacts = output.events_of("artifact").into_iter().filter(|artifact| artifact["fresh"] == false);
    artifacts.map(|artifact| artifact["source"].as_str().expect("is text").to_owned()).collect()
}

#[test]
fn an_edit_builds_its_program_and_no_other() {
    let (one, two) = (program("1"), program("2"));
    let library = "//! A word.\n\n/// The word.\npub const WORD: &str = \"apples\";\n";
    let workspace = Workspace::new(
        "edited",
        &[("Cargo.toml", MANIFEST), ("src/lib.rs", library), ("src/one.hf", &one), ("src/two.hf", &two)],
    );
    let first = build(&workspace).exits(0);
    assert_eq!((answer(&first, "one"), answer(&first, "two")), ("2 apples\n".to_owned(), "3 apples\n".to_owned()));

    workspace.write("src/one.hf", &program("40"));
    let edited = build(&workspace).exits(0);
    assert_eq!(stale(&edited), ["src/one.hf"]);
    assert_eq!(answer(&edited, "one"), "41 apples\n");
    assert_eq!(answer(&first, "one"), "2 apples\n", "what was built before stays for whoever runs it");

    workspace.write("src/one.hf", &program("\"forty\""));
    let wrong = build(&workspace).exits(101);
    assert!(
        wrong.events_of("diagnostic").iter().any(|event| event["message"]["spans"][0]["line_start"] == 3),
        "{wrong}"
    );
    assert_eq!(
        build(&workspace).exits(101).events_of("diagnostic").len(),
        wrong.events_of("diagnostic").len(),
        "the error stays until it is mended"
    );

    workspace.write("src/one.hf", &program("1"));
    let mended = build(&workspace).exits(0);
    assert_eq!(answer(&mended, "one"), "2 apples\n");
    assert_eq!(stale(&build(&workspace).exits(0)), [""; 0]);

    workspace.write("src/lib.rs", &library.replace("apples", "pears"));
    let library_edited = build(&workspace).exits(0);
    assert_eq!(stale(&library_edited), ["src/one.hf", "src/two.hf"]);
    assert_eq!(answer(&library_edited, "two"), "3 pears\n");
}

#[test]
fn a_file_that_was_only_touched_is_not_built_again() {
    let workspace = Workspace::new(
        "touched",
        &[
            ("Cargo.toml", &MANIFEST.replace("edited", "touched")),
            ("src/lib.rs", "//! Nothing.\n"),
            ("src/one.hf", "module main() {\n    source_iter([1_u8]) -> null();\n}\n"),
        ],
    );
    build(&workspace).exits(0);
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    std::fs::File::options()
        .write(true)
        .open(workspace.path("src/one.hf"))
        .and_then(|file| file.set_modified(later))
        .expect("can be set");
    assert_eq!(stale(&build(&workspace).exits(0)), [""; 0]);
    // What was built may be taken away.
    let executable: PathBuf = build(&workspace).executable("src/one.hf");
    std::fs::remove_file(&executable).expect("is there");
    assert_eq!(stale(&build(&workspace).exits(0)), ["src/one.hf"]);
    assert!(executable.is_file());
}
