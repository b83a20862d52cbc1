//! What every generated Hydroflow program is linked with.

pub mod contract;
