//! A member that shares its process with others: asked to end over its admin socket, and gone when that closes.
//!
//! Nothing but its process can be killed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use hydro_runtime_shim::contract::AdminRequest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::watch;

use super::{ExitWatch, Shared};
use crate::report::{Event, Reporter, ServiceState};
use crate::sys::Exit;

/// See the module.
#[derive(Debug)]
pub(super) struct Seat {
    name: String,
    admin: PathBuf,
    asked: AtomicBool,
    process: ExitWatch,
    /// How many members of the process have not ended.
    running: Arc<AtomicUsize>,
    ended: watch::Sender<Option<Exit>>,
    reporter: Reporter,
}

impl Seat {
    /// Begins to watch the member; it ends with its process at the latest.
    pub(super) fn new(name: String, admin: PathBuf, shared: &Shared, reporter: &Reporter) -> (Arc<Self>, ExitWatch) {
        let (ended, exit) = watch::channel(None);
        let (asked, process, reporter) = (AtomicBool::new(false), shared.exit.clone(), reporter.clone());
        let running = Arc::clone(&shared.running);
        let seat = Arc::new(Self { name, admin, asked, process, running, ended, reporter });
        let (watched, process, was_asked) = (Arc::downgrade(&seat), shared.exit.clone(), shared.stopper.asked());
        tokio::spawn(async move {
            let exit = process.wait().await;
            if let Some(seat) = watched.upgrade() {
                seat.end(exit, was_asked.load(Ordering::Acquire));
            }
        });
        (seat, ExitWatch { exit })
    }

    /// Whether somebody asked for its end.
    pub(super) fn was_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    fn end(&self, exit: Exit, expected: bool) {
        let is_first = self.ended.send_if_modified(|ended| ended.is_none() && ended.replace(exit).is_none());
        if is_first {
            let state =
                ServiceState::Exited { code: exit.code, signal: exit.signal, expected: expected || self.was_asked() };
            self.reporter.emit(&Event::Service { service: self.name.clone(), state });
        }
    }
}

/// Asks the member to end; what ends it is seen by its watchers.
pub(super) fn ask(seat: &Arc<Seat>) {
    if seat.asked.swap(true, Ordering::AcqRel) {
        return;
    }
    let seat = Arc::clone(seat);
    tokio::spawn(async move {
        let process = seat.process.clone();
        let left = tokio::select! {
            left = leave(&seat.admin) => left,
            _ = process.wait() => return,
        };
        // Who does not answer is ended with its process, when its time is over.
        if left.is_ok() {
            // The last one's end is that of the process: by then all that it wrote has been read.
            let is_last = seat.running.fetch_sub(1, Ordering::AcqRel) == 1;
            let exit = if is_last { process.wait().await } else { Exit { code: Some(0), signal: None } };
            seat.end(exit, true);
        }
    });
}

/// Asks, and waits until the program is gone: its admin socket closes then.
async fn leave(admin: &Path) -> io::Result<()> {
    let mut stream = UnixStream::connect(admin).await?;
    let mut line = serde_json::to_string(&AdminRequest::Stop {})?;
    line.push('\n');
    stream.write_all(line.as_bytes()).await?;
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.map(|_| ())
}
