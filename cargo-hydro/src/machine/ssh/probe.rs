//! What is found on a machine: asked once, in one go, of a plain shell.
//!
//! Pure but for the script; knows nothing of connections.

use std::net::IpAddr;

use crate::build::Target;

/// Prints one `key=value` per line. Everything in it is in POSIX or checked for.
pub(super) const SCRIPT: &str = r#"
echo "arch=$(uname -m)"
echo "system=$(uname -s)"
echo "host=$(uname -n)"
echo "user=$(id -un)"
echo "home=$HOME"
echo "libc=$( (getconf GNU_LIBC_VERSION || ldd --version 2>&1 | head -n 1) 2>/dev/null)"
[ -d /run/systemd/system ] && echo "systemd=yes"
echo "connection=$SSH_CONNECTION"
echo "time=$(date +%s)"
echo "free=$(df -Pk "$HOME" | tail -n 1 | awk '{print $4}')"
for tool in gzip sha256sum; do command -v $tool >/dev/null || echo "missing=$tool"; done
"#;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probe {
    /// `x86_64`, `aarch64`, ….
    pub arch: String,
    /// `Linux`.
    pub system: String,
    /// Its own name.
    pub host: String,
    /// Who we are there.
    pub user: String,
    /// Our home folder there.
    pub home: String,
    /// The version of its glibc; none: it has another C library.
    pub glibc: Option<(u32, u32)>,
    /// Whether systemd runs it.
    pub systemd: bool,
    /// Its address, as it sees the connection.
    pub address: Option<IpAddr>,
    /// Our address, as it sees the connection.
    pub ours: Option<IpAddr>,
    /// Seconds since 1970 by its clock.
    pub time: u64,
    /// Free space in our home folder there, in KiB.
    pub free_kib: Option<u64>,
    /// Programs that are needed and not there.
    pub missing: Vec<String>,
}

impl Probe {
    /// Returns what programs are built for that are linked on this machine itself.
    #[must_use]
    pub fn target(&self) -> Target {
        Target::of_machine(&self.arch, self.glibc)
    }

    /// Reads what the script printed.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut found = Self::default();
        for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
            let owned = || value.to_owned();
            match key {
                "arch" => found.arch = owned(),
                "system" => found.system = owned(),
                "host" => found.host = owned(),
                "user" => found.user = owned(),
                "home" => found.home = owned(),
                "libc" => found.glibc = glibc(value),
                "systemd" => found.systemd = true,
                "connection" => (found.ours, found.address) = connection(value),
                "time" => found.time = value.parse().unwrap_or(0),
                "free" => found.free_kib = value.parse().ok(),
                "missing" => found.missing.push(owned()),
                _ => {}
            }
        }
        found
    }
}

/// `glibc 2.36`, or `ldd (Debian GLIBC 2.36-9) 2.36`.
fn glibc(text: &str) -> Option<(u32, u32)> {
    if !text.to_ascii_lowercase().contains("glibc") && !text.contains("GNU libc") {
        return None;
    }
    let (major, minor) = text.split_whitespace().last()?.split_once('.')?;
    Some((major.parse().ok()?, minor.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?))
}

/// `CLIENT PORT SERVER PORT`.
fn connection(text: &str) -> (Option<IpAddr>, Option<IpAddr>) {
    let words: Vec<&str> = text.split_whitespace().collect();
    let address = |at: usize| words.get(at)?.split('%').next()?.parse().ok();
    (address(0), address(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_debian_machine_and_one_with_another_libc_are_understood() {
        let text = "arch=aarch64\nsystem=Linux\nhost=far\nuser=root\nhome=/root\nlibc=glibc 2.36\nsystemd=yes\n\
                    connection=10.0.0.1 5555 10.0.0.2 22\ntime=17\nfree=1000\nnoise\n";
        let found = Probe::read(text);
        assert_eq!((found.arch.as_str(), found.glibc, found.systemd), ("aarch64", Some((2, 36)), true));
        assert_eq!(found.address, "10.0.0.2".parse().ok());
        assert_eq!(found.ours, "10.0.0.1".parse().ok());
        assert_eq!((found.time, found.free_kib, found.missing.len()), (17, Some(1000), 0));
        let other = Probe::read("libc=musl libc (x86_64)\nmissing=gzip\nfree=\n");
        assert_eq!((other.glibc, other.systemd, other.free_kib), (None, false, None));
        assert_eq!(other.missing, ["gzip"]);
        assert_eq!(Probe::read("libc=ldd (Ubuntu GLIBC 2.31-0ubuntu9) 2.31").glibc, Some((2, 31)));
    }
}
