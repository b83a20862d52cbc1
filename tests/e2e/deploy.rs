//! `deploy` in the foreground: what it starts, what it tells, and how it fails.

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use crate::support::{Mark, Output, programs, redact};

const END: Duration = Duration::from_secs(30);
const GONE: Duration = Duration::from_secs(2);

fn toml(name: &str, services: &str) -> String {
    format!("[deployment]\nname = \"{name}\"\n\n{services}")
}

fn link(from: &str, to: &str) -> String {
    format!("\n[[links]]\nfrom = \"{from}\"\nto = \"{to}\"\n")
}

#[test]
fn another_shell_sees_what_services_count() {
    let services = "[services.numbers]\nsrc = \"src/numbers.hf\"\nparams = { count = 5 }\n\n[services.counter]\nsrc = \"src/counter.hf\"\n\n[services.command]\ncommand = [\"sleep\", \"60\"]\n";
    let deployed = programs().with(&(toml("counted", services) + &link("numbers.out", "counter.numbers")), &[]);
    let mark = Mark::new();
    let running = mark.on(deployed.hydro(["deploy"])).start();
    running.until("all numbers come", |output| output.stdout.contains("5 numbers"));
    // Programs work a moment before the deploy is over and anybody can ask them.
    let deadline = Instant::now() + END;
    let mut table = deployed.hydro(["metrics"]).run().exits(0);
    while table.stdout.lines().count() < 3 {
        assert!(Instant::now() < deadline, "{table}");
        table = deployed.hydro(["metrics"]).run().exits(0);
    }
    let lines: Vec<Vec<&str>> = table.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(
        lines[1..].iter().any(|line| line.starts_with(&["numbers", "out", "→", "counter.0", "up", "5"])),
        "{table}"
    );
    let one = deployed.hydro(["metrics", "counter", "--format", "prometheus"]).run().exits(0);
    let items = "hydro_link_messages_total{service=\"counter\",member=\"0\",port=\"numbers\",peer=\"numbers.0\",direction=\"in\"} 5\n";
    one.prints(&[items]);
    let json = deployed.hydro(["metrics", "numbers", "--format", "json"]).run().exits(0);
    json.prints(&["\"service\":\"numbers\"", "\"messages\":5"]);
    deployed.hydro(["metrics", "command"]).run().exits(110).says(&["it is a command and has no admin socket"]);
    running.interrupt();
    running.finish(END).exits(130);
    mark.all_gone(GONE);
    deployed.hydro(["metrics"]).run().exits(4).says(&["`counted` does not run", "cargo hydro deploy --detach"]);
}

#[test]
fn a_deploy_is_over_when_all_links_between_running_programs_are_connected() {
    let mark = Mark::new();
    let services = |more: &str| {
        let programs =
            "[services.ticker]\nsrc = \"src/counts.hf\"\ncount = 6\n[services.one]\nsrc = \"src/prints.hf\"\n";
        let links = link("ticker.out", "one.numbers");
        toml("linked", &format!("{programs}{more}{links}"))
    };
    let deployed = programs().with(&services(""), &[]);
    let run = |arguments: &[&str]| mark.on(deployed.hydro(arguments.iter().copied())).run();
    run(&["deploy", "-d"]).exits(0);
    let connected = || -> (usize, usize) {
        let output = run(&["metrics", "--format", "json"]).exits(0);
        let all: serde_json::Value = serde_json::from_str(output.stdout.trim()).expect("is JSON");
        let links: Vec<&serde_json::Value> =
            all.as_array().expect("programs").iter().flat_map(|one| one["links"].as_array().expect("links")).collect();
        (links.iter().filter(|link| link["connected"] == true).count(), links.len())
    };
    assert_eq!(connected(), (12, 12), "each link from both its ends");
    // A link is added while all run: the senders are told of it.
    let another = "[services.other]\nsrc = \"src/prints.hf\"\nenv = { HYDRO_INPUT_NUMBERS = \"null\" }\n";
    programs().workspace().write("Hydro.toml", &services(another));
    run(&["deploy", "-d"]).exits(0);
    programs().workspace().write(
        "Hydro.toml",
        &(services(another).replace("env =", "args = []\nenv = {} #") + &link("ticker.out", "other.numbers")),
    );
    run(&["deploy", "-d"]).exits(0).says(&["ticker.out → other.numbers"]);
    assert_eq!(connected(), (24, 24));
    // Who is stopped is waited for by nobody.
    run(&["stop", "one"]).exits(0);
    let grown = services(another).replace("env =", "args = []\nenv = {} #").replace("count = 6", "count = 7")
        + &link("ticker.out", "other.numbers");
    programs().workspace().write("Hydro.toml", &grown);
    let output = run(&["deploy", "-d"]).exits(0);
    assert!(!output.stderr.contains("is not connected"), "{output}");
    run(&["down"]).exits(0);
    mark.all_gone(GONE);
}

