//! `orphans`: what is left at Google Cloud is found and deleted, and nobody else's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use compute_emulator::{Emulator, Fault, PROJECT, TOKEN};
use serde_json::{Value, json};

use crate::support::{Hydro, Workspace};

const ZONE: &str = "us-west1-a";
const MANIFEST: &str = "[workspace]\n\n[package]\nname = \"left\"\nedition = \"2024\"\n";

/// Begins a call in an environment that leads to the emulator.
fn orphans(emulator: &Emulator, arguments: &[&str]) -> Hydro {
    let call = Hydro::new().arguments(["orphans"]).arguments(arguments.iter().copied());
    call.env("HYDRO_GCP_ENDPOINT", emulator.endpoint()).env("GOOGLE_OAUTH_ACCESS_TOKEN", TOKEN)
}

fn machine(emulator: &Emulator, name: &str, labels: Value) {
    emulator.add_instance(ZONE, json!({ "name": name, "status": "RUNNING", "labels": labels }));
}

/// Two deployments, of which one has expired, and a machine of somebody else's.
fn cloud() -> Emulator {
    let emulator = Emulator::start(Duration::from_millis(20));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("is later").as_secs();
    machine(&emulator, "old-0", json!({ "hydro-deployment": "old", "hydro-expires": (now - 7_500).to_string() }));
    machine(&emulator, "old-1", json!({ "hydro-deployment": "old", "hydro-expires": (now - 7_500).to_string() }));
    machine(&emulator, "new-0", json!({ "hydro-deployment": "new", "hydro-expires": (now + 7_500).to_string() }));
    machine(&emulator, "web", json!({ "team": "shop" }));
    emulator.add_firewall(
        json!({ "name": "hydro-old-in", "description": format!("hydro-deployment=old hydro-expires={}", now - 7_500) }),
    );
    emulator.add_firewall(json!({ "name": "hydro-by-hand", "description": "made by somebody" }));
    emulator
}

#[test]
fn what_is_left_is_listed_and_what_has_expired_is_deleted() {
    let emulator = cloud();
    let listed = orphans(&emulator, &["--project", PROJECT]).run().exits(0);
    let lines: Vec<Vec<&str>> = listed.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["NAME", "WHAT", "DEPLOYMENT", "STATE", "EXPIRES", "PLACE"]);
    assert_eq!(lines[1], ["new-0", "machine", "new", "running", "in", "2h", "hydro-1234/us-west1-a"], "{listed}");
    assert_eq!(lines[2][..6], ["old-0", "machine", "old", "running", "2h", "ago"], "{listed}");
    assert_eq!(lines[4], ["hydro-old-in", "firewall", "rule", "old", "-", "2h", "ago", "hydro-1234"], "{listed}");
    assert_eq!(lines.len(), 5, "nobody else's: {listed}");
    let left = orphans(&emulator, &["--project", PROJECT, "--delete"]).run().exits(0);
    left.says(&["Deleting old-0 of old", "Deleting hydro-old-in of old"]);
    assert_eq!(emulator.instances(), ["new-0", "web"]);
    assert_eq!(emulator.firewalls(), ["hydro-by-hand"]);
    orphans(&emulator, &["--project", PROJECT, "--deployment", "new", "--delete"]).run().exits(0);
    assert_eq!(emulator.instances(), ["web"]);
    orphans(&emulator, &["--project", PROJECT]).run().exits(0).says(&["Found nothing"]);
}

#[test]
fn the_projects_are_those_of_the_workspace() {
    let emulator = cloud();
    let toml =
        format!("[machines.a]\nkind = \"gcp\"\nproject = \"{PROJECT}\"\nzone = \"{ZONE}\"\ntype = \"e2-micro\"\n");
    let workspace = Workspace::new("left", &[("Cargo.toml", MANIFEST), ("src/lib.rs", ""), ("Hydro.toml", &toml)]);
    let output = orphans(&emulator, &["--json"]).directory(workspace.root()).run().exits(0);
    let found = output.events();
    assert_eq!(found.len(), 4, "{output}");
    assert_eq!((&found[0]["name"], &found[0]["zone"]), (&"new-0".into(), &ZONE.into()));
    let schema = Hydro::new().arguments(["schema", "orphans"]).run().exits(0);
    let schema: Value = serde_json::from_str(&schema.stdout).expect("is JSON");
    let schema = jsonschema::draft202012::new(&schema).expect("is a schema");
    assert!(found.iter().all(|left| schema.is_valid(left)), "{output}");
    workspace.write("Hydro.toml", "");
    let none = orphans(&emulator, &[]).directory(workspace.root()).run().exits(4);
    none.says(&["no machine of `Hydro.toml` is at Google Cloud", "`--project` names a project to look in"]);
}

#[test]
fn what_cannot_be_done_is_told_in_googles_words_and_the_rest_is_done() {
    let emulator = cloud();
    let words = "Required 'compute.instances.delete' permission for 'old-0'";
    emulator.spoil(Fault::error("DELETE", "/instances/old-0", (403, "forbidden", words)));
    let output = orphans(&emulator, &["--project", PROJECT, "--delete"]).run().exits(110);
    output.says(&["cannot delete the machine `old-0`", words, "roles/compute.instanceAdmin.v1"]);
    assert_eq!(emulator.instances(), ["new-0", "old-0", "web"], "the others are gone");
    emulator.expire_tokens();
    let output = orphans(&emulator, &["--project", PROJECT]).run().exits(110);
    output.says(&["invalid authentication credentials", "gcloud auth application-default login"]);
}
