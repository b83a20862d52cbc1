//! What every kind of machine does alike, as one body of steps that runs on each: put, start, logs, exit codes, ports, restart, stop, data, reconnect,
//! power loss, cleanup.

use std::time::Duration;

use serde_json::Value;

use super::Vms;
use super::hosts::{GONE, Hosts};
use crate::support::{Hydro, Mark, Output, command, eventually, programs};

/// A machine of some kind, as the steps see it.
trait Kind {
    /// Describes it as the machine `there` of `Hydro.toml`.
    fn machine(&self) -> String;
    /// Begins a call from where it is reached.
    fn call(&self) -> Hydro;
    /// Runs a shell script on it, and returns what it printed.
    fn on(&self, script: &str) -> String;
    /// Whether what runs there goes on without whoever holds the deployment.
    fn goes_on_alone(&self) -> bool {
        true
    }
    /// Takes its power away and gives it back.
    fn power_cycle(&mut self) -> bool;
    /// Whether nothing of the deployment is left there.
    fn is_clean(&self) -> bool;
}

struct Localhost;

impl Kind for Localhost {
    fn machine(&self) -> String {
        "[machines.there]\nkind = \"localhost\"\n".to_owned()
    }

    fn call(&self) -> Hydro {
        Hydro::new()
    }

    fn on(&self, script: &str) -> String {
        let output = command("sh").args(["-c", script]).output().expect("there is a shell");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn goes_on_alone(&self) -> bool {
        false
    }

    fn power_cycle(&mut self) -> bool {
        false
    }

    fn is_clean(&self) -> bool {
        true
    }
}

impl Kind for Hosts {
    fn machine(&self) -> String {
        Self::machine(self, "there", 1)
    }

    fn call(&self) -> Hydro {
        Self::call(self)
    }

    fn on(&self, script: &str) -> String {
        Self::on(self, 1, script)
    }

    fn power_cycle(&mut self) -> bool {
        self.lose_power(1);
        self.boot(1);
        true
    }

    fn is_clean(&self) -> bool {
        Self::on(self, 1, "ls .hydro/deployments 2>/dev/null; ps -eo args | grep '[h]ydro-host serve'").is_empty()
    }
}

impl Kind for Vms {
    fn machine(&self) -> String {
        "[machines.there]\nkind = \"gcp\"\nproject = \"hydro-1234\"\nzone = \"us-west1-a\"\ntype = \"e2-micro\"\n"
            .to_owned()
    }

    fn call(&self) -> Hydro {
        Self::call(self)
    }

    fn on(&self, script: &str) -> String {
        self.hosts().on(1, script)
    }

    /// Google's machines start again by themselves; that is not the lab's to show.
    fn power_cycle(&mut self) -> bool {
        false
    }

    fn is_clean(&self) -> bool {
        self.emulator.instances().is_empty() && self.emulator.firewalls().is_empty()
    }
}

/// `loud` writes on both streams, `ends` and `dies` end by themselves, `keeps` has data, `counter` is a program with a port.
const SERVICES: &str = r#"
[services.loud]
command = ["sh", "-c", "echo begun; echo careful >&2; exec sleep 600"]
on = "there"
restart = "permanent"
backoff = { first = "10ms", longest = "10ms" }

[services.ends]
command = ["sh", "-c", "sleep 1; exit 3"]
restart = "temporary"
on = "there"

[services.dies]
command = ["sh", "-c", "sleep 1; kill -9 $$"]
restart = "temporary"
on = "there"

[services.keeps]
command = ["sh", "-c", "cat '{data}/note' 2>/dev/null || echo nothing; echo kept > '{data}/note'; exec sleep 600"]
on = "there"
restart = "permanent"

[services.counter]
src = "src/counter.hf"
on = "there"
restart = "permanent"

[expose.numbers]
port = "counter.numbers"
"#;

struct Steps<'a> {
    kind: &'a mut dyn Kind,
    mark: Mark,
}

