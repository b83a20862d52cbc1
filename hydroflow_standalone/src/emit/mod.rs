//! Compiled modules → Rust crate text.
//!
//! `module` makes the Rust function of a module; `plain` prints a whole program as ordinary Rust for people and for crates without our macro;
//! `layered` keeps the `.hf` text in its own layout and an `expansion` beside it, so that rustc knows every `.hf` position.

mod embedded;
mod expansion;
mod layered;
mod module;
mod plain;

pub(crate) use embedded::embedded;
pub(crate) use layered::{Function, layered};
pub use layered::{Layered, LayeredFile};
pub(crate) use module::{main_function, module_function};
pub(crate) use plain::{plain, recursion_limit};
