//! `.hf` files → built programs: generated crates, one cargo call, artifacts named by content.
//!
//! Read [`build`] first. Knows nothing of deployments.

mod artifact;

pub use artifact::{Artifact, BuildOptions, build, interface};
