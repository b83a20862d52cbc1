//! Which of the ways to build for a target this machine has, and which is taken.
//!
//! `probe` looks what is there, `choose` decides (pure), `runner` finds what runs the result here. Knows nothing of programs.

mod choose;
mod probe;
mod runner;

pub use choose::{Facts, Toolchain};
pub use probe::{
    Compiler, Cross, Linker, Missing, Remedy, Zig, compilers, cross, facts, host, linker, remedies, toolchain, zig,
};
pub(super) use runner::{Way, ways};
