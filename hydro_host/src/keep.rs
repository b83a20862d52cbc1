//! The keeper: the program of a member's unit. It starts the member when its host says so, passes on what happens, and ends as the member does.
//!
//! systemd starts it again; what is kept when, the host decides. A host that is away is waited for, and hears everything later. Decides nothing by itself.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::child::{self, End, Group, Launch, Listener};
use crate::journal::now_ms;
use crate::keeping::{Order, Run, Told};
use crate::passing::{Lines, send};
use crate::signals;
use crate::words::{Happened, Spec};

/// The pause before the host is called again.
const PAUSE: Duration = Duration::from_millis(50);
/// What the host has not seen is kept up to this size; then the member waits.
const MOST_BYTES: usize = 1 << 20;
/// So long a host that is away is waited for at the end, where we are asked to go.
const FAREWELL: Duration = Duration::from_secs(5);
/// Files below this number are left to members.
const LOW_DESCRIPTORS: usize = 16;

/// Where hosts listen for keepers.
pub(crate) fn socket(folder: &Path) -> PathBuf {
    folder.join("run/keepers")
}

/// What comes to the main thread.
enum News {
    Go {
        run: u64,
        spec: Box<Spec>,
        listeners: Vec<OwnedFd>,
    },
    Ended(End),
    /// We are asked to end.
    Asked,
}

/// Is the keeper of a member, for one run. Returns how the member ended; none: there was nothing to keep.
///
/// # Errors
/// The system gives no files or no threads.
pub fn keep(folder: &Path, member: &str, tag: &str) -> io::Result<Option<(Option<i32>, Option<i32>)>> {
    let _low: Vec<std::fs::File> =
        (0..LOW_DESCRIPTORS).map(|_| std::fs::File::open("/dev/null")).collect::<io::Result<_>>()?;
    let (news, heard) = channel();
    let asked = news.clone();
    signals::on_terminate(move || drop(asked.send(News::Asked)))?;
    let link = Arc::new(Link {
        folder: folder.to_owned(),
        member: member.to_owned(),
        tag: tag.to_owned(),
        state: Mutex::default(),
        changed: Condvar::new(),
    });
    let (linked, orders) = (Arc::clone(&link), news.clone());
    std::thread::spawn(move || linked.stay(&orders));
    Ok(run(&link, &news, &heard))
}

fn run(link: &Arc<Link>, news: &Sender<News>, heard: &Receiver<News>) -> Option<(Option<i32>, Option<i32>)> {
    let mut group: Option<Group> = None;
    let mut is_asked = false;
    loop {
        match heard.recv().ok()? {
            // It was said before we were asked to end, or said twice.
            News::Go { .. } if is_asked || group.is_some() => {}
            News::Go { run, spec, listeners } => match start(link, run, &spec, &listeners, news) {
                Ok(started) => group = Some(started),
                Err(error) => link.fail(run, child::failed(&spec.program, &error)),
            },
            News::Asked => {
                is_asked = true;
                match group {
                    Some(group) => group.end(false),
                    None => return None,
                }
            }
            News::Ended(end) => {
                link.tell(Happened::Exit { code: end.code, signal: end.signal, asked: false });
                link.finish(is_asked, heard);
                return Some((end.code, end.signal));
            }
        }
    }
}

/// Starts the member. Only the main thread does: the kernel ends it with that thread.
fn start(link: &Arc<Link>, run: u64, spec: &Spec, listeners: &[OwnedFd], news: &Sender<News>) -> io::Result<Group> {
    link.begin(run);
    let launch = Launch {
        program: &spec.program,
        args: &spec.args,
        env: &spec.env,
        directory: Path::new(&spec.directory),
        listeners,
        // The unit's own are systemd's.
        files: None,
    };
    let news = news.clone();
    let listener: Arc<dyn Listener> = Arc::<Link>::clone(link);
    child::start(&launch, &listener, move |end| drop(news.send(News::Ended(end))))
}

/// The way to the host, whichever host there is.
struct Link {
    folder: PathBuf,
    member: String,
    tag: String,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    run: Option<Run>,
    /// What the host has not seen, with the length of each.
    pending: VecDeque<(u64, Vec<u8>)>,
    bytes: usize,
    /// The number of the last event.
    last: u64,
    /// Where it is said; none: there is no host at this moment, or it has not said yet what it has seen.
    stream: Option<UnixStream>,
}

