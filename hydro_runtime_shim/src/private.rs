//! What generated code names, and nobody else: its shape may change with every release.

pub use hydro_runtime_shim_macros::*;

pub use crate::bind::{BindError, Bindings, Param, Port, Program};
pub use crate::contract::{Addressing, Direction};
pub use crate::link::MemberId;
pub use crate::run::{repeatable, run};

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
