//! Services that are any executable: their own ports and data, who finds them, and how it is known that they are well.

use std::cell::Cell;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Mark, Output, Workspace, eventually};

const END: Duration = Duration::from_secs(30);
const GONE: Duration = Duration::from_secs(10);

fn workspace(name: &str, services: &str) -> Workspace {
    let manifest = "[package]\nname = \"commands\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";
    let toml = format!("[deployment]\nname = \"commands\"\n{services}");
    Workspace::new(&format!("commands-{name}"), &[("Cargo.toml", manifest), ("src/lib.rs", ""), ("Hydro.toml", &toml)])
}

/// A web server that is busy for its first three answers, and a client that begins when it is well.
const WEB: &str = r#"
[services.web]
command = ["python3", "-u", "-c", """
import http.server, sys
class Page(http.server.BaseHTTPRequestHandler):
    asked = 0
    def do_GET(self):
        Page.asked += 1
        self.send_response(503 if Page.asked < 4 else 200)
        self.end_headers()
        self.wfile.write(b'page %d' % Page.asked)
    def log_message(self, *words): pass
http.server.HTTPServer((sys.argv[1], int(sys.argv[2])), Page).serve_forever()
""", "{host}", "{port:http}"]
health = { http = "http://{host}:{port:http}/", timeout = "60s" }

[services.client]
command = ["python3", "-u", "-c", """
import sys, time, urllib.request
print(urllib.request.urlopen(sys.argv[1]).read().decode(), flush=True)
time.sleep(600)
""", "http://{web.host}:{web.port:http}/"]
"#;

#[test]
fn a_command_has_ports_and_others_find_it_when_it_is_well() {
    let workspace = workspace("web", WEB);
    let mark = Mark::new();
    let running = mark.on(workspace.hydro(["deploy"])).start();
    running.prints("client │ page 5");
    let output = workspace.hydro(["resolve", "web"]).run().exits(0);
    assert!(output.stdout.starts_with("127.0.0.1:"), "its only port is its address\n{output}");
    running.interrupt();
    running.finish(END).exits(130);
    mark.all_gone(GONE);
}

fn until(workspace: &Workspace, wish: &str, is_so: impl Fn(&Value) -> bool) {
    eventually(wish, || {
        let output = workspace.hydro(["ps", "--json"]).run().exits(0);
        let status: Value = serde_json::from_str(output.stdout.trim()).expect("a status");
        is_so(&status["members"][0])
    });
}

#[test]
fn data_is_kept_from_start_to_start_unless_it_is_to_be_fresh() {
    let counter = |data: &str| {
        format!(
            "[services.a]\ncommand = [\"sh\", \"-c\", 'echo x >> \"$1\"/starts; echo starts: $(wc -l < \"$1\"/starts); exec sleep 600', \"sh\", \"{{data}}\"]\n{data}\nrestart = \"permanent\"\n"
        )
    };
    let workspace = workspace("data", &counter("data = \"fresh\""));
    let mark = Mark::new();
    let run = |arguments: &[&str]| mark.on(workspace.hydro(arguments.iter().copied())).run();
    let wrote = |text: &str| eventually(text, || run(&["logs", "--tail", "1"]).stdout.contains(text));
    run(&["deploy", "-d"]).exits(0);
    wrote("starts: 1");
    run(&["restart", "a"]).exits(0);
    wrote("starts: 2");
    run(&["down"]).exits(0);
    run(&["deploy", "-d"]).exits(0);
    wrote("starts: 1");
    run(&["down"]).exits(0);
    workspace.write("Hydro.toml", &format!("[deployment]\nname = \"commands\"\n{}", counter("")));
    run(&["deploy", "-d"]).exits(0);
    wrote("starts: 2");
    run(&["down"]).exits(0);
    mark.all_gone(GONE);
}

/// Deploys what must fail, and asserts that nothing is left.
fn fails(name: &str, services: &str) -> Output {
    let mark = Mark::new();
    let output = mark.on(workspace(name, services).hydro(["deploy"])).run();
    mark.all_gone(GONE);
    output
}

