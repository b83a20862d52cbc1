//! Deployments under `kill -9`: of the process that holds them, of the command that changes them, of their guardian, and of their services.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::rounds;
use crate::support::{Hydro, Mark, Output, Workspace, eventually};

const GONE: Duration = Duration::from_secs(10);

/// A workspace of shell scripts whose calls keep their sockets in a folder of their own.
struct Field {
    workspace: Workspace,
    mark: Mark,
    sockets: PathBuf,
}

impl Field {
    fn new(name: &str) -> Self {
        let manifest = "[package]\nname = \"field\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";
        let workspace = Workspace::new(&format!("field-{name}"), &[("Cargo.toml", manifest), ("src/lib.rs", "")]);
        // A socket's path is short.
        let sockets = tempfile::Builder::new().prefix("field-").tempdir_in("/tmp").expect("can be made").keep();
        Self { workspace, mark: Mark::new(), sockets }
    }

    fn call<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Hydro {
        self.mark.on(self.workspace.hydro(arguments)).env("XDG_RUNTIME_DIR", &self.sockets)
    }

    fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Output {
        self.call(arguments).run()
    }

    fn describe(&self, services: &str) {
        self.workspace.write("Hydro.toml", &format!("[deployment]\nname = \"field\"\n{services}"));
    }

    fn members(&self) -> BTreeMap<String, Value> {
        let output = self.run(["ps", "--json"]).exits(0);
        let status: Value = serde_json::from_str(output.stdout.trim()).expect("a status");
        let members = status["members"].as_array().expect("members").iter();
        members.map(|member| (member["name"].as_str().expect("a name").to_owned(), member.clone())).collect()
    }

    /// Asserts that nothing of it is left, no process and no file.
    #[track_caller]
    fn is_empty(&self) {
        self.mark.all_gone(GONE);
        eventually("the sockets are gone", || self.sockets.read_dir().expect("is there").next().is_none());
    }
}

impl Drop for Field {
    fn drop(&mut self) {
        self.mark.processes().into_keys().for_each(kill);
        let _ = std::fs::remove_dir_all(&self.sockets);
    }
}

fn kill(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may have ended meanwhile.
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

const SLEEPER: &str = "command = [\"sh\", \"-c\", \"sleep 600 & exec sleep 600\"]\n";

/// What is killed while a deployment changes.
#[derive(Clone, Copy, Debug)]
enum Victim {
    Command,
    Holder,
    Guardian,
}

#[test]
fn whatever_is_killed_while_a_deployment_changes_the_next_command_puts_it_right() {
    let field = Field::new("killed");
    let mut dice = Dice(7);
    let versions = [
        format!("[services.a]\n{SLEEPER}[services.b]\n{SLEEPER}"),
        format!("[services.a]\n{SLEEPER}count = 4\n"),
        format!("[services.b]\n{SLEEPER}[services.c]\n{SLEEPER}args = [\"x\"]\n"),
    ];
    let rounds = rounds(12, 100);
    for round in 0..rounds {
        field.describe(&versions[round % versions.len()]);
        let call = match round % 4 {
            3 => field.call(["down"]),
            _ => field.call(["deploy", "-d"]),
        };
        let victim = [Victim::Command, Victim::Holder, Victim::Guardian][dice.below(3) as usize];
        let moment = Duration::from_micros(dice.below(250_000));
        let begun = Instant::now();
        let running = call.start();
        // The moment is what is tried here, not something that is waited for.
        while begun.elapsed() < moment {
            std::thread::yield_now();
        }
        match victim {
            Victim::Command => kill(running.pid()),
            Victim::Holder => named(&field.mark, "hydro-daemon").into_iter().for_each(kill),
            Victim::Guardian => named(&field.mark, "hydro-guardian").into_iter().for_each(kill),
        }
        let interrupted = running.finish(Duration::from_secs(60));
        if round % 2 == 0 {
            let next = field.run(["deploy", "-d"]);
            assert_eq!(next.code, 0, "round {round}: after {victim:?} died {moment:?} into it\n{interrupted}\n{next}");
            let up = field.members();
            assert!(up.values().all(|member| member["state"] == "up") && up.len() > 1, "round {round}: {up:#?}");
        } else {
            let next = field.run(["down"]);
            assert_eq!(next.code, 0, "round {round}: after {victim:?} died {moment:?} into it\n{interrupted}\n{next}");
            field.is_empty();
        }
    }
    field.run(["down"]).exits(0);
    field.is_empty();
}

/// Returns the marked processes of this name.
fn named(mark: &Mark, name: &str) -> Vec<u32> {
    let processes = mark.processes();
    processes.into_iter().filter(|(_, line)| line.starts_with(name)).map(|(pid, _)| pid).collect()
}

#[test]
fn services_that_are_killed_come_back_and_each_end_is_told_once() {
    let field = Field::new("services");
    field.describe(&format!("[services.a]\n{SLEEPER}count = 10\nrestart = \"permanent\"\n"));
    field.run(["deploy", "-d"]).exits(0);
    let events = field.call(["events", "--message-format", "json"]).start();
    events.prints("what happens from now on");
    let kills = rounds(30, 1000);
    let mut dice = Dice(11);
    let mut before = field.members();
    for kill_number in 0..kills {
        let name = format!("a.{}", dice.below(10));
        let pid = before[&name]["pid"].as_u64().unwrap_or_default();
        kill(u32::try_from(pid).expect("a process id"));
        eventually("it is started again", || {
            before = field.members();
            before[&name]["state"] == "up" && before[&name]["pid"] != pid
        });
        let others = before.values().filter(|member| member["state"] == "up").count();
        assert_eq!(others, 10, "kill {kill_number}: nobody else is touched");
    }
    field.run(["down"]).exits(0);
    let told = events.finish(Duration::from_secs(30)).exits(0);
    let ends = told.events_of("service").into_iter().filter(|event| event["state"] == "exited");
    let (expected, killed): (Vec<Value>, Vec<Value>) = ends.partition(|event| event["expected"] == true);
    assert_eq!((killed.len(), expected.len()), (kills, 10), "each end is told once");
    field.is_empty();
}
