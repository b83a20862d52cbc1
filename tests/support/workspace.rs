//! A cargo workspace on disk, laid down from texts.
//!
//! Knows files, not what they mean.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::hydro::Hydro;
use super::place::scratch;

/// A workspace at a fixed place.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Lays a workspace with exactly these files into the scratch folder `name`. A file that is there already keeps its time.
    pub(crate) fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec())).collect();
        Self::lay(scratch(name), &files)
    }

    /// Lays a copy of a folder, without what its deployments have left there.
    pub(crate) fn copy(name: &str, from: &Path) -> Self {
        let mut files = BTreeMap::new();
        for file in files_below(from).into_iter().filter(|file| !file.starts_with(".hydro")) {
            let text = fs::read(from.join(&file)).expect("is readable");
            files.insert(file, text);
        }
        Self::lay(scratch(name), &files)
    }

    /// Takes a folder as it is.
    pub(crate) fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn lay(root: PathBuf, files: &BTreeMap<PathBuf, Vec<u8>>) -> Self {
        for stale in files_below(&root).into_iter().filter(|file| !files.contains_key(file) && !is_lock(file)) {
            fs::remove_file(root.join(stale)).expect("can be removed");
        }
        let workspace = Self { root };
        fs::create_dir_all(&workspace.root).expect("can be made");
        for (path, text) in files {
            workspace.write_bytes(path, text);
        }
        workspace
    }

    /// Returns the root.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the path of a file in it.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    /// Reads a file.
    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    /// Writes a file, if it differs.
    pub(crate) fn write(&self, file: &str, text: &str) {
        self.write_bytes(Path::new(file), text.as_bytes());
    }

    /// Writes a file, if it differs.
    pub(crate) fn write_bytes(&self, file: &Path, text: &[u8]) {
        let path = self.root.join(file);
        if fs::read(&path).is_ok_and(|there| there == text) {
            return;
        }
        fs::create_dir_all(path.parent().expect("has a folder")).expect("can be made");
        fs::write(path, text).expect("can be written");
    }

    /// Removes a file or folder, if it is there.
    pub(crate) fn remove(&self, file: &str) {
        let path = self.path(file);
        let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    }

    /// Begins a call of the command in the root.
    pub(crate) fn hydro<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Hydro {
        Hydro::new().arguments(arguments).directory(&self.root)
    }
}

/// The lock belongs to cargo; without it cargo would look for newer versions in each run.
fn is_lock(file: &Path) -> bool {
    file == Path::new("Cargo.lock")
}

/// Returns all files below a folder, relative to it, without those that builds and Python leave.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(here) = folders.pop() {
        let Ok(entries) = fs::read_dir(folder.join(&here)) else { continue };
        for entry in entries.flatten() {
            let path = here.join(entry.file_name());
            match entry.file_type() {
                Ok(kind) if !kind.is_dir() => files.push(path),
                Ok(_) if !matches!(entry.file_name().to_str(), Some("target" | "__pycache__")) => folders.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    files
}
