//! The cargo side of the workspace: its root, target folder, packages and what they depend on, as `cargo metadata` tells.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use serde::{Deserialize, Serialize};

use super::flags::{CargoFlags, cargo_program};
use super::remembered;
use crate::report::{ExitCode, Failure};
use crate::sys::{self, Launch, Stream};

/// The user's workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    facts: Facts,
    flags: CargoFlags,
    start: PathBuf,
}

/// What cargo told of the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    root: PathBuf,
    target: PathBuf,
    packages: Vec<Package>,
}

/// A package of the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its edition; programs of its `.hf` files have the same.
    pub edition: String,
    /// The folder of its `Cargo.toml`.
    pub folder: PathBuf,
    /// Whether it has a library.
    pub has_library: bool,
    /// What it depends on, build and test dependencies left out.
    pub dependencies: Vec<Dependency>,
    /// Its features.
    pub features: BTreeMap<String, Vec<String>>,
    /// Whether its programs are always built with TLS: `[package.metadata.hydro] tls = true`.
    #[serde(default)]
    pub tls: bool,
}

/// A dependency of a package, workspace inheritance resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// The dependency's own name.
    pub package: String,
    /// What the package calls it, where that is another name.
    pub rename: Option<String>,
    /// The versions it takes.
    pub requirement: String,
    /// Whether it is optional.
    pub optional: bool,
    /// Whether its default features are on.
    pub default_features: bool,
    /// Its features that are on.
    pub features: Vec<String>,
    /// The platform it is for, where it is not for all.
    pub platform: Option<String>,
    /// Where it comes from.
    pub source: DependencySource,
}

/// Where a dependency comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DependencySource {
    /// The default registry.
    Registry,
    /// Another registry, by the address of its index.
    OtherRegistry(String),
    /// A folder.
    Path(PathBuf),
    /// A git repository, as cargo writes it: `git+https://…?branch=…`.
    Git(String),
}

impl Workspace {
    /// Finds the workspace that holds `start`. Cargo is asked only where its manifests have changed since the last time.
    ///
    /// # Errors
    /// There is no cargo package there, or cargo cannot read it.
    pub fn discover(start: &Path, flags: &CargoFlags) -> Result<Self, Failure> {
        let manifest = find_manifest(start, flags)?;
        let facts = match remembered::recall(&manifest, flags) {
            Some(facts) => facts,
            None => {
                let facts = ask_cargo(&manifest, flags)?;
                remembered::remember(&manifest, flags, &facts);
                facts
            }
        };
        Ok(Self { facts, flags: flags.clone(), start: start.to_owned() })
    }

    /// Returns the folder with the root `Cargo.toml` (and `Hydro.toml`).
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.facts.root
    }

    /// Returns cargo's target folder.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.facts.target
    }

    /// Returns the packages.
    #[must_use]
    pub fn packages(&self) -> &[Package] {
        &self.facts.packages
    }

    /// Returns cargo's flags, as they were given.
    #[must_use]
    pub fn flags(&self) -> &CargoFlags {
        &self.flags
    }

    /// Returns the folder the search began in.
    #[must_use]
    pub fn start(&self) -> &Path {
        &self.start
    }

    /// Returns the package that holds a file: the one whose folder is nearest to it.
    #[must_use]
    pub fn package_of(&self, file: &Path) -> Option<&Package> {
        let holding = self.packages().iter().filter(|package| file.starts_with(&package.folder));
        holding.max_by_key(|package| package.folder.components().count())
    }

    /// Returns a path as users write it: relative to the workspace where it is inside.
    #[must_use]
    pub fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(self.root()).unwrap_or(path)
    }
}

impl Facts {
    /// The files that cargo read to tell this, and the folders where another package may appear.
    pub(super) fn sources(&self) -> Vec<PathBuf> {
        let mut sources = vec![self.root.join("Cargo.toml")];
        for package in &self.packages {
            sources.push(package.folder.join("Cargo.toml"));
            if package.folder != self.root {
                sources.extend(package.folder.parent().filter(|parent| *parent != self.root).map(Path::to_owned));
            }
        }
        sources.sort();
        sources.dedup();
        sources
    }
}

