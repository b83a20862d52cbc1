//! Records of builds: which inputs made which artifact, so that nothing is done when nothing changed.
//!
//! What counts as input is what cargo itself lists for the binary, the manifests, the lock, cargo's configuration, and the flags.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use hydro_runtime_shim::contract::ProgramDescription;
use serde::{Deserialize, Serialize};

use super::artifact::{Artifact, BuildOptions, Sources};
use super::crates;
use super::target::{Glibc, Target};
use crate::sys;
use crate::workspace::Workspace;
use crate::workspace::stamp::Stamps;

#[derive(Serialize, Deserialize)]
struct Record {
    version: String,
    flags: String,
    inputs: Stamps,
    executable: PathBuf,
    hash: String,
    #[serde(default)]
    target: Option<Target>,
    #[serde(default)]
    glibc: Option<Glibc>,
    descriptions: Vec<ProgramDescription>,
}

/// Returns the artifacts of an earlier build of these programs, where all that went into their binary is what it was.
pub(super) fn fresh(workspace: &Workspace, sources: &Sources, options: &BuildOptions) -> Option<Vec<Artifact>> {
    let text = std::fs::read_to_string(place(workspace, sources, options)).ok()?;
    let record: Record = serde_json::from_str(&text).ok()?;
    let same = record.version == env!("CARGO_PKG_VERSION") && record.flags == flags(workspace, options);
    let programs = &sources.programs;
    let whole = record.descriptions.len() == programs.len() && record.executable.is_file();
    if !same || !whole || !record.inputs.hold() {
        return None;
    }
    let Record { executable, hash, target, glibc, descriptions, .. } = record;
    let artifact = |(program, description): (&PathBuf, ProgramDescription)| Artifact {
        source: program.clone(),
        executable: executable.clone(),
        hash: hash.clone(),
        target: target.clone(),
        glibc,
        description,
    };
    Some(programs.iter().zip(descriptions).map(artifact).collect())
}

/// Returns the files of which good builds of these programs were made, whether that is long ago or not, and whichever binaries they went into. What
/// builds themselves write is left out.
pub(super) fn inputs(workspace: &Workspace, programs: &[PathBuf]) -> BTreeSet<PathBuf> {
    let programs: Vec<PathBuf> =
        programs.iter().map(|program| program.canonicalize().unwrap_or_else(|_| program.clone())).collect();
    let records = std::fs::read_dir(folder(workspace)).into_iter().flatten().flatten();
    let records =
        records.filter_map(|entry| serde_json::from_str::<Record>(&std::fs::read_to_string(entry.path()).ok()?).ok());
    let ours = records.filter(|record| programs.iter().any(|program| record.inputs.knows(program)));
    let mut found: BTreeSet<PathBuf> = ours.flat_map(|record| record.inputs.into_paths()).collect();
    found.retain(|path| !path.starts_with(workspace.target()));
    found
}

/// Records a build of one binary. `files` are the `.hf` files of its programs, which were read after `read`, `dep_info` is the file in which cargo lists what went
/// into the binary. A build whose `.hf` files were written meanwhile is not recorded: it may have seen the old text.
pub(super) fn write(
    workspace: &Workspace,
    (sources, artifacts): (&Sources, &[Artifact]),
    (files, read): (Vec<PathBuf>, SystemTime),
    dep_info: &Path,
    options: &BuildOptions,
) {
    let Some(artifact) = artifacts.first() else { return };
    if Stamps::take(files.clone()).any_since(read) {
        return;
    }
    let generated = crates::root(workspace);
    let mut inputs: Vec<PathBuf> =
        dep_info_paths(dep_info).into_iter().filter(|path| !path.starts_with(&generated)).collect();
    inputs.extend(files);
    inputs.extend(workspace.packages().iter().map(|package| package.folder.join("Cargo.toml")));
    inputs.extend(["Cargo.toml", "Cargo.lock"].map(|name| workspace.root().join(name)));
    for folder in workspace.root().ancestors() {
        inputs.extend(
            [".cargo/config.toml", ".cargo/config", "rust-toolchain.toml", "rust-toolchain"]
                .map(|name| folder.join(name)),
        );
    }
    let record = Record {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        flags: flags(workspace, options),
        inputs: Stamps::take(inputs),
        executable: artifact.executable.clone(),
        hash: artifact.hash.clone(),
        target: artifact.target.clone(),
        glibc: artifact.glibc,
        descriptions: artifacts.iter().map(|artifact| artifact.description.clone()).collect(),
    };
    let place = place(workspace, sources, options);
    if let (Ok(text), Some(folder)) = (serde_json::to_string(&record), place.parent()) {
        // Without the record the next build only asks cargo again.
        let _ = std::fs::create_dir_all(folder).and_then(|()| sys::fs::write_atomic(&place, text.as_bytes()));
    }
}

fn place(workspace: &Workspace, sources: &Sources, options: &BuildOptions) -> PathBuf {
    let key = format!("{sources:?} {:?} {}", options.profile, options.tls);
    let name = blake3::hash(key.as_bytes()).to_hex();
    folder(workspace).join(format!("{}.json", &name[..24]))
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target().join("hydro").join("records")
}

/// Everything outside the files that changes what a build makes.
fn flags(workspace: &Workspace, options: &BuildOptions) -> String {
    let environment = sys::env::beginning_with(&[
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_",
        "CARGO_PROFILE_",
        "CARGO_TARGET_",
        "RUSTC",
        "RUSTUP_TOOLCHAIN",
        "CARGO_NET_",
        "CARGO_ZIGBUILD_",
        "CROSS_",
    ]);
    let command = std::env::current_exe().ok().map(|path| Stamps::take([path]));
    let command = serde_json::to_string(&command).unwrap_or_default();
    let flags = workspace.flags();
    blake3::hash(format!("{options:?} {:?} {:?} {environment:?} {command}", flags.features(), flags.config).as_bytes())
        .to_hex()
        .to_string()
}

/// Reads make's syntax, as rustc writes it: `target: path path\ with\ space …`.
fn dep_info_paths(dep_info: &Path) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(dep_info).unwrap_or_default();
    let Some((_, list)) = text.lines().next().and_then(|line| line.split_once(": ")) else { return Vec::new() };
    let spaced = list.replace("\\ ", "\0");
    spaced.split(' ').filter(|path| !path.is_empty()).map(|path| PathBuf::from(path.replace('\0', " "))).collect()
}
