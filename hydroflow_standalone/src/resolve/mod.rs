//! Syntax trees → what names mean: which files there are, what their imports mean, which ports are addressed, which names clash, which module is the program.
//!
//! Knows nothing of dataflow; types are looked at only as far as their shape tells the routing.

mod addressing;
mod files;
mod header;
mod imports;

pub use files::{Library, NoLibrary};
pub(crate) use files::{Resolved, ResolvedFile, load};
pub(crate) use header::{ResolvedModule, ResolvedParam, ResolvedPort, program};
