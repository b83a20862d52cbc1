//! One process of a member: started in a group of its own, its lines and its end told.
//!
//! It must be started from a thread that lives as long as the program: the kernel ends it with that thread, so that nothing runs unseen.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, kill_process_group, setrlimit};

use crate::foreign::Foreign;
use crate::words::Happened;

/// Where a child finds the first of the sockets it inherits: systemd's protocol.
const LISTENER_FD: RawFd = 3;
/// How long output is still read after the end, in case something else holds the pipe open.
const LINGER: Duration = Duration::from_millis(500);
/// A longer line is split.
const LONGEST_LINE: u64 = 64 << 10;
/// Variables of the host's own that would say something to a member that was never meant for it.
const HIDDEN: [&str; 9] = [
    "HYDRO_",
    "LISTEN_",
    "SSH_",
    "NOTIFY_SOCKET",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "SYSTEMD_EXEC_PID",
    "MANAGERPID",
    "WATCHDOG_",
];

/// Hears what becomes of a process, in order.
pub(crate) trait Listener: Send + Sync {
    /// It was started, or wrote a line.
    fn hear(&self, what: Happened);
}

/// What to start.
#[derive(Debug)]
pub(crate) struct Launch<'a> {
    pub(crate) program: &'a str,
    pub(crate) args: &'a [String],
    pub(crate) env: &'a BTreeMap<String, String>,
    pub(crate) directory: &'a Path,
    pub(crate) listeners: &'a [OwnedFd],
    /// How many files it may have open.
    pub(crate) files: Option<u64>,
}

/// A process group. Whoever is left in it can be ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group(Pid);

impl Group {
    pub(crate) fn of(pid: u32) -> Option<Self> {
        i32::try_from(pid).ok().and_then(Pid::from_raw).map(Self)
    }

    pub(crate) fn pid(self) -> u32 {
        self.0.as_raw_nonzero().get().unsigned_abs()
    }

    /// Asks all of it to end, or ends it.
    pub(crate) fn end(self, at_once: bool) {
        // The only failure is that it is gone.
        let _ = kill_process_group(self.0, if at_once { Signal::KILL } else { Signal::TERM });
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
}

/// Starts a process; `ended` is called when it has ended and all that it wrote has been told.
pub(crate) fn start(
    launch: &Launch<'_>,
    listener: &Arc<dyn Listener>,
    ended: impl FnOnce(End) + Send + 'static,
) -> io::Result<Group> {
    let mut child = prepared(launch).spawn()?;
    let Some(group) = Group::of(child.id()) else { return Err(io::ErrorKind::InvalidData.into()) };
    listener.hear(Happened::Up { pid: child.id() });
    let (open, closed) = channel();
    if let Some(pipe) = child.stdout.take() {
        pump(pipe, Arc::clone(listener), Happened::Out, open.clone());
    }
    if let Some(pipe) = child.stderr.take() {
        pump(pipe, Arc::clone(listener), Happened::Err, open);
    }
    std::thread::spawn(move || ended(wait(child, group, &closed)));
    Ok(group)
}

/// Tells why a program could not be started.
pub(crate) fn failed(program: &str, error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::ENOEXEC) => format!("cannot start `{program}`: it is no program for this processor"),
        _ => format!("cannot start `{program}`: {error}"),
    }
}

/// Makes a command: the one place that does.
#[expect(clippy::disallowed_methods, reason = "this is the place that the rule leaves for it")]
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

fn prepared(launch: &Launch<'_>) -> Command {
    let mut command = command(launch.program);
    command.args(launch.args).current_dir(launch.directory).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let is_hidden = |name: &OsStr| HIDDEN.iter().any(|start| name.as_encoded_bytes().starts_with(start.as_bytes()));
    let mut env: BTreeMap<OsString, OsString> = std::env::vars_os().filter(|(name, _)| !is_hidden(name)).collect();
    env.extend(launch.env.iter().map(|(name, value)| (name.into(), value.into())));
    let foreign = Foreign::of(launch.program, launch.args, launch.directory, &env);
    command.env_clear().envs(env);
    let files = launch.files;
    let listeners: Vec<RawFd> = launch.listeners.iter().map(AsRawFd::as_raw_fd).collect();
    let parent = rustix::process::getpid();
    let prepare = move || {
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT, libc::SIGCHLD, libc::SIGPIPE] {
            // SAFETY: `signal` is async-signal-safe, and the default disposition refers to no code of ours.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // The host may have died before the line above; then nobody would end this process.
        if rustix::process::getppid() != Some(parent) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if files.is_some() {
            setrlimit(Resource::Nofile, Rlimit { current: files, maximum: files })?;
        }
        for (place, fd) in (LISTENER_FD..).zip(&listeners) {
            // SAFETY: both are plain numbers; sockets have numbers above those they get here (`sockets::away`).
            if unsafe { libc::dup2(*fd, place) } < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        foreign.as_ref().map_or(Ok(()), |foreign| Err(foreign.exec()))
    };
    // SAFETY: the closure calls async-signal-safe functions only and allocates nothing.
    unsafe { command.pre_exec(prepare) };
    command
}

/// Reads lines until the pipe closes; then the sender of the channel is gone.
fn pump(pipe: impl Read + Send + 'static, listener: Arc<dyn Listener>, what: fn(String) -> Happened, open: Sender<()>) {
    std::thread::spawn(move || {
        let mut pipe = BufReader::with_capacity(LONGEST_LINE as usize, pipe);
        let mut bytes = Vec::new();
        while let Ok(1..) = (&mut pipe).take(LONGEST_LINE).read_until(b'\n', &mut bytes) {
            let text = String::from_utf8_lossy(&bytes);
            let line = text.strip_suffix('\n').map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line));
            listener.hear(what(line.to_owned()));
            bytes.clear();
        }
        drop(open);
    });
}

fn wait(mut child: Child, group: Group, closed: &Receiver<()>) -> End {
    // While it is not waited for, its number is its own, and so is its group's.
    let _ = rustix::process::waitid(WaitId::Pid(group.0), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
    group.end(true);
    let status = child.wait();
    while !matches!(closed.recv_timeout(LINGER), Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout)) {}
    match status {
        Ok(status) => End { code: status.code(), signal: status.signal() },
        Err(_) => End { code: None, signal: None },
    }
}
