//! What of the JavaScript package can be tested without an engine, by node's own test runner.

use crate::support::{command, node_is_there, repository};

#[test]
fn the_javascript_package_reads_scripts_and_values() {
    if !node_is_there() {
        return;
    }
    let folder = repository().join("tests/sdk/units");
    let files = ["engine", "text", "types", "values"].map(|name| format!("{name}.test.mjs"));
    let output = command("node").arg("--test").args(files).current_dir(folder).output().expect("node runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}
