//! Running a program to its end, line by line; blocks. For cargo and other tools.
//!
//! Knows nothing of what the lines mean.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::process::{Exit, Group, Launch, Prepared, SpawnError, Stdio, Stop};

/// How often a child that says nothing is looked after.
const LOOK: Duration = Duration::from_millis(50);
/// How long the pipes are read after the end, in case a background process holds them open.
const LINGER: Duration = Duration::from_secs(2);

/// Which of the two a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

#[derive(Default)]
struct Running {
    stopped: bool,
    groups: BTreeMap<u32, Arc<Group>>,
}

static RUNNING: Mutex<Running> = Mutex::new(Running { stopped: false, groups: BTreeMap::new() });

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills all that [`run`] is waiting for, and lets nothing start any more. For the moment when the whole command is interrupted.
pub fn stop_runs() {
    let mut running = running();
    running.stopped = true;
    for group in running.groups.values() {
        group.signal(Stop::AtOnce);
    }
}

/// Runs a program to its end and hands over each line it writes, without its end.
///
/// # Errors
/// It cannot be started, or [`stop_runs`] ended it.
pub fn run(mut launch: Launch, on_line: &mut dyn FnMut(Stream, &str)) -> Result<Exit, SpawnError> {
    launch.stdio = Stdio::Piped;
    let program = launch.program.to_string_lossy().into_owned();
    let system = |source| SpawnError::System { program: program.clone(), source };
    let mut prepared = Prepared::new(launch)?;
    let (mut child, group) = {
        let mut running = running();
        if running.stopped {
            return Err(SpawnError::Interrupted);
        }
        let child = prepared.spawn()?;
        let group = Arc::new(Group::of(child.id()).map_err(system)?);
        running.groups.insert(child.id(), Arc::clone(&group));
        (child, group)
    };
    let lines = {
        let (sender, lines) = mpsc::sync_channel(1024);
        if let Some(stdout) = child.stdout.take() {
            read_lines(Stream::Stdout, stdout, sender.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            read_lines(Stream::Stderr, stderr, sender);
        }
        lines
    };
    let mut ended: Option<Instant> = None;
    loop {
        match lines.recv_timeout(LOOK) {
            Ok((stream, line)) => on_line(stream, &line),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => match ended {
                Some(at) if at.elapsed() > LINGER => break,
                Some(_) => {}
                None => ended = child.try_wait().map_err(system)?.map(|_| Instant::now()),
            },
        }
    }
    let status = child.wait();
    let stopped = {
        let mut running = running();
        running.groups.remove(&child.id());
        running.stopped
    };
    drop(group);
    if stopped {
        return Err(SpawnError::Interrupted);
    }
    Ok(status.map_err(system)?.into())
}

/// A carriage return ends a line, too: what is written over itself is told while it lasts.
fn read_lines(stream: Stream, pipe: impl Read + Send + 'static, lines: mpsc::SyncSender<(Stream, String)>) {
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let (mut line, mut is_after_return) = (Vec::new(), false);
        let tell = |line: &mut Vec<u8>| {
            let text = String::from_utf8_lossy(line).into_owned();
            line.clear();
            lines.send((stream, text)).is_ok()
        };
        loop {
            let Ok(bytes) = pipe.fill_buf() else { return };
            if bytes.is_empty() {
                break;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let (taken, sign) = end.map_or((bytes.len(), None), |end| (end, Some(bytes[end])));
            line.extend_from_slice(&bytes[..taken]);
            pipe.consume(taken + usize::from(sign.is_some()));
            // The second half of a line end that was seen already.
            let is_rest = sign == Some(b'\n') && is_after_return && line.is_empty();
            is_after_return = sign == Some(b'\r');
            if sign.is_some() && !is_rest && !tell(&mut line) {
                return;
            }
        }
        if !line.is_empty() {
            tell(&mut line);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> (Result<Exit, SpawnError>, Vec<(Stream, String)>) {
        let mut lines = Vec::new();
        let launch = Launch { program: "sh".into(), args: vec!["-c".into(), script.into()], ..Default::default() };
        let exit = run(launch, &mut |stream, line| lines.push((stream, line.to_owned())));
        (exit, lines)
    }

    #[test]
    fn every_line_arrives_also_the_last_without_an_end() {
        let (exit, lines) = sh("echo one; printf two; exit 4");
        assert_eq!(exit.unwrap(), Exit { code: Some(4), signal: None });
        assert_eq!(lines, [(Stream::Stdout, "one".to_owned()), (Stream::Stdout, "two".to_owned())]);
        assert_eq!(sh("echo bad >&2").1, [(Stream::Stderr, "bad".to_owned())]);
        let written_over = sh("printf '1 of 2\\r2 of 2\\r\\ndone\\n\\nend\\r\\n' >&2").1;
        let written_over: Vec<&str> = written_over.iter().map(|(_, line)| line.as_str()).collect();
        assert_eq!(written_over, ["1 of 2", "2 of 2", "done", "", "end"]);
    }

    #[test]
    fn a_background_process_does_not_hold_it_up() {
        let started = Instant::now();
        let (exit, lines) = sh("setsid sleep 5 & echo done");
        assert!(exit.unwrap().success());
        assert_eq!(lines, [(Stream::Stdout, "done".to_owned())]);
        assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    }
}
