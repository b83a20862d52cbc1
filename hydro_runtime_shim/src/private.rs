//! What generated code names, and nobody else: its shape may change with every release.

pub use dfir_rs;
pub use hydro_runtime_shim_macros::*;

pub use crate::bind::{BindError, Bindings, Param, Port, Program};
pub use crate::contract::{Addressing, Direction};
pub use crate::link::MemberId;
pub use crate::run::{repeatable, run};
