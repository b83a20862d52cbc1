//! Child processes: their own process group, their end bound to ours, their output in pipes, sockets handed over.
//!
//! A child dies with us whatever kills us: the kernel kills it when the thread that started it ends, and the
//! [`guard`](super::guard) kills what it started in turn. So a child is started from a thread that lives as long as the child should.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};

use super::env;
use super::guard::{self, Announcement};

/// Where a child finds the first of the sockets it inherits (systemd's protocol begins there).
pub const LISTENER_FD: RawFd = 3;

/// How often a busy program is tried again.
const BUSY_TRIES: u32 = 50;
/// How long to wait in between; starting a child takes about a millisecond.
const BUSY_PAUSE: Duration = Duration::from_millis(4);

/// Where a child's streams go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stdio {
    /// Output into pipes, nothing to read; the child gets a process group of its own.
    #[default]
    Piped,
    /// The child shares our streams, and with them our process group, so that it can read from the terminal.
    Inherited,
}

/// What to start, and how.
#[derive(Debug, Default)]
pub struct Launch {
    /// A path, or a name to be found on `PATH`.
    pub program: OsString,
    /// Arguments.
    pub args: Vec<OsString>,
    /// Variables on top of ours.
    pub env: BTreeMap<OsString, OsString>,
    /// Of our variables, those that begin like one of these are kept from the child.
    pub hidden_env: Vec<&'static str>,
    /// Where it works; none: where we do.
    pub directory: Option<PathBuf>,
    /// Sockets it inherits, from [`LISTENER_FD`] on.
    pub listeners: Vec<OwnedFd>,
    /// Where its streams go.
    pub stdio: Stdio,
    /// Whether its standard input is a pipe too, to be taken with [`Process::take_stdin`]. Not where it shares our streams.
    pub is_fed: bool,
}

/// Why a process could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// There is no such program.
    #[error("cannot find the program `{program}`")]
    NotFound {
        /// As it was asked for.
        program: String,
    },
    /// The directory it should work in is not there.
    #[error("cannot work in `{}`: no such directory", directory.display())]
    NoDirectory {
        /// As it was asked for.
        directory: PathBuf,
    },
    /// We are being interrupted; nothing starts any more.
    #[error("interrupted")]
    Interrupted,
    /// The system refused.
    #[error("cannot start `{program}`")]
    System {
        /// As it was asked for.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl SpawnError {
    /// Returns the reason behind the message, where the system gave one.
    #[must_use]
    pub fn reason(&self) -> Option<&io::Error> {
        match self {
            Self::System { source, .. } => Some(source),
            Self::NotFound { .. } | Self::NoDirectory { .. } | Self::Interrupted => None,
        }
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code, where it exited.
    pub code: Option<i32>,
    /// The signal's number, where it was killed.
    pub signal: Option<i32>,
}

impl Exit {
    /// Whether it exited with code 0.
    #[must_use]
    pub fn success(self) -> bool {
        self.code == Some(0)
    }
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        Self { code: status.code(), signal: status.signal() }
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "exited with code {code}"),
            (None, Some(signal)) => write!(f, "was killed by signal {signal}"),
            (None, None) => f.write_str("ended"),
        }
    }
}

/// The ways to end a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It is asked to end (SIGTERM).
    Asked,
    /// It is interrupted, as by Ctrl-C (SIGINT).
    Interrupted,
    /// It ends at once (SIGKILL).
    AtOnce,
}

impl Stop {
    fn signal(self) -> Signal {
        match self {
            Self::Asked => Signal::TERM,
            Self::Interrupted => Signal::INT,
            Self::AtOnce => Signal::KILL,
        }
    }
}

/// A process group of ours. Dropping it kills what is left in it.
#[derive(Debug)]
pub(super) struct Group {
    leader: Pid,
}

