//! Scripts: Python programs that describe, deploy, watch and drive deployments, through a protocol of JSON lines.
//!
//! [`run`] starts one beside its [`OpenSession`]; tests start theirs the same way. The Python package in `sdk/` is a thin client. Knows nothing of
//! the command line.

mod connection;
mod error;
mod host;
mod links;
mod live;
mod open;
mod port_client;
pub mod protocol;
mod python;
mod session;
mod stopwatch;
mod wishes;

pub use error::CallError;
pub use host::{RunRequest, run};
pub use open::OpenSession;
pub use python::Python;
pub use session::{LastWords, Session, SessionOptions};

#[cfg(test)]
mod tests;
