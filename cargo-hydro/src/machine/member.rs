//! A running member: one process of a service, its logs and its end.
//!
//! A task of its own looks after each process; everybody else only asks. When the [`Member`] is dropped, the process is killed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use hydro_host::words::{Bounds, Keep};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::health::Health;
use super::seat::{self, Seat};
use super::ssh::{SshError, SshMachine};
use super::{Logs, Pipes};
use crate::report::{Event, LogStream, Reporter, ServiceState};
use crate::sys::{Exit, Process, Stop};

/// How long output is still read after the end, in case something else holds the pipe open.
const LINGER: Duration = Duration::from_millis(500);
/// A longer line is split, so that a member without line ends does not fill our memory.
const LONGEST_LINE: u64 = 64 << 10;

/// What to start as a member.
#[derive(Debug)]
pub struct MemberSpec {
    /// `service`, or `service.N`.
    pub name: String,
    /// A path, or a name to be found on `PATH`.
    pub program: OsString,
    /// Arguments.
    pub args: Vec<String>,
    /// Variables on top of ours.
    pub env: BTreeMap<String, String>,
    /// Where it works.
    pub directory: PathBuf,
    /// The listening sockets it inherits, in this order.
    pub listeners: Vec<OwnedFd>,
    /// The address by which peers know it.
    pub address: Option<SocketAddr>,
    /// How it is found out whether it is well; none: it is as soon as it runs.
    pub health: Option<Health>,
    /// Its admin socket, if it opens one.
    pub admin: Option<PathBuf>,
    /// What its standard input and output are linked to, if to anything; a member that is started again goes on with the same.
    pub pipes: Option<Pipes>,
    /// Where what it writes goes; a member that is started again goes on with the same.
    pub logs: Logs,
    /// The members that share its process, where it is that of several; it is then no member itself.
    pub seats: Vec<SeatSpec>,
    /// What only its own machine can do for it, where that is another than this one.
    pub away: Option<Away>,
}

/// What a member on another machine is given there.
#[derive(Clone, Debug)]
pub struct Away {
    /// The machine.
    pub machine: SshMachine,
    /// A folder for its data.
    pub data: Option<String>,
    /// Whether it begins without data.
    pub fresh: bool,
    /// What becomes of it while nobody is connected.
    pub keep: Keep,
    /// What it may use and do.
    pub bounds: Bounds,
}

/// A member on a thread of a process that it shares with others.
#[derive(Clone, Debug)]
pub struct SeatSpec {
    /// `service`, or `service.N`.
    pub name: String,
    /// The address by which peers know it.
    pub address: Option<SocketAddr>,
    /// Its admin socket.
    pub admin: PathBuf,
}

impl MemberSpec {
    /// Makes what starts the same member once more. It listens at the same sockets, so that its peers never find them closed.
    ///
    /// # Errors
    /// There are no descriptors left.
    pub fn again(&self) -> io::Result<Self> {
        let listeners = self.listeners.iter().map(OwnedFd::try_clone).collect::<io::Result<_>>()?;
        Ok(Self {
            name: self.name.clone(),
            program: self.program.clone(),
            args: self.args.clone(),
            env: self.env.clone(),
            directory: self.directory.clone(),
            listeners,
            address: self.address,
            health: self.health.clone(),
            admin: self.admin.clone(),
            pipes: self.pipes.clone(),
            logs: self.logs.clone(),
            seats: self.seats.clone(),
            // Its data is emptied once.
            away: self.away.clone().map(|away| Away { fresh: false, ..away }),
        })
    }
}

/// A started member. Dropping it kills its process and all that the process started.
#[derive(Debug)]
pub struct Member {
    name: String,
    pid: Arc<AtomicU32>,
    started: SystemTime,
    begun: watch::Receiver<Begun>,
    address: Option<SocketAddr>,
    admin: Option<PathBuf>,
    logs: Logs,
    exit: ExitWatch,
    stopper: Stopper,
    shared: Option<Shared>,
}

