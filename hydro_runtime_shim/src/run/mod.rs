//! A program's life: requests for information, start, run loop, the way out.
//!
//! Knows the dataflow only as something that runs ticks. Read [`run`] first.

mod attach;
mod drain;
mod launch;
mod spin;
mod stop;
mod tick;
mod woken;

pub use launch::run;
pub use tick::repeatable;

use attach::{Attached, attach};

#[cfg(test)]
pub(crate) mod tests;
