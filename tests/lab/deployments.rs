//! Deployments under `kill -9`: of the process that holds them, of the command that changes them, of their guardian, and of their services.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::rounds;
use crate::support::{Dice, Hydro, Mark, Output, Workspace, eventually, programs};

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
        self.mark.on(self.workspace.hydro(arguments)).env("TMPDIR", &self.sockets)
    }

    fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Output {
        self.call(arguments).run()
    }

    fn describe(&self, services: &str) {
        self.workspace.write("Hydro.toml", &format!("[deployment]\nname = \"field\"\n{services}"));
    }

    fn status(&self) -> Value {
        let output = self.run(["ps", "--json"]).exits(0);
        serde_json::from_str(output.stdout.trim()).expect("a status")
    }

    fn members(&self) -> BTreeMap<String, Value> {
        let status = self.status();
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

const SLEEPER: &str = "command = [\"sh\", \"-c\", \"sleep 600 & exec sleep 600\"]\n";

/// What is killed while a deployment changes.
#[derive(Clone, Copy, Debug)]
enum Victim {
    Command,
    Holder,
    Guardian,
}

impl Victim {
    fn dies(self, field: &Field, command: u32) {
        match self {
            Self::Command => kill(command),
            Self::Holder => named(&field.mark, "hydro-daemon").into_iter().for_each(kill),
            Self::Guardian => named(&field.mark, "hydro-guardian").into_iter().for_each(kill),
        }
    }
}

/// What is done while something is killed.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// Another version is deployed; from the one before it, that restarts, starts and stops.
    Deploy(usize),
    /// A link is added between two programs that run.
    Rewire,
    /// A service gets another number of members.
    Scale(&'static str),
    Down,
}

const CHANGES: [Change; 8] = [
    Change::Deploy(0),
    Change::Rewire,
    Change::Scale("3"),
    Change::Deploy(1),
    Change::Scale("1"),
    Change::Down,
    Change::Deploy(2),
    Change::Rewire,
];

/// Two pairs of programs, some commands, and a link from pair to pair.
fn version(commands: &str, is_rewired: bool) -> String {
    let program =
        |name: &str, source: &str| format!("[services.{name}]\nsrc = \"src/{source}.hf\"\nrestart = \"permanent\"\n");
    let link = |from: &str, to: &str| format!("[[links]]\nfrom = \"{from}.out\"\nto = \"{to}.numbers\"\n");
    let rewired = if is_rewired { link("one", "other") } else { String::new() };
    let programs =
        program("one", "counts") + &program("two", "counts") + &program("some", "prints") + &program("other", "prints");
    format!(
        "[deployment]\nname = \"field\"\n{commands}{programs}{}{}{rewired}",
        link("one", "some"),
        link("two", "other")
    )
}

#[test]
fn whatever_is_killed_while_a_deployment_changes_the_next_command_puts_it_right() {
    let field = Field::new("killed");
    let mut dice = Dice(7);
    let commands = [
        format!("[services.a]\n{SLEEPER}[services.b]\n{SLEEPER}"),
        format!("[services.a]\n{SLEEPER}count = 4\n"),
        format!("[services.a]\n{SLEEPER}args = [\"x\"]\n[services.c]\n{SLEEPER}"),
    ];
    let deployed = programs().with(&version(&commands[0], false), &[]);
    let describe = |text: &str| programs().workspace().write("Hydro.toml", text);
    let call =
        |arguments: &[&str]| field.mark.on(deployed.hydro(arguments.iter().copied())).env("TMPDIR", &field.sockets);
    let status =
        || -> Value { serde_json::from_str(call(&["ps", "--json"]).run().exits(0).stdout.trim()).expect("a status") };
    let mut now = 0;
    for round in 0..rounds(CHANGES.len(), 100) {
        let change = CHANGES[round % CHANGES.len()];
        let changing = match change {
            Change::Deploy(version_now) => {
                now = version_now;
                describe(&version(&commands[now], false));
                call(&["deploy", "-d"])
            }
            Change::Rewire => {
                call(&["deploy", "-d"]).run().exits(0);
                describe(&version(&commands[now], true));
                call(&["deploy", "-d"])
            }
            Change::Scale(count) => {
                call(&["deploy", "-d"]).run().exits(0);
                call(&["scale", "a", count])
            }
            Change::Down => call(&["down"]),
        };
        let victim = [Victim::Command, Victim::Holder, Victim::Guardian][dice.below(3) as usize];
        let moment = Duration::from_micros(dice.below(400_000));
        let begun = Instant::now();
        let running = changing.start();
        // The moment is what is tried here, not something that is waited for.
        while begun.elapsed() < moment {
            std::thread::yield_now();
        }
        victim.dies(&field, running.pid());
        let interrupted = running.finish(Duration::from_secs(60));
        let what = format!("round {round}: {change:?}, when {victim:?} died {moment:?} into it\n{interrupted}");
        if round % 4 == 3 {
            let next = call(&["down"]).run();
            assert_eq!(next.code, 0, "{what}\n{next}");
            field.is_empty();
        } else {
            let next = call(&["deploy", "-d"]).run();
            assert_eq!(next.code, 0, "{what}\n{next}");
            let status = status();
            let members = status["members"].as_array().expect("members");
            let is_up = members.iter().all(|member| member["state"] == "up");
            assert!(is_up && members.len() > 5, "{what}\n{next}\n{status:#}");
        }
    }
    call(&["down"]).run().exits(0);
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
    field.describe(&format!("[services.a]\n{SLEEPER}count = 10\nrestart = \"permanent\"\nbackoff = {{ first = \"1ms\", longest = \"1ms\" }}\n"));
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
    tell_downtimes(&told.events_of("service"));
    field.is_empty();
}

/// Prints how long members were away that were killed.
#[expect(clippy::print_stdout, reason = "a figure for whoever looks; it depends on the machine's load")]
fn tell_downtimes(events: &[Value]) {
    let mut gone: BTreeMap<&str, u64> = BTreeMap::new();
    let mut times = Vec::new();
    for event in events {
        let (Some(name), Some(ts)) = (event["service"].as_str(), event["ts"].as_u64()) else { continue };
        match event["state"].as_str() {
            Some("exited") => drop(gone.insert(name, ts)),
            Some("started") => times.extend(gone.remove(name).map(|since| ts.saturating_sub(since))),
            _ => {}
        }
    }
    times.sort_unstable();
    let at = |share: usize| times.get((times.len() * share / 100).min(times.len().saturating_sub(1))).unwrap_or(&0);
    let (median, late, longest) = (at(50), at(99), at(100));
    println!(
        "{} restarts, from the end to the next start: median {median} ms, p99 {late} ms, longest {longest} ms",
        times.len()
    );
}

/// What a process and its deployment have at a moment.
#[derive(Debug)]
struct Holdings {
    memory: u64,
    descriptors: usize,
    threads: usize,
    /// Sockets and other files of the moment.
    files: Vec<PathBuf>,
    /// What is kept on disk.
    kept: Vec<PathBuf>,
}

impl Holdings {
    fn of(field: &Field) -> Self {
        let pid = field.status()["pid"].as_u64().expect("it runs");
        let process = PathBuf::from(format!("/proc/{pid}"));
        let status = std::fs::read_to_string(process.join("status")).expect("it runs");
        let memory = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("the kernel tells");
        let memory = memory.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024;
        let count = |folder: &str| process.join(folder).read_dir().expect("it runs").count();
        let (files, kept) = (below(&field.sockets), below(&field.workspace.path(".hydro")));
        Self { memory, descriptors: count("fd"), threads: count("task"), files, kept }
    }

    /// Asserts that a later moment has no more. Memory has some play: allocators keep what they may need again.
    #[track_caller]
    fn holds_no_more(&self, earlier: &Self) {
        assert!(self.descriptors <= earlier.descriptors, "descriptors: {earlier:#?} {self:#?}");
        assert!(self.threads <= earlier.threads + 1, "threads: {earlier:#?} {self:#?}");
        assert!(self.files.len() <= earlier.files.len(), "files: {earlier:#?} {self:#?}");
        assert_eq!(self.kept, earlier.kept, "files that are kept");
        assert!(self.memory <= earlier.memory + (2 << 20), "memory: {earlier:#?} {self:#?}");
    }
}

/// Returns all files below a folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .flat_map(|entry| if entry.path().is_dir() { below(&entry.path()) } else { vec![entry.path()] })
        .collect();
    files.sort_unstable();
    files
}

