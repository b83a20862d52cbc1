//! A workspace whose services are shell scripts on hosts of the lab.

use serde_json::Value;

use super::hosts::{GONE, Hosts};
use crate::support::{Hydro, Mark, Output, Workspace, eventually};

/// A workspace whose services are shell scripts on the hosts.
pub(super) struct Far {
    pub(super) workspace: Workspace,
    pub(super) hosts: Hosts,
    pub(super) mark: Mark,
}

/// Writes a number every 20 ms, which goes on where the last start left it.
pub(super) const COUNT: &str = r#"n=$(cat n 2>/dev/null || echo 0); echo begin; while :; do n=$((n+1)); echo $n > n; echo \"number $n\"; sleep 0.02; done"#;

impl Far {
    pub(super) fn new(name: &str, subnet: u8, hosts: usize) -> Option<Self> {
        Some(Self::on(name, Hosts::new(subnet, hosts)?))
    }

    pub(super) fn on(name: &str, hosts: Hosts) -> Self {
        let manifest = "[package]\nname = \"far\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";
        let workspace = Workspace::new(&format!("far-{name}"), &[("Cargo.toml", manifest), ("src/lib.rs", "")]);
        workspace.remove(".hydro");
        Self { workspace, hosts, mark: Mark::new() }
    }

    pub(super) fn describe(&self, services: &str) {
        let machines: String =
            (1..=2).map(|host| self.hosts.machine(["one", "two"][host - 1], host)).collect::<Vec<_>>().join("\n");
        self.describe_with(&machines, services);
    }

    /// Describes machines and services.
    pub(super) fn describe_with(&self, machines: &str, services: &str) {
        self.workspace.write("Hydro.toml", &format!("[deployment]\nname = \"far\"\n\n{machines}\n{services}"));
    }

    pub(super) fn call<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Hydro {
        self.mark.on(self.hosts.call().arguments(arguments).directory(self.workspace.root()))
    }

    pub(super) fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Output {
        self.call(arguments).run()
    }

    pub(super) fn member(&self, name: &str) -> Value {
        let output = self.run(["ps", "--json"]).exits(0);
        let status: Value = serde_json::from_str(output.stdout.trim()).expect("a status");
        let members = status["members"].as_array().expect("members");
        members.iter().find(|member| member["name"] == name).unwrap_or(&Value::Null).clone()
    }

    /// Kills whoever holds the deployment here, and waits until nothing of it is left here.
    pub(super) fn kill_holder(&self) {
        self.mark.kill("--hydro-daemon");
        self.mark.all_gone(GONE);
    }

    /// Asserts that nothing is left, there and here.
    #[track_caller]
    pub(super) fn is_gone(&self) {
        self.mark.all_gone(GONE);
        for host in 1..=2 {
            eventually("the host's processes are gone", || {
                self.hosts.on(host, "ps -eo args | grep -c '[h]ydro-host serve'").trim() == "0"
            });
            assert_eq!(self.hosts.on(host, "ls .hydro/deployments 2>/dev/null"), "");
        }
        let left = std::fs::read_dir(self.workspace.path(".hydro/machines")).expect("was made").flatten();
        let left: Vec<_> = left.map(|entry| entry.file_name()).filter(|name| name != "token").collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

pub(super) fn service(name: &str, machine: &str, script: &str) -> String {
    format!(
        "[services.{name}]\ncommand = [\"sh\", \"-c\", \"{script}\"]\non = \"{machine}\"\nrestart = \"permanent\"\n"
    )
}
