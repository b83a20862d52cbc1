//! The two programs of these tests: one sends numbered items, the other says what it got.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::support::{command, programs};

/// How long progress may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the checking program said so far, or the sender on stderr.
#[derive(Debug, Default, Clone)]
pub(super) struct Said {
    /// The first item: start of its sender, number.
    pub(super) first: Option<(u64, u64)>,
    /// The last item.
    pub(super) last: Option<(u64, u64)>,
    /// First items of later starts of the sender.
    pub(super) starts: Vec<(u64, u64)>,
    /// Items that should not have come there.
    pub(super) wrong: Vec<String>,
    /// Lines on stderr.
    pub(super) notes: Vec<String>,
}

/// One running program.
pub(super) struct Process {
    child: Child,
    said: Arc<(Mutex<Said>, Condvar)>,
}

impl Process {
    /// Starts the program that sends.
    pub(super) fn sender(to: &str, start: u64, around: &[&str]) -> Self {
        let mut command = program("stream", around);
        command.env("HYDRO_OUTPUT_OUT", to).env("HYDRO_SERVICE", "stream").args(["--start", &start.to_string()]);
        Self::start(command)
    }

    /// Starts the program that checks.
    pub(super) fn receiver(at: &str, around: &[&str]) -> Self {
        let mut command = program("check", around);
        command.env("HYDRO_INPUT_NUMBERS", at).env("HYDRO_SERVICE", "check");
        Self::start(command)
    }

    /// Starts a program that takes about one item in fifty of what the sender would make.
    pub(super) fn slow_receiver(at: &str) -> Self {
        let mut command = program("slow", &[]);
        command.env("HYDRO_INPUT_NUMBERS", at).env("HYDRO_SERVICE", "slow");
        Self::start(command)
    }

    /// Returns the memory it holds, in KiB.
    pub(super) fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the system tells");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().expect("was built");
        let said = Arc::new((Mutex::default(), Condvar::new()));
        listen(child.stdout.take().expect("is piped"), Arc::clone(&said), hear_item);
        listen(child.stderr.take().expect("is piped"), Arc::clone(&said), |said, line| {
            said.notes.push(line.to_owned())
        });
        Self { child, said }
    }

    /// Waits until what it said is as wished, and returns it.
    #[track_caller]
    pub(super) fn until(&self, wish: &str, is_so: impl Fn(&Said) -> bool) -> Said {
        let deadline = Instant::now() + PATIENCE;
        let mut said = self.said.0.lock().expect("nobody panicked");
        while !is_so(&said) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "it never came that {wish}: {said:?}");
            said = self.said.1.wait_timeout(said, left).expect("nobody panicked").0;
        }
        said.clone()
    }

    /// Waits until so many more items came.
    #[track_caller]
    pub(super) fn takes(&self, items: u64) -> Said {
        let before = self.said().last.map_or(0, |(_, number)| number);
        self.until("more items come", |said| said.last.is_some_and(|(_, number)| number >= before + items))
    }

    /// Returns what it said so far.
    pub(super) fn said(&self) -> Said {
        self.said.0.lock().expect("nobody panicked").clone()
    }

    /// Counts its lines on stderr with this text.
    pub(super) fn notes(&self, text: &str) -> usize {
        self.said().notes.iter().filter(|line| line.contains(text)).count()
    }

    /// Sends a signal.
    pub(super) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is ours");
    }

    /// Kills it at once; returns what it had said.
    pub(super) fn kill(mut self) -> Said {
        self.end();
        self.said()
    }

    fn end(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Makes the call of a program, `around` standing before it.
fn program(name: &str, around: &[&str]) -> Command {
    let executable = programs().executable(name);
    match around {
        [] => command(executable),
        [first, rest @ ..] => {
            let mut command = command(first);
            command.args(rest).arg(executable);
            command
        }
    }
}

fn listen(pipe: impl std::io::Read + Send + 'static, said: Arc<(Mutex<Said>, Condvar)>, hear: fn(&mut Said, &str)) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            hear(&mut said.0.lock().expect("nobody panicked"), &line);
            said.1.notify_all();
        }
    });
}

fn hear_item(said: &mut Said, line: &str) {
    let mut words = line.split(' ');
    let word = words.next().unwrap_or_default();
    let mut number = || words.next().and_then(|word| word.parse().ok()).unwrap_or(u64::MAX);
    match word {
        "first" => said.first = Some((number(), number())),
        "at" => said.last = Some((number(), number())),
        "start" => said.starts.push((number(), number())),
        _ => said.wrong.push(line.to_owned()),
    }
}
