//! Links to the standard input and output of commands: lines in order, back-pressure, and what a restart of either end leaves of them.

use std::time::Duration;

use serde_json::Value;

use crate::support::{Hydro, Mark, Output, eventually, programs};

const END: Duration = Duration::from_secs(30);
const GONE: Duration = Duration::from_secs(10);

/// Doubles each number that it reads; what it has to say besides goes elsewhere.
const DOUBLE: &str = r#"
[services.double]
command = ["python3", "-u", "-c", """
import json, os, sys
print('begins', file=sys.stderr)
print('a banner')
for line in sys.stdin:
    print(json.dumps(json.loads(line) * 2))
"""]
"#;

fn toml(name: &str, services: &str, links: &[(&str, &str)]) -> String {
    let links: Vec<String> =
        links.iter().map(|(from, to)| format!("[[links]]\nfrom = \"{from}\"\nto = \"{to}\"\n")).collect();
    format!("[deployment]\nname = \"{name}\"\n{services}\n{}", links.concat())
}

fn program(name: &str, source: &str, more: &str) -> String {
    format!("[services.{name}]\nsrc = \"src/{source}.hf\"\n{more}\n")
}

const THROUGH: [(&str, &str); 2] = [("numbers.out", "double.stdin"), ("double.stdout", "printer.numbers")];

fn through(count: u64) -> String {
    program("numbers", "numbers", &format!("params = {{ count = {count} }}"))
        + DOUBLE
        + &program("printer", "prints", "")
}

/// What a service printed, as numbers.
fn numbers(output: &Output) -> Vec<u64> {
    let lines = output.stdout.lines().filter_map(|line| line.strip_prefix("printer │ "));
    lines.map(|line| line.parse().expect("a number")).collect()
}

#[test]
fn lines_go_through_a_command_in_order_and_are_no_log() {
    let deployed = programs().with(&toml("piped-through", &through(5000), &THROUGH), &[]);
    let mark = Mark::new();
    let running = mark.on(deployed.hydro(["deploy"])).start();
    running.prints("printer │ 9998\n");
    running.says("double.stdout` is linked, but `a banner` is no JSON: such lines go into the log instead");
    running.interrupt();
    let output = running.finish(END).exits(130);
    assert_eq!(numbers(&output), (0..5000).map(|number| number * 2).collect::<Vec<_>>());
    let of_double: Vec<&str> = output.stdout.lines().filter(|line| line.trim_start().starts_with("double ")).collect();
    assert_eq!(of_double.len(), 2, "its banner and what it writes to standard error, and nothing else: {of_double:?}");
    mark.all_gone(GONE);
}

/// Calls on a deployment in the background.
struct Held<'a> {
    deployed: crate::support::Deployed,
    mark: &'a Mark,
}

impl Held<'_> {
    fn call<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Hydro {
        self.mark.on(self.deployed.hydro(arguments))
    }

    fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Output {
        self.call(arguments).run()
    }

    fn deploy(&self, toml: &str) -> Output {
        programs().workspace().write("Hydro.toml", toml);
        self.run(["deploy", "-d"]).exits(0)
    }

    fn pid(&self, member: &str) -> u32 {
        let output = self.run(["ps", "--json"]).exits(0);
        let status: Value = serde_json::from_str(output.stdout.trim()).expect("a status");
        let members = status["members"].as_array().expect("members").iter();
        let found = members.into_iter().find(|other| other["name"] == member).expect("is there");
        u32::try_from(found["pid"].as_u64().unwrap_or_default()).expect("a process id")
    }

    fn kill(&self, member: &str) {
        let pid = i32::try_from(self.pid(member)).ok().and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.expect("it runs"), rustix::process::Signal::KILL).expect("it runs");
    }

    fn printed(&self) -> Vec<u64> {
        numbers(&self.run(["logs", "printer"]).exits(0))
    }
}

/// Takes the deployment down, whatever became of the test.
impl Drop for Held<'_> {
    fn drop(&mut self) {
        let _ = self.run(["down"]);
    }
}

