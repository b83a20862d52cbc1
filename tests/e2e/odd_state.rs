//! What another version left, or another program took: it is told what is the matter and what to do, and nothing is lost.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use serde_json::{Value, json};

use super::background::Shell;
use crate::support::eventually;

const GONE: Duration = Duration::from_secs(10);
const SLEEPER: &str =
    "[deployment]\nname = \"odd\"\n[services.a]\ncommand = [\"sh\", \"-c\", \"echo up; exec sleep 600\"]\n";

#[test]
fn a_plan_of_a_later_version_is_not_half_done() {
    let shell = Shell::new("later-plan", SLEEPER);
    shell.run(["plan", "--out", "the.plan"]).exits(2);
    let mut plan: Value = serde_json::from_str(&shell.workspace.read("the.plan")).expect("a plan");
    plan["migrate"] = json!(["a"]);
    shell.workspace.write("the.plan", &plan.to_string());
    let refused = shell.run(["deploy", "-d", "--plan", "the.plan"]).exits(1);
    refused.says(&[
        "error: `the.plan` says `migrate`, which version ",
        "hint: deploy it with the version of `cargo hydro` that made it",
    ]);
    shell.mark.all_gone(GONE);
}

#[test]
fn lines_of_a_later_version_are_told_and_kept() {
    let shell = Shell::new("later-lines", SLEEPER);
    let later = "{\"seq\":1,\"ts\":1,\"service\":\"a\",\"run\":1,\"stream\":\"journal\",\"line\":\"x\"}\n";
    let book = ".hydro/deployments/odd/logs.jsonl";
    shell.workspace.write(book, later);
    shell.run(["deploy", "-d"]).exits(0);
    eventually("it writes", || shell.run(["logs"]).stdout == "a │ up\n");
    let told = shell.run(["logs"]).exits(0);
    told.says(&["warning: 1 lines of `", "logs.jsonl` were written by another version and are left out"]);
    assert!(shell.workspace.read(book).starts_with(later), "they are still there");
    shell.ends();
}

/// Somebody who holds a deployment and answers each request with the same line.
struct Stranger {
    // The deployment is its, as long as this is open.
    _lock: std::fs::File,
}

impl Stranger {
    fn hold(shell: &Shell, answers: &'static str) -> Self {
        let folder = shell.workspace.path(".hydro/deployments/odd");
        std::fs::create_dir_all(&folder).expect("can be made");
        let lock = std::fs::File::create(folder.join("lock")).expect("can be made");
        flock(&lock, FlockOperation::LockExclusive).expect("is free");
        // A socket's path is short.
        let place = tempfile::Builder::new().prefix("odd-").tempdir_in("/tmp").expect("can be made").keep();
        let socket = place.join("daemon");
        let listener = UnixListener::bind(&socket).expect("can be bound");
        let holder = json!({ "pid": 1, "socket": socket, "version": "99.0.0", "foreground": false, "zone": "x" });
        shell.workspace.write(".hydro/deployments/odd/holder.json", &holder.to_string());
        shell.workspace.write(".hydro/deployments/odd/name", "odd");
        std::thread::spawn(move || {
            for caller in listener.incoming() {
                let Ok(mut caller) = caller else { return };
                let mut line = String::new();
                let read = caller.try_clone().and_then(|reader| BufReader::new(reader).read_line(&mut line));
                // Somebody only looked whether we are here.
                if read.is_ok_and(|count| count > 0) {
                    let _ = caller.write_all(answers.as_bytes());
                }
            }
        });
        Self { _lock: lock }
    }
}

#[test]
fn a_later_version_that_holds_the_deployment_is_told_from_one_that_is_gone() {
    let shell = Shell::new("later-holder", SLEEPER);
    let _stranger = Stranger::hold(&shell, "{\"reply\":\"hologram\",\"of\":\"a\"}\n");
    for command in [&["ps"][..], &["deploy", "-d"], &["restart", "a"]] {
        let refused = shell.run(command.iter().copied()).exits(110);
        refused.says(&[
            "does not understand the answer of version 99.0.0, which holds the deployment",
            "hint: ask it with version 99.0.0 of `cargo hydro`",
        ]);
    }
}

#[test]
fn what_a_later_version_tells_besides_is_left_alone() {
    let shell = Shell::new("later-events", SLEEPER);
    let event =
        "{\"reply\":\"event\",\"seq\":1,\"ts\":1,\"run\":0,\"event\":{\"reason\":\"eclipse\",\"of\":\"the moon\"}}\n";
    let done = "{\"reply\":\"done\",\"after\":3}\n";
    let answers: &'static str = Box::leak([event, done].concat().into_boxed_str());
    let _stranger = Stranger::hold(&shell, answers);
    shell.run(["restart", "a"]).exits(0);
}

