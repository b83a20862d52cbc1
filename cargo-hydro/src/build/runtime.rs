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
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
    for name in Source::iter() {
        hasher.update(name.as_bytes());
        hasher.update(&Source::get(&name).map(|file| file.data).unwrap_or_default());
    }
    let folder = target.join("hydro").join(format!("runtime-{}", &hasher.finalize().to_hex()[..16]));
    let shim = folder.join(SHIM);
    if !shim.join("Cargo.toml").is_file() {
        write(&shim).map_err(|error| {
            Failure::new(ExitCode::BuildFailed, format!("cannot write the runtime shim to `{}`", folder.display()))
                .cause(error)
        })?;
    }
    Ok(shim)
}

/// The shim's own manifest comes last: where it is, everything is.
fn write(shim: &Path) -> std::io::Result<()> {
    let mut names: Vec<_> = Source::iter().collect();
    names.sort_by_key(|name| *name == "Cargo.toml");
    for name in names {
        let path = shim.join(&*name);
        let content = Source::get(&name).map(|file| file.data).unwrap_or_default();
        std::fs::create_dir_all(path.parent().unwrap_or(shim))?;
        if name.ends_with("Cargo.toml") {
            let manifest = standalone(&String::from_utf8_lossy(&content)).map_err(std::io::Error::other)?;
            sys::fs::write_atomic(&path, manifest.as_bytes())?;
        } else {
            sys::fs::write_atomic(&path, &content)?;
        }
    }
    Ok(())
}

/// Writes out what a manifest inherits. Cargo looks for the workspace of a package among those it has loaded first, and the user's, which lies
/// above the target folder, would be taken for the one to inherit from.
pub(super) fn standalone(manifest: &str) -> Result<String, toml::de::Error> {
    let mut manifest: Table = toml::from_str(manifest)?;
    let root: Table = toml::from_str(WORKSPACE_MANIFEST)?;
    let shared = |key: &str| {
        root.get("workspace")
            .and_then(|workspace| workspace.get(key))
            .and_then(Value::as_table)
            .cloned()
            .unwrap_or_default()
    };
    inherit(manifest.get_mut("package"), &shared("package"));
    inherit(manifest.get_mut("dependencies"), &shared("dependencies"));
    for useless in ["lints", "dev-dependencies"] {
        manifest.remove(useless);
    }
    if let Some(macros) = manifest
        .get_mut("dependencies")
        .and_then(|list| list.get_mut(format!("{SHIM}_macros")))
        .and_then(Value::as_table_mut)
    {
        macros.insert("path".into(), "macros".into());
    }
    manifest.insert("workspace".into(), Value::Table(Table::new()));
    Ok(manifest.to_string())
}

fn inherit(table: Option<&mut Value>, shared: &Table) {
    for (name, entry) in table.and_then(Value::as_table_mut).into_iter().flatten() {
        let inherits = entry.get("workspace").and_then(Value::as_bool) == Some(true);
        let Some(inherited) = shared.get(name).filter(|_| inherits) else { continue };
        let mut whole = match inherited {
            Value::String(version) if entry.as_table().is_some_and(|own| own.len() > 1) => {
                Value::Table(Table::from_iter([("version".to_owned(), Value::String(version.clone()))]))
            }
            other => other.clone(),
        };
        // What the package adds goes on top; of features both count.
        if let (Some(whole), Some(own)) = (whole.as_table_mut(), entry.as_table()) {
            for (key, value) in own.iter().filter(|(key, _)| *key != "workspace") {
                match (whole.get_mut(key).and_then(Value::as_array_mut), value.as_array()) {
                    (Some(features), Some(more)) => features.extend(more.iter().cloned()),
                    _ => {
                        whole.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        *entry = whole;
    }
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
            format!(
                "package `{}` depends on {SHIM} {}, but this is cargo hydro {version}",
                package.name, dependency.requirement
            ),
        )
        .hint(format!(
            "write `{SHIM} = \"{version}\"` in its Cargo.toml, or remove the line: programs get the shim by themselves"
        ))),
        _ => Ok(()),
    }
}
