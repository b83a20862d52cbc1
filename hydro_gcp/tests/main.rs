//! The client's suites, in one binary: they share the emulator.

mod client;
mod credentials;
