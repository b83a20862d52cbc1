//! `cargo hydro doctor`: what this machine has of what building, running and deploying take, and the command that gets what is missing.
//!
//! `checks` looks, `report` is what it finds, `command` shows it. Mends nothing by itself.

mod checks;
mod command;
mod report;
mod system;

pub(super) use command::{Args, run};
#[cfg(test)]
pub(super) use report::Report;
