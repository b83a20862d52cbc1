//! The pipes of one member from start to start: who is linked to them, and what is on its way.
//!
//! Outlives the member's processes, so that a restart loses what lay in the system's pipes and nothing else.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hydro_runtime_shim::contract::{Codec, Hello, MAX_RECORD_BYTES, Policy, fingerprint};
use serde::de::IgnoredAny;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::UnixListener;
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};

use super::feed::feed;
use super::outbox::Outbox;
use super::send::{STDOUT, Sender};
use super::take::take;
use crate::machine::Logs;
use crate::report::{Event, LogStream, Reporter};

/// What a peer would call the type of lines; with JSON it is not compared.
const TYPE_NAME: &str = "JSON";
/// How long receivers may take for the last words of a process before its end is told.
const LAST_WORDS: Duration = Duration::from_millis(400);
/// What is shown of a line that is no JSON.
const SHOWN: usize = 80;

/// Whose pipes they are.
#[derive(Clone, Debug)]
pub struct Identity {
    pub(super) deployment: String,
    pub(super) service: String,
    pub(super) member: u32,
    /// When they were made.
    pub(super) epoch: u64,
}

impl Identity {
    /// Makes the identity of a member of a service.
    #[must_use]
    pub fn new(deployment: &str, service: &str, member: u32) -> Self {
        Self { deployment: deployment.to_owned(), service: service.to_owned(), member, epoch: now() }
    }

    /// Returns what is said of it at the beginning of a link.
    pub(super) fn hello(&self, port: &str, peer_port: Option<String>, sends: bool) -> Hello {
        Hello {
            deployment: self.deployment.clone(),
            service: self.service.clone(),
            member: self.member,
            address: None,
            epoch: self.epoch,
            port: port.to_owned(),
            peer_port,
            sends,
            type_name: TYPE_NAME.to_owned(),
            fingerprint: fingerprint(TYPE_NAME),
            codec: Codec::Json,
            named: true,
            offers: None,
            grants: None,
        }
    }
}

/// An input that gets what a process writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `service.port`, or `service.N.port`.
    pub name: String,
    /// The Unix socket of its member.
    pub socket: PathBuf,
    /// Its port.
    pub port: String,
}

/// Where standard output goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// All inputs that are linked to it.
    pub targets: Vec<Target>,
    /// How lines are divided among them.
    pub policy: Policy,
}

/// What is linked to a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wires {
    /// Where its standard input is called; none: it is empty.
    pub stdin: Option<PathBuf>,
    /// Where its standard output goes; none: it is a log.
    pub stdout: Option<Output>,
}

/// See the module. Clones share it; the last one takes its links along.
#[derive(Clone, Debug)]
pub struct Pipes {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    who: Identity,
    reporter: Reporter,
    ends: Mutex<Ends>,
    outlets: Arc<Outlets>,
    tasks: Mutex<JoinSet<()>>,
}

#[derive(Debug, Default)]
struct Ends {
    wires: Wires,
    inputs: Option<mpsc::UnboundedSender<ChildStdin>>,
    /// What feeds standard input.
    taking: Vec<AbortHandle>,
    outputs: Option<mpsc::UnboundedSender<Source>>,
}

/// What one process writes.
#[derive(Debug)]
struct Source {
    name: String,
    pipe: ChildStdout,
    logs: Logs,
    /// Told when all of it has been read.
    ended: oneshot::Sender<()>,
}

/// A number that grows from start to start, as far as the clock can be trusted.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pipes {
    /// Makes pipes that nobody is linked to.
    #[must_use]
    pub fn new(who: Identity, reporter: &Reporter) -> Self {
        let (ends, outlets, tasks) = Default::default();
        Self { inner: Arc::new(Inner { who, reporter: reporter.clone(), ends, outlets, tasks }) }
    }

    /// Makes their links what these wires say. Needs a running tokio runtime.
    ///
    /// # Errors
    /// Nothing can listen at the socket.
    pub fn wire(&self, wires: &Wires) -> io::Result<()> {
        let Inner { who, reporter, ends, outlets, tasks } = &*self.inner;
        let mut ends = locked(ends);
        if wires.stdin.is_none() {
            ends.inputs = None;
            ends.taking.drain(..).for_each(|task| task.abort());
        }
        if let (Some(path), None) = (&wires.stdin, &ends.inputs) {
            // Where it was linked before.
            let _ = std::fs::remove_file(path);
            let listener = UnixListener::bind(path)?;
            // One portion waits while another is handed over.
            let (portions, fed) = mpsc::channel(1);
            let (inputs, given) = mpsc::unbounded_channel();
            let mut tasks = locked(tasks);
            ends.taking = vec![tasks.spawn(feed(fed, given)), tasks.spawn(take(listener, who.clone(), portions))];
            ends.inputs = Some(inputs);
        }
        if wires.stdout.is_none() {
            outlets.set(&Output::default(), who, reporter);
        }
        if let Some(output) = &wires.stdout {
            if ends.outputs.is_none() {
                let (outputs, sources) = mpsc::unbounded_channel();
                locked(tasks).spawn(collect(sources, Arc::clone(outlets), reporter.clone()));
                ends.outputs = Some(outputs);
            }
            outlets.set(output, who, reporter);
        }
        ends.wires = wires.clone();
        Ok(())
    }

    /// Whether standard input is linked.
    #[must_use]
    pub fn takes(&self) -> bool {
        locked(&self.inner.ends).wires.stdin.is_some()
    }

    /// Whether standard output is linked.
    #[must_use]
    pub fn gives(&self) -> bool {
        locked(&self.inner.ends).wires.stdout.is_some()
    }

    /// Returns the Unix socket at which standard input is called.
    #[must_use]
    pub fn socket(&self) -> Option<PathBuf> {
        locked(&self.inner.ends).wires.stdin.clone()
    }

    /// Feeds this process from now on.
    pub(in crate::machine) fn feed(&self, pipe: ChildStdin) {
        if let Some(inputs) = &locked(&self.inner.ends).inputs {
            // Who receives lives as long as we do.
            let _ = inputs.send(pipe);
        }
    }

    /// Passes on what a process writes. The answer comes when all of it has been read, and taken by receivers that are quick. Lines that are no JSON go into its logs.
    pub(in crate::machine) fn drain(&self, name: &str, pipe: ChildStdout, logs: &Logs) -> oneshot::Receiver<()> {
        let (ended, end) = oneshot::channel();
        if let Some(outputs) = &locked(&self.inner.ends).outputs {
            let _ = outputs.send(Source { name: name.to_owned(), pipe, logs: logs.clone(), ended });
        }
        end
    }
}

