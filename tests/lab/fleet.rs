//! Eight hosts at once: the examples placed over them, deployed cold and again, and one host cut off and healed under load.
//!
//! Times are printed, not judged: they depend on what else the machine does.

use std::time::{Duration, Instant};

use super::hosts::{GONE, Hosts};
use super::rounds;
use crate::support::{Mark, Output, Workspace, eventually, programs, repository};

const HOSTS: usize = 8;

/// A workspace whose services are spread over all hosts.
struct Fleet<'a> {
    hosts: &'a Hosts,
    workspace: &'a Workspace,
    mark: Mark,
}

impl Fleet<'_> {
    fn machines(&self) -> String {
        (1..=HOSTS).map(|host| self.hosts.machine(&format!("h{host}"), host)).collect::<Vec<_>>().join("\n")
    }

    fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Output {
        self.mark.on(self.hosts.call().arguments(arguments).directory(self.workspace.root())).run()
    }

    /// Deploys; returns what was said and how long it took, in seconds.
    fn deploy(&self) -> (Output, f64) {
        let begun = Instant::now();
        let output = self.run(["deploy", "--detach"]).exits(0);
        (output, begun.elapsed().as_secs_f64())
    }

    /// Deploys with everything built and nothing there, and again as it is.
    fn cold_and_unchanged(&self, name: &str) {
        self.deploy().0.says(&["Uploaded"]);
        self.run(["down"]).exits(0);
        for host in 1..=HOSTS {
            self.hosts.on(host, "rm -rf .hydro");
        }
        let (first, cold) = self.deploy();
        let sent = first.stderr.matches("Uploaded").count();
        assert_eq!(sent, HOSTS, "each host gets its one program\n{first}");
        let (again, unchanged) = self.deploy();
        assert!(!again.stderr.contains("Uploaded"), "nothing is sent twice\n{again}");
        self.run(["down"]).exits(0);
        let (third, known) = self.deploy();
        assert!(!third.stderr.contains("Uploaded"), "programs stay there\n{third}");
        told(&format!(
            "{name} over {HOSTS} hosts: cold {cold:.2} s, unchanged {unchanged:.2} s, again with programs there {known:.2} s"
        ));
    }
}

#[expect(clippy::print_stdout, reason = "a figure for whoever looks; it depends on the machine's load")]
fn told(figure: &str) {
    println!("{figure}");
}

fn service(name: &str, source: &str, host: usize, params: &str) -> String {
    format!("[services.{name}]\nsrc = \"src/{source}.hf\"\non = \"h{host}\"\nparams = {{ {params} }}\n\n")
}

fn link(from: &str, to: &str, more: &str) -> String {
    format!("[[links]]\nfrom = \"{from}\"\nto = \"{to}\"\n{more}\n")
}

