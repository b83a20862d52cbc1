//! What goes wrong while a deployment comes to a machine: the connection breaks at any step, the disk is full, what is to run there does not. Each is told,
//! what is said of the state stays true, and the next call goes on from there.

use super::hosts::{GONE, Hosts};
use super::kinds::Kind;
use super::proxy::Proxy;
use super::rounds;
use crate::support::{Hydro, Mark, Output, Workspace, eventually};

const SLEEPER: &str = "command = [\"sh\", \"-c\", \"echo begun; sleep 600\"]\nrestart = \"permanent\"\n";

/// A host and a workspace that deploys there.
struct Trouble {
    hosts: Hosts,
    workspace: Workspace,
    mark: Mark,
}

impl Trouble {
    fn new(name: &str, subnet: u8, kind: Kind) -> Option<Self> {
        let hosts = Hosts::of(subnet, &[kind])?;
        let manifest = "[package]\nname = \"trouble\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";
        let source = "/// Says that it runs.\nmodule main(output out: u64) {\n    source_iter([1_u64]) -> inspect(|_| println!(\"it runs\")) -> out;\n}\n";
        let files = [("Cargo.toml", manifest), ("src/lib.rs", ""), ("src/says.hf", source)];
        let workspace = Workspace::new(&format!("trouble-{name}"), &files);
        workspace.remove(".hydro");
        Some(Self { hosts, workspace, mark: Mark::new() })
    }

    fn describe(&self, machine: &str, services: &str) {
        self.workspace.write("Hydro.toml", &format!("[deployment]\nname = \"trouble\"\n\n{machine}\n{services}"));
    }

    fn call<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Hydro {
        self.mark.on(self.hosts.call().arguments(arguments).directory(self.workspace.root()))
    }

    fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Output {
        self.call(arguments).run()
    }

    /// Asserts that nothing is left there and here.
    #[track_caller]
    fn is_gone(&self) {
        self.mark.all_gone(GONE);
        eventually("the host's processes are gone", || {
            self.hosts.on(1, "ps -eo args | grep -c '[h]ydro-host serve'").trim() == "0"
        });
        assert_eq!(self.hosts.on(1, "ls .hydro/deployments 2>/dev/null"), "");
    }
}

/// What the program of a workspace is called on a machine, and how it runs.
fn says() -> String {
    format!("[services.says]\nsrc = \"src/says.hf\"\non = \"one\"\n[services.sleeps]\n{SLEEPER}on = \"one\"\n")
}

/// A machine that is reached through a proxy.
fn behind(hosts: &Hosts, proxy: &Proxy) -> String {
    let key = std::fs::read_to_string(hosts.home(1).join(".host_key.pub")).expect("was made");
    let known = hosts.known_hosts().with_file_name("known_behind");
    std::fs::write(&known, format!("[127.0.0.1]:{} {key}", proxy.address().port())).expect("can be written");
    let place = format!("host = \"127.0.0.1\"\nport = {}", proxy.address().port());
    let machine = hosts.machine("one", 1).replace(&format!("host = \"{}\"", hosts.address(1)), &place);
    machine.replace(&hosts.known_hosts().display().to_string(), &known.display().to_string())
}

#[test]
fn a_connection_that_breaks_at_any_step_leaves_what_the_next_call_goes_on_from() {
    let Some(trouble) = Trouble::new("cuts", 45, Kind::Plain) else { return };
    let proxy = Proxy::within(&trouble.hosts.namespace(0), &format!("{}:22", trouble.hosts.address(1)));
    trouble.describe(&behind(&trouble.hosts, &proxy), &says());
    trouble.run(["deploy", "--detach"]).exits(0);
    trouble.run(["down"]).exits(0);
    // From the first words of ssh over the files that are sent to the words with the host there.
    let steps = [1_000, 3_000, 5_000, 100_000, 1_500_000, 2_500_000, 4_000_000, 6_000_000, 9_000_000];
    let (mut broken, mut begun) = (0, 0);
    for step in steps.into_iter().chain((0..rounds(0, 8_000_000)).step_by(40_000).map(|step| step as i64)) {
        trouble.hosts.on(1, "rm -rf .hydro/artifacts");
        proxy.reset_after(step);
        let first = trouble.run(["deploy", "--detach"]);
        if first.code != 0 {
            broken += 1;
            first.clone().exits(110).says(&["error: ", "Caused by:", "hint: "]);
            assert!(first.stderr.contains("`one`") || first.stderr.contains("Hydro.toml:4"), "it says where\n{first}");
            begun += trouble.hosts.on(1, "ls .hydro/artifacts/*/*.gz.part 2>/dev/null").lines().count();
        }
        assert!(first.code == 0 || proxy.was_reset(), "{first}");
        trouble.run(["deploy", "--detach"]).exits(0);
        eventually("it runs", || trouble.run(["logs", "says"]).stdout.contains("it runs"));

        // The same at the end.
        proxy.reset_after(step % 7_000);
        let down = trouble.run(["down"]);
        if down.code != 0 {
            down.says(&["one"]);
            proxy.reset_after(-1);
            trouble.run(["down"]).exits(0);
        }
        proxy.reset_after(-1);
        trouble.is_gone();
    }
    assert!(broken > 3, "only {broken} deploys were broken");
    assert!(begun > 1, "what had come of a file was kept {begun} times");
}

