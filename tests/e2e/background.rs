//! Deployments in the background: found, asked, changed and ended from any shell, at any later time; and nothing of them is ever left behind.

use std::collections::BTreeMap;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Hydro, Mark, Output, Workspace, eventually, program, programs};

const GONE: Duration = Duration::from_secs(10);
const END: Duration = Duration::from_secs(30);

/// A workspace of its own whose services are shell scripts, and what its calls leave running.
pub(super) struct Shell {
    pub(super) workspace: Workspace,
    pub(super) mark: Mark,
}

impl Shell {
    pub(super) fn new(name: &str, services: &str) -> Self {
        let manifest = "[package]\nname = \"shell\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";
        let files = [("Cargo.toml", manifest), ("src/lib.rs", ""), ("Hydro.toml", services)];
        Self { workspace: Workspace::new(&format!("background-{name}"), &files), mark: Mark::new() }
    }

    pub(super) fn call<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Hydro {
        self.mark.on(self.workspace.hydro(arguments))
    }

    pub(super) fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Output {
        self.call(arguments).run()
    }

    pub(super) fn ps(&self) -> Value {
        status(&self.run(["ps", "--json"]).exits(0))
    }

    /// Waits until the members are as wished, and returns them by name.
    fn until(&self, wish: &str, is_so: impl Fn(&BTreeMap<String, Value>) -> bool) -> BTreeMap<String, Value> {
        eventually(wish, || is_so(&members(&self.ps())));
        members(&self.ps())
    }

    pub(super) fn ends(self) {
        self.run(["down"]).exits(0);
        self.mark.all_gone(GONE);
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(Ended(&self.mark));
    }
}

/// Where a test failed: what goes on without us is ours to end.
struct Ended<'a>(&'a Mark);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.processes().into_keys().for_each(kill);
    }
}

fn kill(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may have ended meanwhile.
        let _ = kill_process(pid, Signal::KILL);
    }
}

fn status(output: &Output) -> Value {
    serde_json::from_str(output.stdout.trim()).unwrap_or_else(|error| panic!("{error}\n{output}"))
}

fn members(status: &Value) -> BTreeMap<String, Value> {
    let members = status["members"].as_array().expect("members");
    members.iter().map(|member| (member["name"].as_str().expect("a name").to_owned(), member.clone())).collect()
}

fn pid(member: &Value) -> u32 {
    u32::try_from(member["pid"].as_u64().expect("it runs")).expect("a process id")
}

#[test]
fn what_is_left_running_is_found_changed_and_ended_from_any_shell() {
    let shell = Shell::new(
        "found",
        "[deployment]\nname = \"found\"\n[services.a]\ncommand = [\"sh\", \"-c\", \"echo a is up; exec sleep 600\"]\n\
         [services.b]\ncommand = [\"sh\", \"-c\", \"echo b is up >&2; exec sleep 600\"]\ncount = 2\n",
    );
    shell.run(["ps"]).exits(0).says(&["Down found: nothing of it runs"]);
    shell.run(["stop", "a"]).exits(4).says(&["error: `found` does not run", "cargo hydro deploy --detach"]);
    shell.run(["deploy", "--detach"]).exits(0).says(&["Started a", "Started b.1", "Deployed found in the background"]);
    let shown = shell.run(["ps"]).exits(0).says(&["Running found in the background"]);
    let first: Vec<&str> = shown.stdout.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(first, ["SERVICE", "a", "b.0", "b.1"], "{shown}");
    let before = members(&shell.ps());

    eventually("all lines are there", || shell.run(["logs"]).stdout.lines().count() == 3);
    shell.run(["logs", "b"]).exits(0).prints(&["b.0 ! b is up", "b.1 ! b is up"]);
    assert_eq!(shell.run(["logs", "--grep", "a is", "--json"]).stdout.lines().count(), 1);

    shell.run(["restart", "a"]).exits(0).says(&["Restarted a"]);
    shell.run(["stop", "b.1"]).exits(0).says(&["Stopped b.1"]);
    let after = members(&shell.ps());
    assert_ne!(pid(&after["a"]), pid(&before["a"]));
    assert_eq!(pid(&after["b.0"]), pid(&before["b.0"]));
    assert_eq!((&after["b.1"]["state"], &after["b.1"]["pid"]), (&Value::from("down"), &Value::Null));
    shell.run(["start"]).exits(0);
    assert_eq!(members(&shell.ps())["b.1"]["state"], "up");
    shell.run(["stop", "c"]).exits(110).says(&["error: there is no service `c`"]);
    let toml = shell.workspace.read("Hydro.toml");
    shell.workspace.write("Hydro.toml", "[deployment\n");
    shell.run(["ps"]).exits(0).says(&["Running found in the background"]);
    shell.workspace.write("Hydro.toml", &toml);
    shell.run(["restart", "a", "--deployment", "fond"]).exits(4).says(&["a similar name exists: `found`"]);

    shell.run(["down"]).exits(0).says(&["Stopped a", "Down found"]);
    shell.mark.all_gone(GONE);
    shell.run(["down"]).exits(0).says(&["Down found (it did not run)"]);
    let kept = shell.run(["logs", "a"]).exits(0);
    assert_eq!(kept.stdout, "a │ a is up\na │ a is up\n", "the lines outlive the services");
}

