//! Processes as the benchmarks need them: on a processor of their own, with one line to wait for, and with what a whole tree of them used.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How a child is scheduled.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// The processor it stays on, if any, where the system allows that.
    pub processor: Option<usize>,
    /// Whether it goes before everything else on this machine, where the system allows that: other work does not disturb it then.
    pub first: bool,
}

/// A child that says something on its standard output. It ends with this value.
#[derive(Debug)]
pub struct Talker {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Talker {
    /// Starts a child.
    ///
    /// # Errors
    /// The system cannot start it.
    pub fn start(command: &mut Command, schedule: Schedule) -> Result<Self, String> {
        // SAFETY: between fork and exec only system calls are made, which neither allocate nor lock.
        unsafe {
            command.pre_exec(move || {
                place(schedule);
                Ok(())
            })
        };
        // What it says when its peer is gone is of no interest.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child =
            command.spawn().map_err(|error| format!("cannot start {:?}: {error}", command.get_program()))?;
        let (sender, lines) = channel();
        if let Some(output) = child.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        let input = child.stdin.take();
        Ok(Self { child, input, lines })
    }

    /// Waits for a line that begins with `word` and returns its rest.
    ///
    /// # Errors
    /// The child ends first, or the time is up.
    pub fn hear(&self, word: &str, patience: Duration) -> Result<String, String> {
        let end = Instant::now() + patience;
        loop {
            let line = self.lines.recv_timeout(end.saturating_duration_since(Instant::now()));
            let line = line.map_err(|error| format!("no `{word}`: {error}"))?;
            if let Some(rest) = line.strip_prefix(word) {
                return Ok(rest.trim().to_owned());
            }
        }
    }

    /// Writes a line to the child.
    ///
    /// # Errors
    /// It does not listen any more.
    pub fn tell(&mut self, line: &str) -> Result<(), String> {
        let Some(input) = &mut self.input else { return Ok(()) };
        writeln!(input, "{line}").and_then(|()| input.flush()).map_err(|error| error.to_string())
    }
}

impl Talker {
    /// Ends the child and returns the seconds of processors that it used.
    #[must_use]
    pub fn end(mut self) -> f64 {
        let _ = self.child.kill();
        wait(&self.child).1
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Gives the calling process its place. What the system does not allow is left out.
fn place(schedule: Schedule) {
    // SAFETY: the structure is plain numbers, for which zeros are valid, and lives as long as the call.
    unsafe {
        let mut processors: libc::cpu_set_t = std::mem::zeroed();
        if let Some(processor) = schedule.processor {
            libc::CPU_SET(processor, &mut processors);
            libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const processors);
        }
        if schedule.first {
            go_before(1);
        }
    }
}

/// Lets the calling thread go before all that a [`Schedule`] lets go first, where the system allows that.
pub fn go_first() {
    go_before(2);
}

fn go_before(priority: i32) {
    // SAFETY: the structure is plain numbers, for which zeros are valid, and lives as long as the call.
    unsafe {
        let mut parameter: libc::sched_param = std::mem::zeroed();
        parameter.sched_priority = priority;
        libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameter);
    }
}

/// What a tree of processes took.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Seconds from start to end.
    pub wall: f64,
    /// Seconds of processors, of the child and of all that it waited for.
    pub cpu: f64,
}

/// Runs a command to its end, without its output.
///
/// # Errors
/// It cannot be started or fails; what it said comes with that.
pub fn cost(command: &mut Command) -> Result<Cost, String> {
    let log = std::env::temp_dir().join(format!("benches-{}.log", std::process::id()));
    let open = || std::fs::File::options().create(true).append(true).open(&log);
    let (out, err) = open().and_then(|out| Ok((out, open()?))).map_err(|error| error.to_string())?;
    let start = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
    let child = child.map_err(|error| format!("cannot start {:?}: {error}", command.get_program()))?;
    let (status, cpu) = wait(&child);
    let wall = start.elapsed().as_secs_f64();
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    let _ = std::fs::remove_file(&log);
    if status == 0 { Ok(Cost { wall, cpu }) } else { Err(format!("{command:?} ended with {status:#x}:\n{said}")) }
}

/// Waits for a child and returns its status and the seconds that it and its descendants used.
fn wait(child: &Child) -> (i32, f64) {
    let mut status = 0;
    // SAFETY: the structure is plain numbers, for which zeros are valid; the child is ours and nobody else waits for it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::wait4(child.id().cast_signed(), &raw mut status, 0, &raw mut usage);
        usage
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 * 1e-6;
    (status, seconds(usage.ru_utime) + seconds(usage.ru_stime))
}
