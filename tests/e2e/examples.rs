//! The examples that no template carries: their scripts run and their tests pass. (Echo and chat go the whole way in `cli::new`.)

use crate::support::{Mark, Workspace, repository};

#[test]
fn kvs_runs_and_its_tests_pass() {
    let workspace = Workspace::copy("example-kvs", &repository().join("examples/kvs"));
    let mark = Mark::new();
    let output = mark.on(workspace.hydro(["run", "kvs.hydro.py"])).run().exits(0);
    assert_eq!(output.stdout, "written to replica 0, read from replica 2: hydro\n");
    mark.on(workspace.hydro(["test"])).run().exits(0).says(&["3 tests run: 3 passed"]);
    mark.all_gone(std::time::Duration::from_secs(2));
}
