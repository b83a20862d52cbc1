//! Scripts: programs in Python or JavaScript that describe, deploy, watch and drive deployments, through a protocol of JSON lines.
//!
//! [`run`] starts one beside its [`OpenSession`]; tests start theirs the same way. The packages in `sdk/` are thin clients. Knows nothing of
//! the command line.

mod claim;
mod connection;
mod error;
mod events;
mod faults;
mod healthy;
mod hooks;
mod host;
mod interpreter;
mod links;
mod live;
mod looks;
mod node;
mod open;
mod package;
mod port_client;
pub mod protocol;
mod python;
mod serve;
mod session;
mod stopwatch;
mod trace;
mod turns;
mod wishes;

pub use claim::is_running;
pub use error::CallError;
pub use hooks::hooks;
pub use host::{RunRequest, run};
pub use interpreter::{Interpreter, Interpreters, Language};
pub use node::Node;
pub use open::OpenSession;
pub use python::Python;
pub use serve::{ServeRequest, serve};
pub use session::{LastWords, Session, SessionOptions};

#[cfg(test)]
mod tests;
