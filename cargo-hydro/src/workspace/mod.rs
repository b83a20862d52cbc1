//! The user's workspace: where it is, its cargo packages, its `Hydro.toml`.
//!
//! Reads and checks; builds and deploys nothing.

mod cargo;
pub mod hydro_toml;

pub use cargo::{CargoFlags, Workspace};
