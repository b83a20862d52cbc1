//! A process that goes on while the test looks at it: its lines as they come, signals to it, its end; all with deadlines.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::hydro::Output;

/// How long a line or an end that must come may take: a cold build lies in between at most.
const PATIENCE: Duration = Duration::from_secs(600);

/// Both streams so far.
#[derive(Default)]
struct Written {
    stdout: String,
    stderr: String,
    open: usize,
}

#[derive(Default)]
struct Shared {
    written: Mutex<Written>,
    changed: Condvar,
}

/// A process in a process group of its own, as a shell starts it. Dropping it kills the group.
pub(crate) struct Running {
    child: Child,
    shared: Arc<Shared>,
    readers: Vec<JoinHandle<()>>,
    ended: Option<i32>,
}

impl Running {
    /// Starts the command.
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut started = command.spawn();
        // Another test's child may for a moment hold the program open, which was just laid down, for writing.
        while matches!(&started, Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy) {
            std::thread::yield_now();
            started = command.spawn();
        }
        let mut child = started.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let shared = Arc::new(Shared::default());
        shared.written.lock().expect("nobody panicked").open = 2;
        let stdout = child.stdout.take().expect("is piped");
        let stderr = child.stderr.take().expect("is piped");
        let readers = vec![
            read(stdout, Arc::clone(&shared), |written| &mut written.stdout),
            read(stderr, Arc::clone(&shared), |written| &mut written.stderr),
        ];
        Self { child, shared, readers, ended: None }
    }

    /// Returns the process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until standard output holds the text.
    #[track_caller]
    pub(crate) fn prints(&self, text: &str) {
        self.until(&format!("stdout holds `{text}`"), |output| output.stdout.contains(text));
    }

    /// Waits until standard error holds the text.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        self.until(&format!("stderr holds `{text}`"), |output| output.stderr.contains(text));
    }

    /// Waits until what was written so far is as wished.
    #[track_caller]
    pub(crate) fn until(&self, wish: &str, is_so: impl Fn(&Output) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut written = self.written();
        loop {
            let output = Output { code: 0, stdout: written.stdout.clone(), stderr: written.stderr.clone() };
            if is_so(&output) {
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if written.open == 0 || left.is_zero() {
                // Its readers go on: only this failure is to be told.
                drop(written);
                panic!("it never came that {wish}\n{output}");
            }
            written = self.shared.changed.wait_timeout(written, left).expect("nobody panicked").0;
        }
    }

    /// Sends a signal to the process alone.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.id(), signal).expect("it is ours");
    }

    /// Does what a terminal does at Ctrl-C: the whole group gets SIGINT.
    pub(crate) fn interrupt(&self) {
        kill_process_group(self.id(), Signal::INT).expect("it is ours");
    }

    /// Waits for the end and returns all that was written.
    #[track_caller]
    pub(crate) fn finish(mut self, within: Duration) -> Output {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is ours") {
                self.ended = Some(status.code().unwrap_or_else(|| -status.signal().unwrap_or_default()));
                break;
            }
            if Instant::now() > deadline {
                let written = self.written();
                let output = Output { code: 0, stdout: written.stdout.clone(), stderr: written.stderr.clone() };
                drop(written);
                panic!("still runs after {within:?}\n{output}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        // A process it left behind may hold the pipes open; that is found out elsewhere.
        let lingering = Instant::now() + Duration::from_secs(2);
        while !self.readers.iter().all(JoinHandle::is_finished) && Instant::now() < lingering {
            std::thread::sleep(Duration::from_millis(1));
        }
        let written = self.written();
        Output { code: self.ended.unwrap_or_default(), stdout: written.stdout.clone(), stderr: written.stderr.clone() }
    }

    fn id(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.shared.written.lock().expect("nobody panicked")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended.is_none() {
            let _ = kill_process_group(self.id(), Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

fn read(
    pipe: impl Read + Send + 'static,
    shared: Arc<Shared>,
    stream: fn(&mut Written) -> &mut String,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let mut written = shared.written.lock().expect("nobody panicked");
            stream(&mut written).push_str(&String::from_utf8_lossy(&line));
            drop(written);
            shared.changed.notify_all();
            line.clear();
        }
        shared.written.lock().expect("nobody panicked").open -= 1;
        shared.changed.notify_all();
    })
}
