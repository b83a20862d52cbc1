//! hydro_deploy's side: its own launcher around the same flow, written with `dfir_syntax!`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use benches::hydro::{benches_folder, cargo, clean};
use benches::process::{Schedule, Talker};

use crate::{Up, memory};

/// Its launcher, built.
pub(crate) struct Theirs {
    launcher: PathBuf,
    folder: PathBuf,
    target: PathBuf,
}

impl Theirs {
    /// Builds the launcher and the program.
    pub(crate) fn new(work: &Path) -> Result<Self, String> {
        eprintln!("building hydro_deploy's launcher and its program");
        let (folder, target) = (benches_folder().join("flows/idle_by_hand"), work.join("by_hand"));
        let built = |command: &mut Command| match command.status() {
            Ok(status) if status.success() => Ok(()),
            other => Err(format!("cannot build hydro_deploy's side: {other:?}")),
        };
        built(cargo(benches_folder()).args(["build", "--release", "--quiet", "-p", "launcher"]))?;
        let program = ["build", "--locked", "--profile", "release", "--quiet", "--bin", "idle", "--target-dir"];
        built(cargo(&folder).args(program).arg(&target))?;
        Ok(Self { launcher: benches_folder().join("target/release/launcher"), folder, target })
    }

    /// Deploys a ring and ends it: from the start of the launcher until all services have said that they are connected.
    pub(crate) fn ring(&self, count: usize) -> Result<Up, String> {
        let mut command = Command::new(&self.launcher);
        clean(command.arg(&self.folder).arg(&self.target).arg(count.to_string()));
        let begun = Instant::now();
        let launcher = Talker::start(&mut command, Schedule { processor: None, first: false })?;
        launcher.hear("up", Duration::from_secs(120))?;
        let seconds = begun.elapsed().as_secs_f64();
        let program = self.target.join("release/idle");
        // Copies of it have other names.
        let memory = memory::of_all(|running| running == program || running.file_name() == program.file_name());
        drop(launcher);
        // Its services end when its pipes close.
        let end = Instant::now() + Duration::from_secs(60);
        while memory::of_all(|running| running == program).0 > 0.0 && Instant::now() < end {
            std::thread::yield_now();
        }
        Ok(Up { seconds, memory })
    }
}
