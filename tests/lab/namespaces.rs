//! Two hosts with a network between them that can be cut: network namespaces of this machine. Needs root and `ip`.

use crate::support::command;

/// Two namespaces on one bridge, gone when this is dropped.
pub(super) struct Hosts {
    name: String,
}

impl Hosts {
    /// Makes them; None where this machine does not let us.
    pub(super) fn new() -> Option<Self> {
        let hosts = Self { name: format!("hy{}", std::process::id()) };
        let hub = hosts.namespace(0);
        if !ip(&["netns", "add", &hub]) {
            return None;
        }
        let mut all = ip(&["-n", &hub, "link", "add", "br0", "type", "bridge"]);
        all &= ip(&["-n", &hub, "link", "set", "br0", "up"]);
        for host in [1, 2] {
            let (own, port) = (hosts.namespace(host), format!("port{host}"));
            all &= ip(&["netns", "add", &own]);
            all &= ip(&["link", "add", &port, "netns", &hub, "type", "veth", "peer", "name", "eth0", "netns", &own]);
            all &= ip(&["-n", &hub, "link", "set", &port, "master", "br0", "up"]);
            all &= ip(&["-n", &own, "link", "set", "lo", "up"]);
            all &= ip(&["-n", &own, "addr", "add", &format!("{}/24", hosts.address(host)), "dev", "eth0"]);
            all &= ip(&["-n", &own, "link", "set", "eth0", "up"]);
        }
        all.then_some(hosts)
    }

    /// Returns a host's address; hosts are 1 and 2.
    pub(super) fn address(&self, host: usize) -> String {
        format!("10.78.0.{host}")
    }

    /// Returns the name of a host's namespace.
    pub(super) fn namespace(&self, host: usize) -> String {
        format!("{}-{host}", self.name)
    }

    /// Cuts host 2 off, or heals the network.
    pub(super) fn cut(&self, is_cut: bool) {
        assert!(ip(&["-n", &self.namespace(0), "link", "set", "port2", if is_cut { "down" } else { "up" }]));
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for host in 0..3 {
            ip(&["netns", "del", &self.namespace(host)]);
        }
    }
}

fn ip(arguments: &[&str]) -> bool {
    command("ip").args(arguments).output().is_ok_and(|output| output.status.success())
}