#[test]
fn a_release_changes_what_is_different_and_nothing_else() {
    let toml = |a: &str, rest: &str| {
        format!(
            "[deployment]\nname = \"least\"\n[services.a]\ncommand = [\"sleep\", \"{a}\"]\n[services.b]\ncommand = [\"sleep\", \"600\"]\n{rest}"
        )
    };
    let shell = Shell::new("least", &toml("600", ""));
    shell.run(["plan"]).exits(2).says(&["+ a  is started", "+ b  is started"]);
    shell.run(["deploy", "-d"]).exits(0);
    shell.run(["plan"]).exits(0).says(&["nothing changes"]);
    let before = members(&shell.ps());
    shell.run(["deploy", "-d"]).exits(0).says(&["nothing changes"]);
    assert_eq!(pid(&members(&shell.ps())["a"]), pid(&before["a"]));

    shell.workspace.write("Hydro.toml", &toml("601", "[services.c]\ncommand = [\"sleep\", \"600\"]\n"));
    let plan = status(&shell.run(["plan", "--json", "--out", "the.plan"]).exits(2));
    assert_eq!(plan["start"], serde_json::json!(["c"]));
    assert_eq!(plan["restart"], serde_json::json!([{ "member": "a", "because": ["its arguments"] }]));
    shell.run(["deploy", "-d", "--plan", "the.plan"]).exits(0).says(&["+ c", "~ a (its arguments)"]);
    let after = members(&shell.ps());
    assert_ne!(pid(&after["a"]), pid(&before["a"]));
    assert_eq!(pid(&after["b"]), pid(&before["b"]), "b is the same");
    let stale = shell.run(["deploy", "-d", "--plan", "the.plan"]).exits(110);
    stale.says(&["error: the plan does not fit `least` any more", "cargo hydro plan --out FILE"]);
    shell.run(["deploy", "-d", "--plan", "Hydro.toml"]).exits(1).says(&["error: `Hydro.toml` is no plan"]);

    shell.run(["scale", "b", "3"]).exits(0).says(&["+ b.2"]);
    let scaled = members(&shell.ps());
    shell.run(["scale", "b", "2"]).exits(0).says(&["- b.2"]);
    let fewer = members(&shell.ps());
    assert_eq!(fewer.keys().map(String::as_str).collect::<Vec<_>>(), ["a", "b.0", "b.1", "c"]);
    assert_eq!(pid(&fewer["b.1"]), pid(&scaled["b.1"]));

    shell
        .workspace
        .write("Hydro.toml", "[deployment]\nname = \"least\"\n[services.c]\ncommand = [\"sleep\", \"600\"]\n");
    shell.run(["deploy", "-d"]).exits(0).says(&["- a", "- b.0", "- b.1"]);
    assert_eq!(pid(&members(&shell.ps())["c"]), pid(&after["c"]));
    shell.ends();
}