impl Group {
    pub(super) fn of(pid: u32) -> io::Result<Self> {
        let leader = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidData)?;
        let group = Self { leader };
        guard::add_group(leader.as_raw_nonzero().get())?;
        Ok(group)
    }

    pub(super) fn signal(&self, stop: Stop) {
        // The only failure is that the group is gone.
        let _ = kill_process_group(self.leader, stop.signal());
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Stop::AtOnce);
        guard::remove_group(self.leader.as_raw_nonzero().get());
    }
}

/// A running child. Dropping it kills it and all that it started.
#[derive(Debug)]
pub struct Process {
    // Declared before the child: the group is killed while its leader's id is still ours.
    group: Option<Group>,
    child: Child,
    pid: u32,
}

impl Process {
    /// Starts a child. Needs a running tokio runtime.
    ///
    /// # Errors
    /// There is no such program or directory, or the system refuses.
    pub fn spawn(launch: Launch) -> Result<Self, SpawnError> {
        let program = launch.program.to_string_lossy().into_owned();
        let system = |source| SpawnError::System { program: program.clone(), source };
        let piped = launch.stdio == Stdio::Piped;
        let mut prepared = Prepared::new(launch)?;
        let mut command = tokio::process::Command::from(prepared.take());
        command.kill_on_drop(true);
        let child = when_written(|| command.spawn()).map_err(|error| prepared.explain(error))?;
        let pid = child.id().ok_or_else(|| system(io::ErrorKind::NotFound.into()))?;
        let group = if piped { Some(Group::of(pid).map_err(system)?) } else { None };
        Ok(Self { group, child, pid })
    }

    /// Returns its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Takes its standard input; none the second time, or where it has nothing to read.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Takes its standard output; none the second time, or where it shares ours.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Takes its standard error; none the second time, or where it shares ours.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// Sends a signal to it and all in its group; nothing happens where it has ended.
    pub fn signal(&self, stop: Stop) {
        // A child that was waited for has no id any more: its number may be another's.
        let Some(pid) = self.child.id() else { return };
        match &self.group {
            Some(group) => group.signal(stop),
            None => {
                if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                    let _ = rustix::process::kill_process(pid, stop.signal());
                }
            }
        }
    }

    /// Waits for its end, then ends what it left in its group. May be dropped and called again.
    ///
    /// # Errors
    /// The system lost sight of it.
    pub async fn wait(&mut self) -> io::Result<Exit> {
        let status = self.child.wait().await?;
        self.group = None;
        Ok(status.into())
    }
}

/// A command ready to start, with what must stay open until then.
pub(super) struct Prepared {
    command: std::process::Command,
    program: String,
    directory: Option<PathBuf>,
    // Held for the child's sake until it has started.
    _listeners: Vec<OwnedFd>,
    /// How a child with a group of its own tells the guardian of it.
    announcement: Option<Announcement>,
}

impl Prepared {
    pub(super) fn new(launch: Launch) -> Result<Self, SpawnError> {
        let program = launch.program.to_string_lossy().into_owned();
        let system = |source| SpawnError::System { program: program.clone(), source };
        notice_children();
        #[expect(clippy::disallowed_methods, reason = "this is the place that the rule leaves for it")]
        let mut command = std::process::Command::new(&launch.program);
        command.args(&launch.args);
        for (name, _) in std::env::vars_os() {
            if launch.hidden_env.iter().any(|start| name.as_encoded_bytes().starts_with(start.as_bytes())) {
                command.env_remove(name);
            }
        }
        command.envs(&launch.env);
        if let Some(directory) = &launch.directory {
            command.current_dir(directory);
        }
        if launch.stdio == Stdio::Piped {
            use std::process::Stdio;
            let stdin = if launch.is_fed { Stdio::piped() } else { Stdio::null() };
            command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        }
        let listeners = away(launch.listeners).map_err(system)?;
        let announcement = match launch.stdio {
            Stdio::Piped => Some(Announcement::new().map_err(system)?),
            Stdio::Inherited => None,
        };
        let guarded = announcement.as_ref().map(Announcement::in_child);
        prepare_in_child(&mut command, listeners.iter().map(AsRawFd::as_raw_fd).collect(), guarded);
        Ok(Self { command, program, directory: launch.directory, _listeners: listeners, announcement })
    }

