//! Where the peer's suite is: the source folders of the crates that cargo has downloaded for this workspace.
//!
//! Knows nothing of what is in the files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;

/// The crates whose sources hold the suite, and our workspace's root.
pub(super) struct Suite {
    /// The dataflow runtime: tests, examples, programs that must not compile.
    pub(super) runtime: PathBuf,
    /// The dataflow compiler: operators with their examples.
    pub(super) compiler: PathBuf,
    /// Versions, for the report.
    pub(super) versions: String,
    /// Our workspace.
    pub(super) root: PathBuf,
    packages: BTreeMap<String, String>,
}

impl Suite {
    /// Asks cargo.
    pub(super) fn find() -> Self {
        let metadata = MetadataCommand::new()
            .manifest_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
            .exec()
            .expect("cargo tells what this workspace depends on");
        let package = |name: &str| {
            let found = metadata.packages.iter().find(|package| package.name.as_str() == name);
            found.unwrap_or_else(|| panic!("this workspace does not depend on `{name}` any more"))
        };
        let folder = |name| package(name).manifest_path.parent().expect("a manifest is in a folder").into();
        let versions = ["dfir_rs", "dfir_lang"].map(|name| format!("{name} {}", package(name).version)).join(", ");
        Self {
            runtime: folder("dfir_rs"),
            compiler: folder("dfir_lang"),
            versions,
            packages: metadata.packages.iter().map(|p| (p.name.to_string(), p.version.to_string())).collect(),
            root: metadata.workspace_root.into_std_path_buf(),
        }
    }

    /// Returns the version of a package that this workspace is built with.
    pub(super) fn version(&self, package: &str) -> &str {
        self.packages.get(package).unwrap_or_else(|| panic!("this workspace does not depend on `{package}` any more"))
    }

    /// Where test programs are generated and built.
    pub(super) fn workshop(&self) -> PathBuf {
        self.root.join("target").join("conformance")
    }
}

/// Returns the files of a folder and its subfolders whose names end in `ending`, in order, with their text.
pub(super) fn files(folder: &Path, ending: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            let text = std::fs::read_to_string(&path).expect("the suite's files are text");
            found.push((path, text));
        }
    }
    found.sort();
    found
}