#[test]
fn programs_are_rewired_while_they_run() {
    let service =
        |name: &str, source: &str, more: &str| format!("[services.{name}]\nsrc = \"src/{source}.hf\"\n{more}\n");
    let link = |from: &str, to: &str| format!("[[links]]\nfrom = \"{from}\"\nto = \"{to}\"\n");
    let pair = |client: &str| {
        link(&format!("{client}.outbound"), "server.inbound") + &link("server.outbound", &format!("{client}.inbound"))
    };
    let server = "[deployment]\nname = \"rewired\"\n".to_owned() + &service("server", "server", "");
    let ann = server.clone() + &service("ann", "client", "params = { name = \"ann\" }") + &pair("ann");
    let deployed = programs().with(&ann, &[]);
    let mark = Mark::new();
    let _ended = Ended(&mark);
    let run = |arguments: &[&str]| mark.on(deployed.hydro(arguments.iter().copied())).run();
    run(&["deploy", "-d"]).exits(0);
    eventually("ann is answered", || run(&["logs", "ann"]).stdout.contains("heard ANN 1"));
    let before = members(&status(&run(&["ps", "--json"])));

    let both = ann + &service("bob", "client", "params = { name = \"bob\" }") + &pair("bob");
    programs().workspace().write("Hydro.toml", &both);
    run(&["deploy", "-d"]).exits(0).says(&["+ bob", "+ bob.outbound → server.inbound"]);
    eventually("bob is answered", || run(&["logs", "bob"]).stdout.contains("heard BOB 1"));
    let after = members(&status(&run(&["ps", "--json"])));
    assert_eq!(pid(&after["server"]), pid(&before["server"]), "the server goes on");
    assert_eq!(pid(&after["ann"]), pid(&before["ann"]), "so does ann");

    // What a plan was asked with is forgotten with it, and so is what a deploy that failed was.
    run(&["plan", "--profile", "no-such-profile"]).exits(101);
    run(&["deploy", "-d", "--profile", "no-such-profile"]).exits(101);
    run(&["scale", "ann", "1"]).exits(0).says(&["nothing changes"]);
    let counted = run(&["metrics", "server"]).exits(0);
    assert!(counted.stdout.lines().any(|line| line.contains("← ann.0  up")), "{counted}");
    let address = after["server"]["address"].as_str().expect("an address");
    assert_eq!(run(&["resolve", "server"]).exits(0).stdout.trim(), address);
    run(&["resolve", "servr"]).exits(4).says(&["a similar name exists: `server`"]);
    run(&["status"]).exits(0).prints(&["rewired", "in the background", "3 of 3"]);

    // The server is another process at the same address.
    run(&["restart", "server"]).exits(0);
    assert_ne!(pid(&members(&status(&run(&["ps", "--json"])))["server"]), pid(&after["server"]));
    run(&["down"]).exits(0);
    mark.all_gone(GONE);
}

#[test]
fn when_its_process_is_killed_nothing_is_left_and_the_next_deploy_begins_anew() {
    let shell = Shell::new(
        "killed",
        "[deployment]\nname = \"killed\"\n[services.a]\ncommand = [\"sh\", \"-c\", \"sleep 600 & exec sleep 600\"]\n",
    );
    for _ in 0..3 {
        shell.run(["deploy", "-d"]).exits(0);
        kill(u32::try_from(shell.ps()["pid"].as_u64().expect("a holder")).expect("a process id"));
        shell.mark.all_gone(GONE);
        shell.run(["ps"]).exits(0).says(&["Down killed"]);
    }
    shell.ends();
}

