//! Deployments over machines of several processors and C libraries: built for each, linked, kept up; and what is said where that cannot be.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use super::hosts::{GONE, Hosts};
use super::kinds::{ARM, Kind, arm_is_there};
use crate::support::{Hydro, Mark, Output, Workspace, command, eventually, has_all, programs};

/// Hosts on which the shared programs are deployed.
struct Field {
    hosts: Hosts,
    mark: Mark,
}

impl Field {
    fn new(subnet: u8, kinds: &[Kind]) -> Option<Self> {
        Some(Self { hosts: Hosts::of(subnet, kinds)?, mark: Mark::new() })
    }

    fn call<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Hydro {
        self.mark.on(self.hosts.call().arguments(arguments).directory(programs().workspace().root()))
    }

    fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Output {
        self.call(arguments).run()
    }

    fn member(&self, name: &str) -> Value {
        let output = self.run(["ps", "--json"]).exits(0);
        let status: Value = serde_json::from_str(output.stdout.trim()).expect("a status");
        let members = status["members"].as_array().expect("members");
        members.iter().find(|member| member["name"] == name).unwrap_or(&Value::Null).clone()
    }

    /// Asserts that nothing is left on hosts, and here.
    #[track_caller]
    fn is_gone(&self, hosts: usize) {
        self.mark.all_gone(GONE);
        for host in 1..=hosts {
            eventually("the host's processes are gone", || {
                self.hosts.on(host, "ps -eo args | grep -c '[h]ydro-host serve'").trim() == "0"
            });
            assert_eq!(self.hosts.on(host, "ls .hydro/deployments 2>/dev/null"), "");
        }
    }
}

/// A server on one machine, and a client on the other that has it echo words.
fn pair(server: &str, client: &str) -> String {
    format!(
        "[services.server_{server}]\nsrc = \"src/server.hf\"\non = \"{server}\"\n\
         [services.client_{client}]\nsrc = \"src/client.hf\"\non = \"{client}\"\nparams = {{ name = \"{client}\" }}\n\
         [[links]]\nfrom = \"client_{client}.outbound\"\nto = \"server_{server}.inbound\"\n\
         [[links]]\nfrom = \"server_{server}.outbound\"\nto = \"client_{client}.inbound\"\n"
    )
}

/// Returns what binutils tell of files that were brought to a host.
fn told(hosts: &Hosts, host: usize, arguments: &[&str], program: &str) -> String {
    let artifacts = hosts.home(host).join(".hydro/artifacts");
    let folders = std::fs::read_dir(artifacts).expect("something was brought").flatten();
    let mut files = folders.map(|entry| entry.path().join(program)).filter(|path| path.is_file());
    let file = files.next().unwrap_or_else(|| panic!("there is no {program}"));
    let output = command("readelf").args(arguments).arg(file).output().expect("there is readelf");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn machines_of_two_processors_are_found_out_built_for_and_linked_both_ways() {
    if !arm_is_there("no deployment over two processors") || !has_all(&["readelf"], "no deployment over two processors")
    {
        return;
    }
    let Some(field) = Field::new(85, &[Kind::Plain, Kind::Arm]) else { return };
    assert_eq!(field.hosts.on(2, "uname -m").trim(), "aarch64");
    let machines = format!("{}{}", field.hosts.machine("here", 1), field.hosts.machine("board", 2));
    let toml = format!("[deployment]\nname = \"two\"\n{machines}{}{}", pair("here", "board"), pair("board", "here"));
    let _deployed = programs().with(&toml, &[]);
    let planned = field.run(["plan"]).exits(2);
    assert!(!planned.stderr.contains(ARM), "nobody has asked the machine yet\n{planned}");
    let deployed = field.run(["deploy", "--detach"]).exits(0);
    let deployed = deployed.says(&[&format!("src/server.hf ({ARM})"), "Deployed two"]);
    assert_eq!(deployed.stderr.matches("Connecting to board").count(), 1, "{deployed}");
    for program in ["hydro-host", "server", "client"] {
        assert!(told(&field.hosts, 2, &["--file-header"], program).contains("AArch64"), "{program}");
        assert!(told(&field.hosts, 1, &["--file-header"], program).contains("X86-64"), "{program}");
    }
    let hears = |client: &str, times: usize| {
        let name = client.trim_start_matches("client_").to_uppercase();
        let line = format!("heard {name} 2");
        eventually("it hears its words", || field.run(["logs", client]).stdout.matches(&line).count() == times);
    };
    hears("client_here", 1);
    hears("client_board", 1);
    let board = |field: &Field| field.member("client_board");
    assert_eq!((&board(&field)["machine"], &board(&field)["state"]), (&"board".into(), &"up".into()));

    // Nothing is different: nothing is built, sent or started.
    let pid = board(&field)["pid"].clone();
    let again = field.run(["deploy", "--detach"]).exits(0);
    assert!(!again.stderr.contains("Uploaded") && !again.stderr.contains("Building"), "{again}");
    assert_eq!(board(&field)["pid"], pid);

    let otherwise = toml.replace("{ name = \"board\" }", "{ name = \"board\", count = 5 }");
    programs().workspace().write("Hydro.toml", &otherwise);
    let planned = field.run(["plan"]).exits(2);
    planned.says(&["~ client_board (`HYDRO_PARAM_COUNT`)", &format!("is started again ({ARM})")]);

    field.run(["restart", "client_board"]).exits(0);
    hears("client_board", 2);
    field.hosts.on(2, &format!("kill -9 {}", board(&field)["pid"]));
    field.run(["restart", "server_board"]).exits(0);
    field.run(["down"]).exits(0);
    field.is_gone(2);
}

#[test]
fn a_program_for_another_processor_than_a_machine_has_is_refused_before_it_is_sent() {
    if !arm_is_there("a wrong `target` was not told") {
        return;
    }
    let Some(field) = Field::new(86, &[Kind::Plain]) else { return };
    let service = "[services.counter]\nsrc = \"src/prints.hf\"\non = \"one\"\n\
                   [services.numbers]\nsrc = \"src/numbers.hf\"\non = \"one\"\n\
                   [[links]]\nfrom = \"numbers.out\"\nto = \"counter.numbers\"\n";
    let toml =
        format!("[deployment]\nname = \"wrong\"\n{}target = \"{ARM}\"\n{service}", field.hosts.machine("one", 1));
    let _deployed = programs().with(&toml, &[]);
    field.run(["plan"]).exits(2).says(&[&format!("is started ({ARM})")]);
    field.run(["deploy", "--detach"]).exits(110).says(&[
        &format!("`counter` cannot run on `one`: it is built for `{ARM}`, and the processor there is x86_64"),
        "leave `target` out",
    ]);
    assert_eq!(field.hosts.on(1, "ls -d .hydro 2>/dev/null"), "", "nothing was done there");
    field.is_gone(1);
}

/// Lays a `cargo-zigbuild` in front of any other that has no zig.
fn without_zig() -> std::ffi::OsString {
    let workspace = Workspace::new("no-zig", &[("cargo-zigbuild", "#!/bin/sh\nexit 1\n")]);
    let stub = workspace.path("cargo-zigbuild");
    std::fs::set_permissions(&stub, std::fs::Permissions::from_mode(0o755)).expect("can be set");
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(workspace.root().to_owned()).chain(std::env::split_paths(&path)))
        .expect("are paths")
}

