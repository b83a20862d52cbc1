//! What runs a program of another machine's architecture here, so that it can be asked what it is.
//!
//! Knows nothing of what it is asked.

use std::path::{Path, PathBuf};

use crate::build::target::Target;
use crate::sys;
use crate::workspace::{CargoConfig, Workspace};

/// A command line in front of the program's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::build) struct Way {
    /// Its words; none: the program is started itself.
    pub(in crate::build) line: Vec<String>,
}

/// Returns the ways to run a target's programs here, the best first; none: they do not run here.
pub(in crate::build) fn ways(workspace: &Workspace, target: &Target) -> Vec<Way> {
    let by = |line: Vec<String>| Way { line };
    let words = |text: String| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let set = sys::env::text(&target.variable("RUNNER")).map(words).or_else(|| {
        CargoConfig::read(workspace.root(), &workspace.flags().config).line(&["target", &target.triple, "runner"])
    });
    let mut found: Vec<Way> = set.filter(|line| !line.is_empty()).map(by).into_iter().collect();
    if !target.triple.contains("-linux-") || !cfg!(target_os = "linux") {
        return found;
    }
    let machine = machine(target.architecture());
    let registered = PathBuf::from(format!("/proc/sys/fs/binfmt_misc/qemu-{machine}"));
    if machine == machine_here() || registered.exists() {
        found.push(Way::default());
    }
    if machine != machine_here() {
        let emulators = ["-static", ""].map(|end| format!("qemu-{machine}{end}"));
        let emulator = emulators.iter().find_map(|name| sys::env::find_program(name, Path::new("/")));
        found.extend(emulator.map(|program| by(vec![program.to_string_lossy().into_owned()])));
    }
    found
}

fn machine_here() -> &'static str {
    machine(std::env::consts::ARCH)
}

/// Returns what emulators call a processor that triples call so.
fn machine(architecture: &str) -> &str {
    match architecture {
        "riscv64gc" => "riscv64",
        "powerpc64le" => "ppc64le",
        "i586" | "i686" | "x86" => "i386",
        other if other.starts_with("armv") || other.starts_with("thumbv") => "arm",
        other => other,
    }
}
