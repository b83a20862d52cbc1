//! Our packages for the languages of scripts, which are carried inside the command and laid down where an interpreter finds them.
//!
//! Knows files and where they go, not what is in them. Read [`install`] first.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;

use crate::report::{ExitCode, Failure};
use crate::workspace::Workspace;

/// How many characters of a hash tell one version of a package from another.
const HASH_LENGTH: usize = 16;

/// Lays a package into the target folder, once for each content, so that no other version of it is overwritten. Returns its folder, `NAME-HASH`.
///
/// # Errors
/// The target folder cannot be written to.
pub(super) fn install<P: RustEmbed>(workspace: &Workspace, name: &str) -> Result<PathBuf, Failure> {
    let parent = workspace.target().join("hydro");
    lay::<P>(&parent, name).map_err(|error| {
        let what = format!("cannot write the package for scripts into `{}`", parent.display());
        Failure::new(ExitCode::Usage, what).cause(error)
    })
}

fn lay<P: RustEmbed>(parent: &Path, name: &str) -> std::io::Result<PathBuf> {
    let files = files::<P>();
    let folder = parent.join(format!("{name}-{}", hash(&files)));
    if folder.is_dir() {
        return Ok(folder);
    }
    std::fs::create_dir_all(parent)?;
    let new = tempfile::Builder::new().prefix(".sdk-").tempdir_in(parent)?;
    for (path, content) in &files {
        let file = new.path().join(path.as_ref());
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(file, content)?;
    }
    // Whole or not at all; somebody else may have been faster.
    match std::fs::rename(new.path(), &folder) {
        Err(error) if !folder.is_dir() => Err(error),
        _ => Ok(folder),
    }
}

/// A file's path in the package, and its content.
type File = (Cow<'static, str>, Cow<'static, [u8]>);

fn files<P: RustEmbed>() -> Vec<File> {
    P::iter()
        .filter(|path| !path.contains("__pycache__"))
        .filter_map(|path| P::get(&path).map(|file| (path, file.data)))
        .collect()
}

fn hash(files: &[File]) -> String {
    let mut hasher = blake3::Hasher::new();
    for (path, content) in files {
        hasher.update(path.as_bytes()).update(&[0]).update(&content.len().to_le_bytes()).update(content);
    }
    hasher.finalize().to_hex()[..HASH_LENGTH].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(RustEmbed)]
    #[folder = "sdk/python"]
    struct Package;

    #[test]
    fn a_package_is_laid_down_once() {
        let folder = tempfile::tempdir().expect("has a folder");
        let first = lay::<Package>(folder.path(), "sdk").expect("is written");
        assert!(first.join("hydro/__init__.py").is_file() && first.join("hydro/py.typed").is_file());
        assert_eq!(lay::<Package>(folder.path(), "sdk").expect("is there"), first);
        assert_eq!(std::fs::read_dir(folder.path()).expect("is a folder").count(), 1);
    }
}
