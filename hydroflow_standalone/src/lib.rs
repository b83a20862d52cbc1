//! Standalone Hydroflow: `.hf` text → syntax tree → dataflow graph → Rust crate text, as pure functions.
//!
//! Nothing here reads files, the environment or the clock, and nothing spawns processes; but [`build`], for build scripts, does the first two. The modules in the order the data goes:
//! [`source`] and [`diagnostic`] (text and what to say of it), `parse` (text → [`ast`]), `resolve` (names and port kinds),
//! [`interface`] (what a deployer may know), [`graph`] (the only user of the dataflow compiler), [`emit`] (Rust text).
//! For people: [`draw`] (a dataflow as SVG), [`document`] (modules as HTML), [`explanations`] (what each code means). For programs: [`standard`] (modules that many need). Read [`compile`] first.

pub mod ast;
mod build_script;
mod compile;
pub mod diagnostic;
pub mod document;
pub mod draw;
pub mod emit;
pub mod explanations;
pub mod graph;
pub mod interface;
mod outline;
mod parse;
mod resolve;
pub mod source;
pub mod standard;

pub use build_script::build;
pub use compile::{Compilation, Options, Outcome, Products, compile, compile_with, drawings, interfaces};
pub use resolve::{Library, NoLibrary};