#[test]
fn releases_without_end_leave_nothing_behind() {
    let field = Field::new("releases");
    let versions = [
        format!("[services.a]\n{SLEEPER}[services.b]\n{SLEEPER}[services.c]\n{SLEEPER}group = \"g\"\n[groups.g]\n"),
        format!("[services.a]\n{SLEEPER}args = [\"x\"]\n[services.b]\n{SLEEPER}count = 3\n"),
    ];
    let releases = rounds(30, 1000);
    let mut early = None;
    for release in 0..=releases {
        field.describe(&versions[release % 2]);
        field.run(["deploy", "-d"]).exits(0);
        if release == releases / 6 * 2 {
            early = Some(Holdings::of(&field));
        }
    }
    let (early, late) = (early.expect("was taken"), Holdings::of(&field));
    tell_growth(releases, &early, &late);
    late.holds_no_more(&early);
    assert_eq!(field.status()["releases"], releases + 1);

    for _ in 0..rounds(5, 200) {
        field.run(["down"]).exits(0);
        field.is_empty();
        field.run(["deploy", "-d"]).exits(0);
    }
    Holdings::of(&field).holds_no_more(&early);
    field.run(["down"]).exits(0);
    field.is_empty();
}

#[expect(clippy::print_stdout, reason = "figures for whoever looks")]
fn tell_growth(releases: usize, early: &Holdings, late: &Holdings) {
    let kib = |holdings: &Holdings| holdings.memory / 1024;
    let (first, last) = (releases / 6 * 2, releases);
    println!("memory: {} KiB after {first} releases, {} KiB after {last}", kib(early), kib(late));
    println!(
        "descriptors: {} and {}; threads: {} and {}",
        early.descriptors, late.descriptors, early.threads, late.threads
    );
}