/// Deploys what must fail, and asserts that nothing is left.
fn fails(toml: &str) -> Output {
    let deployed = programs().with(toml, &[]);
    let mark = Mark::new();
    let output = mark.on(deployed.hydro(["deploy"])).run();
    mark.all_gone(GONE);
    output
}

#[test]
fn services_are_started_wired_and_stopped() {
    let services = "[services.server]\nsrc = \"src/server.hf\"\n\n[services.ann]\nsrc = \"src/client.hf\"\nparams = { name = \"ann\" }\n\n[services.bob]\nsrc = \"src/client.hf\"\nparams = { name = \"bob\", count = 2 }\n";
    let links = [
        ("ann.outbound", "server.inbound"),
        ("bob.outbound", "server.inbound"),
        ("server.outbound", "ann.inbound"),
        ("server.outbound", "bob.inbound"),
    ];
    let toml = toml("words", services) + &links.map(|(from, to)| link(from, to)).concat();
    let deployed = programs().with(&toml, &[]);
    let mark = Mark::new();
    let running = mark.on(deployed.hydro(["deploy"])).start();
    running.until("all answers come", |output| {
        output.stdout.contains("heard ANN 2") && output.stdout.contains("heard BOB 1")
    });
    running.interrupt();
    let output = running.finish(END).exits(130);
    mark.all_gone(GONE);
    let mut heard: Vec<&str> = output.stdout.lines().collect();
    heard.sort_unstable();
    assert_eq!(
        heard,
        [
            "   ann │ heard ANN 0",
            "   ann │ heard ANN 1",
            "   ann │ heard ANN 2",
            "   bob │ heard BOB 0",
            "   bob │ heard BOB 1"
        ],
        "each hears its own answers alone"
    );
    let told = redact(&output.stderr, programs().workspace().root());
    assert!(told.contains("Deploying words\n"), "{told}");
    for service in ["server", "ann", "bob"] {
        assert!(told.contains(&format!("Started {service} at 127.0.0.1:[PORT] (pid [PID])\n")), "{told}");
        assert!(told.contains(&format!("Stopped {service}\n")), "{told}");
    }
}

