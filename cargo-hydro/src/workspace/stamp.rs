//! Stamps of files: whether a file is still what it was, without reading it where its size and time say so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// What a file looked like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    length: u64,
    modified_ns: u128,
    hash: Option<String>,
}

/// Files and what they looked like; a file that was not there has no stamp.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamps(BTreeMap<PathBuf, Option<Stamp>>);

impl Stamps {
    /// Takes stamps of files and folders. A folder's stamp is its time alone.
    #[must_use]
    pub fn take(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        Self(paths.into_iter().map(|path| (path.clone(), Stamp::of(&path, true))).collect())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them was written at that time or later.
    #[must_use]
    pub fn any_since(&self, time: SystemTime) -> bool {
        let time = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        self.0
            .iter()
            .any(|(path, stamp)| path.is_file() && stamp.as_ref().is_some_and(|stamp| stamp.modified_ns >= time))
    }

    /// Whether all of them are what they were. A file that was only touched is read and compared by its hash.
    #[must_use]
    pub fn hold(&self) -> bool {
        self.0.iter().all(|(path, then)| holds(path, then.as_ref()))
    }

    /// Whether it is about this file.
    #[must_use]
    pub fn knows(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    /// Counts those of the files as absent that it was not about at an earlier time, however they look by now: they came since.
    #[must_use]
    pub fn with_news(mut self, earlier: &Self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        self.0.extend(paths.into_iter().filter(|path| !earlier.knows(path)).map(|path| (path, None)));
        self
    }

    /// Returns those that are not what they were.
    pub fn changed(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().filter(|(path, then)| !holds(path, then.as_ref())).map(|(path, _)| path.as_path())
    }

    /// Returns the files.
    pub fn into_paths(self) -> impl Iterator<Item = PathBuf> {
        self.0.into_keys()
    }

    /// Is about these files from now on: those it knew keep their stamps, the others are taken as they are now.
    #[must_use]
    pub fn about(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let stamp = |path: PathBuf| match self.0.remove_entry(&path) {
            Some(known) => known,
            None => {
                let stamp = Stamp::of(&path, true);
                (path, stamp)
            }
        };
        Self(paths.into_iter().map(stamp).collect())
    }
}

fn holds(path: &Path, then: Option<&Stamp>) -> bool {
    match (then, Stamp::of(path, false)) {
        (None, None) => true,
        (Some(then), Some(now)) if then.length == now.length && then.modified_ns == now.modified_ns => true,
        (Some(then), Some(now)) if then.length == now.length && then.hash.is_some() => hash_file(path) == then.hash,
        _ => false,
    }
}

impl Stamp {
    fn of(path: &Path, with_hash: bool) -> Option<Self> {
        let metadata = path.metadata().ok()?;
        let modified_ns = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
        let hash = if with_hash && metadata.is_file() { hash_file(path) } else { None };
        Some(Self { length: if metadata.is_file() { metadata.len() } else { 0 }, modified_ns, hash })
    }
}

/// Returns the hex hash of a file's content; none where it cannot be read.
#[must_use]
pub fn hash_file(path: &Path) -> Option<String> {
    let mut hasher = blake3::Hasher::new();
    let mut file = std::fs::File::open(path).ok()?;
    std::io::copy(&mut file, &mut hasher).ok()?;
    Some(hasher.finalize().to_hex().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_touched_file_is_the_same_and_a_changed_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (file, absent) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::write(&file, "one").unwrap();
        let stamps = Stamps::take([file.clone(), absent.clone()]);
        assert!(stamps.hold());
        assert!(stamps.any_since(std::time::UNIX_EPOCH), "written after that");
        assert!(!stamps.any_since(std::time::SystemTime::now() + std::time::Duration::from_secs(5)), "not yet");
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
        std::fs::File::options().write(true).open(&file).unwrap().set_modified(later).unwrap();
        assert!(stamps.hold(), "only touched");
        std::fs::write(&file, "two").unwrap();
        assert!(!stamps.hold(), "changed");
        std::fs::write(&file, "one").unwrap();
        std::fs::write(&absent, "new").unwrap();
        assert!(!stamps.hold(), "appeared");
        assert_eq!(stamps.changed().collect::<Vec<_>>(), [absent.as_path()]);
        let later = folder.path().join("c");
        std::fs::write(&later, "three").unwrap();
        let stamps = stamps.about([absent.clone(), later]);
        assert_eq!(stamps.changed().collect::<Vec<_>>(), [absent.as_path()], "known ones keep their stamps");
        let latest = folder.path().join("d");
        std::fs::write(&latest, "four").unwrap();
        let known = stamps.clone();
        // It is seen, but by nobody before it was read.
        let stamps = stamps.about([absent.clone(), latest.clone()]).with_news(&known, [absent.clone(), latest.clone()]);
        assert_eq!(stamps.changed().collect::<Vec<_>>(), [absent, latest], "it came later");
    }
}
