//! Machines that are reached over ssh: whatever the user's own `ssh` reaches, by the same names and keys.
//!
//! A small program, the host, is brought there; it keeps members up, and everything is asked of it. [`SshMachine`] is the face of one machine; `session` is the
//! connection, `probe` what is found there, `reached` a machine of which no more than that is known, `upload` brings files, `wire` is one conversation with the host, `control` asks and `follow` listens over and
//! over again, whatever becomes of the connection; `keys` are for machines that are made by us. Knows neither links nor plans.

mod control;
mod follow;
mod forward;
mod keys;
mod machine;
mod probe;
mod reached;
mod session;
mod target;
mod unit;
mod upload;
mod wire;

pub use keys::{KeyPair, write_known_host};
pub use machine::{Deployed, Given, SshMachine};
pub use probe::Probe;
pub use reached::ReachedMachine;
pub use session::SshError;
pub use target::SshTarget;
pub(super) use unit::start;
pub use upload::Upload;
