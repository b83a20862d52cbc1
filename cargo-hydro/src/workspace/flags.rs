//! Cargo's flags, with cargo's names and meaning, as they were given to us.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::sys;

/// Flags that are handed to every inner cargo call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CargoFlags {
    /// `--manifest-path`
    pub manifest_path: Option<PathBuf>,
    /// `--target-dir`
    pub target_dir: Option<PathBuf>,
    /// `--offline`
    pub offline: bool,
    /// `--locked`
    pub locked: bool,
    /// `--frozen`
    pub frozen: bool,
    /// `--config`, each
    pub config: Vec<String>,
    /// `--features`, each
    pub features: Vec<String>,
    /// `--all-features`
    pub all_features: bool,
    /// `--no-default-features`
    pub no_default_features: bool,
}

impl CargoFlags {
    /// Returns the arguments that say where things may come from; every cargo call gets them.
    #[must_use]
    pub fn sources(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        for (given, flag) in [(self.offline, "--offline"), (self.frozen, "--frozen"), (self.locked, "--locked")] {
            if given {
                arguments.push(flag.to_owned());
            }
        }
        for config in &self.config {
            arguments.extend(["--config".to_owned(), config.clone()]);
        }
        arguments
    }

    /// Returns the arguments that choose features.
    #[must_use]
    pub fn features(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        for features in &self.features {
            arguments.extend(["--features".to_owned(), features.clone()]);
        }
        for (given, flag) in
            [(self.all_features, "--all-features"), (self.no_default_features, "--no-default-features")]
        {
            if given {
                arguments.push(flag.to_owned());
            }
        }
        arguments
    }
}

/// Returns the cargo to call. Cargo names itself in `CARGO` when it starts us; that saves the way through rustup's proxy.
#[must_use]
pub fn cargo_program() -> PathBuf {
    sys::env::path("CARGO").unwrap_or_else(|| PathBuf::from("cargo"))
}
