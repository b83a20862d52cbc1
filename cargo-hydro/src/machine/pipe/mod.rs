//! A process's standard input and output as ports: lines of JSON between its pipes and programs of the deployment.
//!
//! Speaks the link protocol (docs/wire-protocol.md), so that what was not handed over yet survives a restart of either end. Knows neither deployments nor
//! processes: it is given pipes, one pair per start. Read [`Pipes`] first.

mod feed;
mod outbox;
mod pipes;
mod send;
mod take;
mod wire;

pub use pipes::{Identity, Output, Pipes, Target, Wires};
