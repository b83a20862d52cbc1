//! `--watch`: what is saved is applied, what is wrong is told and changes nothing, and peers find everybody where they were.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Hydro, Mark, Workspace, eventually};

const GONE: Duration = Duration::from_secs(10);
const END: Duration = Duration::from_secs(30);

/// By its name it is found while its file is wrong.
const NAME: &str = "watched";

const MANIFEST: &str = "[workspace]\nresolver = \"3\"\n\n[package]\nname = \"PACKAGE\"\nedition = \"2024\"\n";

/// A workspace that is watched, and what its calls leave running.
struct Watched {
    workspace: Workspace,
    mark: Mark,
}

impl Watched {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let manifest = MANIFEST.replace("PACKAGE", name);
        let first = [("Cargo.toml", manifest.as_str())];
        let files: Vec<(&str, &str)> = first.into_iter().chain(files.iter().copied()).collect();
        Self { workspace: Workspace::new(&format!("watch-{name}"), &files), mark: Mark::new() }
    }

    fn call<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Hydro {
        self.mark.on(self.workspace.hydro(arguments))
    }

    /// Returns the members that run: process id and address.
    fn members(&self) -> BTreeMap<String, (u64, String)> {
        let output = self.call(["ps", "--json", "--deployment", NAME]).run().exits(0);
        let status: Value = serde_json::from_str(output.stdout.trim()).expect("is JSON");
        let member = |member: &Value| {
            let text = |key: &str| member[key].as_str().unwrap_or_default().to_owned();
            Some((text("name"), (member["pid"].as_u64()?, text("address"))))
        };
        status["members"].as_array().expect("members").iter().filter_map(member).collect()
    }
}

/// Calls at an address again and again until it is dropped, and returns how often nobody was there.
struct Caller {
    enough: Arc<AtomicBool>,
    calls: std::thread::JoinHandle<usize>,
}

impl Caller {
    fn at(address: &str) -> Self {
        let address: SocketAddr = address.parse().expect("an address");
        let enough = Arc::new(AtomicBool::new(false));
        let is_enough = Arc::clone(&enough);
        let calls = std::thread::spawn(move || {
            let mut refused = 0;
            while !is_enough.load(Ordering::Relaxed) {
                refused += usize::from(TcpStream::connect(address).is_err());
                std::thread::sleep(Duration::from_millis(1));
            }
            refused
        });
        Self { enough, calls }
    }

    fn refused(self) -> usize {
        self.enough.store(true, Ordering::Relaxed);
        self.calls.join().expect("it only counts")
    }
}

const TICKER: &str = "module main(output out: u64) {\n    source_interval(std::time::Duration::from_millis(20)) -> enumerate() -> map(|(i, _)| i as u64) -> out;\n}\n";

fn hearer(word: &str) -> String {
    format!("module main(input numbers: u64) {{\n    numbers -> for_each(|n| println!(\"{word} {{n}}\"));\n}}\n")
}

fn toml(more: &str) -> String {
    format!(
        "[deployment]\nname = \"watched\"\n\n[services.ticker]\nsrc = \"src/ticker.hf\"\n\n[services.hearer]\nsrc = \"src/hearer.hf\"\n{more}\n[[links]]\nfrom = \"ticker.out\"\nto = \"hearer.numbers\"\n"
    )
}

