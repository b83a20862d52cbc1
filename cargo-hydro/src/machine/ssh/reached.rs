//! A machine that can be spoken with, and has told what it is. Nothing was done there; dropped, it is as if nobody had come.

use std::time::{SystemTime, UNIX_EPOCH};

use super::machine::of;
use super::probe::{Probe, SCRIPT};
use super::session::Connection;
use super::{SshError, SshTarget};
use crate::report::Reporter;
use crate::sys::fs::RuntimeDir;

/// Below this, a machine has no room for programs and their logs.
const LEAST_FREE_KIB: u64 = 128 << 10;
/// Certificates bear clocks that differ by less than five minutes.
const CLOCKS: u64 = 240;

/// See the module.
#[derive(Debug)]
pub struct ReachedMachine {
    pub(super) name: String,
    pub(super) target: SshTarget,
    pub(super) probe: Probe,
    pub(super) runtime: RuntimeDir,
    pub(super) connection: Connection,
}

impl ReachedMachine {
    /// Connects, and looks what is there. Needs a running tokio runtime.
    ///
    /// # Errors
    /// The machine cannot be reached, or lacks something.
    pub async fn open(name: &str, target: SshTarget, reporter: &Reporter) -> Result<Self, SshError> {
        let local = |error: std::io::Error| {
            SshError::new("cannot make a folder for sockets", error, "the temp folder must be writable")
        };
        let runtime = RuntimeDir::create().map_err(local)?;
        let connection = Connection::open(&target, runtime.path()).await?;
        let probe = Probe::read(&connection.sh(SCRIPT, &[]).await.map_err(|error| of(name, error))?);
        suits(name, &probe, reporter)?;
        Ok(Self { name: name.to_owned(), target, probe, runtime, connection })
    }

    /// Returns how it is reached.
    #[must_use]
    pub fn target(&self) -> &SshTarget {
        &self.target
    }

    /// Returns what was found there.
    #[must_use]
    pub fn probe(&self) -> &Probe {
        &self.probe
    }
}

/// Tells what a machine lacks.
fn suits(name: &str, probe: &Probe, reporter: &Reporter) -> Result<(), SshError> {
    let lacks = |why: String, hint: &str| Err(SshError::new(format!("the machine `{name}` cannot be used"), why, hint));
    if probe.system != "Linux" {
        return lacks(format!("it runs {}", probe.system), "members run on Linux");
    }
    if let Some(tool) = probe.missing.first() {
        return lacks(format!("it has no `{tool}`"), "install it there: packages gzip and coreutils");
    }
    if let Some(free) = probe.free_kib.filter(|free| *free < LEAST_FREE_KIB) {
        let why = format!("`{}` has {} MiB left there", probe.home, free >> 10);
        return lacks(why, "make room there: `~/.hydro/artifacts` holds programs of earlier deploys");
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if probe.time.abs_diff(now) > CLOCKS {
        reporter.warning(format!(
            "the clock of the machine `{name}` differs from ours by {} s: its certificates may not count yet, or not any more",
            probe.time.abs_diff(now)
        ));
    }
    Ok(())
}
