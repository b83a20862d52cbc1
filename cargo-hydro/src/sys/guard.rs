//! The guardian: a second process that ends our children when we are gone, whatever ended us, SIGKILL included.
//!
//! It is this program again, started with [`ARGUMENT`], in a session of its own. It reads from a pipe which process groups and
//! folders there are, and whose terminal we have changed; when the pipe closes, we are gone, and it kills, removes and mends what is left. One guardian serves the
//! whole process and starts with the first child.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group};

/// The argument that makes this program a guardian; `main` looks for it before anything else.
pub const ARGUMENT: &str = "--hydro-guardian";

struct Guardian {
    process: Child,
    orders: ChildStdin,
}

struct State {
    guardian: Option<Guardian>,
    groups: BTreeSet<i32>,
    folders: BTreeSet<PathBuf>,
    terminals: BTreeSet<PathBuf>,
}

static STATE: Mutex<State> = Mutex::new(State::new(BTreeSet::new()));

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts a process group under guard.
///
/// # Errors
/// No guardian can be started.
pub fn add_group(leader: i32) -> io::Result<()> {
    let mut state = state();
    state.groups.insert(leader);
    state.order(Order::Group(true, leader))
}

/// By which a child puts its own group under guard before it becomes another program: were it only we who say so, whoever kills us between its start and
/// our word would leave what it has started by then.
#[derive(Debug)]
pub(super) struct Announcement {
    orders: OwnedFd,
    /// Ids of children that announced themselves.
    announced: OwnedFd,
    announces: OwnedFd,
}

impl Announcement {
    /// Makes one, and starts the guardian if there is none.
    pub(super) fn new() -> io::Result<Self> {
        let orders = {
            let mut state = state();
            if state.guardian.is_none() {
                state.order(Order::Group(false, 0))?;
            }
            let guardian = state.guardian.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
            guardian.orders.as_fd().try_clone_to_owned()?
        };
        let flags = rustix::pipe::PipeFlags::CLOEXEC | rustix::pipe::PipeFlags::NONBLOCK;
        let (announced, announces) = rustix::pipe::pipe_with(flags)?;
        Ok(Self { orders, announced, announces })
    }

    /// Returns what [`announce`] needs in the child.
    pub(super) fn in_child(&self) -> (RawFd, RawFd) {
        (self.orders.as_raw_fd(), self.announces.as_raw_fd())
    }

    /// Takes back what children said that did not become another program.
    pub(super) fn retract(&self) {
        let mut id = [0; size_of::<i32>()];
        while rustix::io::read(&self.announced, &mut id).is_ok_and(|read| read == id.len()) {
            let _ = state().order(Order::Group(false, i32::from_ne_bytes(id)));
        }
    }
}

