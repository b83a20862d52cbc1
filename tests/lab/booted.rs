//! A machine with a systemd of its own: Debian from its packages, booted in a container within a network namespace of the lab.
//!
//! The packages are unpacked once, below the target folder; each machine has a layer of its own above them, which outlives its boots.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Mutex;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::support::{command, shared_target};

/// The user that is no root.
pub(super) const USER: &str = "ann";
const TOOLS: [&str; 3] = ["mmdebstrap", "systemd-nspawn", "mount"];
const PACKAGES: &str =
    "openssh-server,iproute2,procps,systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,gzip,cron";

/// Returns the folder with Debian's packages, unpacked now if they were not; an error says why there are none.
pub(super) fn packages() -> Result<PathBuf, String> {
    static ONCE: Mutex<Option<Result<PathBuf, String>>> = Mutex::new(None);
    let mut once = ONCE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    once.get_or_insert_with(unpack).clone()
}

fn unpack() -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |tool: &&&str| std::env::split_paths(&path).any(|folder| folder.join(tool).exists());
    if let Some(missing) = TOOLS.iter().find(|tool| !is_there(tool)) {
        return Err(format!("there is no `{missing}`; `tests/setup` installs it as root on Debian"));
    }
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let suite = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    let suite =
        suite.filter(|_| release.contains("ID=debian")).ok_or("programs that are built here need Debian there")?;
    let root = shared_target().join("lab-root");
    let (ready, part) = (root.join(".ready"), shared_target().join("lab-root.part"));
    let lock = std::fs::File::create(shared_target().join("lab-root.lock")).map_err(|error| error.to_string())?;
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).map_err(|error| error.to_string())?;
    if std::fs::read_to_string(&ready).is_ok_and(|made| made == PACKAGES) {
        return Ok(root);
    }
    for folder in [&root, &part] {
        let _ = std::fs::remove_dir_all(folder);
    }
    let made = command("mmdebstrap")
        .args(["--quiet", "--variant=minbase", &format!("--include={PACKAGES}"), suite])
        .arg(&part)
        .output()
        .map_err(|error| error.to_string())?;
    if !made.status.success() {
        let said = String::from_utf8_lossy(&made.stderr);
        return Err(format!("mmdebstrap makes no Debian: {}", said.lines().last().unwrap_or("it says nothing")));
    }
    std::fs::rename(&part, &root).and_then(|()| std::fs::write(&ready, PACKAGES)).map_err(|error| error.to_string())?;
    Ok(root)
}

/// The files of a machine, below this folder: the packages, and above them what is its own.
pub(super) struct Files {
    root: PathBuf,
}

impl Files {
    pub(super) fn new(packages: &Path, folder: &Path) -> Self {
        let root = folder.join("root");
        for name in ["root", "own", "work"] {
            std::fs::create_dir_all(folder.join(name)).expect("can be made");
        }
        let layers = format!(
            "lowerdir={},upperdir={},workdir={}",
            packages.display(),
            folder.join("own").display(),
            folder.join("work").display()
        );
        run("mount", &["-t", "overlay", "overlay", "-o", &layers, &root.display().to_string()]);
        Self { root }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Lets those in who have this public key, as root and as a user, and gives the machine its own key.
    pub(super) fn prepare(&self, public: &Path, host_key: &Path, name: &str) {
        let inside = |path: &str| self.root.join(path);
        run("chroot", &[&self.root.display().to_string(), "useradd", "-m", "-s", "/bin/bash", USER]);
        for home in ["root".to_owned(), format!("home/{USER}")] {
            let ssh = inside(&home).join(".ssh");
            std::fs::create_dir_all(&ssh).expect("can be made");
            std::fs::copy(public, ssh.join("authorized_keys")).expect("can be copied");
        }
        let all = format!("chown -R {USER}: /home/{USER}; rm -f /etc/ssh/ssh_host_*");
        run("chroot", &[&self.root.display().to_string(), "sh", "-c", &all]);
        std::fs::copy(host_key, inside("etc/ssh/ssh_host_ed25519_key")).expect("can be copied");
        std::fs::write(inside("etc/hostname"), format!("{name}\n")).expect("can be written");
        let sshd =
            "HostKey /etc/ssh/ssh_host_ed25519_key\nUseDNS no\nPasswordAuthentication no\nMaxStartups 100:30:300\n";
        std::fs::write(inside("etc/ssh/sshd_config.d/lab.conf"), sshd).expect("can be written");
    }

    /// Boots the machine within a network namespace.
    pub(super) fn boot(&self, namespace: &str, name: &str, log: std::fs::File) -> Child {
        let mut machine = command("systemd-nspawn");
        machine.args(["--quiet", "--register=no", "--keep-unit", "--console=pipe", "--boot"]);
        machine.arg(format!("--network-namespace-path=/run/netns/{namespace}"));
        machine.arg(format!("--machine={name}")).arg("--directory").arg(&self.root);
        machine.stdin(Stdio::null()).stdout(log).stderr(Stdio::null()).process_group(0);
        machine.spawn().expect("there is systemd-nspawn")
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = command("umount").args(["-l", &self.root.display().to_string()]).output();
    }
}

/// Takes the power from a machine: its first process is gone at once, and with it all others.
pub(super) fn lose_power(mut machine: Child) {
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", machine.id())).unwrap_or_default();
    for child in children.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)) {
        let _ = kill_process(child, Signal::KILL);
    }
    let _ = kill_process_group(Pid::from_child(&machine), Signal::KILL);
    let _ = machine.wait();
}

fn run(program: &str, arguments: &[&str]) {
    let output = command(program).args(arguments).output().expect("there is such a program");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {said}", arguments.join(" "));
}