#[test]
fn an_older_c_library_is_built_for_or_told_before_anything_is_sent() {
    let Some(field) = Field::new(87, &[Kind::Libc("glibc 2.17"), Kind::Libc("musl")]) else { return };
    let toml = |host: usize| {
        format!(
            "[deployment]\nname = \"old\"\n{}[services.ticks]\nsrc = \"src/ticker.hf\"\non = \"old\"\n",
            field.hosts.machine("old", host)
        )
    };
    let deployed = programs().with(&toml(1), &[]);
    let refused = field.call(["deploy", "--detach"]).env("PATH", without_zig()).run().exits(110);
    refused.says(&[
        "`ticks` cannot run on `old`: it needs glibc 2.",
        "and there is glibc 2.17",
        "finds no zig",
        "`cargo hydro doctor --target x86_64-unknown-linux-gnu.2.17` tells more",
    ]);
    assert_eq!(field.hosts.on(1, "ls -d .hydro 2>/dev/null"), "", "nothing was done there");
    if has_all(&["cargo-zigbuild", "readelf"], "nothing was built for a machine with an older glibc") {
        let built = field.run(["deploy", "--detach"]).exits(0);
        built.says(&["src/ticker.hf (x86_64-unknown-linux-gnu.2.17)", "Deployed old"]);
        eventually("it ticks", || field.run(["logs", "ticks"]).stdout.contains("tick 3"));
        for program in ["hydro-host", "ticker"] {
            let symbols = told(&field.hosts, 1, &["--version-info", "--wide"], program);
            let minor = |text: &str| text.split(|letter: char| !letter.is_ascii_digit()).next()?.parse::<u32>().ok();
            let newest = symbols.split("GLIBC_2.").skip(1).filter_map(minor).max();
            assert!(newest.is_some_and(|newest| newest <= 17), "{program}: {symbols}");
        }
        field.run(["down"]).exits(0);
        field.is_gone(1);
    }
    drop(deployed);
    let _deployed = programs().with(&toml(2), &[]);
    let output = field.run(["deploy", "--detach"]);
    if musl_is_there() {
        output.exits(0).says(&["src/ticker.hf (x86_64-unknown-linux-musl)"]);
        eventually("it ticks", || field.run(["logs", "ticks"]).stdout.contains("tick 3"));
        assert!(!told(&field.hosts, 2, &["--program-headers"], "ticker").contains("INTERP"), "it needs no library");
        field.run(["down"]).exits(0);
    } else {
        has_all(&["Rust's standard library with musl"], "nothing was built for a machine with musl");
        let ways = ["cannot build for `x86_64-unknown-linux-musl`", "rustup target add x86_64-unknown-linux-musl"];
        output.exits(101).says(&ways);
    }
    field.is_gone(2);
}

fn musl_is_there() -> bool {
    let asked = ["--print", "target-libdir", "--target", "x86_64-unknown-linux-musl"];
    let output = command("rustc").args(asked).output().expect("there is rustc");
    Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir()
}
