//! Remembers what cargo told of a workspace, so that the next command need not ask while the manifests are what they were.
//!
//! Lives in the user's cache folder; losing it costs one call of cargo. Never an error.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::cargo::Facts;
use super::flags::CargoFlags;
use super::stamp::Stamps;
use crate::sys;

#[derive(Serialize, Deserialize)]
struct Remembered {
    version: String,
    facts: Facts,
    stamps: Stamps,
}

/// Returns what is remembered and still true.
pub(super) fn recall(manifest: &Path, flags: &CargoFlags) -> Option<Facts> {
    let text = std::fs::read_to_string(place(manifest, flags)?).ok()?;
    let remembered: Remembered = serde_json::from_str(&text).ok()?;
    (remembered.version == env!("CARGO_PKG_VERSION") && remembered.stamps.hold()).then_some(remembered.facts)
}

/// Remembers for the next time.
pub(super) fn remember(manifest: &Path, flags: &CargoFlags, facts: &Facts) {
    let Some(place) = place(manifest, flags) else { return };
    let mut sources = facts.sources();
    // Cargo's own configuration may move the target folder.
    sources.extend(
        manifest
            .ancestors()
            .skip(1)
            .flat_map(|folder| [folder.join(".cargo/config.toml"), folder.join(".cargo/config")]),
    );
    let remembered = Remembered {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        facts: facts.clone(),
        stamps: Stamps::take(sources),
    };
    if let (Some(folder), Ok(text)) = (place.parent(), serde_json::to_string(&remembered)) {
        // A cache that cannot be written is no cache; nothing else depends on it.
        let _ = std::fs::create_dir_all(folder).and_then(|()| sys::fs::write_atomic(&place, text.as_bytes()));
    }
}

fn place(manifest: &Path, flags: &CargoFlags) -> Option<PathBuf> {
    let cache = sys::env::path("XDG_CACHE_HOME").or_else(|| Some(sys::env::path("HOME")?.join(".cache")))?;
    let environment = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "CARGO_HOME"].map(sys::env::path);
    let key = format!("{manifest:?} {:?} {:?} {environment:?}", flags.target_dir, flags.config);
    let name = blake3::hash(key.as_bytes()).to_hex();
    Some(cache.join("cargo-hydro").join("workspaces").join(format!("{}.json", &name[..32])))
}
