//! SIGTERM, SIGINT and the admin socket's `stop`. Signals are heard on a thread of their own, since a tick that computes for long occupies the program's only other one.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

use crate::bind::BindError;
use crate::link::note;

/// A program that was asked to stop and did not is ended after this time; it is more than an orderly stop may take.
const GRACE: Duration = Duration::from_secs(10);
/// By convention the exit code of a program that a signal ended is 128 and the signal's number.
const SIGNALLED: i32 = 128;

/// The wish that the program stops.
#[derive(Clone, Debug)]
pub(super) struct StopSignal {
    requested: Arc<Notify>,
    asked: Arc<Notify>,
}

impl StopSignal {
    /// Starts to listen for signals. To be called outside of any runtime.
    ///
    /// # Errors
    /// The system gives no thread or no signals.
    pub(super) fn install() -> Result<Self, BindError> {
        let failed =
            |error: std::io::Error| BindError::System { action: "listen for signals", reason: error.to_string() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let guard = runtime.enter();
        let signals = [
            (SignalKind::terminate(), signal(SignalKind::terminate()).map_err(failed)?),
            (SignalKind::interrupt(), signal(SignalKind::interrupt()).map_err(failed)?),
        ];
        drop(guard);
        let requested = Arc::new(Notify::new());
        let request = Arc::clone(&requested);
        let asked = Arc::new(Notify::new());
        let ask = Arc::clone(&asked);
        let listen = move || runtime.block_on(listen(signals, &ask, &request));
        let thread = std::thread::Builder::new().name("signals".to_owned()).stack_size(128 << 10);
        thread.spawn(listen).map_err(failed)?;
        Ok(Self { requested, asked })
    }

    /// Makes the wish that one program of several stops; signals are heard by the process.
    pub(super) fn of_thread() -> Self {
        let asked = Arc::new(Notify::new());
        Self { requested: Arc::clone(&asked), asked }
    }

    /// Wishes it.
    pub(super) fn ask(&self) {
        self.asked.notify_one();
    }

    /// Returns what is notified by others who want the program to stop.
    pub(super) fn asked(&self) -> Arc<Notify> {
        Arc::clone(&self.asked)
    }

    /// Waits for the first signal.
    pub(super) async fn requested(&self) {
        self.requested.notified().await;
    }
}

/// Passes the first signal or wish on; ends the process at the second, or when the first had no effect.
async fn listen(mut signals: [(SignalKind, Signal); 2], asked: &Notify, request: &Notify) {
    let first = tokio::select! {
        signal = next(&mut signals) => signal,
        () = asked.notified() => SignalKind::terminate(),
    };
    request.notify_one();
    let last = tokio::select! {
        second = next(&mut signals) => second,
        () = tokio::time::sleep(GRACE) => {
            note(format_args!("did not stop within {} s, stopping at once", GRACE.as_secs()));
            first
        }
    };
    #[expect(
        clippy::exit,
        clippy::disallowed_methods,
        reason = "the main thread may be deep in a tick that never ends"
    )]
    std::process::exit(SIGNALLED + last.as_raw_value());
}

async fn next(signals: &mut [(SignalKind, Signal); 2]) -> SignalKind {
    let [(terminate_kind, terminate), (interrupt_kind, interrupt)] = signals;
    tokio::select! {
        _ = terminate.recv() => *terminate_kind,
        _ = interrupt.recv() => *interrupt_kind,
    }
}
