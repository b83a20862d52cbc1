//! A program's life: requests for information, start, run loop, the way out.
//!
//! Knows the dataflow only as something that runs ticks. Read [`run`] first.

mod attach;
mod drain;
mod launch;
mod seat;
mod spin;
mod stop;
mod tick;
mod together;
mod woken;

pub use launch::run;
pub use tick::repeatable;
pub use together::run_together;

use attach::{Attached, attach};

#[cfg(test)]
pub(crate) mod tests;
