//! What the benchmarks share: how processes are started and timed, and how figures are shown.
//!
//! - [`flags`]: the command line;
//! - [`hydro`]: where the command under test comes from;
//! - [`process`]: children with a processor of their own, and what a finished tree of processes used;
//! - [`figures`]: medians and tables.
//!
//! Knows neither links nor builds; each of them is a binary.

pub mod figures;
pub mod flags;
pub mod hydro;
pub mod process;