/// Whether a member has been started; none: it is on its way.
type Begun = Option<Result<(), SshError>>;

/// The other end of a member's handles: whoever looks after it.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) name: String,
    pub(super) reporter: Reporter,
    pub(super) orders: mpsc::UnboundedReceiver<Stop>,
    pub(super) pid: Arc<AtomicU32>,
    address: Option<SocketAddr>,
    logs: Logs,
    asked: Arc<AtomicBool>,
    begun: watch::Sender<Begun>,
    ended: watch::Sender<Option<Exit>>,
    /// Whether it is the process of several members, each of which tells its own start and end.
    is_shared: bool,
}

impl Keeper {
    /// Says that it runs.
    pub(super) fn tell_start(&self, pid: u32) {
        let state = ServiceState::Started { pid, address: self.address.map(|address| address.to_string()) };
        self.tell(state);
        self.begun.send_replace(Some(Ok(())));
    }

    /// Says that it could not be started; that is its end, too.
    pub(super) fn fail_to_start(self, error: SshError) {
        self.logs.push(LogStream::Stderr, &format!("hydro: {error}: {}", error.causes.join(": ")));
        self.begun.send_replace(Some(Err(error)));
        self.tell_end(Exit { code: None, signal: None });
    }

    /// Says what it wrote.
    pub(super) fn tell_line(&self, stream: LogStream, line: &str) {
        self.logs.push(stream, line);
        self.reporter.emit(&Event::Log { service: self.name.clone(), stream, line: line.to_owned() });
    }

    /// Says that it has ended, and that it has written nothing more.
    pub(super) fn tell_end(self, exit: Exit) {
        self.logs.close(LogStream::Stdout);
        self.logs.close(LogStream::Stderr);
        let expected = self.asked.load(Ordering::Acquire);
        self.tell(ServiceState::Exited { code: exit.code, signal: exit.signal, expected });
        // Where nobody has a handle any more, nobody waits.
        let _ = self.ended.send(Some(exit));
    }

    fn tell(&self, state: ServiceState) {
        if !self.is_shared {
            self.reporter.emit(&Event::Service { service: self.name.clone(), state });
        }
    }
}

/// The process that a member shares with others.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The members in it, in the order of starting; the first stands for all where only one can.
    pub names: Vec<String>,
    /// Tells how it ended.
    pub exit: ExitWatch,
    /// Ends it, and all of them.
    pub stopper: Stopper,
    /// How many of them have not ended.
    pub(super) running: Arc<AtomicUsize>,
}

/// Ends a member. Cheap to clone; as long as one exists, the member is not killed by being dropped.
#[derive(Clone, Debug)]
pub struct Stopper {
    orders: mpsc::UnboundedSender<Stop>,
    asked: Arc<AtomicBool>,
    exit: ExitWatch,
    /// Of a member that shares its process: what ends it alone.
    seat: Option<Arc<Seat>>,
}

/// Tells how a member ended. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ExitWatch {
    pub(super) exit: watch::Receiver<Option<Exit>>,
}

impl ExitWatch {
    /// Waits for the end; by then all that the member wrote is in its logs.
    pub async fn wait(&self) -> Exit {
        let mut exit = self.exit.clone();
        match exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit) {
            Some(exit) => exit,
            // The runtime is being taken down, and the process with it.
            None => Exit { code: None, signal: None },
        }
    }

    /// Returns how it ended; none: it runs.
    #[must_use]
    pub fn now(&self) -> Option<Exit> {
        *self.exit.borrow()
    }
}

/// Tells whether a member was started. Cheap to clone.
#[derive(Clone, Debug)]
pub struct StartWatch {
    begun: watch::Receiver<Begun>,
}

impl StartWatch {
    /// Waits until it was started.
    ///
    /// # Errors
    /// It was not.
    pub async fn wait(&self) -> Result<(), SshError> {
        let mut begun = self.begun.clone();
        match begun.wait_for(Option::is_some).await.ok().and_then(|begun| begun.clone()) {
            Some(begun) => begun,
            // The runtime is being taken down.
            None => Ok(()),
        }
    }
}