impl Steps<'_> {
    fn run(&self, arguments: &[&str]) -> Output {
        let call = self.kind.call().arguments(arguments.iter().copied()).directory(programs().workspace().root());
        self.mark.on(call).run()
    }

    fn member(&self, name: &str) -> Value {
        let status: Value = serde_json::from_str(self.run(&["ps", "--json"]).exits(0).stdout.trim()).expect("JSON");
        let members = status["members"].as_array().expect("members");
        members.iter().find(|member| member["name"] == name).cloned().unwrap_or_default()
    }

    fn pid(&self, name: &str) -> u64 {
        self.member(name)["pid"].as_u64().unwrap_or_default()
    }

    fn is_up_anew(&self, name: &str, before: u64) -> bool {
        let member = self.member(name);
        member["state"] == "up" && member["pid"].as_u64().is_some_and(|pid| pid != before)
    }

    /// Returns where the counter's port is, which has to take connections there.
    fn open_port(&self) -> String {
        let place = self.member("counter")["exposed"]["numbers"]["address"].as_str().expect("is exposed").to_owned();
        let (ip, port) = place.rsplit_once(':').expect("an address");
        let said = self.kind.on(&format!("bash -c 'exec 3<>/dev/tcp/{ip}/{port} && echo open'"));
        assert_eq!(said.trim(), "open", "{place}");
        place
    }

    fn is_put_and_started(&self) {
        self.run(&["deploy", "--detach"]).exits(0).says(&["Started loud", "Exposed numbers at"]);
        let (loud, counter) = (self.pid("loud"), self.pid("counter"));
        let again = self.run(&["deploy", "--detach"]).exits(0);
        assert!(!again.stderr.contains("Uploaded"), "nothing is sent twice\n{again}");
        assert_eq!((self.pid("loud"), self.pid("counter")), (loud, counter), "what is as wished goes on\n{again}");
        assert_eq!(self.member("loud")["machine"], "there");
    }

    fn is_heard(&self) {
        eventually("both streams are kept", || {
            let said = self.run(&["logs", "loud", "--json"]).stdout;
            said.contains("\"begun\"") && said.contains("\"careful\"") && said.contains("\"stderr\"")
        });
        for (name, end) in [("ends", "exited with code 3"), ("dies", "was killed by signal 9")] {
            eventually("its end is told", || self.member(name)["ended"].as_str() == Some(end));
        }
    }

    fn is_changed_while_it_runs(&self) {
        let (loud, place) = (self.pid("loud"), self.open_port());
        self.kind.on(&format!("kill -9 {loud}"));
        eventually("it is started again", || self.is_up_anew("loud", loud));
        let counter = self.pid("counter");
        self.run(&["restart", "counter"]).exits(0);
        eventually("it is started again", || self.is_up_anew("counter", counter));
        assert_eq!(self.open_port(), place, "its port stays");
        self.run(&["stop", "loud"]).exits(0);
        eventually("it is down", || self.member("loud")["state"] == "down");
        self.run(&["start", "loud"]).exits(0);
        eventually("it is up", || self.member("loud")["state"] == "up");
        assert!(self.run(&["logs", "keeps"]).stdout.contains("nothing"));
        self.run(&["restart", "keeps"]).exits(0);
        eventually("its data is there", || self.run(&["logs", "keeps"]).stdout.contains("kept"));
    }

    fn is_taken_up_again(&self) {
        let (loud, place) = (self.pid("loud"), self.open_port());
        self.mark.kill("--hydro-daemon");
        self.mark.all_gone(GONE);
        self.run(&["ps"]).exits(0).prints(&["loud", "up"]);
        self.run(&["deploy", "--detach"]).exits(0);
        assert_eq!((self.pid("loud"), self.open_port()), (loud, place), "it was left alone");
    }

    fn survives_a_power_loss(&mut self) {
        let begun = |steps: &Self| steps.run(&["logs", "loud"]).stdout.matches("begun").count();
        let before = begun(self);
        let place = self.open_port();
        if self.kind.power_cycle() {
            eventually("it is started again", || begun(self) > before && self.member("loud")["state"] == "up");
            eventually("all is up", || self.member("counter")["state"] == "up");
            assert_eq!(self.open_port(), place, "its port stays");
        }
    }

    fn leaves_nothing(&self) {
        self.run(&["down"]).exits(0);
        self.mark.all_gone(GONE);
        eventually("nothing is left there", || self.kind.is_clean());
    }
}

/// All steps, one after the other.
fn conforms(name: &str, kind: &mut dyn Kind) {
    let toml = format!("[deployment]\nname = \"conforms-{name}\"\n\n{}\n{SERVICES}", kind.machine());
    let deployed = programs().with(&toml, &[]);
    let mut steps = Steps { kind, mark: Mark::new() };
    steps.is_put_and_started();
    steps.is_heard();
    steps.is_changed_while_it_runs();
    if steps.kind.goes_on_alone() {
        steps.is_taken_up_again();
        steps.survives_a_power_loss();
    }
    steps.leaves_nothing();
    drop(deployed);
}

#[test]
fn this_machine_does() {
    conforms("localhost", &mut Localhost);
}

#[test]
fn a_host_over_ssh_does() {
    let Some(mut host) = Hosts::new(72, 1) else { return };
    conforms("ssh", &mut host);
}

#[test]
fn a_host_with_systemd_does() {
    let Some(mut host) = Hosts::with_systemd(74, 1) else { return };
    conforms("systemd", &mut host);
}

#[test]
fn a_machine_of_google_cloud_does() {
    let Some(mut vms) = Vms::new(73, 1, Duration::from_millis(20)) else { return };
    conforms("gcp", &mut vms);
}
