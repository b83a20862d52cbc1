//! A deployment in a terminal with somebody at it: keys, Ctrl-C once and twice, progress; and the terminal is as it was, whatever ends us.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Hydro, Mark, Terminal, Workspace, eventually};

const GONE: Duration = Duration::from_secs(10);
const END: Duration = Duration::from_secs(30);

const MANIFEST: &str = "[package]\nname = \"sits\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";
const TWO: &str = "[deployment]\nname = \"two\"\n[services.a]\ncommand = [\"sh\", \"-c\", \"echo a is up; exec sleep 600\"]\n\
                   [services.b]\ncommand = [\"sh\", \"-c\", \"echo b is up; exec sleep 600\"]\n";

fn workspace(name: &str, toml: &str) -> Workspace {
    Workspace::new(&format!("terminal-{name}"), &[("Cargo.toml", MANIFEST), ("src/lib.rs", ""), ("Hydro.toml", toml)])
}

fn deployed(name: &str, toml: &str, mark: &Mark) -> Terminal {
    mark.on(workspace(name, toml).hydro(["deploy"])).at_terminal()
}

#[test]
fn keys_do_what_other_shells_can_do() {
    let mark = Mark::new();
    let workspace = workspace("keys", TWO);
    let mut terminal = mark.on(workspace.hydro(["deploy"])).at_terminal();
    terminal.shows("Keys: s status");
    terminal.shows("b │ b is up");
    assert!(!terminal.edits_lines(), "keys come at once and unseen");
    terminal.presses("?");
    terminal.shows("r  restart all services");
    terminal.presses("x\x1b[As");
    terminal.shows("Running two in a terminal");
    terminal.shows("SERVICE  STATE");
    terminal.shows("\nb        up");

    terminal.presses("l");
    terminal.shows("Logs are hidden");
    terminal.presses("r");
    terminal.shows("Restarting all services");
    terminal.shows("Stopped b");
    terminal.shows("Started b");
    eventually("b wrote its line again", || {
        workspace.hydro(["logs", "b"]).run().stdout.matches("b is up").count() == 2
    });
    terminal.presses("l");
    terminal.shows("Logs are shown");
    terminal.presses("r");
    terminal.shows("b │ b is up");
    assert_eq!(terminal.screen().matches("b │ b is up").count(), 2, "{}", terminal.screen());

    terminal.presses("q");
    terminal.shows("Stopping two");
    terminal.shows("Stopped b");
    terminal.shows("Stopped a");
    terminal.finish(END).exits(0);
    assert!(terminal.edits_lines(), "the terminal is as it was");
    mark.all_gone(GONE);
}

#[test]
fn ctrl_c_ends_all_in_reverse_order() {
    let mark = Mark::new();
    let mut terminal = deployed("once", TWO, &mark);
    terminal.shows("b │ b is up");
    terminal.presses("\x03");
    terminal.shows("Stopping two");
    terminal.shows("Stopped b");
    terminal.shows("Stopped a");
    terminal.finish(END).exits(130);
    assert!(terminal.edits_lines());
    mark.all_gone(GONE);
}

#[test]
fn a_second_ctrl_c_ends_all_at_once() {
    let deaf = "trap 'echo does not listen' TERM; echo is up; while :; do sleep 0.05; done";
    let toml = format!(
        "[deployment]\nname = \"deaf\"\n[services.a]\ncommand = [\"sh\", \"-c\", \"{deaf}\"]\nshutdown = \"unlimited\"\n"
    );
    let mark = Mark::new();
    let mut terminal = deployed("twice", &toml, &mark);
    terminal.shows("a │ is up");
    terminal.presses("\x03");
    terminal.shows("does not listen");
    assert!(mark.processes().contains_key(&terminal.pid()), "it waits for whoever was given all the time it wants");
    terminal.presses("\x03");
    terminal.finish(END).exits(130);
    assert!(terminal.edits_lines());
    mark.all_gone(GONE);
}

#[test]
fn a_killed_command_leaves_a_terminal_that_edits_lines() {
    let mark = Mark::new();
    let mut terminal = deployed("killed", TWO, &mark);
    terminal.shows("b │ b is up");
    assert!(!terminal.edits_lines());
    terminal.signal(Signal::KILL);
    terminal.finish(END).exits(-9);
    mark.all_gone(GONE);
    assert!(terminal.edits_lines(), "the guardian has seen to it");
}

#[test]
fn who_only_reads_has_no_keys() {
    let mark = Mark::new();
    let workspace = workspace("json", TWO);
    let mut terminal = mark.on(workspace.hydro(["deploy", "--message-format", "json"])).at_terminal();
    terminal.shows("\"line\":\"b is up\"");
    assert!(terminal.edits_lines(), "programs press no keys");
    terminal.presses("\x03");
    terminal.finish(END).exits(130);
    assert!(!terminal.screen().contains("Keys:"), "{}", terminal.screen());
    let piped = mark.on(workspace.hydro(["deploy"])).start();
    piped.prints("b │ b is up");
    piped.interrupt();
    let output = piped.finish(END).exits(130);
    assert!(!output.stderr.contains("Keys:"), "{output}");
    mark.all_gone(GONE);
}

#[test]
fn a_build_counts_on_one_line_that_goes_away() {
    // The build goes on when the test has seen enough of it.
    let build_script = "fn main() {\n    println!(\"cargo::rerun-if-changed=go-on\");\n    while std::fs::read(\"go-on\").is_err() {\n        std::thread::sleep(std::time::Duration::from_millis(5));\n    }\n}\n";
    let program = |word: &str| format!("module main() {{\n    source_iter([\"{word}\"]) -> null();\n}}\n");
    let workspace = Workspace::new(
        "terminal-progress",
        &[
            ("Cargo.toml", &MANIFEST.replace("sits", "counts")),
            ("build.rs", build_script),
            ("src/lib.rs", "//! Nothing.\n"),
            ("src/one.hf", &program("one")),
        ],
    );
    let mark = Mark::new();
    let build = |arguments: [&'static str; 1]| -> Hydro { mark.on(workspace.hydro(arguments)) };
    let mut terminal = build(["build"]).at_terminal();
    terminal.shows("Building ");
    let counts = |screen: &str| {
        let rest = screen.rsplit("Building ").next().unwrap_or_default();
        let (done, all) = rest.split_whitespace().next().and_then(|count| count.split_once('/')).unwrap_or_default();
        done.parse::<u32>().is_ok() && all.parse::<u32>().is_ok()
    };
    eventually("it counts", || counts(&terminal.screen()));
    workspace.write("go-on", "");
    terminal.shows("Built one in ");
    terminal.finish(END).exits(0);
    assert!(!terminal.screen().contains("Building"), "it is gone when there is more to say:\n{}", terminal.screen());

    workspace.write("src/one.hf", &program("another"));
    let piped = build(["build"]).run().exits(0).says(&["Compiling one", "Built one"]);
    assert!(!piped.stderr.contains("Building") && !piped.stderr.contains('\r'), "{piped}");
}