impl Stopper {
    /// Sends a signal; whatever end follows is expected.
    pub fn send(&self, stop: Stop) {
        if let Some(seat) = self.seat.as_ref().filter(|_| stop != Stop::AtOnce) {
            return seat::ask(seat);
        }
        self.asked.store(true, Ordering::Release);
        // Where nobody receives, the process has ended.
        let _ = self.orders.send(stop);
    }

    /// Asks for an orderly end, and enforces it after `grace`.
    pub async fn stop(&self, grace: Duration) -> Exit {
        self.send(Stop::Asked);
        if let Ok(exit) = tokio::time::timeout(grace, self.exit.wait()).await {
            return exit;
        }
        self.send(Stop::AtOnce);
        self.exit.wait().await
    }

    /// Ends it at once because it failed: nobody asked for that end.
    pub async fn fail(&self) -> Exit {
        let _ = self.orders.send(Stop::AtOnce);
        self.exit.wait().await
    }

    /// Ends it at once.
    pub async fn kill(&self) -> Exit {
        self.send(Stop::AtOnce);
        self.exit.wait().await
    }

    /// Returns whether somebody asked for its process's end, also later.
    pub(super) fn asked(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.asked)
    }

    /// Whether somebody asked for its end.
    #[must_use]
    pub fn was_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire) || self.seat.as_ref().is_some_and(|seat| seat.was_asked())
    }
}

impl Member {
    /// Has a fresh process looked after.
    pub(super) fn supervised(spec: MemberSpec, process: Process, reporter: &Reporter) -> Self {
        let (pid, pipes) = (process.pid(), spec.pipes.clone());
        let (member, keeper) = Self::kept(spec, pid, reporter);
        keeper.tell_start(pid);
        tokio::spawn(Supervisor { keeper, process, pipes }.run());
        member
    }

