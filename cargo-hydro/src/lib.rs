//! `cargo hydro`: build, deploy and test standalone Hydroflow programs.
//!
//! The rooms, left may use right: [`cli`] → [`test`] → [`script`] → [`daemon`] → [`deploy`] → [`machine`] → [`build`] → [`workspace`] → [`supervision`] → [`report`] → [`sys`].
//! Only [`report`] prints, only [`sys`] spawns processes, only [`main`] exits.

pub mod build;
pub mod cli;
pub mod daemon;
pub mod deploy;
pub mod machine;
pub mod report;
pub mod script;
pub mod supervision;
pub mod sys;
pub mod test;
pub mod workspace;

pub use cli::main;
