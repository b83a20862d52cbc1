//! From command line and environment to bindings: everything outside comes into a program here, and every mistake in it is told here.
//!
//! Knows no bytes on the wire. Read [`Program`] (what generated code states), then [`Configuration`] (what the environment says of it),
//! then [`Bindings`] (what generated code gets).

mod arguments;
mod bindings;
mod configuration;
mod credentials;
mod describe;
mod environment;
mod error;
mod help;
mod inherited;
mod program;

pub use bindings::Bindings;
pub use error::BindError;
pub use program::{Param, Port, Program};

pub(crate) use arguments::{Request, asks, nearest, read_arguments};
pub(crate) use configuration::{Configuration, PortBinding};
pub(crate) use describe::describe;
pub(crate) use environment::Environment;
pub(crate) use help::{help, version};
pub(crate) use inherited::take_inherited;