    /// Makes the two ends of a member: its handles, and what its keeper needs. It has not begun yet.
    pub(super) fn kept(spec: MemberSpec, pid: u32, reporter: &Reporter) -> (Self, Keeper) {
        let MemberSpec { name, address, admin, logs, seats, .. } = spec;
        logs.open();
        let (orders, received) = mpsc::unbounded_channel();
        let (ended, exit) = watch::channel(None);
        let (begin, begun) = watch::channel(None);
        let exit = ExitWatch { exit };
        let (asked, pid) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(pid)));
        let keeper = Keeper {
            name: name.clone(),
            reporter: reporter.clone(),
            orders: received,
            pid: Arc::clone(&pid),
            address,
            logs: logs.clone(),
            asked: Arc::clone(&asked),
            begun: begin,
            ended,
            is_shared: !seats.is_empty(),
        };
        let stopper = Stopper { orders, asked, exit: exit.clone(), seat: None };
        let started = SystemTime::now();
        (Self { name, pid, started, begun, address, admin, logs, stopper, exit, shared: None }, keeper)
    }

    /// Returns what tells whether it was started.
    #[must_use]
    pub fn start_watch(&self) -> StartWatch {
        StartWatch { begun: self.begun.clone() }
    }

    /// Returns the members that share the process, whose handles keep it alive. Needs a running tokio runtime.
    #[must_use]
    pub fn seated(self, seats: Vec<SeatSpec>, reporter: &Reporter) -> Vec<Self> {
        let names: Vec<String> = seats.iter().map(|seat| seat.name.clone()).collect();
        let running = Arc::new(AtomicUsize::new(names.len()));
        let shared = Shared { names, exit: self.exit.clone(), stopper: self.stopper.clone(), running };
        let seated = |SeatSpec { name, address, admin }| {
            let (pid, started, logs) = (Arc::clone(&self.pid), self.started, self.logs.clone());
            let begun = self.begun.clone();
            let state = ServiceState::Started {
                pid: self.pid(),
                address: address.map(|address: SocketAddr| address.to_string()),
            };
            reporter.emit(&Event::Service { service: name.clone(), state });
            let (seat, exit) = Seat::new(name.clone(), admin.clone(), &shared, reporter);
            let stopper = Stopper { exit: exit.clone(), seat: Some(seat), ..self.stopper.clone() };
            let (admin, shared) = (Some(admin), Some(shared.clone()));
            Self { name, pid, started, begun, address, admin, logs, exit, stopper, shared }
        };
        seats.into_iter().map(seated).collect()
    }

    /// Returns the process it shares with others; none: it has its own.
    #[must_use]
    pub fn shared(&self) -> Option<&Shared> {
        self.shared.as_ref()
    }

    /// Tells whether another member stands for its process.
    #[must_use]
    pub fn is_led(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.names.first() != Some(&self.name))
    }

    /// Returns the member that stands for its process: itself, where it does not share one.
    #[must_use]
    pub fn leader(&self) -> &str {
        self.shared.as_ref().and_then(|shared| shared.names.first()).unwrap_or(&self.name)
    }

    /// Returns what tells of the end of its process.
    #[must_use]
    pub fn process_exit(&self) -> &ExitWatch {
        self.shared.as_ref().map_or(&self.exit, |shared| &shared.exit)
    }

    /// Returns what ends its process.
    #[must_use]
    pub fn process_stopper(&self) -> &Stopper {
        self.shared.as_ref().map_or(&self.stopper, |shared| &shared.stopper)
    }

    /// Returns its name: `service`, or `service.N`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its process id; 0: it is on its way.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.load(Ordering::Acquire)
    }

    /// Returns when it was started.
    #[must_use]
    pub fn started(&self) -> SystemTime {
        self.started
    }

    /// Returns the address by which peers know it.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Returns its admin socket; none: it is no program of ours.
    #[must_use]
    pub fn admin(&self) -> &Option<PathBuf> {
        &self.admin
    }

    /// Returns what it wrote.
    #[must_use]
    pub fn logs(&self) -> &Logs {
        &self.logs
    }

    /// Returns what tells of its end.
    #[must_use]
    pub fn exit(&self) -> &ExitWatch {
        &self.exit
    }

    /// Returns what ends it.
    #[must_use]
    pub fn stopper(&self) -> &Stopper {
        &self.stopper
    }

    /// Whether its process has not ended.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.exit.now().is_none()
    }
}

struct Supervisor {
    keeper: Keeper,
    process: Process,
    pipes: Option<Pipes>,
}

impl Supervisor {
    async fn run(mut self) {
        let stdout = self.take_stdout();
        let stderr = self.process.take_stderr().map(|pipe| self.pump(LogStream::Stderr, pipe));
        let exit = self.watch().await;
        for mut pump in [stdout, stderr].into_iter().flatten() {
            if tokio::time::timeout(LINGER, &mut pump).await.is_err() {
                pump.abort();
            }
        }
        self.keeper.tell_end(exit);
    }

    /// Has standard output read: by what is linked to it, or as a log. Standard input is fed from now on.
    fn take_stdout(&mut self) -> Option<JoinHandle<()>> {
        let pipes = self.pipes.take();
        if let (Some(pipes), Some(pipe)) = (&pipes, self.process.take_stdin()) {
            pipes.feed(pipe);
        }
        let pipe = self.process.take_stdout()?;
        match pipes.filter(Pipes::gives) {
            Some(pipes) => {
                let ended = pipes.drain(&self.keeper.name, pipe, &self.keeper.logs);
                Some(tokio::spawn(async move { drop(ended.await) }))
            }
            None => Some(self.pump(LogStream::Stdout, pipe)),
        }
    }

    async fn watch(&mut self) -> Exit {
        let mut abandoned = false;
        loop {
            tokio::select! {
                biased;
                exit = self.process.wait() => return exit.unwrap_or(Exit { code: None, signal: None }),
                order = self.keeper.orders.recv(), if !abandoned => {
                    abandoned = order.is_none();
                    self.process.signal(order.unwrap_or(Stop::AtOnce));
                }
            }
        }
    }