#[test]
fn the_sockets_of_programs_that_are_gone_are_removed() {
    let toml = |client: &str| {
        format!(
            "[deployment]\nname = \"field\"\n[services.server]\nsrc = \"src/server.hf\"\n\
             [services.{client}]\nsrc = \"src/client.hf\"\nparams = {{ name = \"{client}\" }}\nrestart = \"permanent\"\nshutdown = \"kill\"\n\
             [[links]]\nfrom = \"{client}.outbound\"\nto = \"server.inbound\"\n\
             [[links]]\nfrom = \"server.outbound\"\nto = \"{client}.inbound\"\n"
        )
    };
    let field = Field::new("sockets");
    let deployed = programs().with(&toml("ann"), &[]);
    let run = |arguments: &[&str]| {
        field.mark.on(deployed.hydro(arguments.iter().copied())).env("TMPDIR", &field.sockets).run()
    };
    run(&["deploy", "-d"]).exits(0);
    let before = below(&field.sockets).len();
    for round in 0..4 {
        let client = ["bob", "ann"][round % 2];
        programs().workspace().write("Hydro.toml", &toml(client));
        run(&["deploy", "-d"]).exits(0).says(&[&format!("+ {client}")]);
        eventually("both have opened theirs", || run(&["metrics", client, "server"]).code == 0);
        assert!(below(&field.sockets).len() <= before, "round {round}: {:#?}", below(&field.sockets));
    }
    run(&["down"]).exits(0);
    field.is_empty();
}
