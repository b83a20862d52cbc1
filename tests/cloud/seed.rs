//! The example of the original design, word for word: two machines at Google Cloud, an echo between them, and nothing left.

use std::time::Duration;

use crate::lab::Vms;
use crate::support::{Mark, Workspace, repository};

/// As it stands in the design.
const SCRIPT: &str = include_str!("seed.hydro.py");

#[test]
fn the_design_runs_as_it_is_written_and_leaves_nothing() {
    let Some(vms) = Vms::new(91, 2, Duration::from_millis(100)) else { return };
    let workspace = Workspace::copy("seed-cloud", &repository().join("templates/echo"));
    workspace.write("seed.hydro.py", SCRIPT);
    workspace.remove(".hydro");
    workspace.hydro(["build"]).run().exits(0);
    let mark = Mark::new();
    let call = mark.on(vms.call().arguments(["run", "seed.hydro.py"]).directory(workspace.root()));
    let output = call.run().exits(0);
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines.len(), 10, "{output}");
    assert!(lines.iter().all(|line| line.contains("hello")), "{output}");
    output.says(&["Creating hydro-seed-gcp-", "Connecting to gcp_2", "Deleting gcp_2"]);
    assert_eq!((vms.emulator.instances(), vms.emulator.firewalls()), (Vec::new(), Vec::new()));
    mark.all_gone(Duration::from_secs(15));
    assert!((1..=2).all(|host| !vms.hosts().has_power(host)), "the machines are gone");
    assert!(
        !workspace
            .path(".hydro/machines")
            .read_dir()
            .expect("was made")
            .flatten()
            .any(|entry| entry.file_name() != "token")
    );
}
