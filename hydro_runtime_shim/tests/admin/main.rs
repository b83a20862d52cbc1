//! The admin socket of real programs, as its callers meet it: lines of JSON, HTTP, and what faults do to links.
#![expect(clippy::disallowed_methods, reason = "a built program is a process")]

mod chain;
mod faults;
mod links;
mod questions;
mod socket;
mod support;
