//! The examples' scripts in JavaScript do what those in Python do. (Echo goes the whole way in `cli::new`.)

use std::time::Duration;

use crate::support::{Mark, Workspace, node_is_there, repository};

#[test]
fn chat_and_kvs_run_in_javascript() {
    if !node_is_there() {
        return;
    }
    let mark = Mark::new();
    let kvs = Workspace::copy("javascript-kvs", &repository().join("examples/kvs"));
    let output = mark.on(kvs.hydro(["run", "kvs.hydro.mjs"])).run().exits(0);
    assert_eq!(output.stdout, "written to replica 0, read from replica 2: hydro\n");
    let chat = Workspace::copy("javascript-chat", &repository().join("examples/chat"));
    mark.on(chat.hydro(["run", "chat.hydro.mjs"])).run().exits(0).prints(&["carol hears: alice: line"]);
    // Its tests are there in both languages.
    let tested = mark.on(chat.hydro(["test"])).run().exits(0);
    tested.says(&["tests/chat.hydro.mjs::test_everybody_hears_everybody", "6 tests run: 6 passed"]);
    mark.all_gone(Duration::from_secs(2));
}