/// Puts the calling process's group under guard. Between fork and exec: calls what is async-signal-safe only and allocates nothing.
pub(super) fn announce((orders, announces): (RawFd, RawFd)) {
    // SAFETY: it has no conditions.
    let id = unsafe { libc::getpid() };
    let mut order = [0_u8; 16];
    // From its end: a zero byte, the digits, and what they mean.
    let (mut at, mut rest) = (order.len() - 1, id);
    while rest > 0 {
        at -= 1;
        order[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    at -= 2;
    order[at..at + 2].copy_from_slice(b"+g");
    // Where nobody reads, the parent's word has to do. A write of this size is whole or none.
    // SAFETY: both buffers are as long as is said, and both descriptors were opened by the parent, who keeps them until the child has started.
    unsafe {
        // Where the guardian was just killed, that must not be this process's end.
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        libc::write(orders, order[at..].as_ptr().cast(), order.len() - at);
        libc::write(announces, id.to_ne_bytes().as_ptr().cast(), size_of::<i32>());
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}

/// Takes a process group out of guard; it has ended.
pub fn remove_group(leader: i32) {
    let mut state = state();
    if state.groups.remove(&leader) && state.guardian.is_some() {
        // Where the guardian is gone, the next order starts another, which hears of the living only.
        let _ = state.order(Order::Group(false, leader));
    }
}

/// Has a folder removed when we are gone.
///
/// # Errors
/// No guardian can be started.
pub fn add_folder(folder: &Path) -> io::Result<()> {
    let mut state = state();
    state.folders.insert(folder.to_owned());
    state.order(Order::Folder(true, folder.to_owned()))
}

/// Forgets a folder; it has been removed.
pub fn remove_folder(folder: &Path) {
    let mut state = state();
    if state.folders.remove(folder) && state.guardian.is_some() {
        let _ = state.order(Order::Folder(false, folder.to_owned()));
    }
}

/// Has a terminal edit lines again when we are gone.
///
/// # Errors
/// No guardian can be started.
pub(super) fn add_terminal(terminal: &Path) -> io::Result<()> {
    let mut state = state();
    state.terminals.insert(terminal.to_owned());
    state.order(Order::Terminal(true, terminal.to_owned()))
}

/// Forgets a terminal; it is as it was.
pub(super) fn remove_terminal(terminal: &Path) {
    let mut state = state();
    if state.terminals.remove(terminal) && state.guardian.is_some() {
        let _ = state.order(Order::Terminal(false, terminal.to_owned()));
    }
}

/// Ends the guardian, and with it all that is still under guard. For the last moment of the command.
pub fn finish() {
    let guardian = state().guardian.take();
    if let Some(Guardian { mut process, orders }) = guardian {
        drop(orders);
        let _ = process.wait();
    }
}

impl State {
    const fn new(folders: BTreeSet<PathBuf>) -> Self {
        Self { guardian: None, groups: BTreeSet::new(), folders, terminals: BTreeSet::new() }
    }

    fn order(&mut self, order: Order) -> io::Result<()> {
        if let Some(guardian) = &mut self.guardian
            && guardian.orders.write_all(&order.bytes()).is_ok()
        {
            return Ok(());
        }
        // The first order, or somebody killed the guardian.
        let mut guardian = Guardian::start()?;
        let groups = self.groups.iter().map(|&leader| Order::Group(true, leader));
        let folders = self.folders.iter().map(|folder| Order::Folder(true, folder.clone()));
        let terminals = self.terminals.iter().map(|terminal| Order::Terminal(true, terminal.clone()));
        let all: Vec<u8> = groups.chain(folders).chain(terminals).flat_map(|order| order.bytes()).collect();
        guardian.orders.write_all(&all)?;
        if let Some(mut old) = self.guardian.replace(guardian) {
            let _ = old.process.wait();
        }
        Ok(())
    }
}

impl Guardian {
    fn start() -> io::Result<Self> {
        // By this path the program is found even when its file was replaced meanwhile.
        let program =
            if cfg!(target_os = "linux") { PathBuf::from("/proc/self/exe") } else { std::env::current_exe()? };
        #[expect(clippy::disallowed_methods, reason = "this is the place that the rule leaves for it")]
        let mut command = std::process::Command::new(program);
        command.arg0("hydro-guardian").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // It may outlive us by a moment; it must not keep our folder busy.
        command.current_dir("/");
        #[cfg(not(test))]
        command.arg(ARGUMENT);
        #[cfg(test)]
        command.args(tests::GUARDIAN_ARGUMENTS).env(tests::GUARDIAN_VARIABLE, "1");
        let detach = || rustix::process::setsid().map(drop).map_err(io::Error::from);
        // SAFETY: the closure makes one system call and allocates nothing.
        unsafe { command.pre_exec(detach) };
        let mut process = command.spawn()?;
        let orders = process.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let id = process.id();
        // Where no thread can be had, the next order finds out.
        let _ = std::thread::Builder::new().name("guardian".to_owned()).spawn(move || replace_when_gone(id));
        Ok(Self { process, orders })
    }
}

/// Waits for the end of a guardian, and has another take its place at once: nothing is left without guard until the next order.
fn replace_when_gone(guardian: u32) {
    let Some(id) = i32::try_from(guardian).ok().and_then(Pid::from_raw) else { return };
    while let Err(rustix::io::Errno::INTR) =
        rustix::process::waitid(WaitId::Pid(id), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
    {}
    let mut state = state();
    if state.guardian.as_ref().is_some_and(|known| known.process.id() == guardian) {
        // It cannot be told any more, so another is started, and hears of all.
        let _ = state.order(Order::Group(false, 0));
    }
}

/// What the guardian is told, one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Order {
    /// Guard this group, or no longer.
    Group(bool, i32),
    /// Guard this folder, or no longer.
    Folder(bool, PathBuf),
    /// Have this terminal edit lines again, or no longer.
    Terminal(bool, PathBuf),
}

impl Order {
    fn bytes(&self) -> Vec<u8> {
        let sign = |add: bool| if add { b'+' } else { b'-' };
        match self {
            Self::Group(add, leader) => [&[sign(*add), b'g'], leader.to_string().as_bytes(), b"\0"].concat(),
            Self::Folder(add, folder) => [&[sign(*add), b'f'], folder.as_os_str().as_bytes(), b"\0"].concat(),
            Self::Terminal(add, terminal) => [&[sign(*add), b't'], terminal.as_os_str().as_bytes(), b"\0"].concat(),
        }
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (&sign, rest) = bytes.strip_suffix(b"\0")?.split_first()?;
        let (&kind, rest) = rest.split_first()?;
        let add = match sign {
            b'+' => true,
            b'-' => false,
            _ => return None,
        };
        let path = || PathBuf::from(std::ffi::OsString::from_vec(rest.to_vec()));
        match kind {
            b'g' => Some(Self::Group(add, std::str::from_utf8(rest).ok()?.parse().ok()?)),
            b'f' => Some(Self::Folder(add, path())),
            b't' => Some(Self::Terminal(add, path())),
            _ => None,
        }
    }
}

/// Is the guardian: reads orders from stdin until it closes, then kills and removes what is left.
pub fn serve() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
        // SAFETY: ignoring refers to no code of ours.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
    let Guarded { groups, folders, terminals } = read_orders(io::stdin().lock());
    for terminal in terminals {
        super::terminal::mend(&terminal);
    }
    for leader in groups {
        // Leader 0 or below would mean other groups than that one; `Pid` cannot say them.
        if let Some(leader) = Pid::from_raw(leader).filter(|_| leader > 1) {
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
    end_connections(&folders);
    for folder in folders {
        let _ = std::fs::remove_dir_all(folder);
    }
}

/// How often it is looked for connections that were just being made; they put themselves into the background meanwhile.
const LOOKS: u32 = 50;

/// Ends ssh's connections whose sockets are in these folders: one that was being made when we died is nobody's group yet.
fn end_connections(folders: &BTreeSet<PathBuf>) {
    for _ in 0..LOOKS {
        let connections = connections(folders);
        if connections.is_empty() {
            return;
        }
        for process in connections {
            let _ = rustix::process::kill_process(process, Signal::KILL);
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

fn connections(folders: &BTreeSet<PathBuf>) -> Vec<Pid> {
    let is_one = |line: &[u8]| {
        let is_within =
            |argument: &[u8]| folders.iter().any(|folder| argument.starts_with(folder.as_os_str().as_bytes()));
        let mut arguments = line.split(|&byte| byte == 0);
        arguments.clone().any(|argument| argument == b"-M") && arguments.any(is_within)
    };
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            let line = std::fs::read(entry.path().join("cmdline")).ok()?;
            Pid::from_raw(id).filter(|_| is_one(&line))
        })
        .collect()
}

/// What is under guard.
#[derive(Debug, Default, PartialEq, Eq)]
struct Guarded {
    groups: BTreeSet<i32>,
    folders: BTreeSet<PathBuf>,
    terminals: BTreeSet<PathBuf>,
}

fn read_orders(orders: impl Read) -> Guarded {
    let mut orders = BufReader::new(orders);
    let mut guarded = Guarded::default();
    let mut bytes = Vec::new();
    while orders.read_until(b'\0', &mut bytes).is_ok_and(|read| read > 0) {
        // A last order that was cut off is none.
        match Order::parse(&bytes) {
            Some(Order::Group(true, leader)) => drop(guarded.groups.insert(leader)),
            Some(Order::Group(false, leader)) => drop(guarded.groups.remove(&leader)),
            Some(Order::Folder(true, folder)) => drop(guarded.folders.insert(folder)),
            Some(Order::Folder(false, folder)) => drop(guarded.folders.remove(&folder)),
            Some(Order::Terminal(true, terminal)) => drop(guarded.terminals.insert(terminal)),
            Some(Order::Terminal(false, terminal)) => drop(guarded.terminals.remove(&terminal)),
            None => {}
        }
        bytes.clear();
    }
    guarded
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// In tests this program is the test runner, and this is its way to the guardian.
    pub(super) const GUARDIAN_ARGUMENTS: [&str; 4] =
        ["--exact", "sys::guard::tests::this_program_can_be_the_guardian", "--nocapture", "--quiet"];
    pub(super) const GUARDIAN_VARIABLE: &str = "HYDRO_TEST_IS_GUARDIAN";

    #[test]
    fn this_program_can_be_the_guardian() {
        if crate::sys::env::text(GUARDIAN_VARIABLE).is_some() {
            serve();
        }
    }

    #[test]
    fn orders_are_read_back() {
        let orders = [
            Order::Group(true, 12),
            Order::Group(true, 13),
            Order::Folder(true, "/tmp/a\nb ü".into()),
            Order::Folder(true, "/tmp/c".into()),
            Order::Folder(false, "/tmp/c".into()),
            Order::Group(false, 12),
            Order::Terminal(true, "/dev/pts/3".into()),
            Order::Terminal(true, "/dev/pts/4".into()),
            Order::Terminal(false, "/dev/pts/4".into()),
        ];
        let mut bytes: Vec<u8> = orders.iter().flat_map(Order::bytes).collect();
        bytes.extend(b"+g1");
        let expected = Guarded {
            groups: [13].into(),
            folders: [PathBuf::from("/tmp/a\nb ü")].into(),
            terminals: [PathBuf::from("/dev/pts/3")].into(),
        };
        assert_eq!(read_orders(&bytes[..]), expected);
    }

    #[test]
    fn at_the_end_of_the_pipe_groups_die_and_folders_go() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        std::fs::create_dir_all(inner.join("deep")).unwrap();
        let mut sleeper = crate::sys::process::Prepared::new(crate::sys::Launch {
            program: "sleep".into(),
            args: vec!["60".into()],
            ..Default::default()
        })
        .unwrap()
        .spawn()
        .unwrap();

        let mut guardian = Guardian::start().unwrap();
        let leader = i32::try_from(sleeper.id()).unwrap();
        guardian.orders.write_all(&Order::Group(true, leader).bytes()).unwrap();
        guardian.orders.write_all(&Order::Folder(true, inner.clone()).bytes()).unwrap();
        drop(guardian.orders);

        let deadline = Instant::now() + Duration::from_secs(20);
        while sleeper.try_wait().unwrap().is_none() || inner.exists() {
            assert!(Instant::now() < deadline, "the guardian did nothing");
            std::thread::sleep(Duration::from_millis(5));
        }
        guardian.process.wait().unwrap();
    }

    #[test]
    fn a_killed_guardian_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State::new([folder.path().to_owned()].into());
        state.order(Order::Folder(true, folder.path().to_owned())).unwrap();
        let guardian = state.guardian.as_mut().unwrap();
        guardian.process.kill().unwrap();
        guardian.process.wait().unwrap();

        state.order(Order::Group(true, i32::MAX)).unwrap();
        let Guardian { mut process, orders } = state.guardian.take().unwrap();
        drop(orders);
        process.wait().unwrap();
        assert!(!folder.path().exists(), "the new guardian was told what the old one knew");
    }

    #[test]
    fn a_connection_that_was_just_being_made_ends_with_us() {
        let folder = tempfile::tempdir().unwrap();
        let start = |socket: PathBuf| {
            #[expect(clippy::disallowed_methods, reason = "stands for what another crate starts")]
            let mut command = std::process::Command::new("sh");
            command.args(["-c", "read line", "-S"]).arg(socket).arg("-M");
            command.stdin(Stdio::piped()).spawn().unwrap()
        };
        let (mut ours, mut others) = (start(folder.path().join("a/master")), start("/nowhere/master".into()));
        end_connections(&BTreeSet::from([folder.path().to_owned()]));
        assert!(!ours.wait().unwrap().success(), "it was killed");
        drop(others.stdin.take());
        assert_eq!(others.wait().unwrap().code(), Some(1), "it ended by itself");
    }
}