fn find_manifest(start: &Path, flags: &CargoFlags) -> Result<PathBuf, Failure> {
    if let Some(manifest) = &flags.manifest_path {
        let manifest = if manifest.is_absolute() { manifest.clone() } else { start.join(manifest) };
        return manifest.canonicalize().map_err(|error| {
            Failure::new(ExitCode::Metadata, format!("cannot read the manifest `{}`", manifest.display())).cause(error)
        });
    }
    let found = start.ancestors().map(|folder| folder.join("Cargo.toml")).find(|manifest| manifest.is_file());
    found.ok_or_else(|| {
        Failure::new(ExitCode::Metadata, format!("there is no `Cargo.toml` in `{}` or above it", start.display()))
            .hint("an `.hf` file belongs to a cargo package; `cargo hydro new NAME` makes one")
    })
}

fn ask_cargo(manifest: &Path, flags: &CargoFlags) -> Result<Facts, Failure> {
    let mut arguments = vec!["metadata".to_owned(), "--format-version=1".to_owned(), "--no-deps".to_owned()];
    arguments.extend(flags.sources());
    arguments.extend(["--manifest-path".to_owned(), manifest.to_string_lossy().into_owned()]);
    let launch = Launch {
        program: cargo_program().into(),
        args: arguments.into_iter().map(Into::into).collect(),
        directory: manifest.parent().map(Path::to_owned),
        ..Launch::default()
    };
    let (mut output, mut said) = (String::new(), Vec::new());
    let exit = sys::run(launch, &mut |stream, line| match stream {
        Stream::Stdout => output.push_str(line),
        Stream::Stderr => said.push(line.to_owned()),
    });
    let failed = |message: &str| Failure::new(ExitCode::Metadata, message);
    let exit = exit.map_err(|error| {
        failed("cannot run cargo").cause(error).hint("Rust is needed to build programs: https://rustup.rs")
    })?;
    if !exit.success() {
        let failure = failed(&format!("`cargo metadata` cannot read `{}`", manifest.display()));
        return Err(said.iter().fold(failure, |failure, line| failure.cause(line.trim_start_matches("error: "))));
    }
    let metadata = MetadataCommand::parse(&output)
        .map_err(|error| failed("cannot read what `cargo metadata` says").cause(error))?;
    Ok(facts(&metadata, flags))
}

fn facts(metadata: &Metadata, flags: &CargoFlags) -> Facts {
    let target = match &flags.target_dir {
        Some(folder) if folder.is_absolute() => folder.clone(),
        Some(folder) => std::path::absolute(folder).unwrap_or_else(|_| folder.clone()),
        None => metadata.target_directory.clone().into_std_path_buf(),
    };
    let packages = metadata.workspace_packages().into_iter().map(package).collect();
    Facts { root: metadata.workspace_root.clone().into_std_path_buf(), target, packages }
}

fn package(package: &cargo_metadata::Package) -> Package {
    let folder = package.manifest_path.parent().map_or_else(PathBuf::new, |folder| folder.as_std_path().to_owned());
    let is_library = |target: &cargo_metadata::Target| target.is_lib() || target.is_rlib();
    Package {
        name: package.name.to_string(),
        version: package.version.to_string(),
        edition: package.edition.to_string(),
        folder,
        has_library: package.targets.iter().any(is_library),
        dependencies: package
            .dependencies
            .iter()
            .filter(|known| known.kind == DependencyKind::Normal)
            .map(dependency)
            .collect(),
        features: package.features.clone().into_iter().collect(),
        tls: package.metadata.pointer("/hydro/tls").and_then(serde_json::Value::as_bool).unwrap_or_default(),
    }
}

fn dependency(dependency: &cargo_metadata::Dependency) -> Dependency {
    let source = match (&dependency.path, &dependency.source) {
        (Some(path), _) => DependencySource::Path(path.clone().into_std_path_buf()),
        (None, Some(source)) if source.repr.starts_with("git+") => DependencySource::Git(source.repr.clone()),
        _ => match &dependency.registry {
            Some(index) => DependencySource::OtherRegistry(index.clone()),
            None => DependencySource::Registry,
        },
    };
    Dependency {
        package: dependency.name.clone(),
        rename: dependency.rename.clone(),
        requirement: dependency.req.to_string(),
        optional: dependency.optional,
        default_features: dependency.uses_default_features,
        features: dependency.features.clone(),
        platform: dependency.target.as_ref().map(ToString::to_string),
        source,
    }
}