#[test]
fn a_disk_without_room_is_told_and_what_runs_stays_known() {
    let Some(trouble) = Trouble::new("room", 46, Kind::Disk(100)) else { return };
    trouble.describe(&trouble.hosts.machine("one", 1), &says());
    trouble.run(["deploy", "--detach"]).exits(110).says(&["the machine `one` cannot be used", "MiB left", "make room"]);
    assert_eq!(trouble.hosts.on(1, "ls -d .hydro 2>/dev/null"), "");
    trouble.is_gone();
    drop(trouble);

    let Some(trouble) = Trouble::new("room", 46, Kind::Disk(160)) else { return };
    let sleeps = format!("[services.sleeps]\n{SLEEPER}on = \"one\"\n");
    trouble.describe(&trouble.hosts.machine("one", 1), &sleeps);
    trouble.run(["deploy", "--detach"]).exits(0);
    trouble.hosts.on(1, "cat /dev/zero > fill 2>/dev/null; truncate -s -300K fill");
    trouble.describe(&trouble.hosts.machine("one", 1), &says());
    trouble.run(["deploy", "--detach"]).exits(110).says(&["(machine `one`)", "No space left", "make room there"]);
    trouble.run(["ps"]).exits(0).prints(&["sleeps", "up"]);
    trouble.hosts.on(1, "rm fill");
    trouble.run(["deploy", "--detach"]).exits(0).says(&["+ says", "Uploaded"]);
    eventually("it runs", || trouble.run(["logs", "says"]).stdout.contains("it runs"));
    trouble.run(["down"]).exits(0);
    trouble.is_gone();
}

#[test]
fn a_command_for_another_processor_is_told() {
    let Some(trouble) = Trouble::new("foreign", 47, Kind::Plain) else { return };
    // Of a processor that nobody has.
    let mut head = [0; 64];
    head[..6].copy_from_slice(b"\x7fELF\x02\x01");
    head[18..20].copy_from_slice(&0xfffe_u16.to_le_bytes());
    std::fs::write(trouble.hosts.home(1).join("other"), head).expect("can be written");
    trouble.hosts.on(1, "chmod 755 other");
    let service = "[services.other]\ncommand = [\"/root/other\"]\non = \"one\"\n";
    trouble.describe(&trouble.hosts.machine("one", 1), service);
    let refused = trouble.run(["deploy", "--detach"]).exits(110);
    refused.says(&["cannot start `/root/other`: it is no program for this processor", "Hydro.toml:"]);
    trouble.describe(&trouble.hosts.machine("one", 1), &service.replace("/root/other", "sleep\", \"600"));
    trouble.run(["deploy", "--detach"]).exits(0);
    trouble.run(["down"]).exits(0);
    trouble.is_gone();
}

#[test]
fn a_program_that_changes_is_brought_there_before_it_is_started_again() {
    let Some(trouble) = Trouble::new("change", 48, Kind::Plain) else { return };
    trouble.describe(&trouble.hosts.machine("one", 1), &says());
    trouble.run(["deploy", "--detach"]).exits(0);
    eventually("it runs", || trouble.run(["logs", "says"]).stdout.contains("it runs"));
    let source = trouble.workspace.read("src/says.hf");
    trouble.workspace.write("src/says.hf", &source.replace("it runs", "it runs anew"));
    trouble.run(["deploy", "--detach"]).exits(0).says(&["~ says (its program", "Uploaded"]);
    eventually("it runs", || trouble.run(["logs", "says"]).stdout.contains("it runs anew"));
    trouble.run(["down"]).exits(0);
    trouble.is_gone();
}
