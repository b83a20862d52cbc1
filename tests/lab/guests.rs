//! Hosts of the lab as virtual machines: without power until the emulator of Google Cloud gives it, with the keys, the user, the startup script and the firewall that it says.
//!
//! What Google's agent does within a machine is done here. Each has an address within its network and a public one.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use compute_emulator::{Emulator, Entry, Guest, TOKEN};

use super::hosts::{Hosts, SSHD, ip, keygen};
use crate::support::{Hydro, command, covers, eventually, has_all};

/// Who logs in, made in each machine's own list of users.
const USER: (&str, u32) = ("hydro", 4242);

/// Virtual machines, and the cloud that has them.
pub(crate) struct Vms {
    hosts: Arc<Mutex<Hosts>>,
    /// The cloud.
    pub(crate) emulator: Emulator,
}

/// One of them.
struct Vm {
    hosts: Arc<Mutex<Hosts>>,
    host: usize,
}

impl Vms {
    /// Makes a cloud with so many machines; None where this machine does not let us, which is told.
    pub(crate) fn new(subnet: u8, count: usize, operations: Duration) -> Option<Self> {
        if !has_all(&["nft"], "no virtual machines were deployed to") {
            return None;
        }
        let hosts = Hosts::without_power(subnet, count)?;
        covers("virtual machines of the emulator of Google Cloud");
        for host in 0..=count {
            ip(&["-n", &hosts.namespace(host), "addr", "add", &format!("{}/24", public(subnet, host)), "dev", "eth0"]);
        }
        let emulator = Emulator::on(listener_in(&hosts.namespace(0)), operations);
        let hosts = Arc::new(Mutex::new(hosts));
        for host in 1..=count {
            let internal = lock(&hosts).address(host).parse().expect("an address");
            let public = public(subnet, host).parse().expect("an address");
            emulator.add_guest(internal, public, Box::new(Vm { hosts: Arc::clone(&hosts), host }));
        }
        Some(Self { hosts, emulator })
    }

    /// Has a call made from outside the cloud, with credentials for it.
    pub(crate) fn call(&self) -> Hydro {
        let call = self.hosts().call().env("HYDRO_GCP_ENDPOINT", self.emulator.endpoint());
        call.env("GOOGLE_OAUTH_ACCESS_TOKEN", TOKEN)
    }

    /// Returns the hosts, to look into them and to harm them.
    pub(crate) fn hosts(&self) -> MutexGuard<'_, Hosts> {
        lock(&self.hosts)
    }
}

fn lock(hosts: &Arc<Mutex<Hosts>>) -> MutexGuard<'_, Hosts> {
    hosts.lock().unwrap_or_else(PoisonError::into_inner)
}

fn public(subnet: u8, host: usize) -> String {
    format!("10.{subnet}.1.{}", 10 + host)
}

/// Listens in another network; a thread of its own goes there.
fn listener_in(namespace: &str) -> TcpListener {
    let place = std::fs::File::open(format!("/run/netns/{namespace}")).expect("was made");
    let listening = std::thread::spawn(move || {
        let kind = Some(rustix::thread::LinkNameSpaceType::Network);
        rustix::thread::move_into_link_name_space(std::os::fd::AsFd::as_fd(&place), kind).expect("we are root");
        TcpListener::bind("127.0.0.1:0").expect("a port is free")
    });
    listening.join().expect("did not panic")
}

impl Guest for Vm {
    fn boot(&mut self, metadata: &BTreeMap<String, String>) -> Vec<String> {
        let hosts = &mut *lock(&self.hosts);
        hosts.prepare_vm(self.host, metadata);
        hosts.boot_vm(self.host);
        let key = std::fs::read_to_string(hosts.home(self.host).join(".host_key.pub")).expect("was made");
        vec![key.split_whitespace().take(2).collect::<Vec<_>>().join(" ")]
    }

    fn halt(&mut self, wipe: bool) {
        let hosts = &mut *lock(&self.hosts);
        hosts.lose_power(self.host);
        if wipe {
            let _ = std::fs::remove_dir_all(hosts.disk(self.host));
        }
    }

    fn is_off(&mut self) -> bool {
        lock(&self.hosts).home(self.host).join(".off").exists()
    }

    fn admit(&mut self, entries: &[Entry]) {
        let hosts = &*lock(&self.hosts);
        // Whoever runs the tests looks in by a way of his own.
        let mut rules = format!("ip saddr {} tcp dport 22 accept;", hosts.address(0));
        for Entry { from, ports } in entries {
            rules.push_str(&format!(" ip saddr {from} tcp dport {{ {} }} accept;", ports.join(", ")));
        }
        let table = format!(
            "table inet vpc {{}}\ndelete table inet vpc\ntable inet vpc {{ chain input {{ type filter hook input priority 0; policy drop; \
             ct state established,related accept; iif lo accept; meta l4proto icmp accept; {rules} }} ; }}\n"
        );
        let file = hosts.folder.path().join(format!("rules{}", self.host));
        std::fs::write(&file, table).expect("can be written");
        ip(&["netns", "exec", &hosts.namespace(self.host), "nft", "-f", &file.display().to_string()]);
    }
}

