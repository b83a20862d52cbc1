//! `cargo hydro schema`: the JSON schemas of what the command prints and of `Hydro.toml`.
//!
//! They lie in `docs/schema` and are carried by the command. Those of outputs are derived from the types that are written; a test holds both together.

mod command;
#[cfg(test)]
mod derived;

pub(super) use command::{Args, run};
