//! The user's workspace: where it is, its cargo packages, its `Hydro.toml`.
//!
//! Reads and checks; builds and deploys nothing. Read [`Workspace`] first.

pub mod bounds;
mod cargo;
mod cargo_config;
mod flags;
pub mod hydro_toml;
mod pattern;
mod remembered;
pub mod stamp;

pub use cargo::{Dependency, DependencySource, Package, Workspace};
pub use cargo_config::CargoConfig;
pub use flags::{CargoFlags, cargo_program};
pub use pattern::Pattern;