/// The targets of standard output, each with what is on its way.
#[derive(Debug, Default)]
struct Outlets {
    all: Mutex<(Vec<Outlet>, Policy)>,
    changed: Notify,
}

#[derive(Debug)]
struct Outlet {
    target: Target,
    outbox: Arc<Outbox>,
    task: AbortHandle,
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.task.abort();
        self.outbox.close();
    }
}

impl Outlets {
    fn set(&self, output: &Output, who: &Identity, reporter: &Reporter) {
        let mut all = locked(&self.all);
        let (outlets, policy) = &mut *all;
        *policy = output.policy;
        outlets.retain(|outlet| output.targets.contains(&outlet.target));
        for target in &output.targets {
            if !outlets.iter().any(|outlet| outlet.target == *target) {
                let outbox = Arc::new(Outbox::default());
                let sender = Sender {
                    outbox: Arc::clone(&outbox),
                    stream: now(),
                    target: target.clone(),
                    who: who.clone(),
                    reporter: reporter.clone(),
                };
                let task = tokio::spawn(sender.run()).abort_handle();
                outlets.push(Outlet { target: target.clone(), outbox, task });
            }
        }
        self.changed.notify_one();
    }

    /// Gives a line to whom it is for; waits where there is no room, or nobody.
    async fn give(&self, record: &Arc<[u8]>, turn: usize) {
        loop {
            let (boxes, policy) = self.now();
            match (boxes.len(), policy) {
                (0, _) => {
                    self.changed.notified().await;
                    continue;
                }
                (count, Policy::RoundRobin) => boxes[turn % count].push(record).await,
                (_, Policy::Broadcast) => {
                    for outbox in &boxes {
                        outbox.push(record).await;
                    }
                }
            }
            return;
        }
    }

    fn now(&self) -> (Vec<Arc<Outbox>>, Policy) {
        let all = locked(&self.all);
        (all.0.iter().map(|outlet| Arc::clone(&outlet.outbox)).collect(), all.1)
    }
}

/// Reads what one process after the other writes.
async fn collect(mut sources: mpsc::UnboundedReceiver<Source>, outlets: Arc<Outlets>, reporter: Reporter) {
    let mut turn = 0;
    while let Some(Source { name, pipe, logs, ended }) = sources.recv().await {
        let mut reader = BufReader::with_capacity(64 << 10, pipe);
        let mut line = Vec::new();
        let mut was_told = false;
        loop {
            line.clear();
            let Ok(1..) = (&mut reader).take(MAX_RECORD_BYTES as u64).read_until(b'\n', &mut line).await else { break };
            let text = line.trim_ascii();
            if text.is_empty() {
                continue;
            }
            if serde_json::from_slice::<IgnoredAny>(text).is_ok() {
                let record: Arc<[u8]> = text.iter().copied().chain([b'\n']).collect();
                outlets.give(&record, turn).await;
                turn = turn.wrapping_add(1);
                continue;
            }
            let text = String::from_utf8_lossy(text).into_owned();
            if !std::mem::replace(&mut was_told, true) {
                let shown: String = text.chars().take(SHOWN).collect();
                reporter.warning(format!(
                    "`{name}.{STDOUT}` is linked, but `{shown}` is no JSON: such lines go into the log instead"
                ));
            }
            logs.push(LogStream::Stdout, &text);
            reporter.emit(&Event::Log { service: name.clone(), stream: LogStream::Stdout, line: text });
        }
        let last_words = async {
            for outbox in outlets.now().0 {
                outbox.emptied().await;
            }
        };
        // Who takes them later gets them all the same.
        let _ = tokio::time::timeout(LAST_WORDS, last_words).await;
        let _ = ended.send(());
    }
}