#[test]
fn each_member_is_joined_with_every_other() {
    let toml = toml("members", "[services.member]\nsrc = \"src/member.hf\"\ncount = 3\n")
        + &link("member.said", "member.heard");
    let deployed = programs().with(&toml, &[]);
    let running = deployed.hydro(["deploy"]).start();
    let wanted: Vec<String> = [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
        .map(|(member, other)| format!("member.{member} │ heard {other} from "))
        .to_vec();
    running.until("all have heard all others", |output| wanted.iter().all(|line| output.stdout.contains(line)));
    running.interrupt();
    let output = running.finish(END).exits(130);
    assert_eq!(output.stdout.lines().count(), 6, "nobody hears itself\n{output}");
}

#[test]
fn events_come_as_json_too() {
    let toml = toml("json", "[services.one]\ncommand = [\"sh\", \"-c\", \"echo hello; echo oh >&2\"]\n");
    let deployed = programs().with(&toml, &[]);
    let output = deployed.hydro(["deploy", "--message-format", "json"]).run().exits(0);
    assert_eq!(output.stderr, "");
    assert_eq!(output.events_of("plan")[0]["start"][0]["service"], "one");
    let mut logs: Vec<(String, String)> =
        output.events_of("log").iter().map(|log| (log["stream"].to_string(), log["line"].to_string())).collect();
    logs.sort();
    assert_eq!(
        logs,
        [("\"stderr\"".to_owned(), "\"oh\"".to_owned()), ("\"stdout\"".to_owned(), "\"hello\"".to_owned())]
    );
    let states: Vec<String> = output.events_of("service").iter().map(|event| event["state"].to_string()).collect();
    assert_eq!(states, ["\"started\"", "\"exited\""]);
}

#[test]
fn commands_run_beside_programs_and_their_end_is_told() {
    let output = fails(&toml("done", "[services.one]\ncommand = [\"sh\", \"-c\", \"echo ready; exit 0\"]\n")).exits(0);
    output.prints(&["one │ ready"]).says(&["Finished one"]);
    let output = fails(&toml("failing", "[services.one]\ncommand = [\"sh\", \"-c\", \"echo no luck >&2; exit 3\"]\n"));
    output.exits(110).says(&["error: `one` exited with code 3", "--> Hydro.toml:4", "no luck"]);
    let output = fails(&toml("absent", "[services.one]\ncommand = [\"no-such-program-anywhere\"]\n"));
    output.exits(110).says(&["starting `one` failed", "no-such-program-anywhere", "--> Hydro.toml:4", "hint: "]);
}

#[test]
fn a_command_that_fails_does_not_take_the_others_along() {
    let services =
        "[services.one]\ncommand = [\"sh\", \"-c\", \"exit 3\"]\n\n[services.two]\nsrc = \"src/ticker.hf\"\n";
    let deployed = programs().with(&toml("beside", services), &[]);
    let running = deployed.hydro(["deploy"]).start();
    running.says("warning: `one` exited with code 3");
    running.prints("two │ tick 9");
    running.interrupt();
    running.finish(END).exits(130);
}

#[test]
fn a_program_that_ends_at_once_fails_the_deployment() {
    let services = "[services.exits]\nsrc = \"src/exits.hf\"\n\n[services.counter]\nsrc = \"src/counter.hf\"\n";
    let output = fails(&(toml("exits", services) + &link("exits.out", "counter.numbers"))).exits(110);
    output.says(&[
        "error: starting `exits` failed: it exited with code 3",
        "--> Hydro.toml:4",
        "the last lines of `exits`:",
        "there is no disk",
    ]);
}

#[test]
fn an_address_in_use_is_told_before_anything_starts() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
    let address = taken.local_addr().expect("is bound");
    let services = format!(
        "[services.counter]\nsrc = \"src/counter.hf\"\nlisten = \"{address}\"\n\n[services.numbers]\nsrc = \"src/numbers.hf\"\n"
    );
    let output = fails(&(toml("taken", &services) + &link("numbers.out", "counter.numbers"))).exits(110);
    assert!(!output.stderr.contains("Started"), "{output}");
    output.says(&[
        &format!("error: `counter` cannot listen: the address {address} is in use"),
        "--> Hydro.toml:4",
        "hint: ",
    ]);
}

#[test]
fn types_that_differ_are_told_at_the_link() {
    let services = "[services.words]\nsrc = \"src/words.hf\"\n\n[services.counter]\nsrc = \"src/counter.hf\"\n";
    let output = fails(&(toml("types", services) + &link("words.out", "counter.numbers"))).exits(96);
    assert!(!output.stderr.contains("Started"), "{output}");
    output.says(&[
        "error: `words.out` and `counter.numbers` carry different types",
        "--> Hydro.toml:11",
        "`words.out` carries `alloc::string::String` (src/words.hf:2)",
        "`counter.numbers` carries `u64` (src/counter.hf:2)",
        "hint: ",
    ]);
}

#[test]
fn a_peer_that_nobody_is_is_waited_for() {
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("there is a free port");
    let services =
        format!("[services.numbers]\nsrc = \"src/numbers.hf\"\nenv = {{ HYDRO_OUTPUT_OUT = \"tcp://{nobody}\" }}\n");
    let deployed = programs().with(&toml("waiting", &services), &[]);
    let mark = Mark::new();
    let running = mark.on(deployed.hydro(["deploy"])).start();
    running.prints(&nobody.to_string());
    running.interrupt();
    running.finish(END).exits(130);
    mark.all_gone(GONE);
}

#[test]
fn nothing_to_deploy_is_said() {
    let deployed = programs().with("[deployment]\nname = \"empty\"\n", &[]);
    let output = deployed.hydro(["deploy"]).run();
    assert!(output.stderr.contains("empty") || output.stderr.contains("no service"), "{output}");
}
