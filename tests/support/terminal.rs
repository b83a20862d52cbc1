//! A terminal with somebody at it: keys go in, and what it shows is looked at, as it came and as it stands there.
//!
//! It is a real one for the program (a pseudo-terminal), and its own: Ctrl-C is the terminal's work.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use super::hydro::Output;

/// How long something that must come may take: a cold build lies in between at most.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Default)]
struct Shown {
    text: String,
    is_over: bool,
}

/// A program at a terminal. Dropping it kills the program.
pub(crate) struct Terminal {
    child: Child,
    hand: File,
    shown: Arc<(Mutex<Shown>, Condvar)>,
    /// How far the text was looked at.
    seen: usize,
}

impl Terminal {
    /// Starts the command at a terminal of its own.
    pub(crate) fn start(mut command: Command) -> Self {
        let hand = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("there is one");
        grantpt(&hand).and_then(|()| unlockpt(&hand)).expect("it is ours");
        let name = ptsname(&hand, Vec::new()).expect("it has a name").into_bytes();
        let place = std::ffi::OsString::from_vec(name);
        let side = || OwnedFd::from(File::options().read(true).write(true).open(&place).expect("it is ours"));
        command.stdin(side()).stdout(side()).stderr(side());
        let own_it = || {
            rustix::process::setsid()?;
            rustix::process::ioctl_tiocsctty(rustix::stdio::stdin()).map_err(std::io::Error::from)
        };
        // SAFETY: the closure makes two system calls and allocates nothing.
        unsafe { command.pre_exec(own_it) };
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        // With it go our own descriptors of the program's side: its end is to be seen.
        drop(command);
        let hand = File::from(hand);
        let shown = Arc::<(Mutex<Shown>, Condvar)>::default();
        let (mut reading, told) = (hand.try_clone().expect("there are descriptors"), Arc::clone(&shown));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // It fails when nobody is at the other side any more.
            while let Ok(read @ 1..) = reading.read(&mut bytes) {
                told.0.lock().expect("nobody panicked").text.push_str(&String::from_utf8_lossy(&bytes[..read]));
                told.1.notify_all();
            }
            told.0.lock().expect("nobody panicked").is_over = true;
            told.1.notify_all();
        });
        Self { child, hand, shown, seen: 0 }
    }

    /// Waits until it shows the text, after what was looked at before.
    #[track_caller]
    pub(crate) fn shows(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        let mut shown = self.shown.0.lock().expect("nobody panicked");
        loop {
            if let Some(at) = shown.text[self.seen..].find(text) {
                self.seen += at + text.len();
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let rest = &shown.text[self.seen..];
            assert!(!shown.is_over && !left.is_zero(), "`{text}` was never shown\n{}\n----\n{rest}", &shown.text);
            shown = self.shown.1.wait_timeout(shown, left).expect("nobody panicked").0;
        }
    }

    /// Returns what it shows, line by line: what was written over is gone.
    pub(crate) fn screen(&self) -> String {
        let shown = self.shown.0.lock().expect("nobody panicked");
        let lines = shown.text.lines().map(|line| {
            let mut cells: Vec<char> = Vec::new();
            for part in line.split('\r') {
                for (at, letter) in part.chars().enumerate() {
                    match cells.get_mut(at) {
                        Some(cell) => *cell = letter,
                        None => cells.push(letter),
                    }
                }
            }
            cells.into_iter().collect::<String>().trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Presses keys.
    pub(crate) fn presses(&mut self, keys: &str) {
        self.hand.write_all(keys.as_bytes()).expect("somebody reads");
    }

    /// Whether it edits lines and shows what is typed, as a shell wants it.
    pub(crate) fn edits_lines(&self) -> bool {
        let modes = tcgetattr(&self.hand).expect("it is a terminal").local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }

    /// Returns the process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the program.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is ours");
    }

    /// Waits for the end; all that was shown counts as standard error.
    #[track_caller]
    pub(crate) fn finish(&mut self, within: Duration) -> Output {
        let deadline = Instant::now() + within;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is ours") {
                break status;
            }
            assert!(Instant::now() < deadline, "still runs after {within:?}\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(5));
        };
        let mut shown = self.shown.0.lock().expect("nobody panicked");
        while !shown.is_over && Instant::now() < deadline {
            shown = self.shown.1.wait_timeout(shown, Duration::from_millis(50)).expect("nobody panicked").0;
        }
        let code = status.code().unwrap_or_else(|| -status.signal().unwrap_or_default());
        Output { code, stdout: String::new(), stderr: shown.text.clone() }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
