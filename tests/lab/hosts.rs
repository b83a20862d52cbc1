//! Machines of the lab: namespaces of this machine with processes, files and an ssh server of their own, and one from which they are reached.
//!
//! Nothing of it is in the machine's own network. Needs root, `ip`, `unshare` and an ssh server; see [`Hosts::new`]. Those with a systemd of their own
//! ([`Hosts::with_systemd`]) need more.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use super::booted::{self, Files};
use super::kinds::{Kind, give_users, waiting};
use crate::support::{Hydro, command, covers, eventually, has_all, misses};

pub(super) const SSHD: &str = "/usr/sbin/sshd";
const TOOLS: [&str; 5] = ["ip", "unshare", "ssh", "ssh-keygen", SSHD];

/// Networks that are in use.
static SUBNETS: Mutex<BTreeSet<u8>> = Mutex::new(BTreeSet::new());

/// Hosts 1, 2, … on one bridge, gone when this is dropped.
pub(crate) struct Hosts {
    name: String,
    subnet: u8,
    /// Files of those with a systemd; dropped before the folder they are in.
    files: Vec<Files>,
    pub(super) folder: TempDir,
    kinds: Vec<Kind>,
    pub(super) machines: Vec<Option<Child>>,
    /// Debian's packages; none: the hosts have no systemd.
    packages: Option<PathBuf>,
}

const SYSTEMD: &str = "ssh, with systemd";

impl Hosts {
    /// Makes them; None where this machine does not let us, which is told. `subnet` keeps tests apart that run at once.
    pub(crate) fn new(subnet: u8, count: usize) -> Option<Self> {
        Self::of(subnet, &vec![Kind::Plain; count])
    }

    /// Makes one of each of these kinds.
    pub(super) fn of(subnet: u8, kinds: &[Kind]) -> Option<Self> {
        let mut hosts = Self::without_power(subnet, kinds.len())?;
        hosts.kinds = kinds.to_vec();
        kinds.iter().map(Kind::name).collect::<BTreeSet<_>>().into_iter().for_each(covers);
        Some(hosts.on_power())
    }

