//! SIGINT, SIGTERM and SIGHUP to this process: the first asks for an orderly stop, the second ends at once.
//!
//! They are watched by a thread of their own, so that the second one works whatever the rest of the command hangs in.

use std::io;
use std::sync::{Mutex, PoisonError};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::{guard, stop_runs, terminal};

/// Who wants this process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// The user, by Ctrl-C.
    User,
    /// The system, by SIGTERM or because the terminal was closed.
    System,
}

impl Interrupt {
    /// Returns the exit code that a shell would tell of it.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::User => 130,
            Self::System => 143,
        }
    }
}

/// A place to wait for interrupts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Interrupts {
    first: watch::Receiver<Option<Interrupt>>,
}

impl Interrupts {
    /// Takes over SIGINT, SIGTERM and SIGHUP for good; all callers see the same interrupts. At the second one the process ends
    /// at once, and all its children with it.
    ///
    /// # Errors
    /// The system refuses.
    pub fn listen() -> io::Result<Self> {
        static LISTENING: Mutex<Option<Interrupts>> = Mutex::new(None);
        let mut listening = LISTENING.lock().unwrap_or_else(PoisonError::into_inner);
        let interrupts = match listening.take() {
            Some(interrupts) => interrupts,
            None => Self::start()?,
        };
        *listening = Some(interrupts.clone());
        Ok(interrupts)
    }

    fn start() -> io::Result<Self> {
        let (sender, first) = watch::channel(None);
        let (ready, is_ready) = std::sync::mpsc::channel();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let started = Watcher::start();
            match started {
                Ok((runtime, mut watcher)) => {
                    let _ = ready.send(Ok(()));
                    runtime.block_on(async move {
                        let interrupt = watcher.next().await;
                        let _ = sender.send(Some(interrupt));
                        end_at_once(watcher.next().await);
                    });
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            }
        })?;
        is_ready.recv().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))?;
        Ok(Self { first })
    }

    /// Waits for the first interrupt; returns at once where it was before.
    pub async fn first(&self) -> Interrupt {
        let mut first = self.first.clone();
        match first.wait_for(Option::is_some).await.ok().and_then(|interrupt| *interrupt) {
            Some(interrupt) => interrupt,
            None => std::future::pending().await,
        }
    }

    /// Returns the first interrupt, where there was one.
    #[must_use]
    pub fn seen(&self) -> Option<Interrupt> {
        *self.first.borrow()
    }
}

struct Watcher {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
}

impl Watcher {
    fn start() -> io::Result<(tokio::runtime::Runtime, Self)> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let context = runtime.enter();
        // Under nohup the end of the terminal is nobody's wish.
        let hangup = if is_ignored(libc::SIGHUP) { None } else { Some(signal(SignalKind::hangup())?) };
        let watcher =
            Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())?, hangup };
        drop(context);
        Ok((runtime, watcher))
    }

    async fn next(&mut self) -> Interrupt {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Interrupt::User,
            _ = self.terminate.recv() => Interrupt::System,
            _ = hangup => Interrupt::System,
        }
    }
}

fn end_at_once(interrupt: Interrupt) -> ! {
    stop_runs();
    terminal::give_back();
    guard::finish();
    #[expect(clippy::exit, clippy::disallowed_methods, reason = "the user insists, and the main thread may hang")]
    std::process::exit(interrupt.code().into())
}

/// Does blocking work (a build) until it is done or the user interrupts it; then what it runs is killed.
///
/// # Errors
/// It was interrupted.
pub fn interruptible<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Interrupt> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Ok(work()) };
    let Ok(interrupts) = Interrupts::listen() else { return Ok(work()) };
    let result = runtime.block_on(async {
        let work = tokio::task::spawn_blocking(work);
        tokio::select! {
            result = work => Ok(result),
            interrupt = interrupts.first() => Err(interrupt),
        }
    });
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(panicked)) => std::panic::resume_unwind(panicked.into_panic()),
        Err(interrupt) => {
            stop_runs();
            // Not waited for: what it was doing has just been killed.
            runtime.shutdown_background();
            Err(interrupt)
        }
    }
}

/// Whether this process ignores the signal, by itself or by inheritance.
pub(super) fn is_ignored(signal: i32) -> bool {
    // SAFETY: an all-zero `sigaction` is a valid value to be written over, and a null new action changes nothing.
    let action = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(signal, std::ptr::null(), &raw mut action) != 0 {
            return false;
        }
        action
    };
    action.sa_sigaction == libc::SIG_IGN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_nobody_interrupts_is_done() {
        assert_eq!(interruptible(|| 7), Ok(7));
    }
}