    /// Takes the command; what remains keeps its files open.
    fn take(&mut self) -> std::process::Command {
        #[expect(clippy::disallowed_methods, reason = "a stand-in that is never started")]
        let stand_in = std::process::Command::new("");
        std::mem::replace(&mut self.command, stand_in)
    }

    pub(super) fn spawn(&mut self) -> Result<std::process::Child, SpawnError> {
        when_written(|| self.command.spawn()).map_err(|error| self.explain(error))
    }

    /// Says what is missing: the system's own words do not tell a missing program from a missing directory.
    fn explain(&self, error: io::Error) -> SpawnError {
        if let Some(announcement) = &self.announcement {
            announcement.retract();
        }
        let program = self.program.clone();
        match &self.directory {
            Some(directory) if !directory.is_dir() => SpawnError::NoDirectory { directory: directory.clone() },
            directory if error.kind() == io::ErrorKind::NotFound => {
                let here = directory.clone().unwrap_or_default();
                match env::find_program(&program, &here) {
                    // The program is there, but its interpreter is not.
                    Some(_) => SpawnError::System { program, source: error },
                    None => SpawnError::NotFound { program },
                }
            }
            _ => SpawnError::System { program, source: error },
        }
    }
}

/// A program that was written a moment ago may be "busy": another thread that is just starting a child holds our file open by
/// inheritance until that child is another program.
fn when_written<T>(mut spawn: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for _ in 0..BUSY_TRIES {
        match spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => std::thread::sleep(BUSY_PAUSE),
            result => return result,
        }
    }
    spawn()
}

/// Between fork and exec: signals as a fresh process has them, death with our thread, the sockets in their places.
fn prepare_in_child(command: &mut std::process::Command, listeners: Vec<RawFd>, guarded: Option<(RawFd, RawFd)>) {
    let parent = rustix::process::getpid();
    let prepare = move || {
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT, libc::SIGCHLD] {
            // SAFETY: `signal` is async-signal-safe, and the default disposition refers to no code of ours.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        #[cfg(target_os = "linux")]
        {
            rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
            // We may have died before the line above; then nobody would end this process.
            if rustix::process::getppid() != Some(parent) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
        }
        if let Some(guarded) = guarded {
            guard::announce(guarded);
        }
        for (place, fd) in (LISTENER_FD..).zip(&listeners) {
            // SAFETY: both numbers are plain file descriptors; `fd` is open in the parent until the child has started,
            // and the target's number is kept from other uses (`occupy_listener_fds`).
            if unsafe { libc::dup2(*fd, place) } < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    };
    // SAFETY: the closure calls async-signal-safe functions only and allocates nothing.
    unsafe { command.pre_exec(prepare) };
}

/// Copies sockets away from the numbers that they have in the child, so that the copies there always lack close-on-exec.
fn away(listeners: Vec<OwnedFd>) -> io::Result<Vec<OwnedFd>> {
    if listeners.is_empty() {
        return Ok(listeners);
    }
    let count = RawFd::try_from(listeners.len()).unwrap_or(RawFd::MAX);
    let end = LISTENER_FD.saturating_add(count);
    occupy_listener_fds(end)?;
    let copy = |listener| Ok(rustix::io::fcntl_dupfd_cloexec(&listener, end)?);
    listeners.into_iter().map(copy).collect()
}

/// Takes the sockets' numbers below `end` in this process for good, as far as they are free. The standard library reports a failed exec through a pipe
/// of its own, and in the child that pipe must not be what a socket replaces.
fn occupy_listener_fds(end: RawFd) -> io::Result<()> {
    static HELD: Mutex<Vec<OwnedFd>> = Mutex::new(Vec::new());
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        // The system gives out the lowest number that is free.
        let file = OwnedFd::from(std::fs::File::open("/dev/null")?);
        if file.as_raw_fd() >= end {
            return Ok(());
        }
        held.push(file);
    }
}

