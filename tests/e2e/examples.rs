//! The examples that no template carries: their scripts run and their tests pass. (Echo and chat go the whole way in `cli::new`.)

use rustix::process::Signal;

use crate::support::{Hydro, Mark, Workspace, repository};

#[test]
fn kvs_runs_and_its_tests_pass() {
    let workspace = Workspace::copy("example-kvs", &repository().join("examples/kvs"));
    let mark = Mark::new();
    let output = mark.on(workspace.hydro(["run", "kvs.hydro.py"])).run().exits(0);
    assert_eq!(output.stdout, "written to replica 0, read from replica 2: hydro\n");
    mark.on(workspace.hydro(["test"])).run().exits(0).says(&["3 tests run: 3 passed"]);
    mark.all_gone(std::time::Duration::from_secs(2));
}

#[test]
fn the_detector_tells_death_from_a_new_start() {
    let workspace = Workspace::copy("example-detector", &repository().join("examples/detector"));
    let built = workspace.hydro(["build", "--message-format", "json"]).run().exits(0);
    let place = |member: usize| format!("unix:{}/member-{member}.sock", workspace.root().display());
    let start = |member: usize, other: usize| {
        Hydro::named(built.executable("src/member.hf"))
            .env("HYDRO_INPUT_HEARD", place(member))
            .env("HYDRO_OUTPUT_SAID", place(other))
            .env("HYDRO_SERVICE", "member")
            .env("HYDRO_MEMBER", member.to_string())
            .env("HYDRO_MEMBERS", "2")
            .start()
    };
    let watching = start(0, 1);
    let first = start(1, 0);
    watching.prints("member 1 Joined\nalive: [1]\n");
    first.signal(Signal::KILL);
    watching.prints("member 1 Suspected\nalive: []\n");
    let second = start(1, 0);
    watching.prints("member 1 Restarted\nalive: [1]\n");
    second.signal(Signal::TERM);
    watching.prints("member 1 Left\nalive: []\n");
    second.finish(std::time::Duration::from_secs(30)).exits(0);
    watching.signal(Signal::TERM);
    watching.finish(std::time::Duration::from_secs(30)).exits(0);
}