#[test]
fn the_examples_are_spread_over_eight_hosts() {
    let Some(hosts) = Hosts::new(70, HOSTS) else { return };

    let workspace = Workspace::copy("fleet-chat", &repository().join("examples/chat"));
    let chat = Fleet { hosts: &hosts, workspace: &workspace, mark: Mark::new() };
    let mut toml =
        format!("[deployment]\nname = \"chat\"\n\n{}\n{}", chat.machines(), service("server", "chat_server", 1, ""));
    for host in 2..=HOSTS {
        let name = format!("guest{host}");
        toml += &service(&name, "chat_client", host, &format!("name = \"{name}\", period_ms = 100"));
        toml += &(link(&format!("{name}.outbound"), "server.inbound", "")
            + &link("server.outbound", &format!("{name}.inbound"), ""));
    }
    workspace.write("Hydro.toml", &toml);
    chat.cold_and_unchanged("chat");
    eventually("who is far apart hears one another", || chat.run(["logs", "guest8"]).stdout.contains("guest2: line"));
    chat.run(["down"]).exits(0);

    let workspace = Workspace::copy("fleet-kvs", &repository().join("examples/kvs"));
    let kvs = Fleet { hosts: &hosts, workspace: &workspace, mark: Mark::new() };
    let mut toml = format!("[deployment]\nname = \"kvs\"\n\n{}\n", kvs.machines());
    for (one, other) in (1..=4).map(|replica| (replica, replica % 4 + 1)) {
        toml += &service(&format!("replica{one}"), "kvs_server", one, "gossip_ms = 100");
        toml += &link(&format!("replica{one}.gossip_out"), &format!("replica{other}.gossip_in"), "");
    }
    for (client, replica) in (5..=HOSTS).map(|host| (host, host - 4)) {
        toml += &service(&format!("client{client}"), "kvs_client", client, "period_ms = 100");
        toml += &link(&format!("client{client}.requests"), &format!("replica{replica}.requests"), "");
        toml += &link(&format!("replica{replica}.responses"), &format!("client{client}.responses"), "");
    }
    workspace.write("Hydro.toml", &toml);
    kvs.cold_and_unchanged("kvs");
    eventually("clients are answered", || kvs.run(["logs", "client8"]).stdout.lines().count() > 2);
    kvs.run(["down"]).exits(0);
    for fleet in [chat, kvs] {
        fleet.mark.all_gone(GONE);
    }
}

#[test]
fn a_host_that_is_cut_off_under_load_loses_nothing_and_the_deployment_comes_together_again() {
    let Some(hosts) = Hosts::new(71, HOSTS) else { return };
    let stream = service("stream", "stream", 1, "rate = 10") + "restart = \"permanent\"\n\n";
    let checks: String = (2..=HOSTS)
        .map(|host| {
            service(&format!("check{host}"), "check", host, "")
                + &link("stream.out", &format!("check{host}.numbers"), "")
        })
        .collect();
    let deployed = programs().with("", &[]);
    let workspace = programs().workspace();
    let fleet = Fleet { hosts: &hosts, workspace, mark: Mark::new() };
    workspace.write("Hydro.toml", &format!("[deployment]\nname = \"cuts\"\n\n{}\n{stream}{checks}", fleet.machines()));
    fleet.deploy();
    let last = |host: usize| {
        let lines = fleet.run(["logs", &format!("check{host}"), "--tail", "1"]).stdout;
        lines.rsplit(' ').next().and_then(|number| number.trim().parse::<u64>().ok()).unwrap_or(0)
    };
    let mut times = Vec::new();
    for round in 0..rounds(2, 100) {
        let victim = 2 + round % (HOSTS - 1);
        let before = last(victim);
        eventually("items come", || last(victim) > before);
        hosts.cut(victim, true);
        // Short cuts are healed by TCP alone; long ones break every connection of the host.
        std::thread::sleep(Duration::from_millis(if round % 2 == 0 { 6_000 } else { 500 }));
        let before = last(victim);
        hosts.cut(victim, false);
        let begun = Instant::now();
        eventually("its items come again, and its lines", || last(victim) > before + 10_000);
        eventually("nobody is missed", || !fleet.run(["ps"]).exits(0).stderr.contains("no connection"));
        times.push(begun.elapsed());
    }
    times.sort();
    told(&format!(
        "{} cuts of one host of {HOSTS} under load, healed to items, lines and `ps` all well: median {:.2?}, longest {:.2?}",
        times.len(),
        times[times.len() / 2],
        times[times.len() - 1]
    ));
    for host in 2..=HOSTS {
        let name = format!("check{host}");
        let said = |text: &str| fleet.run(["logs", &name, "--grep", text]).stdout;
        assert_eq!((said("wrong"), said("start")), (String::new(), String::new()), "each item once and in order");
        assert_eq!(said("first").lines().count(), 1);
    }
    fleet.run(["down"]).exits(0);
    fleet.mark.all_gone(GONE);
    drop(deployed);
}
