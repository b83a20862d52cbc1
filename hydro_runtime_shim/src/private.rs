//! What generated code names, and nobody else: its shape may change with every release.

use std::marker::PhantomData;

pub use hydro_runtime_shim_macros::*;

pub use crate::bind::{BindError, Bindings, Param, Port, Program};
pub use crate::contract::{Addressing, Direction};
pub use crate::link::MemberId;
pub use crate::run::{repeatable, run, run_together};

/// Whether values of a type may be sent to another thread, for types that are known where it is asked: the constant of `Moves` counts where the
/// type allows it, and else that of [`Stays`].
#[derive(Debug)]
pub struct Moves<T>(PhantomData<T>);

impl<T: Send> Moves<T> {
    /// They may.
    pub const BETWEEN_THREADS: bool = true;
}

/// See [`Moves`].
pub trait Stays {
    /// They may not.
    const BETWEEN_THREADS: bool = false;
}

impl<T> Stays for Moves<T> {}

/// The dataflow runtime, with what the operator `demux_enum` needs of it in our own words.
pub mod dfir_rs {
    pub use ::dfir_rs::*;

    /// Operators that are more than adaptors of streams.
    pub mod compiled {
        pub use ::dfir_rs::compiled::*;

        /// Those that push.
        pub mod push {
            pub use crate::demux_enum::DemuxEnum;
        }
    }

    /// What operators are made with.
    pub mod util {
        pub use ::dfir_rs::util::*;

        /// What `#[derive(DemuxEnum)]` implements.
        pub mod demux_enum {
            pub use crate::demux_enum::{DemuxEnumBase, DemuxEnumPush, SingleVariant};
        }
    }
}
