//! The guard: a second process that ends what the host leaves when it is killed, and starts the host again.
//!
//! It is told the process groups over its standard input; an orderly end says so.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};

use crate::child::{self, Group};

/// The last word of a host that needs no other.
const FAREWELL: &str = "over";

/// The host's end of it.
#[derive(Debug)]
pub(crate) struct Guard {
    orders: Option<ChildStdin>,
    _process: Child,
}

impl Guard {
    /// Starts it, in a session of its own.
    pub(crate) fn start(folder: &Path) -> io::Result<Self> {
        let mut command = child::command(std::env::current_exe()?);
        command.arg("guard").arg(folder).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let detach = || rustix::process::setsid().map(drop).map_err(io::Error::from);
        // SAFETY: the closure makes one system call and allocates nothing.
        unsafe { command.pre_exec(detach) };
        let mut process = command.spawn()?;
        Ok(Self { orders: process.stdin.take(), _process: process })
    }

    /// Says which groups there are now.
    pub(crate) fn tell(&mut self, groups: impl Iterator<Item = u32>) {
        let list: Vec<String> = groups.map(|group| group.to_string()).collect();
        self.write(&list.join(" "));
    }

    /// Lets it go without a word of who is left.
    pub(crate) fn farewell(mut self) {
        self.write(FAREWELL);
    }

    fn write(&mut self, line: &str) {
        // A guard that was killed is missed at the next death only.
        let _ = self.orders.as_mut().map(|orders| writeln!(orders, "{line}"));
    }
}

/// Is the guard of a host that serves this folder, until that ends.
///
/// # Errors
/// The host cannot be started again.
pub fn guard(folder: &Path) -> io::Result<()> {
    let mut groups = BTreeSet::new();
    for line in BufReader::new(io::stdin()).lines() {
        let line = line?;
        if line == FAREWELL {
            return Ok(());
        }
        groups = line.split_whitespace().filter_map(|group| group.parse().ok()).collect();
    }
    for group in groups.into_iter().filter_map(Group::of) {
        group.end(true);
    }
    if !folder.is_dir() {
        // It was taken down by another host that came up meanwhile.
        return Ok(());
    }
    // Becomes the host: nobody waits for this process, and its parent is gone.
    Err(child::command(std::env::current_exe()?).arg("serve").arg(folder).stdin(Stdio::null()).exec())
}