impl Hosts {
    fn disk(&self, host: usize) -> PathBuf {
        self.folder.path().join(format!("host{host}"))
    }

    /// Does what Google's agent does at each start.
    fn prepare_vm(&self, host: usize, metadata: &BTreeMap<String, String>) {
        let (disk, home) = (self.disk(host), self.home(host));
        let users = disk.join("homes");
        for folder in [home.join(".ssh"), home.join(".bin"), disk.join("tmp"), users.join(USER.0).join(".ssh")] {
            std::fs::create_dir_all(folder).expect("can be made");
        }
        std::fs::create_dir_all("/run/sshd").expect("can be made");
        std::fs::set_permissions(disk.join("tmp"), std::fs::Permissions::from_mode(0o1777)).expect("is ours");
        let _ = std::fs::remove_file(home.join(".off"));
        if !home.join(".host_key").exists() {
            keygen(&home.join(".host_key"));
        }
        std::fs::copy(self.key().with_extension("pub"), home.join(".ssh/authorized_keys")).expect("can be copied");
        for line in metadata.get("ssh-keys").map(String::as_str).unwrap_or_default().lines() {
            let (user, key) = line.split_once(':').expect("a user and a key");
            assert_eq!(user, USER.0, "the user that the lab makes");
            write(&users.join(user).join(".ssh/authorized_keys"), key);
        }
        for folder in [users.join(USER.0), users.join(USER.0).join(".ssh")] {
            chown(folder, Some(USER.1), Some(USER.1)).expect("we are root");
        }
        for (file, line) in [
            ("passwd", format!("{}:x:{}:{}::/home/{}:/bin/sh\n", USER.0, USER.1, USER.1, USER.0)),
            ("shadow", format!("{}:*:19000:0:99999:7:::\n", USER.0)),
            ("group", format!("{}:x:{}:\n", USER.0, USER.1)),
        ] {
            let own = std::fs::read_to_string(format!("/etc/{file}")).expect("is there");
            write(&disk.join(file), &(own + &line));
        }
        write(&home.join(".startup"), metadata.get("startup-script").map_or("", String::as_str));
        // The emulator takes the power away from who asks for that.
        write(&home.join(".bin/poweroff"), "#!/bin/sh\ntouch /root/.off\n");
        std::fs::set_permissions(home.join(".bin/poweroff"), std::fs::Permissions::from_mode(0o755)).expect("is ours");
        // Who is known is known by Google's word alone.
        let key = std::fs::read_to_string(home.join(".host_key.pub")).expect("was made");
        write(&self.known_hosts(), &(self.others(host) + &format!("{} {key}", self.address(host))));
    }

    /// Returns what is known of the other hosts.
    fn others(&self, host: usize) -> String {
        let known = std::fs::read_to_string(self.known_hosts()).unwrap_or_default();
        let own = format!("{} ", self.address(host));
        known.lines().filter(|line| !line.starts_with(&own)).map(|line| format!("{line}\n")).collect()
    }

    fn boot_vm(&mut self, host: usize) {
        let disk = self.disk(host);
        let [_, subnet, ..] = self.address(host).parse::<std::net::Ipv4Addr>().expect("an address").octets();
        let sshd = format!(
            "exec {SSHD} -D -e -f /dev/null -h /root/.host_key -o ListenAddress={} -o ListenAddress={} -o PidFile=none -o StrictModes=no \
             -o AuthorizedKeysFile=.ssh/authorized_keys -o PasswordAuthentication=no -o UsePAM=no -o UseDNS=no -o PermitRootLogin=prohibit-password",
            self.address(host),
            public(subnet, host)
        );
        let script = format!(
            "hostname vm{host}; for file in passwd shadow group; do mount --bind '{0}'/$file /etc/$file; done; mount --bind '{0}/homes' /home; \
             mount --bind '{0}/home' /root; mount --bind '{0}/tmp' /tmp; cd /; PATH=/root/.bin:$PATH sh /root/.startup; {sshd}",
            disk.display()
        );
        let log = std::fs::File::create(disk.join("sshd.log")).expect("can be made");
        let mut machine = command("ip");
        machine.args(["netns", "exec", &self.namespace(host), "unshare", "--mount", "--uts", "--pid", "--fork"]);
        machine.args(["--kill-child", "--mount-proc", "sh", "-c", &script]);
        machine.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        std::os::unix::process::CommandExt::process_group(&mut machine, 0);
        self.machines[host - 1] = Some(machine.spawn().expect("there is ip"));
        eventually("the machine can be reached", || self.on(host, "echo up").trim() == "up");
    }

    /// Returns whether a machine has power.
    pub(crate) fn has_power(&self, host: usize) -> bool {
        self.machines[host - 1].is_some()
    }
}

fn write(file: &Path, text: &str) {
    std::fs::write(file, text).expect("can be written");
}
