//! The examples that no template carries: their scripts run and their tests pass. (Echo and chat go the whole way in `cli::new`.)

use std::cell::RefCell;
use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Hydro, Mark, Workspace, command, has_all, node_is_there, repository};

const GONE: Duration = Duration::from_secs(10);

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

/// Returns the numbers that a plot of the Paxos example holds, one value for each run.
fn plotted(svg: &str) -> Vec<Value> {
    let parse =
        "import sys, xml.etree.ElementTree as tree\nprint(tree.fromstring(sys.stdin.read()).findtext('{*}metadata'))";
    let mut python = command("python3")
        .args(["-c", parse])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    python.stdin.take().expect("is piped").write_all(svg.as_bytes()).expect("is read");
    let output = python.wait_with_output().expect("ends");
    assert!(output.status.success(), "it is no XML");
    serde_json::from_slice(&output.stdout).expect("is JSON")
}

#[test]
fn paxos_goes_on_without_its_leader_and_draws_it() {
    let workspace = Workspace::copy("example-paxos", &repository().join("examples/paxos"));
    let mark = Mark::new();
    // The script itself fails where replicas have not applied one sequence.
    let output = mark.on(workspace.hydro(["run", "paxos.hydro.py", "--", "1"])).run().exits(0);
    let rows: Vec<&str> = output.stdout.lines().skip(2).collect();
    assert_eq!(rows.len(), 4, "{}", output.stdout);
    let names = ["3 acceptors", "5 acceptors", "6 acceptors, grid of 2 × 3"];
    assert!(names.iter().zip(&rows).all(|(name, row)| row.starts_with(name)), "{}", output.stdout);
    let svg = workspace.read("paxos.svg");
    let runs = plotted(&svg);
    assert_eq!(runs.iter().map(|run| run["name"].as_str().expect("has a name")).collect::<Vec<_>>(), names);
    for run in &runs {
        let rates: Vec<f64> = serde_json::from_value(run["commits_per_second"].clone()).expect("are numbers");
        let healed = run["healed"].as_f64().expect("is a time");
        // Bins are a tenth of a second: commits came between the election of another leader and the healing.
        let elected = run["cut"].as_f64().expect("is a time") + run["elected"].as_f64().expect("is a time");
        let between = &rates[(elected * 10.0) as usize..(healed * 10.0) as usize];
        assert!(between.iter().any(|rate| *rate > 0.0), "{run}");
        let points = svg.split("<polyline points=\"").skip(1).map(|rest| rest.split('"').next().unwrap_or_default());
        assert!(points.map(|points| points.split(' ').count()).any(|count| count == rates.len()), "{run}");
    }
    mark.all_gone(GONE);
}

#[test]
fn paxos_is_one_sequence_whoever_dies() {
    let workspace = Workspace::copy("example-paxos-tests", &repository().join("examples/paxos"));
    let mark = Mark::new();
    mark.on(workspace.hydro(["test", "--timeout", "300"])).run().exits(0).says(&["4 tests run: 4 passed"]);
    mark.all_gone(GONE);
}

#[test]
fn the_web_goes_from_the_browser_to_the_database_and_back() {
    // Its tests pass over what is not installed; whoever runs them here is told.
    has_all(&["chromium"], "what is typed in one browser is seen in another");
    has_all(&["psql"], "the web example with PostgreSQL");
    let workspace = Workspace::copy("example-web-tests", &repository().join("examples/web"));
    workspace.remove(".hydro");
    let mark = Mark::new();
    mark.on(workspace.hydro(["test", "--timeout", "300"])).run().exits(0).says(&["4 tests run: 4 passed"]);
    mark.all_gone(GONE);
}

#[test]
fn the_web_is_there_until_ctrl_c() {
    let workspace = Workspace::copy("example-web", &repository().join("examples/web"));
    let scripts = [("web.hydro.py", true), ("web.hydro.mjs", node_is_there())];
    for (script, _) in scripts.iter().filter(|(_, can_run)| *can_run) {
        let mark = Mark::new();
        let running = mark.on(workspace.hydro(["run", script, "--", "sqlite"])).start();
        running.until("it tells what it shows", |output| {
            output.stdout.ends_with("/ shows what is in SQLite; Ctrl-C ends it\n")
        });
        let fetch =
            "import sys, urllib.request as web\nprint(web.urlopen(sys.argv[1] + 'health').read().decode(), end='')";
        let address = RefCell::new(String::new());
        running.until("an address", |output| {
            address.replace(output.stdout.split(' ').next().unwrap_or_default().to_owned());
            output.stdout.starts_with("http://")
        });
        let output = command("python3").args(["-c", fetch, &*address.borrow()]).output().expect("python3 runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "ok\n");
        running.interrupt();
        running.finish(Duration::from_secs(30)).exits(130);
        mark.all_gone(GONE);
    }
}