#[test]
fn two_cannot_hold_one_deployment_and_a_terminal_can_be_asked_too() {
    let shell = Shell::new("held", "[deployment]\nname = \"held\"\n[services.a]\ncommand = [\"sleep\", \"600\"]\n");
    let terminal = shell.call(["deploy"]).start();
    terminal.says("Started a");
    shell.run(["ps"]).exits(0).says(&["Running held in a terminal"]);
    let refused = shell.run(["deploy"]).exits(110);
    refused.says(&["error: `held` is deployed already (process ", "end it there, or with `cargo hydro down`"]);
    shell.run(["down"]).exits(0).says(&["Stopped a"]);
    terminal.finish(END).exits(0).says(&["Stopped a"]);
    shell.mark.all_gone(GONE);
}

#[test]
fn a_service_that_crashes_again_and_again_is_shown_as_such_and_harms_nobody_else() {
    let shell = Shell::new(
        "crashes",
        "[deployment]\nname = \"crashes\"\n[services.good]\ncommand = [\"sleep\", \"600\"]\n\
         [services.bad]\ncommand = [\"sh\", \"-c\", \"echo I fail; exit 7\"]\nbackoff = { first = \"1m\", longest = \"1h\" }\n\
         [groups.shaky]\nintensity = 1\nperiod = \"1h\"\n[services.worse]\ncommand = [\"sh\", \"-c\", \"exit 8\"]\ngroup = \"shaky\"\n\
         backoff = { first = \"1ms\", longest = \"1ms\" }\n[services.once]\ncommand = [\"true\"]\n",
    );
    shell.run(["deploy", "-d"]).exits(0);
    let toml = shell.workspace.read("Hydro.toml");
    shell.workspace.write("Hydro.toml", &format!("# A line more changes nothing.\n{toml}"));
    shell.run(["plan"]).exits(0).says(&["nothing changes"]);
    shell.workspace.write("Hydro.toml", &toml.replace("intensity = 1", "intensity = 2"));
    shell.run(["plan"]).exits(2).says(&["services are kept up in another way"]);
    shell.workspace.write("Hydro.toml", &toml);
    let members = shell.until("they have stood and fallen", |members| {
        members["bad"]["state"] == "paused" && members["worse"]["state"] == "down" && members["once"]["state"] == "down"
    });
    assert_eq!((&members["bad"]["restarts"], &members["bad"]["ended"]), (&2.into(), &"exited with code 7".into()));
    assert_eq!((&members["good"]["state"], &members["good"]["restarts"]), (&"up".into(), &0.into()));
    assert_eq!(members["once"]["ended"], "exited with code 0", "who has done its work is not started again");
    let previous = shell.run(["logs", "bad", "--previous", "--json"]).exits(0);
    let line: Value = serde_json::from_str(previous.stdout.trim()).expect("one line");
    assert_eq!((&line["line"], &line["run"]), (&"I fail".into(), &1.into()), "{previous}");
    shell.ends();
}

#[test]
fn a_service_killed_from_outside_comes_back_and_its_end_is_told_once() {
    let shell = Shell::new(
        "back",
        "[deployment]\nname = \"back\"\n[supervision]\nstrategy = \"rest_for_one\"\n\
         [services.first]\ncommand = [\"sleep\", \"600\"]\nrestart = \"permanent\"\n\
         [services.second]\ncommand = [\"sleep\", \"600\"]\nrestart = \"permanent\"\n",
    );
    shell.run(["deploy", "-d"]).exits(0);
    let following = shell.call(["ps", "--watch", "--json"]).start();
    following.prints("\"first\"");
    let before = members(&shell.ps());
    kill(pid(&before["first"]));
    let after = shell.until("both are started again", |now| {
        ["first", "second"].iter().all(|name| now[*name]["state"] == "up" && now[*name]["pid"] != before[*name]["pid"])
    });
    kill(pid(&after["second"]));
    let last = shell
        .until("the second is", |now| now["second"]["state"] == "up" && now["second"]["pid"] != after["second"]["pid"]);
    assert_eq!(last["first"]["pid"], after["first"]["pid"], "who started before goes on");
    shell.run(["down"]).exits(0);
    following.finish(END).exits(0);
    shell.mark.all_gone(GONE);
}