    fn pump(&self, stream: LogStream, pipe: impl AsyncRead + Send + Unpin + 'static) -> JoinHandle<()> {
        let keeper = &self.keeper;
        let (name, logs, reporter) = (keeper.name.clone(), keeper.logs.clone(), keeper.reporter.clone());
        tokio::spawn(async move {
            let mut pipe = BufReader::with_capacity(LONGEST_LINE as usize, pipe);
            let mut bytes = Vec::new();
            while let Ok(1..) = (&mut pipe).take(LONGEST_LINE).read_until(b'\n', &mut bytes).await {
                let text = String::from_utf8_lossy(&bytes);
                let line = text.strip_suffix('\n').map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line));
                logs.push(stream, line);
                reporter.emit(&Event::Log { service: name.clone(), stream, line: line.to_owned() });
                bytes.clear();
            }
            logs.close(stream);
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::machine::Place;
    use crate::report::{Captured, ReportOptions};

    fn start(script: &str) -> (Member, Captured) {
        let (reporter, captured) = Reporter::captured(ReportOptions::default());
        let spec = MemberSpec {
            name: "a.0".into(),
            program: "sh".into(),
            args: vec!["-c".into(), script.into()],
            env: BTreeMap::new(),
            directory: "/".into(),
            listeners: Vec::new(),
            address: None,
            health: None,
            admin: None,
            pipes: None,
            logs: Logs::default(),
            seats: Vec::new(),
            away: None,
        };
        (Place::Localhost.start(spec, &reporter).unwrap(), captured)
    }

    async fn first_line(member: &Member) -> String {
        member.logs().read(LogStream::Stdout).next().await.unwrap()
    }

    #[tokio::test]
    async fn at_the_end_all_lines_are_there() {
        let (member, captured) = start("echo one; echo bad >&2; printf two; exit 3");
        assert_eq!(member.exit().wait().await, Exit { code: Some(3), signal: None });
        let mut last = member.logs().last(20);
        last.sort_unstable();
        assert_eq!(last, ["bad", "one", "two"]);
        assert!(captured.stdout().contains("a.0 │ two\n"), "{}", captured.stdout());
        assert!(captured.stderr().contains("warning: `a.0` exited with code 3"), "{}", captured.stderr());
    }

    #[tokio::test]
    async fn an_orderly_stop_lets_it_finish() {
        let (member, captured) = start("trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.02; done");
        assert_eq!(first_line(&member).await, "up");
        assert!(member.stopper().stop(Duration::from_secs(20)).await.success());
        assert_eq!(member.logs().last(1), ["bye"]);
        assert!(captured.stderr().contains("Stopped a.0"), "{}", captured.stderr());
    }

    #[tokio::test]
    async fn one_that_does_not_listen_is_killed_after_the_grace() {
        let (member, _) = start("trap '' TERM; echo up; while :; do sleep 0.02; done");
        first_line(&member).await;
        let asked = Instant::now();
        assert_eq!(member.stopper().stop(Duration::from_millis(100)).await.signal, Some(9));
        assert!(asked.elapsed() >= Duration::from_millis(100));
    }

    #[tokio::test]
    async fn dropping_a_member_kills_it() {
        let (member, _) = start("echo up; sleep 60");
        first_line(&member).await;
        let exit = member.exit().clone();
        drop(member);
        assert_eq!(exit.wait().await.signal, Some(9));
    }

    #[tokio::test]
    async fn a_line_without_end_is_split() {
        let (member, _) = start("head -c 200000 /dev/zero | tr '\\0' x");
        member.exit().wait().await;
        let lines = member.logs().last(10);
        assert_eq!(lines.iter().map(String::len).sum::<usize>(), 200_000);
        assert_eq!(lines.len(), 4);
    }
}
