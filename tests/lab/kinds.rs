//! Hosts that are other machines than this one: with another processor, an older C library, or a small disk.
//!
//! A host shares this machine's kernel and files. What it is to have of its own is put over them in its own namespaces, so that nothing outside sees it.

use std::path::Path;
use std::process::Child;
use std::sync::OnceLock;

use crate::support::{command, eventually, has_all, misses};

/// The processor that is not this one.
pub(super) const ARM: &str = "aarch64-unknown-linux-gnu";
/// Runs its programs.
const EMULATOR: &str = "/usr/bin/qemu-aarch64-static";
/// Builds the little that a host has of its own.
const COMPILER: &str = "aarch64-linux-gnu-gcc";
/// Where Debian has Rust's standard library for it.
const ARM_LIBRARY: &str = "/usr/lib/rustlib/aarch64-unknown-linux-gnu";
/// What a program of that processor is told of the system.
const UNAME: &str = r#"#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
int main(int count, char **words) {
    struct utsname u;
    if (uname(&u)) return 1;
    char option = count > 1 ? words[1][1] : 's';
    puts(option == 'm' ? u.machine : option == 'n' ? u.nodename : option == 'r' ? u.release : u.sysname);
    return 0;
}
"#;

/// What a host is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What this machine is.
    Plain,
    /// One whose kernel runs ARM's programs, and whose `uname` is one: they run under an emulator, as real ones.
    Arm,
    /// One that has this to say of its C library: `glibc 2.17`, or `musl`.
    Libc(&'static str),
    /// One whose home folder has so many MiB.
    Disk(u32),
}

impl Kind {
    /// Returns what it is called when tests tell on which kinds of machines they ran.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Plain => "ssh, without systemd",
            Self::Arm => "ssh, with an ARM processor",
            Self::Libc(_) => "ssh, with another C library",
            Self::Disk(_) => "ssh, with a small disk",
        }
    }

    /// Lays down what such a host has of its own; `folder` is the host's.
    pub(super) fn prepare(&self, folder: &Path) {
        match self {
            Self::Plain | Self::Disk(_) => {}
            Self::Arm => compile_uname(folder),
            Self::Libc("musl") => {
                program(&folder.join("getconf"), "exit 1");
                program(&folder.join("ldd"), "echo 'musl libc (x86_64)' >&2; exit 1");
            }
            Self::Libc(text) => program(&folder.join("getconf"), &format!("echo {text}")),
        }
    }

    /// Returns what is done in the host's namespaces before its server starts.
    pub(super) fn boot(&self, folder: &Path) -> String {
        let over = |program: &str| format!("mount --bind '{}/{program}' /usr/bin/{program};", folder.display());
        match self {
            Self::Plain => String::new(),
            Self::Arm => format!("{} {}", registration(), over("uname")),
            Self::Libc("musl") => format!("{} {}", over("getconf"), over("ldd")),
            Self::Libc(_) => over("getconf"),
            // What is there of a home goes with the power.
            Self::Disk(size) => format!(
                "mount -t tmpfs -o size={size}m none /mnt; cp -a '{0}/home/.' /mnt; mount --bind /mnt '{0}/home';",
                folder.display()
            ),
        }
    }

    /// Whether the host's users are its own: what a kernel runs of other processors is told to each world of users.
    pub(super) fn has_users(&self) -> bool {
        *self == Self::Arm
    }
}

/// Returns whether this machine can be home to hosts of another processor, and build for them; that it cannot is told.
pub(super) fn arm_is_there(skipped: &str) -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    if !has_all(&[EMULATOR, COMPILER, ARM_LIBRARY, "unshare"], skipped) {
        misses(
            Kind::Arm.name(),
            "a compiler or an emulator for it is not there; `tests/setup` installs them as root on Debian",
        );
        return false;
    }
    let works = *WORKS.get_or_init(|| {
        let folder = tempfile::Builder::new().prefix("arm-").tempdir_in("/tmp").expect("can be made");
        compile_uname(folder.path());
        let script = format!("{0} '{1}/uname' -m > '{1}/told'", registration(), folder.path().display());
        let mut machine = command("unshare");
        machine.args(["--user", "--mount", "--fork", "--kill-child", "sh", "-c", &waiting(&script)]);
        machine.stdin(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut machine = machine.spawn().expect("there is unshare");
        give_users(&mut machine);
        let _ = machine.wait();
        std::fs::read_to_string(folder.path().join("told")).is_ok_and(|told| told.trim() == "aarch64")
    });
    if !works {
        misses(Kind::Arm.name(), "the kernel has no binfmt_misc within a world of users (Linux 6.7)");
    }
    works || has_all(&["binfmt_misc within a world of users (Linux 6.7)"], skipped)
}

/// Has the kernel run ARM's programs by the emulator; in the world of users of whoever says it.
fn registration() -> String {
    let escaped = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\\\x{byte:02x}")).collect::<String>();
    let magic = escaped(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xb7\0");
    let mask = escaped(b"\xff\xff\xff\xff\xff\xff\xff\0\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff");
    format!(
        "mount -t binfmt_misc none /proc/sys/fs/binfmt_misc || exit 1; \
         printf ':arm:M::{magic}:{mask}:{EMULATOR}:F' > /proc/sys/fs/binfmt_misc/register || exit 1;"
    )
}

/// Returns a script that begins when its users are known.
pub(super) fn waiting(script: &str) -> String {
    format!("until grep -q . /proc/self/uid_map; do sleep 0.02; done; {script}")
}

/// Gives a process that has made a world of users of its own ours.
pub(super) fn give_users(machine: &mut Child) {
    let of = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/user")).ok();
    let pid = machine.id().to_string();
    eventually("it has users of its own", || {
        of(&pid) != of("self") || machine.try_wait().is_ok_and(|ended| ended.is_some())
    });
    for map in ["uid_map", "gid_map"] {
        // Where it has ended already, that shows.
        let _ = std::fs::write(format!("/proc/{pid}/{map}"), "0 0 4294967295");
    }
}

fn compile_uname(folder: &Path) {
    let source = folder.join("uname.c");
    std::fs::write(&source, UNAME).expect("can be written");
    let made = command(COMPILER).arg("-static").arg(&source).arg("-o").arg(folder.join("uname")).output();
    let made = made.expect("there is a compiler");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

fn program(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, format!("#!/bin/sh\n{text}\n")).expect("can be written");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("can be set");
}
