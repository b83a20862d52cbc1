//! `cargo hydro test`: finds `tests/*.hydro.py` and `tests/*.hydro.mjs`, and runs each test function in a process, a session and a deployment of its own.
//!
//! Knows scripts and their sessions (`script`), not how they are built inside. Read [`run`] first.

mod case;
mod discover;
mod output;
mod run;
mod select;

pub use run::{TestRequest, run};
pub use select::Filter;

#[cfg(test)]
mod tests;
