//! `.hf` text → syntax tree. Says everything that is wrong with the syntax, not only the first thing.
//!
//! `scan` looks at brackets and lengths before anything recursive sees the text, so that no input can overflow the stack;
//! `tokens` lexes; `file` reads items and module headers. Module bodies stay tokens: the dataflow syntax is `graph`'s affair;
//! `written` only takes out of them what is no dataflow.

mod file;
mod scan;
mod tokens;
mod written;

pub(crate) use file::{parse, syntax};
pub(crate) use tokens::{span_of, start_of};
pub(crate) use written::{PortNames, written};
