//! What a program has of the process it runs in: all of it, or one thread of several.
//!
//! A program does not know which; its `main` is the same. Who runs several programs gives each thread its own seat first.

use std::cell::RefCell;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use super::stop::StopSignal;
use crate::bind::{self, BindError, Configuration, Environment};
use crate::transport::Inherited;

/// See the module.
pub(super) struct Seat {
    /// Its arguments and variables.
    pub(super) environment: Environment,
    shared: Option<Shared>,
}

/// What a thread of several has instead of the process's own.
struct Shared {
    name: String,
    inherited: Arc<Mutex<Vec<Inherited>>>,
    stop: StopSignal,
}

thread_local! {
    static SEAT: RefCell<Option<Seat>> = const { RefCell::new(None) };
}

impl Seat {
    /// Makes the seat of one program of several, which is told to stop by `stop`. `inherited` are the listening sockets of all of them.
    pub(super) fn shared(
        name: String,
        environment: Environment,
        inherited: Arc<Mutex<Vec<Inherited>>>,
        stop: StopSignal,
    ) -> Self {
        Self { environment, shared: Some(Shared { name, inherited, stop }) }
    }

    /// Gives it to the program that this thread runs next.
    pub(super) fn give(self) {
        SEAT.set(Some(self));
    }

    /// Takes the one that this thread was given, or the whole process.
    pub(super) fn take() -> Self {
        SEAT.take().unwrap_or_else(|| Self { environment: Environment::of_process(), shared: None })
    }

    /// Returns its name, where the process has several.
    pub(super) fn name(&self) -> Option<&str> {
        self.shared.as_ref().map(|shared| shared.name.as_str())
    }

    /// Takes the listening sockets that are meant for the program.
    ///
    /// # Errors
    /// The process was not given what it was told of.
    pub(super) fn inherited(&self, configuration: &Configuration) -> Result<Vec<Inherited>, BindError> {
        let Some(shared) = &self.shared else { return bind::take_inherited(&self.environment) };
        let mut all = shared.inherited.lock().unwrap_or_else(PoisonError::into_inner);
        let endpoints = || configuration.ports.iter().flat_map(|binding| &binding.endpoints);
        Ok(all.extract_if(.., |socket| endpoints().any(|endpoint| socket.serves(&endpoint.transport))).collect())
    }

    /// Returns what tells the program to stop. To be called outside of any runtime.
    ///
    /// # Errors
    /// The system gives no thread or no signals.
    pub(super) fn stop(&mut self) -> Result<StopSignal, BindError> {
        match &self.shared {
            Some(shared) => Ok(shared.stop.clone()),
            None => StopSignal::install(),
        }
    }

    /// Ends what was started wrongly: with the exit code, or at once where other programs run in the process.
    pub(super) fn fail(&self, code: u8) -> ExitCode {
        if self.shared.is_none() {
            return ExitCode::from(code);
        }
        #[expect(clippy::disallowed_methods, reason = "the other threads run programs that do not end")]
        std::process::exit(code.into());
    }
}
