//! The exit codes of the command, documented in the README and tested.

use serde::{Deserialize, Serialize};

use crate::sys::signal::Interrupt;

/// Why the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum ExitCode {
    /// All went well.
    Ok = 0,
    /// Wrong arguments, or the user's script failed.
    Usage = 1,
    /// A plan would change something.
    Changes = 2,
    /// Nothing matched: no program, no test.
    NothingMatched = 4,
    /// `Hydro.toml` is wrong.
    Config = 96,
    /// A test failed.
    TestsFailed = 100,
    /// A program does not compile (cargo's own code for this).
    BuildFailed = 101,
    /// `cargo metadata` failed, or there is no cargo package here.
    Metadata = 102,
    /// A deployment could not be brought up, or one of its services failed.
    DeployFailed = 110,
    /// Interrupted by Ctrl-C.
    Interrupted = 130,
    /// Ended by SIGTERM.
    Terminated = 143,
}

impl From<Interrupt> for ExitCode {
    fn from(interrupt: Interrupt) -> Self {
        match interrupt {
            Interrupt::User => Self::Interrupted,
            Interrupt::System => Self::Terminated,
        }
    }
}