/// Writes numbers, a few each millisecond, up to a last one.
fn slowly(last: u64) -> String {
    format!(
        "[services.source]\nrestart = \"temporary\"\ncommand = [\"python3\", \"-u\", \"-c\", \"\"\"\nimport time\nfor number in range({last} + 1):\n    print(number)\n    if number % 10 == 0: time.sleep(0.002)\ntime.sleep(600)\n\"\"\"]\n"
    )
}

#[test]
fn a_receiver_that_is_killed_gets_the_rest_when_it_is_back() {
    let last = 3000;
    let services = slowly(last) + &program("printer", "prints", "restart = \"permanent\"");
    let wished = toml("piped-receiver", &services, &[("source.stdout", "printer.numbers")]);
    let mark = Mark::new();
    let held = Held { deployed: programs().with(&wished, &[]), mark: &mark };
    held.deploy(&wished);
    for share in [4, 2] {
        eventually("some have come", || held.printed().last().is_some_and(|number| *number > last / share));
        held.kill("printer");
    }
    eventually("all have come", || held.printed().last() == Some(&last));
    let mut seen = held.printed();
    // What one start had printed but not acknowledged, the next is sent again.
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, (0..=last).collect::<Vec<_>>(), "none is missing");
    drop(held);
    mark.all_gone(GONE);
}

#[test]
fn a_command_that_is_killed_loses_what_lay_in_its_pipes_and_nothing_comes_twice() {
    let wished = toml("piped-command", &(through(60_000) + "[supervision]\n"), &THROUGH)
        .replace("[services.double]", "[services.double]\nrestart = \"permanent\"");
    let mark = Mark::new();
    let held = Held { deployed: programs().with(&wished, &[]), mark: &mark };
    held.deploy(&wished);
    eventually("some have come", || held.printed().len() > 1000);
    held.kill("double");
    eventually("the last has come", || held.printed().last() == Some(&119_998));
    let seen = held.printed();
    assert!(seen.is_sorted_by(|one, next| one < next), "in order, none twice");
    // A pipe has 64 KiB, a line here at most 7 bytes; Python reads ahead and keeps 8 KiB.
    assert!(60_000 - seen.len() < 40_000, "{} of 60000", seen.len());
    drop(held);
    mark.all_gone(GONE);
}

#[test]
fn who_does_not_read_makes_others_wait_and_nothing_is_lost() {
    let count: u64 = 300_000;
    let patient = "[services.double]\ndata = \"fresh\"\ncommand = [\"python3\", \"-u\", \"-c\", \"\"\"\nimport json, os, sys, time\nwhile not os.path.exists(sys.argv[1] + '/go'): time.sleep(0.01)\ntotal = seen = 0\nfor line in sys.stdin:\n    seen += 1; total += json.loads(line)\n    if seen == COUNT: print(total)\n\"\"\", \"{data}\"]\n".replace("COUNT", &count.to_string());
    let services = program("numbers", "numbers", &format!("params = {{ count = {count} }}"))
        + &patient
        + &program("printer", "prints", "");
    let wished = toml("piped-patient", &services, &THROUGH);
    let mark = Mark::new();
    let held = Held { deployed: programs().with(&wished, &[]), mark: &mark };
    held.deploy(&wished);
    let data = programs().workspace().path(".hydro/data/piped-patient/double");
    std::fs::write(data.join("go"), "").expect("can be written");
    eventually("all have been read", || held.printed() == [count * (count - 1) / 2]);
    drop(held);
    mark.all_gone(GONE);
}