#[test]
fn an_edit_restarts_what_it_changes_and_a_mistake_changes_nothing() {
    let watched = Watched::new(
        "edits",
        &[
            ("src/lib.rs", "//! Words.\n"),
            ("src/ticker.hf", TICKER),
            ("src/hearer.hf", &hearer("heard")),
            ("Hydro.toml", &toml("")),
        ],
    );
    let running = watched.call(["run", "--watch"]).start();
    running.prints("hearer │ heard ");
    running.says("Deployed watched in ");
    let before = watched.members();
    let caller = Caller::at(&before["hearer"].1);

    watched.workspace.write("src/hearer.hf", &hearer("listened to"));
    running.prints("hearer │ listened to ");
    running.says("Changed src/hearer.hf");
    running.until("it is told", |output| output.stderr.matches("Deployed watched in ").count() == 2);
    let after = watched.members();
    assert_eq!(after["ticker"], before["ticker"], "who is the same goes on");
    assert_ne!(after["hearer"].0, before["hearer"].0);
    assert_eq!(after["hearer"].1, before["hearer"].1, "at the same address");

    // Wrong for rustc, then wrong before it, then a wrong Hydro.toml: what runs does not notice.
    watched.workspace.write("src/hearer.hf", &hearer("{} wrong"));
    running.says("--> src/hearer.hf:2:");
    running.until("it waits", |output| output.stderr.matches("Waiting for the next change").count() == 1);
    watched.workspace.write("Hydro.toml", &toml("src = 5\n"));
    running.until("it waits", |output| output.stderr.matches("Waiting for the next change").count() == 2);
    running.says("--> Hydro.toml:9");
    assert_eq!(watched.members(), after);
    let lines = |output: &crate::support::Output| output.stdout.matches("listened to").count();
    let so_far = std::cell::Cell::new(usize::MAX);
    running.until("it goes on", |output| {
        lines(output) > so_far.replace(so_far.get().min(lines(output))).saturating_add(5)
    });

    // The next good state counts, also where a file is missing at first.
    watched.workspace.write("src/hearer.hf", &hearer("noted"));
    watched.workspace.remove("src/late.hf");
    watched.workspace.write("Hydro.toml", &toml("\n[services.late]\nsrc = \"src/late.hf\"\n"));
    running.says("there is no file `src/late.hf`");
    watched.workspace.write(
        "src/late.hf",
        "module main() {\n    source_iter([\"late\"]) -> for_each(|word| println!(\"{word} is here\"));\n}\n",
    );
    running.prints("late │ late is here");
    running.prints("hearer │ noted ");
    assert_eq!(caller.refused(), 0, "whoever called was never refused");
    assert_eq!(watched.members()["ticker"], before["ticker"]);

    running.interrupt();
    running.finish(END).exits(130);
    watched.mark.all_gone(GONE);
}

fn commands(word: &str, other: &str) -> String {
    format!(
        "[deployment]\nname = \"watched\"\n[services.a]\ncommand = [\"sh\", \"-c\", \"echo $WORD; exec sleep 600\"]\nenv = {{ WORD = \"{word}\" }}\n\
         [services.b]\ncommand = [\"sh\", \"-c\", \"{other}\"]\n"
    )
}

#[test]
fn what_is_wrong_from_the_start_may_be_mended() {
    let broken = format!("{}[services.c]\nsrc = \"src/c.hf\"\n", commands("none", "exec sleep 600"));
    let watched = Watched::new(
        "mended",
        &[("src/lib.rs", ""), ("src/c.hf", "module main( {\n"), ("Hydro.toml", "[services.a]\n")],
    );
    // Without it nobody knows under which name to look for the deployment.
    watched.call(["deploy", "--watch"]).run().exits(96).says(&["--> Hydro.toml:1"]);
    watched.workspace.write("Hydro.toml", &broken);
    let running = watched.call(["deploy", "--watch"]).start();
    running.says("--> src/c.hf:1:");
    running.says("Waiting for the next change");
    watched.workspace.write("Hydro.toml", &commands("first", "exec sleep 600"));
    running.prints("a │ first");
    running.says("Deployed watched in ");
    let before = watched.members();

    watched.workspace.write("Hydro.toml", &commands("second", "exec sleep 600"));
    running.prints("a │ second");
    eventually("a runs again", || watched.members().get("a").is_some_and(|member| *member != before["a"]));
    assert_eq!(watched.members()["b"], before["b"], "its settings are what they were");

    // A service that fails does not end what is worked on; it is told, and mended as everything else.
    watched.workspace.write("Hydro.toml", &commands("second", "exit 3"));
    running.says("`b` was started again with its changes and failed");
    watched.workspace.write("Hydro.toml", &commands("third", "echo b is well; exec sleep 600"));
    running.prints("a │ third");
    running.prints("b │ b is well");
    watched.workspace.write("Hydro.toml", &commands("third", "exit 3").replace("\"watched\"", "\"another\""));
    running.says("`Hydro.toml` describes `another` now, and here `watched` runs");
    running.interrupt();
    running.finish(END).exits(130);
    watched.mark.all_gone(GONE);
}

