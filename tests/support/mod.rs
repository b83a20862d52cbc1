//! What the suites stand on: workspaces on disk, the command with deadlines, processes that are watched, texts that are compared.
//!
//! `place` says where things are, `workspace` lays files down, `hydro` runs the command to its end, `running` watches a process that goes on, `terminal` one at which a user sits,
//! `processes` looks for what is left behind, `programs` builds the programs that several suites share, `redact` and `golden` compare texts, `tools` tells what the system lacks, `kinds` on which kinds of machines tests ran.

mod dice;
mod golden;
mod hydro;
mod kinds;
mod place;
mod processes;
mod programs;
mod redact;
mod running;
mod terminal;
mod tools;
mod workspace;

pub(crate) use dice::Dice;
pub(crate) use golden::assert_golden;
pub(crate) use hydro::{Hydro, Output, command};
pub(crate) use kinds::{covers, misses};
pub(crate) use place::{
    is_there, node_is_there, not_covered, own_address, program, repository, scratch, shared_target,
};
pub(crate) use processes::{Mark, eventually};
pub(crate) use programs::{Deployed, programs};
pub(crate) use redact::redact;
pub(crate) use running::Running;
pub(crate) use terminal::Terminal;
pub(crate) use tools::has_all;
pub(crate) use workspace::Workspace;