/// Where our parent ignores the ends of its children, so do we by inheritance, and could not wait for ours.
fn notice_children() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        if super::signal::is_ignored(libc::SIGCHLD) {
            // SAFETY: the default disposition refers to no code of ours.
            unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
        }
    });
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::time::Instant;

    use tokio::io::{AsyncBufReadExt, AsyncReadExt};

    use super::*;

    fn sh(script: &str) -> Launch {
        Launch { program: "sh".into(), args: vec!["-c".into(), script.into()], ..Default::default() }
    }

    async fn output(process: &mut Process) -> String {
        let mut text = String::new();
        process.take_stdout().expect("piped").read_to_string(&mut text).await.unwrap();
        text
    }

    fn is_alive(pid: &str) -> bool {
        // A killed process may stay a zombie where nobody reaps; then its command line is empty.
        std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
    }

    async fn gone(pid: &str) {
        let deadline = Instant::now() + Duration::from_secs(5);
        while is_alive(pid) {
            assert!(Instant::now() < deadline, "{pid} lives on");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn a_child_gets_arguments_variables_and_a_directory() {
        let mut launch = sh("echo \"$0 $GIVEN ${HOME-none} $(pwd)\"; exit 3");
        launch.args.push("zero".into());
        launch.env.insert("GIVEN".into(), "given".into());
        launch.hidden_env.push("HOM");
        launch.directory = Some("/".into());
        let mut process = Process::spawn(launch).unwrap();
        assert_eq!(output(&mut process).await, "zero given none /\n");
        assert_eq!(process.wait().await.unwrap(), Exit { code: Some(3), signal: None });
    }

    #[tokio::test]
    async fn a_child_inherits_listening_sockets_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let (first, second) = (TcpListener::bind("127.0.0.1:0").unwrap(), UnixListener::bind(&path).unwrap());
        let address = first.local_addr().unwrap();
        let mut launch =
            sh("exec python3 -c 'import socket\nfor n in 3, 4: socket.socket(fileno=n).accept()[0].send(b\"%d\" % n)'");
        launch.listeners = vec![first.into(), second.into()];
        let mut process = Process::spawn(launch).unwrap();
        let mut text = String::new();
        std::net::TcpStream::connect(address).unwrap().read_to_string(&mut text).unwrap();
        UnixStream::connect(path).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "34");
        assert!(process.wait().await.unwrap().success());
    }

    #[tokio::test]
    async fn a_child_inherits_many_sockets() {
        let listeners: Vec<TcpListener> = (0..20).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<String> =
            listeners.iter().map(|listener| listener.local_addr().unwrap().port().to_string()).collect();
        let mut launch = sh(
            "exec python3 -c 'import socket; print(*[socket.socket(fileno=fd).getsockname()[1] for fd in range(3, 23)])'",
        );
        launch.listeners = listeners.into_iter().map(OwnedFd::from).collect();
        let mut process = Process::spawn(launch).unwrap();
        let mut text = String::new();
        let mut stdout = process.take_stdout().unwrap();
        tokio::io::AsyncReadExt::read_to_string(&mut stdout, &mut text).await.unwrap();
        assert_eq!(text.trim(), ports.join(" "));
        assert!(process.wait().await.unwrap().success());
    }

    #[tokio::test]
    async fn what_is_missing_is_named_also_with_a_socket_to_inherit() {
        for _ in 0..3 {
            let listeners = vec![TcpListener::bind("127.0.0.1:0").unwrap().into()];
            let launch = Launch { program: "no-such-program".into(), listeners, ..Default::default() };
            let error = Process::spawn(launch).unwrap_err();
            assert_eq!(error.to_string(), "cannot find the program `no-such-program`");
        }
        let launch = Launch { directory: Some("/no/such".into()), ..sh("true") };
        assert_eq!(Process::spawn(launch).unwrap_err().to_string(), "cannot work in `/no/such`: no such directory");
    }

    #[tokio::test]
    async fn stopping_reaches_what_the_child_started() {
        let mut process = Process::spawn(sh("sleep 60 & echo $!; wait")).unwrap();
        let mut line = [0; 16];
        let read = process.take_stdout().unwrap().read(&mut line).await.unwrap();
        let grandchild = String::from_utf8_lossy(&line[..read]).trim().to_owned();
        process.signal(Stop::Asked);
        assert_eq!(process.wait().await.unwrap().signal, Some(libc::SIGTERM));
        gone(&grandchild).await;
    }

    #[tokio::test]
    async fn dropping_and_ending_kill_what_is_left() {
        let mut process = Process::spawn(sh("sleep 60 > /dev/null & echo $!")).unwrap();
        let grandchild = output(&mut process).await.trim().to_owned();
        assert!(process.wait().await.unwrap().success());
        gone(&grandchild).await;

        let process = Process::spawn(sh("sleep 60")).unwrap();
        let pid = process.pid().to_string();
        drop(process);
        gone(&pid).await;
    }

    const ENGINE_VARIABLE: &str = "HYDRO_TEST_IS_ENGINE";

    /// Is started by the test below, as the command whose end is looked at.
    #[tokio::test]
    async fn this_program_can_start_a_child_and_wait() {
        if env::text(ENGINE_VARIABLE).is_some() {
            let mut process = Process::spawn(sh("trap '' TERM; sleep 60 & echo \"children $$ $!\"; wait")).unwrap();
            let mut lines = tokio::io::BufReader::new(process.take_stdout().unwrap()).lines();
            let children = lines.next_line().await.unwrap().unwrap();
            #[expect(clippy::print_stderr, reason = "the test that started this reads it")]
            {
                eprintln!("{children}");
            }
            process.wait().await.unwrap();
        }
    }

    #[tokio::test]
    async fn when_the_command_is_killed_nothing_of_it_lives_on() {
        let name = "sys::process::tests::this_program_can_start_a_child_and_wait";
        let mut engine = Process::spawn(Launch {
            program: std::env::current_exe().unwrap().into(),
            args: ["--exact", name, "--nocapture"].map(Into::into).to_vec(),
            env: [(ENGINE_VARIABLE.into(), "1".into())].into(),
            ..Default::default()
        })
        .unwrap();
        let mut lines = tokio::io::BufReader::new(engine.take_stderr().unwrap()).lines();
        let pids = loop {
            let line = lines.next_line().await.unwrap().expect("the engine tells its children");
            if let Some(pids) = line.strip_prefix("children ") {
                break pids.split(' ').map(str::to_owned).collect::<Vec<_>>();
            }
        };
        assert!(pids.len() == 2 && pids.iter().all(|pid| is_alive(pid)), "{pids:?}");
        // Only the engine itself, not its group: the rest is the kernel's and the guardian's work.
        let pid = Pid::from_raw(i32::try_from(engine.pid()).unwrap()).unwrap();
        rustix::process::kill_process(pid, Signal::KILL).unwrap();
        for pid in &pids {
            gone(pid).await;
        }
    }

    #[tokio::test]
    async fn a_child_does_not_inherit_ignored_signals() {
        // The command ignores this signal nowhere itself, so it may be changed here.
        // SAFETY: ignoring refers to no code of ours.
        unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) };
        let mut process = Process::spawn(sh("grep SigIgn /proc/self/status")).unwrap();
        let text = output(&mut process).await;
        let mask = u64::from_str_radix(text.trim().trim_start_matches("SigIgn:").trim(), 16).unwrap();
        assert_eq!(mask & (1 << (libc::SIGHUP - 1)), 0, "{text}");
        process.wait().await.unwrap();
    }
}