#[test]
fn what_lies_in_its_folder_may_be_anything() {
    let shell = Shell::new(
        "odd",
        "[deployment]\nname = \"odd\"\n[services.a]\ncommand = [\"sh\", \"-c\", \"echo up; exec sleep 600\"]\n",
    );
    let folder = ".hydro/deployments/odd";
    for garbage in [
        "",
        "{\"pid\": 1, \"socket\": \"/nowhere\", \"version\": \"99.0\", \"foreground\": false, \"new\": 1}",
        "\u{0}\u{1}{{",
    ] {
        for file in ["holder.json", "logs.jsonl", "logs.old.jsonl", "daemon.log"] {
            shell.workspace.write(&format!("{folder}/{file}"), garbage);
        }
        shell.run(["ps"]).exits(0).says(&["Down odd"]);
        shell.run(["deploy", "-d"]).exits(0);
        eventually("the line is there", || shell.run(["logs", "--tail", "1"]).stdout == "a │ up\n");
        shell.run(["down"]).exits(0);
    }
    shell.mark.all_gone(GONE);
    std::fs::remove_dir_all(shell.workspace.path(".hydro")).expect("is there");
    shell.workspace.write(".hydro", "a file where the folder should be");
    let refused = shell.run(["deploy", "-d"]).exits(110);
    refused.says(&["error: cannot start the process that holds `odd`", "Caused by:"]);
}

#[test]
fn a_first_deploy_that_fails_leaves_nobody_behind() {
    let shell = Shell::new(
        "first",
        "[deployment]\nname = \"first\"\n[services.a]\ncommand = [\"sleep\", \"600\"]\n[services.b]\ncommand = [\"no-such-program\"]\n",
    );
    let failed = shell.run(["deploy", "-d"]).exits(110);
    failed.says(&["starting `b` failed: cannot find the program `no-such-program`", "Hydro.toml:5"]);
    shell.mark.all_gone(GONE);
}

#[test]
fn logs_can_be_followed() {
    let shell = Shell::new(
        "followed",
        "[deployment]\nname = \"followed\"\n[services.a]\ncommand = [\"sh\", \"-c\", \"n=0; while :; do echo line $n; n=$((n+1)); sleep 0.05; done\"]\n",
    );
    shell.run(["deploy", "-d"]).exits(0);
    eventually("some lines are there", || shell.run(["logs"]).stdout.lines().count() > 3);
    let following = shell.call(["logs", "--follow", "--json"]).start();
    following.until("there are more", |output| output.stdout.lines().count() > 20);
    shell.run(["down"]).exits(0);
    let output = following.finish(END).exits(0);
    let numbers = output.events().into_iter().map(|line| line["line"].as_str().expect("a line")[5..].parse::<u64>());
    let numbers: Vec<u64> = numbers.map(|number| number.expect("a number")).collect();
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>(), "from the beginning, each once, in order");
}

