//! `build`: which programs, in which profile, and what is left alone.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Hydro, Workspace, programs, redact, scratch};

const MANIFEST: &str = "[workspace]\nresolver = \"3\"\nmembers = [\"one\", \"two\"]\n";
const PROGRAM: &str = "module main() {\n    source_iter([1_u8]) -> for_each(|_| std::process::exit(0));\n}\n";

/// A `cargo` that fails, and leaves word that it was called.
fn broken_cargo() -> std::path::PathBuf {
    let folder =
        Workspace::new("broken-cargo", &[("cargo", "#!/bin/sh\necho \"the stub was called: $*\" >&2\nexit 77\n")]);
    let file = folder.path("cargo");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("can be set");
    file
}

#[test]
fn with_nothing_changed_cargo_is_not_started() {
    let workspace = programs().workspace();
    let with_stub = |call: Hydro| call.env("CARGO", broken_cargo());
    let output = with_stub(workspace.hydro(["build", "--message-format", "json"])).run().exits(0);
    let artifacts = output.events_of("artifact");
    assert!(artifacts.len() >= 10 && artifacts.iter().all(|artifact| artifact["fresh"] == true), "{output}");
    let told = with_stub(workspace.hydro(["build"])).run().exits(0).stderr;
    assert_eq!(redact(&told, workspace.root()), "", "nothing was done, so nothing is told");
    let server = "module main() {\n    source_iter([1_u8]) -> null();\n}\n";
    workspace.write("new_one.hf", server);
    // The stub is there indeed.
    let output = with_stub(workspace.hydro(["build", "new_one.hf"])).run().exits(101);
    workspace.remove("new_one.hf");
    output.says(&["the stub was called: build"]);
}

#[test]
fn packages_and_files_choose_the_programs() {
    let manifest = |name: &str| format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n");
    let (one, two) = (manifest("choose-one"), manifest("choose-two"));
    let workspace = Workspace::new(
        "choose",
        &[
            ("Cargo.toml", MANIFEST),
            ("one/Cargo.toml", &one),
            ("one/src/lib.rs", ""),
            ("one/src/a.hf", PROGRAM),
            ("two/Cargo.toml", &two),
            ("two/src/lib.rs", ""),
            ("two/src/b.hf", PROGRAM),
            ("two/src/only_modules.hf", "module helper(input numbers: u8) {\n    numbers -> null();\n}\n"),
        ],
    );
    let built = |arguments: &[&str]| -> Vec<String> {
        let output = workspace.hydro(arguments.iter().copied().chain(["--message-format", "json"])).run().exits(0);
        output
            .events_of("artifact")
            .iter()
            .map(|artifact| artifact["source"].as_str().expect("is text").to_owned())
            .collect()
    };
    assert_eq!(built(&["build"]), ["one/src/a.hf", "two/src/b.hf"]);
    assert_eq!(built(&["build", "-p", "choose-two"]), ["two/src/b.hf"]);
    assert_eq!(built(&["build", "one/src/a.hf"]), ["one/src/a.hf"]);
    let output = workspace.hydro(["build", "-p", "choose-tow"]).run().exits(101);
    output.says(&["the workspace has no package `choose-tow`", "hint: a similar name exists: `choose-two`"]);
    // From inside a package, and from outside with its manifest.
    Hydro::new().arguments(["build", "src/b.hf"]).directory(&workspace.path("two")).run().exits(0);
    let manifest = workspace.path("Cargo.toml");
    Hydro::new().arguments(["build", "--manifest-path"]).argument(manifest).directory(&scratch("")).run().exits(0);
}

#[test]
fn profiles_are_cargos() {
    let workspace = Workspace::new(
        "profiles",
        &[
            (
                "Cargo.toml",
                "[workspace]\nresolver = \"3\"\n\n[package]\nname = \"profiles\"\nedition = \"2024\"\n\n[profile.careful]\ninherits = \"dev\"\noverflow-checks = true\n",
            ),
            ("src/lib.rs", ""),
            (
                "src/which.hf",
                "module main() {\n    source_iter([255_u8])\n        -> map(|i: u8| std::hint::black_box(i))\n        -> for_each(|_| {\n            println!(\"{}\", if cfg!(debug_assertions) { \"dev\" } else { \"release\" });\n            std::process::exit(0);\n        });\n}\n",
            ),
        ],
    );
    let which = |arguments: &[&str]| {
        let output = workspace.hydro(arguments.iter().copied().chain(["--message-format", "json"])).run().exits(0);
        Hydro::named(output.executable("src/which.hf")).run().exits(0).stdout
    };
    assert_eq!(which(&["build"]), "dev\n");
    assert_eq!(which(&["build", "--release"]), "release\n");
    assert_eq!(which(&["build", "--profile", "release"]), "release\n");
    assert_eq!(which(&["build", "--profile", "dev"]), "dev\n");
    workspace.hydro(["build", "--profile", "nope"]).run().exits(101).says(&["profile `nope` is not defined"]);
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let workspace = Workspace::new(
        "unreadable",
        &[("Cargo.toml", "[workspace]\n[package]\nname = \"unreadable\"\nedition = \"2024\"\n"), ("src/lib.rs", "")],
    );
    workspace.hydro(["build", "src/absent.hf"]).run().exits(101).says(&[
        "cannot read `src/absent.hf`",
        "No such file",
        "hint: ",
    ]);
    workspace.remove("src/loop.hf");
    std::os::unix::fs::symlink("loop.hf", workspace.path("src/loop.hf")).expect("can be made");
    workspace.hydro(["build"]).run().exits(101).says(&["cannot read `src/loop.hf`"]);
    workspace.remove("src/loop.hf");
    workspace.write("src/secret.hf", PROGRAM);
    let secret = workspace.path("src/secret.hf");
    let allow = |mode| std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(mode)).expect("can be set");
    allow(0o000);
    // Root reads everything.
    if std::fs::read(&secret).is_err() {
        workspace.hydro(["build"]).run().exits(101).says(&["cannot read `src/secret.hf`", "Permission denied"]);
    }
    allow(0o644);
    let outside = tempfile::tempdir().expect("can be made");
    std::fs::write(outside.path().join("a.hf"), PROGRAM).expect("can be written");
    let file = outside.path().join("a.hf");
    workspace
        .hydro(["build"])
        .argument(file)
        .run()
        .exits(101)
        .says(&["belongs to no package of the workspace", "hint: "]);
}
