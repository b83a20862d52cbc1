//! Syntax tree → what names mean: which ports are addressed, which names clash, which module is the program.
//!
//! Knows nothing of dataflow; types are looked at only as far as their shape tells the routing.

mod addressing;
mod header;

pub(crate) use header::{Resolved, ResolvedModule, ResolvedParam, ResolvedPort, program, resolve};