#[test]
fn what_a_later_command_asks_is_answered_with_what_to_do() {
    let shell = Shell::new("later-command", SLEEPER);
    shell.run(["deploy", "-d"]).exits(0);
    let holder: Value =
        serde_json::from_str(&shell.workspace.read(".hydro/deployments/odd/holder.json")).expect("JSON");
    for request in ["{\"request\":\"teleport\",\"to\":\"the moon\"}", "no JSON at all"] {
        let mut stream = UnixStream::connect(holder["socket"].as_str().expect("a path")).expect("it listens");
        stream.write_all(format!("{request}\n").as_bytes()).expect("it listens");
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).expect("it answers");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        let failure = &answer["failures"][0];
        assert!(
            failure["message"].as_str().is_some_and(|text| text.ends_with("does not understand the request")),
            "{answer}"
        );
        assert!(
            failure["hint"].as_str().is_some_and(|text| text.contains("end the deployment with the version")),
            "{answer}"
        );
    }
    assert_eq!(shell.ps()["members"][0]["state"], "up", "it goes on");
    shell.ends();
}

#[test]
fn an_address_that_is_taken_after_the_plan_is_told_and_nothing_is_left() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let program = "module main() {\n    source_iter([1]) -> for_each(|_: i32| println!(\"up\"));\n}\n";
    let services = format!("[deployment]\nname = \"odd\"\n[services.a]\nsrc = \"src/a.hf\"\nlisten = \"{free}\"\n");
    let shell = Shell::new("taken", &services);
    shell.workspace.write("src/a.hf", program);
    shell.run(["plan", "--out", "the.plan"]).exits(2);
    let thief = TcpListener::bind(free).expect("it is free");
    let refused = shell.run(["deploy", "-d", "--plan", "the.plan"]).exits(110);
    refused.says(&[
        &format!("error: `a` cannot listen: the address {free} is in use"),
        "Hydro.toml:3",
        "hint: stop the program that listens there, or leave out `listen`",
    ]);
    shell.mark.all_gone(GONE);
    shell.run(["ps"]).exits(0).says(&["Down odd"]);
    drop(thief);
    shell.run(["deploy", "-d", "--plan", "the.plan"]).exits(0);
    assert_eq!(shell.ps()["members"][0]["address"], free.to_string());
    shell.ends();
}

#[test]
fn a_port_that_is_taken_before_its_command_binds_it_is_told_with_the_commands_words() {
    let services = "[deployment]\nname = \"odd\"\n[services.web]\ncommand = [\"python3\", \"-u\", \"-c\", \"\"\"\nimport os, socket, sys, time\n\
                    data, port = sys.argv[1:]\nopen(data + '/part', 'w').write(port); os.rename(data + '/part', data + '/port')\n\
                    while not os.path.exists(data + '/go'): time.sleep(0.01)\nsocket.create_server(('127.0.0.1', int(port)))\n\"\"\", \"{data}\", \"{port:http}\"]\n\
                    health = { port = \"http\", timeout = \"60s\" }\ndata = \"fresh\"\n";
    // Whoever takes it does not listen there yet, or the service would count as well.
    let shell = Shell::new("raced", services);
    let deploying = shell.call(["deploy", "-d"]).start();
    let data = shell.workspace.path(".hydro/data/odd/web");
    eventually("it has its port", || data.join("port").exists());
    let port: u16 = std::fs::read_to_string(data.join("port")).expect("is there").parse().expect("a port");
    let thief =
        rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::STREAM, None).expect("a socket");
    let address = std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, port);
    rustix::net::bind(&thief, &address).expect("the port is held for nobody any more");
    std::fs::write(data.join("go"), "").expect("can be written");
    let refused = deploying.finish(Duration::from_secs(60)).exits(110);
    refused.says(&[
        "error: `web` did not become healthy: it exited with code 1",
        "Hydro.toml:3",
        "Address already in use",
    ]);
    shell.mark.all_gone(GONE);
    shell.run(["ps"]).exits(0).says(&["Down odd"]);
}

#[test]
fn a_service_that_floods_its_output_fills_no_disk_and_keeps_nobody_from_being_asked() {
    let shell = Shell::new(
        "flood",
        "[deployment]\nname = \"odd\"\n[services.flood]\ncommand = [\"sh\", \"-c\", \"yes $(printf 'x%.0s' $(seq 8000))\"]\n\
         [services.quiet]\ncommand = [\"sh\", \"-c\", \"echo quiet; exec sleep 600\"]\n",
    );
    shell.run(["deploy", "-d"]).exits(0);
    let folder = shell.workspace.path(".hydro/deployments/odd");
    let size = || -> u64 {
        let files = folder.read_dir().expect("is there").flatten();
        files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
    };
    eventually("both files were full once", || folder.join("logs.old.jsonl").exists() && size() > 40 << 20);
    let status = shell.ps();
    assert!(status["members"].as_array().expect("members").iter().all(|member| member["state"] == "up"), "{status}");
    assert!(shell.run(["logs", "flood", "--tail", "3"]).exits(0).stdout.lines().count() == 3);
    shell.run(["stop", "flood"]).exits(0);
    assert!(size() <= 65 << 20, "two files of 32 MiB");
    let pid = status["pid"].as_u64().expect("it runs");
    let memory = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let resident = memory.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("the kernel tells").trim();
    let kib: u64 = resident.trim_end_matches(" kB").parse().expect("a number");
    assert!(kib < 128 << 10, "{kib} KiB for what was last written");
    shell.ends();
}
