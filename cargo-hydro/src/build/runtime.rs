//! The runtime shim's source, carried by this command: programs are built with the very shim their generated code was made for.
//!
//! A package that names `hydro_runtime_shim` among its dependencies gets the one it names, of the same version.

use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;
use toml::{Table, Value};

use super::manifest::SHIM;
use crate::report::{ExitCode, Failure};
use crate::sys;
use crate::workspace::Package;

#[derive(RustEmbed)]
#[folder = "runtime"]
#[include = "Cargo.toml"]
#[include = "src/*"]
#[include = "macros/Cargo.toml"]
#[include = "macros/src/*"]
struct Source;

/// The workspace manifest whose versions and lints the shim inherits.
const WORKSPACE_MANIFEST: &str = include_str!("../../workspace.toml");

/// Writes the shim's source below `target`, named by its content, and returns its folder.
pub(super) fn provide(target: &Path) -> Result<PathBuf, Failure> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(WORKSPACE_MANIFEST.as_bytes());
    for name in Source::iter() {
        hasher.update(name.as_bytes());
        hasher.update(&Source::get(&name).map(|file| file.data).unwrap_or_default());
    }
    let folder = target.join("hydro").join(format!("runtime-{}", &hasher.finalize().to_hex()[..16]));
    let shim = folder.join(SHIM);
    if !folder.join("Cargo.toml").is_file() {
        write(&folder, &shim).map_err(|error| {
            Failure::new(ExitCode::BuildFailed, format!("cannot write the runtime shim to `{}`", folder.display())).cause(error)
        })?;
    }
    Ok(shim)
}

/// The root manifest comes last: where it is, everything is.
fn write(folder: &Path, shim: &Path) -> std::io::Result<()> {
    for name in Source::iter() {
        let path = shim.join(&*name);
        std::fs::create_dir_all(path.parent().unwrap_or(shim))?;
        sys::fs::write_atomic(&path, &Source::get(&name).map(|file| file.data).unwrap_or_default())?;
    }
    let mut manifest: Table = toml::from_str(WORKSPACE_MANIFEST).map_err(std::io::Error::other)?;
    if let Some(workspace) = manifest.get_mut("workspace").and_then(Value::as_table_mut) {
        workspace.insert("members".into(), Value::Array(vec![SHIM.into(), format!("{SHIM}/macros").into()]));
        workspace.remove("exclude");
    }
    sys::fs::write_atomic(&folder.join("Cargo.toml"), manifest.to_string().as_bytes())
}

/// A package that names the shim itself must name the version that this command generates code for.
pub(super) fn check_version(package: &Package) -> Result<(), Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let named = package.dependencies.iter().find(|dependency| dependency.package == SHIM);
    let accepts = |requirement: &str| {
        let requirement = cargo_metadata::semver::VersionReq::parse(requirement).ok();
        let version = cargo_metadata::semver::Version::parse(version).ok();
        requirement.zip(version).is_some_and(|(requirement, version)| requirement.matches(&version))
    };
    match named {
        Some(dependency) if !accepts(&dependency.requirement) => Err(Failure::new(
            ExitCode::BuildFailed,
            format!("package `{}` depends on {SHIM} {}, but this is cargo hydro {version}", package.name, dependency.requirement),
        )
        .hint(format!("write `{SHIM} = \"{version}\"` in its Cargo.toml, or remove the line: programs get the shim by themselves"))),
        _ => Ok(()),
    }
}
