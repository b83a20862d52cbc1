//! The host's end of the conversations with keepers: writes down what they tell, and hands what is to be decided to the main thread.
//!
//! A thread of its own hears each keeper. Knows no units.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::child::End;
use crate::journal::Journal;
use crate::keep::socket;
use crate::keeping::{Order, Run, Told};
use crate::passing::{Lines, send};
use crate::serve;
use crate::words::{Happened, Spec};

/// A keeper that does not take a line for so long is gone.
const WRITE_TIME: Duration = Duration::from_secs(20);

/// A keeper that is connected. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Keeper {
    id: u64,
    stream: Arc<Mutex<UnixStream>>,
}

impl PartialEq for Keeper {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Keeper {
    /// Has it start its member. What it does not take, it does not start, and that it is gone is heard.
    pub(crate) fn go(&self, run: u64, spec: Spec, listeners: &[OwnedFd]) {
        let files: Vec<BorrowedFd<'_>> = listeners.iter().map(AsFd::as_fd).collect();
        self.order(&Order::Go { run, spec: Box::new(spec) }, &files);
    }

    /// Says up to which event everything was written down.
    pub(crate) fn seen(&self, run: u64, nth: u64) {
        self.order(&Order::Seen { run, nth }, &[]);
    }

    fn order(&self, order: &Order, files: &[BorrowedFd<'_>]) {
        let mut line = serde_json::to_vec(order).unwrap_or_default();
        line.push(b'\n');
        let _ = send(&self.stream.lock().unwrap_or_else(PoisonError::into_inner), &line, files);
    }
}

/// What a keeper tells that is to be decided about.
#[derive(Debug)]
pub(crate) enum News {
    /// It is there. It keeps this; none: nothing yet.
    Here { keeper: Keeper, tag: String, run: Option<Run> },
    /// The member was started.
    Up { pid: u32 },
    /// It could not be started.
    Failed { run: u64, why: String },
    /// The member has ended, as the nth event of its run.
    Ended { run: u64, nth: u64, end: End },
    /// The keeper is gone.
    Gone { keeper: Keeper },
}

/// Listens for keepers.
pub(crate) fn listen(folder: &Path, orders: &Sender<serve::Order>, journal: &Arc<Journal>) -> io::Result<()> {
    let path = socket(folder);
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    let (orders, journal) = (orders.clone(), Arc::clone(journal));
    std::thread::spawn(move || {
        for (id, stream) in (1..).zip(listener.incoming()) {
            let Ok(stream) = stream else { continue };
            let (orders, journal) = (orders.clone(), Arc::clone(&journal));
            std::thread::spawn(move || drop(hear(stream, id, &orders, &journal)));
        }
    });
    Ok(())
}

/// Hears a keeper until it goes.
fn hear(stream: UnixStream, id: u64, orders: &Sender<serve::Order>, journal: &Journal) -> io::Result<()> {
    stream.set_write_timeout(Some(WRITE_TIME))?;
    let mut lines = Lines::of(stream.try_clone()?);
    let keeper = Keeper { id, stream: Arc::new(Mutex::new(stream)) };
    let hello = lines.next().map(|line| serde_json::from_slice(&line)).transpose()?;
    let Some(Told::Hello { member, tag, run }) = hello else { return Ok(()) };
    let tell = |news: News| drop(orders.send(serve::Order::Keeper { member: member.clone(), news }));
    tell(News::Here { keeper: keeper.clone(), tag, run });
    // What a run tells is told after the main thread has said which run that is.
    while let Some(line) = lines.next() {
        match serde_json::from_slice(&line) {
            Ok(Told::Event { run, nth, what: Happened::Exit { code, signal, .. } }) => {
                tell(News::Ended { run, nth, end: End { code, signal } });
            }
            Ok(Told::Event { run, nth, what }) => {
                let up = if let Happened::Up { pid } = what { Some(pid) } else { None };
                journal.add_nth(&member, (run, nth), what);
                if let Some(pid) = up {
                    tell(News::Up { pid });
                }
                if !lines.has_more() {
                    keeper.seen(run, nth);
                }
            }
            Ok(Told::Failed { run, why }) => tell(News::Failed { run, why }),
            Ok(Told::Hello { .. }) | Err(_) => break,
        }
    }
    tell(News::Gone { keeper: keeper.clone() });
    Ok(())
}
