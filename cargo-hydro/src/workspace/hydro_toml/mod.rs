//! `Hydro.toml`, exactly as written: text → tables with the place of every word, and what is wrong with them.
//!
//! Does not know what a deployment is, nor whether the files it names exist. Read [`HydroToml`] first.

mod bounds;
mod expose;
mod health;
mod hooks;
mod links;
mod machine;
mod raw;
mod read;
mod target;
mod upkeep;
mod value;
mod watch;

pub use expose::ListenAt;
pub use raw::{
    HydroToml, RawCheck, RawCloud, RawExposure, RawGroup, RawHealth, RawHooks, RawKind, RawLink, RawMachine, RawPort,
    RawProgram, RawService, RawSsh, RawUpkeep,
};
pub use read::read;
pub use target::RawTarget;
pub use upkeep::parse_duration;

/// The file's name, beside the root `Cargo.toml`.
pub const FILE_NAME: &str = "Hydro.toml";
