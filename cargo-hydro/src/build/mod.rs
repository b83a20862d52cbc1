//! `.hf` files → built programs: generated crates, one cargo call, artifacts named by content.
//!
//! `program` finds and compiles `.hf` files; `crates` lays out one generated crate per package; `runtime` provides the shim; `target` is what they are built for,
//! `toolchain` how; `batch` builds what is stale, `cargo_call` runs cargo, `describe` asks what came of it; `positions` shows rustc's words at `.hf` positions, `machinery` takes ours out of them, `retell` and `retold` put them in the user's words, `echo` tells them once; `record` knows when nothing changed. Read [`build`] first. Knows nothing of deployments.

mod artifact;
mod batch;
mod cargo_call;
mod crates;
mod describe;
mod echo;
mod elf;
mod host_program;
mod library;
mod machinery;
mod manifest;
mod plain_crate;
mod positions;
mod program;
mod record;
mod retell;
mod retold;
mod runtime;
mod target;
pub mod toolchain;
pub mod wrapper;

pub use artifact::{Artifact, BuildOptions, Sources, build, build_binaries, check, check_text};
pub use host_program::{HostProgram, host_program, host_program_for};
pub use plain_crate::{PlainCrate, plain_crate};
pub use program::{
    Program, SOURCES, Shown, find_programs, inputs, interface, is_program, package_name, picture, read_program, show,
};
pub use target::{Builder, Glibc, Target, Wishes};
