//! The operating system: processes that never outlive us, signals, private files, the terminal. The only room that spawns.
//!
//! Knows nothing of services or deployments. Read [`Launch`] first, then [`guard`].

mod changes;
mod detach;
pub mod env;
pub mod fs;
pub mod guard;
mod identity;
mod open;
mod process;
mod replace;
mod run;
pub mod signal;
mod terminal;

pub use changes::FileChanges;
pub use detach::{say_ready, start_detached};
pub use identity::{random_text, who};
pub use open::open;
pub use process::{Exit, LISTENER_FD, Launch, Process, SpawnError, Stdio, Stop};
pub use replace::{become_program, become_program_in};
pub use run::{Stream, run, stop_runs};
pub use terminal::Keyboard;
