//! Which processes are there: a call is marked by a variable that all its children inherit, whatever they become.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::hydro::Hydro;

/// The variable that marks.
const VARIABLE: &str = "SYSTEM_SUITE_MARK";

/// A mark on a call and on all that comes of it.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    value: String,
}

impl Mark {
    /// Makes a mark that no other call has.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self { value: format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)) }
    }

    /// Puts the mark on a call.
    pub(crate) fn on(&self, call: Hydro) -> Hydro {
        call.env(VARIABLE, &self.value)
    }

    /// Returns the marked processes that live: their ids and command lines.
    pub(crate) fn processes(&self) -> BTreeMap<u32, String> {
        let marked = format!("{VARIABLE}={}", self.value);
        let mut found = BTreeMap::new();
        for entry in std::fs::read_dir("/proc").expect("is there").flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            // A process that has just ended, or is another user's, is none of ours.
            let Ok(environment) = std::fs::read(entry.path().join("environ")) else { continue };
            if environment.split(|&byte| byte == 0).any(|variable| variable == marked.as_bytes()) {
                let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
                found.insert(pid, String::from_utf8_lossy(&line).replace('\0', " "));
            }
        }
        found
    }

    /// Kills those whose command line holds this word.
    pub(crate) fn kill(&self, word: &str) {
        for (pid, _) in self.processes().into_iter().filter(|(_, line)| line.contains(word)) {
            if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
                // It may have ended meanwhile.
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }

    /// Waits until none of them is left.
    #[track_caller]
    pub(crate) fn all_gone(&self, within: Duration) {
        let deadline = Instant::now() + within;
        loop {
            let left = self.processes();
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "left behind after {within:?}: {left:#?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Waits until it is so; a cold build may lie in between.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(600);
    while !is_so() {
        assert!(Instant::now() < deadline, "it never came that {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