    /// Makes them with a systemd each.
    pub(crate) fn with_systemd(subnet: u8, count: usize) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            misses(SYSTEMD, "that takes root");
            return None;
        }
        let packages = match booted::packages() {
            Ok(packages) => packages,
            Err(why) => {
                misses(SYSTEMD, &why);
                return None;
            }
        };
        let mut hosts = Self::without_power(subnet, count)?;
        hosts.packages = Some(packages);
        covers(SYSTEMD);
        Some(hosts.on_power())
    }

    fn on_power(mut self) -> Self {
        for host in 1..=self.machines.len() {
            self.prepare(host);
            self.boot(host);
        }
        self
    }

    /// Makes their network and the key that opens them, and nothing that runs.
    pub(super) fn without_power(subnet: u8, count: usize) -> Option<Self> {
        let skipped = "no members were placed on other machines";
        if !rustix::process::geteuid().is_root() {
            misses("all that are reached over ssh", "that takes root");
            assert!(!has_all(&["a root user"], skipped));
            return None;
        }
        if !has_all(&TOOLS, skipped) {
            misses("all that are reached over ssh", &format!("one of {TOOLS:?} is not there"));
            return None;
        }
        let is_free = SUBNETS.lock().unwrap_or_else(PoisonError::into_inner).insert(subnet);
        assert!(is_free, "two tests that run at once have the network {subnet}");
        let folder = tempfile::Builder::new().prefix("lab-").tempdir_in("/tmp").expect("can be made");
        let name = format!("hl{}-{subnet}", std::process::id());
        let kinds = vec![Kind::Plain; count];
        let mut hosts = Self { name, subnet, files: Vec::new(), folder, kinds, machines: Vec::new(), packages: None };
        hosts.wire(count);
        keygen(&hosts.key());
        hosts.machines.resize_with(count, || None);
        Some(hosts)
    }

    /// Returns a host's address.
    pub(crate) fn address(&self, host: usize) -> String {
        format!("10.{}.0.{}", self.subnet, 10 + host)
    }

    /// Returns the key that the hosts accept.
    pub(crate) fn key(&self) -> PathBuf {
        self.folder.path().join("id")
    }

    /// Returns the file that says who the hosts are.
    pub(crate) fn known_hosts(&self) -> PathBuf {
        self.folder.path().join("known_hosts")
    }

    /// Returns a folder of a host's own, as it is seen from outside.
    pub(crate) fn home(&self, host: usize) -> PathBuf {
        match self.files.get(host - 1) {
            Some(files) => files.root().join("root"),
            None => self.folder.path().join(format!("host{host}/home")),
        }
    }

    /// Describes a host as a machine of `Hydro.toml`.
    pub(crate) fn machine(&self, name: &str, host: usize) -> String {
        self.machine_of(name, host, "root")
    }

    /// Describes a host as a machine that a user reaches.
    pub(super) fn machine_of(&self, name: &str, host: usize, user: &str) -> String {
        format!(
            "[machines.{name}]\nkind = \"ssh\"\nhost = \"{}\"\nuser = \"{user}\"\nkey = \"{}\"\nknown_hosts = \"{}\"\n",
            self.address(host),
            self.key().display(),
            self.known_hosts().display()
        )
    }

    /// Has a call made from the place from which the hosts are reached. There are no registries there.
    pub(crate) fn call(&self) -> Hydro {
        Hydro::within(&["ip", "netns", "exec", &self.namespace(0)]).env("CARGO_NET_OFFLINE", "true")
    }

    /// Runs a shell script on a host, and returns what it printed.
    #[track_caller]
    pub(crate) fn on(&self, host: usize, script: &str) -> String {
        let output = command("ip")
            .args(["netns", "exec", &self.namespace(0), "ssh", "-F", "/dev/null", "-o", "BatchMode=yes", "-i"])
            .arg(self.key())
            .arg("-o")
            .arg(format!("UserKnownHostsFile={}", self.known_hosts().display()))
            .args([&format!("root@{}", self.address(host)), script])
            .output()
            .expect("there is ssh");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Returns a command at the place from which the hosts are reached.
    pub(super) fn within(&self, words: &[&str]) -> std::process::Command {
        let mut made = command("ip");
        made.args(["netns", "exec", &self.namespace(0)]).args(words);
        made
    }

    /// Cuts a host off, or heals the network.
    pub(crate) fn cut(&self, host: usize, is_cut: bool) {
        ip(&["-n", &self.namespace(99), "link", "set", &format!("port{host}"), if is_cut { "down" } else { "up" }]);
    }

    /// Takes the power from a host: all its processes are gone at once.
    pub(crate) fn lose_power(&mut self, host: usize) {
        if let Some(mut machine) = self.machines[host - 1].take() {
            if self.packages.is_some() {
                return booted::lose_power(machine);
            }
            let _ = kill_process_group(Pid::from_child(&machine), Signal::KILL);
            let _ = machine.wait();
        }
    }

    /// Starts a host with a systemd anew, in order.
    pub(super) fn restart(&mut self, host: usize) {
        self.on(host, "systemctl poweroff");
        if let Some(mut machine) = self.machines[host - 1].take() {
            eventually("the host is off", || matches!(machine.try_wait(), Ok(Some(_))));
        }
        self.boot(host);
    }

    /// Starts a host, and waits until it can be reached.
    pub(crate) fn boot(&mut self, host: usize) {
        let (folder, name) = (self.folder.path().join(format!("host{host}")), format!("host{host}"));
        if let Some(files) = self.files.get(host - 1) {
            let log = std::fs::File::create(folder.join("boot.log")).expect("can be made");
            self.machines[host - 1] = Some(files.boot(&self.namespace(host), &format!("{}-{name}", self.name), log));
            let has_begun = ["running", "degraded"];
            return eventually("the host is up", || {
                has_begun.contains(&self.on(host, "systemctl is-system-running").trim())
            });
        }
        let sshd = format!(
            "exec {SSHD} -D -e -f /dev/null -h /root/.host_key -o ListenAddress={} -o PidFile=none -o StrictModes=no \
             -o AuthorizedKeysFile=/root/.ssh/authorized_keys -o PasswordAuthentication=no -o UsePAM=no -o UseDNS=no \
             -o PermitRootLogin=prohibit-password",
            self.address(host)
        );
        let kind = &self.kinds[host - 1];
        let mut script = format!(
            "hostname {name}; {1} mount --bind '{0}/home' /root; mount --bind '{0}/tmp' /tmp; cd /; {sshd}",
            folder.display(),
            kind.boot(&folder)
        );
        let log = std::fs::File::create(folder.join("sshd.log")).expect("can be made");
        let mut machine = command("ip");
        machine.args(["netns", "exec", &self.namespace(host), "unshare", "--mount", "--uts", "--pid", "--fork"]);
        if kind.has_users() {
            machine.arg("--user");
            script = waiting(&script);
        }
        machine.args(["--kill-child", "--mount-proc", "sh", "-c", &script]);
        machine.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        std::os::unix::process::CommandExt::process_group(&mut machine, 0);
        let mut machine = machine.spawn().expect("there is ip");
        if kind.has_users() {
            give_users(&mut machine);
        }
        self.machines[host - 1] = Some(machine);
        eventually("the host can be reached", || self.on(host, "echo up").trim() == "up");
    }

    /// Returns the name of the network namespace of a host; 0 is where calls are made.
    pub(super) fn namespace(&self, host: usize) -> String {
        format!("{}-{host}", self.name)
    }

    /// Number 0 is where calls are made, 99 holds the bridge.
    fn wire(&self, count: usize) {
        let hub = self.namespace(99);
        ip(&["netns", "add", &hub]);
        ip(&["-n", &hub, "link", "add", "br0", "type", "bridge"]);
        ip(&["-n", &hub, "link", "set", "br0", "up"]);
        for host in 0..=count {
            let (own, port) = (self.namespace(host), format!("port{host}"));
            ip(&["netns", "add", &own]);
            ip(&["link", "add", &port, "netns", &hub, "type", "veth", "peer", "name", "eth0", "netns", &own]);
            ip(&["-n", &hub, "link", "set", &port, "master", "br0", "up"]);
            ip(&["-n", &own, "link", "set", "lo", "up"]);
            ip(&["-n", &own, "addr", "add", &format!("{}/24", self.address(host)), "dev", "eth0"]);
            ip(&["-n", &own, "link", "set", "eth0", "up"]);
            // Who is root among users of its own is none out here.
            let low = "echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start";
            ip(&["netns", "exec", &own, "sh", "-c", low]);
        }
    }

    fn prepare(&mut self, host: usize) {
        if let Some(packages) = self.packages.clone() {
            let folder = self.folder.path().join(format!("host{host}"));
            let files = Files::new(&packages, &folder);
            keygen(&folder.join("host_key"));
            files.prepare(&self.key().with_extension("pub"), &folder.join("host_key"), &format!("host{host}"));
            self.files.push(files);
            return self.know(host, &folder.join("host_key.pub"));
        }
        let home = self.home(host);
        std::fs::create_dir_all(home.join(".ssh")).expect("can be made");
        std::fs::create_dir_all(home.with_file_name("tmp")).expect("can be made");
        // Where the server puts itself aside; Debian makes it at boot.
        std::fs::create_dir_all("/run/sshd").expect("can be made");
        self.kinds[host - 1].prepare(home.parent().expect("has one"));
        keygen(&home.join(".host_key"));
        std::fs::copy(self.key().with_extension("pub"), home.join(".ssh/authorized_keys")).expect("can be copied");
        self.know(host, &home.join(".host_key.pub"));
    }

    fn know(&self, host: usize, public: &Path) {
        let key = std::fs::read_to_string(public).expect("was made");
        let mut known = std::fs::read_to_string(self.known_hosts()).unwrap_or_default();
        known.push_str(&format!("{} {key}", self.address(host)));
        std::fs::write(self.known_hosts(), known).expect("can be written");
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        SUBNETS.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.subnet);
        for host in 1..=self.machines.len() {
            self.lose_power(host);
        }
        for host in (0..=self.machines.len()).chain([99]) {
            let _ = command("ip").args(["netns", "del", &self.namespace(host)]).output();
        }
    }
}

/// Makes a key at this path.
pub(crate) fn keygen(path: &Path) {
    let made = command("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).output();
    assert!(made.is_ok_and(|output| output.status.success()), "no key at {}", path.display());
}

pub(super) fn ip(arguments: &[&str]) {
    let output = command("ip").args(arguments).output().expect("there is ip");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {}: {said}", arguments.join(" "));
}

/// How long what was ended may take to be gone.
pub(crate) const GONE: Duration = Duration::from_secs(30);