fn prints(word: &str) -> String {
    format!("module main() {{\n    source_iter([\"{word}\"]) -> for_each(|word| println!(\"{{word}}\"));\n}}\n")
}

#[test]
fn services_that_share_a_process_begin_anew_together_and_others_go_on() {
    let service = |name: &str, more: &str| format!("[services.{name}]\nsrc = \"src/{name}.hf\"\n{more}\n");
    let together = "colocate = true";
    let toml = "[deployment]\nname = \"watched\"\n".to_owned()
        + &service("first", together)
        + &service("second", together)
        + &service("alone", "");
    let watched = Watched::new(
        "colocated",
        &[
            ("src/lib.rs", ""),
            ("src/first.hf", &prints("one")),
            ("src/second.hf", &prints("two")),
            ("src/alone.hf", &prints("apart")),
            ("Hydro.toml", &toml),
        ],
    );
    let running = watched.call(["run", "--watch"]).start();
    running.prints("first+second │ two");
    running.says("Deployed watched in ");
    let before = watched.members();
    assert_eq!(before["first"].0, before["second"].0, "one process");
    watched.workspace.write("src/second.hf", &prints("three"));
    running.prints("first+second │ three");
    running.until("it is told", |output| output.stderr.matches("Deployed watched in ").count() == 2);
    running.until("the other begins anew, too", |output| output.stdout.matches("first+second │ one").count() == 2);
    let after = watched.members();
    assert_ne!(after["first"].0, before["first"].0);
    assert_eq!(after["first"].0, after["second"].0);
    assert_eq!(after["alone"], before["alone"], "who is on its own goes on");
    running.interrupt();
    running.finish(END).exits(130);
    watched.mark.all_gone(GONE);
}

#[test]
fn files_that_a_command_says_it_reads_are_followed() {
    let reader = |name: &str, watch: &str| {
        format!("[services.{name}]\ncommand = [\"sh\", \"-c\", \"cat conf/*.yaml; exec sleep 600\"]\n{watch}\n")
    };
    let toml = "[deployment]\nname = \"watched\"\n".to_owned()
        + &reader("a", "watch = [\"conf/*.yaml\", \"app.ini\"]")
        + &reader("b", "");
    let watched = Watched::new("reads", &[("src/lib.rs", ""), ("conf/x.yaml", "level: one\n"), ("Hydro.toml", &toml)]);
    let running = watched.call(["deploy", "--watch"]).start();
    running.prints("a │ level: one");
    running.says("Deployed watched in ");
    let before = watched.members();
    watched.workspace.write("conf/x.yaml", "level: two\n");
    running.prints("a │ level: two");
    running.says("Changed conf/x.yaml");
    // A new one that fits, one that does not, and one that was not there.
    watched.workspace.write("conf/notes.txt", "nothing to do with it\n");
    watched.workspace.write("conf/y.yaml", "more: yes\n");
    running.prints("a │ more: yes");
    watched.workspace.write("app.ini", "x = 1\n");
    running.says("Changed app.ini");
    running.until("it is applied", |output| output.stderr.matches("Deployed watched in ").count() == 4);
    assert_eq!(watched.members()["b"], before["b"], "who does not say so goes on");
    running.interrupt();
    let output = running.finish(END).exits(130);
    assert!(!output.stderr.contains("notes.txt"), "{output}");
    watched.mark.all_gone(GONE);
}

#[test]
fn a_deployment_that_is_watched_ends_when_another_shell_says_so() {
    let watched = Watched::new("down", &[("src/lib.rs", ""), ("Hydro.toml", &commands("up", "exec sleep 600"))]);
    let running = watched.call(["deploy", "--watch"]).start();
    running.says("Deployed watched in ");
    watched.call(["down"]).run().exits(0);
    running.finish(END).exits(0);
    watched.mark.all_gone(GONE);
    watched.call(["deploy", "--watch", "--detach"]).run().exits(1).says(&["cannot be used with"]);
}