#[test]
fn links_to_commands_come_and_go_while_everybody_else_goes_on() {
    let another = "[services.keeper]\ncommand = [\"python3\", \"-u\", \"-c\", \"\"\"\nimport sys\nfor line in sys.stdin: print('kept', line, end='', file=sys.stderr)\n\"\"\"]\n";
    let services = program("ticker", "counts", "") + DOUBLE + another + &program("printer", "prints", "");
    let some =
        toml("piped-rewired", &services, &[("ticker.out", "double.stdin"), ("double.stdout", "printer.numbers")]);
    let more = toml(
        "piped-rewired",
        &services,
        &[
            ("ticker.out", "double.stdin"),
            ("double.stdout", "printer.numbers"),
            ("ticker.out", "keeper.stdin"),
            ("double.stdout", "keeper.stdin"),
        ],
    );
    let mark = Mark::new();
    let held = Held { deployed: programs().with(&some, &[]), mark: &mark };
    held.deploy(&some);
    eventually("they count", || held.printed().len() > 3);
    let before = ["ticker", "double", "printer", "keeper"].map(|member| held.pid(member));
    held.deploy(&more).says(&["~ keeper (its standard input)", "+ double.stdout → keeper.stdin"]);
    let kept = |wish: fn(u64) -> bool| {
        let output = held.run(["logs", "keeper"]).exits(0);
        output.stdout.lines().filter_map(|line| line.rsplit_once("kept ")?.1.parse().ok()).any(wish)
    };
    eventually("the keeper hears both", || {
        kept(|number| number % 2 == 1) && kept(|number| number % 2 == 0 && number > 0)
    });
    let after = ["ticker", "double", "printer", "keeper"].map(|member| held.pid(member));
    assert_eq!(after[..3], before[..3]);
    held.deploy(&some).says(&["- ticker.out → keeper.stdin"]);
    // Without its standard input, and with it again: the way back is the same.
    let less = toml("piped-rewired", &services, &[("double.stdout", "printer.numbers")]);
    held.deploy(&less).says(&["~ double (its standard input)"]);
    held.deploy(&some).says(&["~ double (its standard input)"]);
    let so_far = held.printed().len();
    eventually("the others go on", || held.printed().len() > so_far + 3);
    assert_eq!(held.pid("ticker"), before[0]);
    drop(held);
    mark.all_gone(GONE);
}

#[test]
fn what_cannot_be_linked_is_told_at_its_line() {
    let services = "[services.server]\nsrc = \"src/server.hf\"\n[services.printer]\nsrc = \"src/prints.hf\"\n[services.cat]\ncommand = [\"cat\"]\n[services.cats]\ncommand = [\"cat\"]\ncount = 3\n";
    let wished = toml(
        "piped-wrong",
        services,
        &[
            ("cat.out", "server.inbound"),
            ("cat.stdin", "printer.numbers"),
            ("server.outbound", "cat.stdin"),
            ("cats.stdout", "printer.numbers"),
            ("cat.stdout", "printer.stdin"),
        ],
    ) + "[[links]]\nfrom = \"cat.stdout\"\nto = \"printer.numbers\"\ntransport = \"tcp\"\ndelivery = \"lossy\"\n";
    let deployed = programs().with(&wished, &[]);
    deployed.hydro(["deploy"]).run().exits(96).says(&[
        "Hydro.toml:14",
        "`cat` has no port `out`: it is a command",
        "the only output is `stdout`",
        "`server.inbound` is addressed, and lines of a command come from no address",
        "Hydro.toml:17",
        "`cat.stdin` is an input; a link begins at an output",
        "`server.outbound` is addressed",
        "`cats.stdout` cannot be linked: `cats` has 3 members",
        "`printer` has no port `stdin`",
        "cannot have the transport `tcp`: a command is linked by its pipes",
        "cannot be `lossy`",
    ]);
}

#[test]
fn what_a_port_cannot_read_is_told_and_the_rest_comes() {
    let odd = "[services.odd]\ncommand = [\"sh\", \"-c\", \"echo 1; echo '{}'; echo 2; exec sleep 600\"]\n";
    let wished = toml(
        "piped-unread",
        &(odd.to_owned() + &program("printer", "prints", "")),
        &[("odd.stdout", "printer.numbers")],
    );
    let deployed = programs().with(&wished, &[]);
    let mark = Mark::new();
    let running = mark.on(deployed.hydro(["deploy"])).start();
    running.prints("printer │ 2");
    running.says("warning: `printer.numbers` cannot read what `odd` writes: ");
    running.interrupt();
    assert_eq!(numbers(&running.finish(END).exits(130)), [1, 2]);
    mark.all_gone(GONE);
}