#[test]
fn lines_are_chosen_by_how_severe_they_are() {
    let shell = Shell::new(
        "levels",
        "[deployment]\nname = \"levels\"\n[services.a]\ncommand = [\"sh\", \"-c\", '''
echo hello; echo 'ERROR it broke'; echo '  at step 3'; echo 'INFO on it goes'; echo '{\"level\":\"warn\",\"msg\":\"slow\"}'; exec sleep 600''']\n",
    );
    shell.run(["deploy", "-d"]).exits(0);
    let lines = |arguments: &[&str]| {
        let output = shell.run(["logs", "--level"].into_iter().chain(arguments.iter().copied())).exits(0);
        output.stdout.lines().map(|line| line.trim_start_matches("a │ ").to_owned()).collect::<Vec<_>>()
    };
    eventually("all lines are there", || lines(&["trace"]).len() == 5);
    let broke = ["ERROR it broke", "  at step 3"];
    assert_eq!(lines(&["ERROR"]), broke, "what follows a line without a level of its own belongs to it");
    assert_eq!(lines(&["warning"]), [&broke[..], &["{\"level\":\"warn\",\"msg\":\"slow\"}"]].concat());
    assert_eq!(lines(&["error", "--grep", "step"]), broke[1..]);
    let following = shell.call(["logs", "--level", "error", "--follow"]).start();
    following.prints("at step 3");
    shell.run(["restart", "a"]).exits(0);
    following.until("the next start is heard", |output| output.stdout.matches("it broke").count() == 2);
    shell.ends();
    assert!(!following.finish(END).exits(0).stdout.contains("hello"));
}

#[test]
fn a_command_of_ones_own_sees_what_a_service_sees() {
    let shell = Shell::new(
        "exec",
        "[deployment]\nname = \"exec\"\n[services.a]\ncommand = [\"sleep\", \"600\"]\nenv = { LEVEL = \"high\" }\n",
    );
    shell.run(["deploy", "-d"]).exits(0);
    let output = shell.run(["exec", "a", "--", "sh", "-c", "echo $HYDRO_SERVICE $LEVEL; pwd; exit 7"]).exits(7);
    assert_eq!(output.stdout, format!("a high\n{}\n", shell.workspace.root().display()));
    shell.run(["exec", "a", "--", "no-such-program"]).exits(127).says(&["error: cannot run `no-such-program`"]);
    shell.run(["exec", "b", "--", "true"]).exits(110).says(&["there is no service `b`"]);
    shell.ends();
}

#[test]
fn where_no_more_can_be_written_services_go_on_and_it_is_told_that_their_lines_are_lost() {
    let flood = "[deployment]\nname = \"full\"\n[services.a]\ncommand = [\"sh\", \"-c\", \"while :; do echo more and more and more; sleep 0.001; done\"]\n";
    let shell = Shell::new("full", flood);
    shell.run(["ps"]).exits(0);
    // Its files may have 16 KiB each, which is as good as a full disk.
    let limited = "trap '' XFSZ; ulimit -f 32; exec \"$0\" deploy -d";
    let hydro = program(env!("CARGO_BIN_EXE_hydro"));
    let call = Hydro::named("sh").arguments(["-c", limited]).argument(hydro).directory(shell.workspace.root());
    shell.mark.on(call).run().exits(0);
    eventually("it is told", || {
        shell.run(["ps"]).stderr.contains("warning: what services write is not kept any more: ")
    });
    assert_eq!(members(&shell.ps())["a"]["state"], "up");
    let following = shell.call(["logs", "--follow"]).start();
    following.prints("a │ more and more");
    shell.run(["down"]).exits(0);
    following.finish(END).exits(0);
    shell.mark.all_gone(GONE);
}

#[test]
fn who_forks_away_or_does_not_listen_is_ended_all_the_same() {
    let shell = Shell::new(
        "deaf",
        "[deployment]\nname = \"deaf\"\n[services.forks]\ncommand = [\"sh\", \"-c\", \"sleep 600 & sleep 600 & wait\"]\n\
         [services.deaf]\ncommand = [\"sh\", \"-c\", \"trap '' TERM; while :; do sleep 0.05; done\"]\nshutdown = \"200ms\"\n",
    );
    shell.run(["deploy", "-d"]).exits(0);
    shell.run(["stop", "deaf"]).exits(0);
    assert_eq!(members(&shell.ps())["deaf"]["ended"], "was killed by signal 9");
    shell.ends();
}
