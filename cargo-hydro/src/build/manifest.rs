//! Generated manifests: the user's dependencies, profiles and patches, word for word in meaning.

use std::path::Path;

use toml::{Table, Value};

use crate::workspace::{Dependency, DependencySource, Package};

/// The dependency every program has.
pub(super) const SHIM: &str = "hydro_runtime_shim";

/// Returns the name of the generated package for one of the user's.
pub(super) fn package_name(package: &Package) -> String {
    format!("{}-hydro", package.name)
}

/// Returns the manifest of a generated package. `others` are packages whose `.hf` files it uses, `programs` are pairs of binary name and path; `shim` is where the runtime shim is, and whether it
/// must speak TLS; a package may ask for that as well.
pub(super) fn package_manifest(
    package: &Package,
    others: &[Package],
    programs: &[(String, String)],
    (shim, tls): (&Path, bool),
) -> Table {
    let mut manifest = Table::new();
    manifest.insert(
        "package".into(),
        Value::Table(table([
            ("name", package_name(package).into()),
            ("version", package.version.clone().into()),
            ("edition", package.edition.clone().into()),
            ("publish", false.into()),
            ("autobins", false.into()),
            ("autotests", false.into()),
            ("autoexamples", false.into()),
            ("autobenches", false.into()),
            ("build", false.into()),
        ])),
    );
    let bins = programs
        .iter()
        .map(|(name, path)| Value::Table(table([("name", name.clone().into()), ("path", path.clone().into())])));
    manifest.insert("bin".into(), Value::Array(bins.collect()));
    // What the package itself says of a dependency counts before what others say.
    for package in others {
        dependencies(package, &mut manifest);
    }
    dependencies(package, &mut manifest);
    shim_dependency(shim, tls || package.tls, &mut manifest);
    let features = features(package);
    manifest.insert("features".into(), Value::Table(features));
    manifest
}

fn dependencies(package: &Package, manifest: &mut Table) {
    let taken = |manifest: &mut Table, key: &str| match manifest.remove(key) {
        Some(Value::Table(table)) => table,
        _ => Table::new(),
    };
    let mut everywhere = taken(manifest, "dependencies");
    let mut platforms = taken(manifest, "target");
    for dependency in &package.dependencies {
        let name = dependency.rename.clone().unwrap_or_else(|| dependency.package.clone());
        let entry = Value::Table(dependency_entry(dependency));
        match &dependency.platform {
            None => {
                everywhere.insert(name, entry);
            }
            Some(platform) => {
                let target = platforms.entry(platform.clone()).or_insert_with(|| Value::Table(Table::new()));
                if let Some(list) = target
                    .as_table_mut()
                    .map(|target| target.entry("dependencies").or_insert_with(|| Value::Table(Table::new())))
                    .and_then(Value::as_table_mut)
                {
                    list.insert(name, entry);
                }
            }
        }
    }
    if package.has_library {
        let entry = table([("path", path_text(&package.folder)), ("default-features", false.into())]);
        everywhere.insert(package.name.clone(), Value::Table(entry));
    }
    manifest.insert("dependencies".into(), Value::Table(everywhere));
    if !platforms.is_empty() {
        manifest.insert("target".into(), Value::Table(platforms));
    }
}

fn shim_dependency(shim: &Path, tls: bool, manifest: &mut Table) {
    let Some(everywhere) = manifest.get_mut("dependencies").and_then(Value::as_table_mut) else { return };
    let entry = everywhere.entry(SHIM).or_insert_with(|| Value::Table(table([("path", path_text(shim))])));
    if let Some(entry) = entry.as_table_mut().filter(|_| tls) {
        let features = entry.entry("features").or_insert_with(|| Value::Array(Vec::new()));
        features.as_array_mut().into_iter().for_each(|features| features.push("tls".into()));
    }
}

fn dependency_entry(dependency: &Dependency) -> Table {
    let mut entry = Table::new();
    match &dependency.source {
        DependencySource::Path(path) => {
            entry.insert("path".into(), path_text(path));
        }
        DependencySource::Git(source) => git_entry(source, &mut entry),
        DependencySource::OtherRegistry(index) => {
            entry.insert("registry-index".into(), index.clone().into());
        }
        DependencySource::Registry => {}
    }
    if dependency.requirement != "*"
        || matches!(dependency.source, DependencySource::Registry | DependencySource::OtherRegistry(_))
    {
        entry.insert("version".into(), dependency.requirement.clone().into());
    }
    if dependency.rename.is_some() {
        entry.insert("package".into(), dependency.package.clone().into());
    }
    if dependency.optional {
        entry.insert("optional".into(), true.into());
    }
    if !dependency.default_features {
        entry.insert("default-features".into(), false.into());
    }
    if !dependency.features.is_empty() {
        entry.insert("features".into(), Value::Array(dependency.features.iter().cloned().map(Value::String).collect()));
    }
    entry
}

/// `git+https://host/repo?branch=x#commit` as the keys of a manifest.
fn git_entry(source: &str, entry: &mut Table) {
    let address = source.trim_start_matches("git+").split('#').next().unwrap_or_default();
    let (address, query) = address.split_once('?').unwrap_or((address, ""));
    entry.insert("git".into(), address.into());
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        entry.insert(key.into(), value.into());
    }
}

/// The user's features, which also switch those of the user's library.
fn features(package: &Package) -> Table {
    let mut features = Table::new();
    for (name, enables) in &package.features {
        // cargo tells the features that optional dependencies imply; they arise here again by themselves.
        if enables.len() == 1 && enables[0] == format!("dep:{name}") {
            continue;
        }
        let mut enables: Vec<Value> = enables.iter().cloned().map(Value::String).collect();
        if package.has_library {
            enables.push(Value::String(format!("{}/{name}", package.name)));
        }
        features.insert(name.clone(), Value::Array(enables));
    }
    features
}

/// Returns the root of the generated workspace: its members, and the user's profiles and patches.
pub(super) fn root_manifest(user_root: &Path, user_manifest: &Table, members: &[String]) -> Table {
    let mut workspace = table([("resolver", resolver(user_manifest))]);
    workspace.insert("members".into(), Value::Array(members.iter().cloned().map(Value::String).collect()));
    let mut root = Table::new();
    root.insert("workspace".into(), Value::Table(workspace));
    for key in ["profile", "patch", "replace"] {
        if let Some(value) = user_manifest.get(key) {
            let mut value = value.clone();
            absolute_paths(user_root, &mut value);
            root.insert(key.into(), value);
        }
    }
    root
}

fn resolver(user_manifest: &Table) -> Value {
    let of = |key: &str| user_manifest.get(key).and_then(|table| table.get("resolver")).cloned();
    of("workspace").or_else(|| of("package")).unwrap_or_else(|| "2".into())
}

/// Paths of `[patch]` are relative to the user's manifest.
fn absolute_paths(root: &Path, value: &mut Value) {
    if let Value::Table(table) = value {
        for (key, value) in table.iter_mut() {
            match value {
                Value::String(text) if key == "path" => *text = root.join(&*text).to_string_lossy().into_owned(),
                other => absolute_paths(root, other),
            }
        }
    }
}

fn table<const N: usize>(pairs: [(&str, Value); N]) -> Table {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn path_text(path: &Path) -> Value {
    Value::String(path.to_string_lossy().into_owned())
}