impl Listener for Link {
    fn hear(&self, what: Happened) {
        if let Happened::Out(line) | Happened::Err(line) = &what {
            // For whoever asks systemd's journal. Nobody else is told of it, so it counts for nothing that it cannot be written.
            let _ = writeln!(io::stdout(), "{line}");
        }
        self.tell(what);
    }
}

impl Link {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, run: u64) {
        self.state().run = Some(Run { run, pid: 0, since_ms: 0 });
    }

    /// Tells the host, now or when it is there. Waits where it is far behind.
    fn tell(&self, what: Happened) {
        let mut state = self.state();
        while state.bytes > MOST_BYTES {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if let (Happened::Up { pid }, Some(run)) = (&what, &mut state.run) {
            (run.pid, run.since_ms) = (*pid, now_ms());
        }
        state.last += 1;
        let nth = state.last;
        let run = state.run.map_or(0, |run| run.run);
        let line = text(&Told::Event { run, nth, what });
        if state.stream.as_ref().is_some_and(|stream| send(stream, &line, &[]).is_err()) {
            state.stream = None;
        }
        state.bytes += line.len();
        state.pending.push_back((nth, line));
    }

    /// Says that nothing was started. A host that is not there says anew what is to be started.
    fn fail(&self, run: u64, why: String) {
        let mut state = self.state();
        state.run = None;
        let _ = state.stream.as_ref().map(|stream| send(stream, &text(&Told::Failed { run, why }), &[]));
    }

    /// Waits until the host has seen everything.
    fn finish(&self, is_asked: bool, heard: &Receiver<News>) {
        let mut deadline = is_asked.then(|| Instant::now() + FAREWELL);
        let mut state = self.state();
        while !state.pending.is_empty() && self.folder.is_dir() && deadline.is_none_or(|at| Instant::now() < at) {
            state =
                self.changed.wait_timeout(state, PAUSE).map_or_else(|error| error.into_inner().0, |(state, _)| state);
            if deadline.is_none() && matches!(heard.try_recv(), Ok(News::Asked)) {
                deadline = Some(Instant::now() + FAREWELL);
            }
        }
    }

    /// Calls the host over and over, and hears what it says.
    fn stay(&self, orders: &Sender<News>) {
        while self.folder.is_dir() {
            if let Ok(stream) = UnixStream::connect(socket(&self.folder)) {
                // A host that hangs up was killed; the next one is called.
                let _ = self.converse(stream, orders);
                self.state().stream = None;
            }
            std::thread::sleep(PAUSE);
        }
        // The deployment is gone, and nobody is left to say so.
        let _ = orders.send(News::Asked);
    }

    fn converse(&self, stream: UnixStream, orders: &Sender<News>) -> io::Result<()> {
        let hello = Told::Hello { member: self.member.clone(), tag: self.tag.clone(), run: self.state().run };
        send(&stream, &text(&hello), &[])?;
        let mut lines = Lines::of(stream.try_clone()?);
        while let Some(line) = lines.next() {
            match serde_json::from_slice(&line)? {
                Order::Go { run, spec } => drop(orders.send(News::Go { run, spec, listeners: lines.files() })),
                Order::Seen { run, nth } => self.seen(run, nth, &stream)?,
            }
        }
        Ok(())
    }

    fn seen(&self, run: u64, nth: u64, stream: &UnixStream) -> io::Result<()> {
        let mut state = self.state();
        if state.run.is_some_and(|own| own.run == run) {
            while let Some((_, line)) = state.pending.pop_front_if(|(own, _)| *own <= nth) {
                state.bytes -= line.len();
            }
            self.changed.notify_all();
        }
        if state.stream.is_none() {
            // Its first word: from here on it hears everything, after what it has missed.
            for (_, line) in &state.pending {
                send(stream, line, &[])?;
            }
            state.stream = Some(stream.try_clone()?);
        }
        Ok(())
    }
}

fn text(told: &Told) -> Vec<u8> {
    // These types can be written in any case.
    let mut line = serde_json::to_vec(told).unwrap_or_default();
    line.push(b'\n');
    line
}
