//! The whole-system suites: the real command, real programs, real processes and sockets.
//!
//! One binary, since linking is the scarce thing. They know nothing of how the crates are built inside; all they use is what a user has.

mod cli;
mod cloud;
mod conformance;
mod docs;
mod e2e;
mod lab;
mod modules;
mod sdk;
mod support;
mod tidy;
mod ui;