#[test]
fn one_that_never_becomes_well_is_told_with_its_last_lines() {
    let service = |health: &str| {
        format!("[services.db]\ncommand = [\"sh\", \"-c\", \"echo recovering; exec sleep 600\"]\nhealth = {health}\n")
    };
    let never = fails("never", &service("{ log = \"ready\", timeout = \"300ms\" }")).exits(110);
    never.says(&[
        "error: `db` did not become healthy: waited 300ms for a line with `ready`",
        "Hydro.toml:3",
        "recovering",
        "hint: look at the service's `health`",
    ]);
    let ended = "[services.db]\ncommand = [\"sh\", \"-c\", \"echo no license >&2; exit 9\"]\nhealth = { command = [\"false\"] }\n";
    fails("ended", ended).exits(110).says(&["`db` did not become healthy: it exited with code 9", "no license"]);
}

#[test]
fn one_that_is_started_again_counts_as_up_when_it_is_well() {
    let services = "[services.a]\ncommand = [\"sh\", \"-c\", 'if [ -e \"$1\"/gate ]; then while [ ! -e \"$1\"/open ]; do sleep 0.02; done; fi; touch \"$1\"/gate; echo well; exec sleep 600', \"sh\", \"{data}\"]\n\
                    data = \"fresh\"\nrestart = \"permanent\"\nhealth = { command = [\"sh\", \"-c\", \"[ ! -e '{data}'/gate ] || [ -e '{data}'/open ] || [ ! -e '{data}'/killed ]\"] }\n";
    let workspace = workspace("again", services);
    let mark = Mark::new();
    let run = |arguments: &[&str]| mark.on(workspace.hydro(arguments.iter().copied())).run();
    run(&["deploy", "-d"]).exits(0);
    let data = workspace.path(".hydro/data/commands/a");
    eventually("it is well", || data.join("gate").exists());
    std::fs::write(data.join("killed"), "").expect("can be written");
    run(&["restart", "a"]).exits(0);
    until(&workspace, "it is being started", |member| member["state"] == "starting");
    std::fs::write(data.join("open"), "").expect("can be written");
    until(&workspace, "it is up", |member| member["state"] == "up");
    run(&["down"]).exits(0);
    mark.all_gone(GONE);
}

#[test]
fn one_that_is_not_well_any_more_is_ended_and_its_supervisor_decides() {
    let service = |name: &str, health: &str| {
        format!(
            "[services.{name}]\ncommand = [\"sh\", \"-c\", 'rm -f \"$1\"/ill; exec sleep 600', \"sh\", \"{{data}}\"]\nrestart = \"permanent\"\n\
             health = {{ command = [\"test\", \"!\", \"-e\", \"{{data}}/ill\"], every = \"50ms\", {health} }}\n"
        )
    };
    let services = service("a", "failures = 2") + &service("patient", "failures = 1000000");
    let workspace = workspace("ill", &services);
    let mark = Mark::new();
    let run = |arguments: &[&str]| mark.on(workspace.hydro(arguments.iter().copied())).run();
    run(&["deploy", "-d"]).exits(0);
    let events = mark.on(workspace.hydro(["events", "--message-format", "json"])).start();
    events.prints("what happens from now on");
    let pid = Cell::new(Value::Null);
    until(&workspace, "it is up", |member| {
        pid.set(member["pid"].clone());
        member["state"] == "up" && member["unhealthy"].is_null()
    });
    for member in ["a", "patient"] {
        std::fs::write(workspace.path(&format!(".hydro/data/commands/{member}/ill")), "").expect("can be written");
    }
    let before = pid.take();
    until(&workspace, "it runs again, and is well", |member| {
        member["state"] == "up" && member["pid"] != before && member["unhealthy"].is_null()
    });
    eventually("the other is shown as it is", || run(&["ps"]).stdout.contains("up (unhealthy: waits for `test ! -e "));
    run(&["down"]).exits(0);
    let told = events.finish(END).exits(0).events_of("service");
    let of_a: Vec<&Value> = told.iter().filter(|event| event["service"] == "a").collect();
    let states: Vec<&str> = of_a.iter().filter_map(|event| event["state"].as_str()).collect();
    assert_eq!(states[..3], ["unhealthy", "exited", "started"], "{told:?}");
    assert_eq!((&of_a[0]["failures"], &of_a[1]["expected"]), (&2.into(), &false.into()), "nobody asked for its end");
    mark.all_gone(GONE);
}

#[test]
fn what_is_not_there_is_told_at_its_service() {
    let wrong = fails("wrong", "[services.db]\ncommand = [\"sleep\", \"{port:pg}\"]\n[services.web]\ncommand = [\"sleep\", \"{db.port:pq}\", \"{bd.host}\"]\n").exits(96);
    wrong.says(&["`db` has no port `pq`: nothing of it says `{port:pq}`", "there is no service `bd`", "Hydro.toml:5"]);
}
