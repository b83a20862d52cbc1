//! The user's terminal as a keyboard: keys come one by one and unseen, Ctrl-C stays what it is, and however we end, the terminal is as it was.
//!
//! Knows nothing of what keys mean. Read [`Keyboard::attach`] first.

use std::ffi::OsString;
use std::io::{IsTerminal, Read as _};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{Mode, OFlags};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr, ttyname};
use tokio::sync::mpsc;

use super::guard;

/// What a terminal does to a line before a program may read it. Ctrl-C is not among it.
const LINE_EDITING: LocalModes = LocalModes::ICANON.union(LocalModes::ECHO);

/// How the terminal was, while it is otherwise.
struct Before {
    settings: Termios,
    place: Option<PathBuf>,
}

static BEFORE: Mutex<Option<Before>> = Mutex::new(None);

fn before() -> MutexGuard<'static, Option<Before>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The keys that the user presses. Dropping it gives the terminal back.
#[derive(Debug)]
pub struct Keyboard {
    keys: mpsc::UnboundedReceiver<char>,
}

impl Keyboard {
    /// Takes the keys of the terminal. None: stdin or stderr is no terminal, it is another's (we run in its background), or somebody has them.
    #[must_use]
    pub fn attach() -> Option<Self> {
        let stdin = std::io::stdin();
        if !stdin.is_terminal() || !std::io::stderr().is_terminal() || !is_ours() {
            return None;
        }
        let mut before = before();
        if before.is_some() {
            return None;
        }
        let settings = tcgetattr(&stdin).ok()?;
        let place = ttyname(&stdin, Vec::new()).ok().map(|name| PathBuf::from(OsString::from_vec(name.into_bytes())));
        // Told first: whoever kills us in between finds a terminal that needs no help.
        if let Some(place) = &place {
            guard::add_terminal(place).ok()?;
        }
        let mut otherwise = settings.clone();
        otherwise.local_modes.remove(LINE_EDITING);
        let (sender, keys) = mpsc::unbounded_channel();
        std::thread::Builder::new().name("keys".to_owned()).spawn(move || read(&sender)).ok()?;
        tcsetattr(&stdin, OptionalActions::Now, &otherwise).ok()?;
        *before = Some(Before { settings, place });
        Some(Self { keys })
    }

    /// Waits for the next key; forever, where none can come any more.
    pub async fn next(&mut self) -> char {
        match self.keys.recv().await {
            Some(key) => key,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        give_back();
    }
}

/// Makes the terminal what it was. For the last moment of a command that does not end in order.
pub(super) fn give_back() {
    let Some(Before { settings, place }) = before().take() else { return };
    // In the background it is the shell's, which keeps its own settings; touching it would only stop us.
    if is_ours() {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &settings);
    }
    if let Some(place) = place {
        guard::remove_terminal(&place);
    }
}

/// Has a terminal edit lines again. For the guardian, which knows no more of it than its name.
pub(super) fn mend(place: &Path) {
    // It must not become the guardian's own terminal, whose signals would reach it.
    let Ok(terminal) = rustix::fs::open(place, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()) else {
        return;
    };
    if let Ok(mut settings) = tcgetattr(&terminal) {
        settings.local_modes.insert(LINE_EDITING);
        let _ = tcsetattr(&terminal, OptionalActions::Now, &settings);
    }
}

/// Whether what is typed goes to us rather than to another of the shell's jobs.
fn is_ours() -> bool {
    tcgetpgrp(std::io::stdin()).is_ok_and(|group| group == rustix::process::getpgrp())
}

fn read(keys: &mpsc::UnboundedSender<char>) {
    // Reading from the background would stop the whole process; with the signal blocked it only fails, and keys are over.
    // SAFETY: the set is made by the calls themselves, and only this thread is concerned.
    unsafe {
        let mut signals: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut signals);
        libc::sigaddset(&raw mut signals, libc::SIGTTIN);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const signals, std::ptr::null_mut());
    }
    for byte in std::io::stdin().lock().bytes() {
        let Ok(byte) = byte else { return };
        if keys.send(char::from(byte)).is_err() {
            return;
        }
    }
}
