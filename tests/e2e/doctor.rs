//! `doctor`: what is there, what is missing, and the command that gets it.

use serde_json::Value;

use crate::support::{Hydro, Workspace};

const TOML: &str = "[machines.here]\nkind = \"localhost\"\n[machines.far]\nkind = \"ssh\"\nhost = \"far\"\n[machines.board]\nkind = \"localhost\"\ntarget = \"sparc64-unknown-linux-gnu\"\nbuilder = \"cargo\"\n";
const MANIFEST: &str = "[workspace]\n\n[package]\nname = \"doctor\"\nedition = \"2024\"\n";

fn workspace() -> Workspace {
    Workspace::new("doctor", &[("Cargo.toml", MANIFEST), ("src/lib.rs", ""), ("Hydro.toml", TOML)])
}

fn report(call: Hydro, code: i32) -> Value {
    let output = call.arguments(["--json"]).run().exits(code);
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{output}"))
}

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().expect("are there");
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no `{name}` in {report:#}"))
}

#[test]
fn what_machines_need_is_missing_with_the_command_that_gets_it() {
    let workspace = workspace();
    let found = report(workspace.hydro(["doctor"]), 1);
    assert_eq!(found["missing"], 1, "{found:#}");
    assert_eq!(check(&found, "rustc")["state"], "ok");
    assert_eq!(
        (&check(&found, "here")["state"], &check(&found, "here")["found"]),
        (&"ok".into(), &"this machine".into())
    );
    assert_eq!(check(&found, "far")["found"], "over ssh; a deploy finds out what it is");
    let board = check(&found, "board");
    assert_eq!(board["state"], "missing", "{board}");
    assert_eq!(board["fixes"][0], "rustup target add sparc64-unknown-linux-gnu", "{board}");
    let output = workspace.hydro(["doctor", "--fix"]).run().exits(1);
    assert_eq!(output.stdout, "rustup target add sparc64-unknown-linux-gnu\n", "what a shell can run, nothing else");
    let output = workspace.hydro(["doctor"]).run().exits(1);
    output.prints(&[
        "Rust\n  ok",
        "fix: rustup target add sparc64-unknown-linux-gnu",
        "One thing is missing; `--fix` prints",
    ]);
}

#[test]
fn machines_of_a_cloud_need_credentials() {
    let toml = "[machines.a]\nkind = \"gcp\"\nproject = \"p\"\nzone = \"z-1-a\"\ntype = \"e2-micro\"\n";
    let workspace =
        Workspace::new("doctor-cloud", &[("Cargo.toml", MANIFEST), ("src/lib.rs", ""), ("Hydro.toml", toml)]);
    let call = || workspace.hydro(["doctor"]).env("GOOGLE_OAUTH_ACCESS_TOKEN", "");
    let found = report(call().env("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json"), 1);
    let missing = check(&found, "credentials");
    assert_eq!(
        (&missing["state"], &missing["fixes"][0]),
        (&"missing".into(), &"gcloud auth application-default login".into())
    );
    assert!(missing["found"].as_str().is_some_and(|text| text.contains("/nowhere/key.json")), "{missing}");
    let there = workspace.path("Cargo.toml");
    let found = report(call().env("GOOGLE_APPLICATION_CREDENTIALS", &there), 0);
    assert_eq!(check(&found, "credentials")["state"], "ok", "{found:#}");
}

#[test]
fn without_a_workspace_and_without_programs_it_tells_what_there_is() {
    let folder = tempfile::tempdir().expect("can be made");
    let call = || Hydro::new().arguments(["doctor"]).directory(folder.path());
    let found = report(call(), 0);
    assert_eq!(found["missing"], 0, "{found:#}");
    // Neither Python nor ssh is needed by anyone here; Rust is.
    let found = report(call().env("PATH", folder.path()).env("RUSTC", "/nowhere/rustc"), 1);
    assert_eq!((&found["missing"], &check(&found, "python3")["state"]), (&2.into(), &"absent".into()), "{found:#}");
    assert_eq!(
        (&check(&found, "rustc")["state"], &check(&found, "cargo")["state"]),
        (&"missing".into(), &"missing".into())
    );
    let odd = report(call().arguments(["--target", "sparc64-unknown-linux-gun"]), 1);
    let found = check(&odd, "sparc64-unknown-linux-gun")["found"].to_string();
    assert!(found.contains("knows no target"), "{found}");
}

#[test]
fn what_is_printed_is_what_the_schema_says() {
    let schema = Hydro::new().arguments(["schema", "doctor"]).run().exits(0);
    let schema: Value = serde_json::from_str(&schema.stdout).expect("is JSON");
    let found = report(workspace().hydro(["doctor"]), 1);
    let problems: Vec<String> = jsonschema::validator_for(&schema)
        .expect("is a schema")
        .iter_errors(&found)
        .map(|error| error.to_string())
        .collect();
    assert!(problems.is_empty(), "{problems:#?}");
}
