//! Names of files with stars, as a user writes them: `conf/*.yaml`, `assets/**`, `app.ini`.
//!
//! A `*` stands for any part of one name, a `?` for a letter, a `**` for any folders, also none. Knows nothing of what the files are for.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// More files than these are hardly meant.
const MOST: usize = 10_000;

/// Which files are meant, relative to a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<String>,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Tells why it cannot be one.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let mut parts: Vec<String> =
            text.split('/').filter(|part| !matches!(*part, "" | ".")).map(str::to_owned).collect();
        if text.starts_with('/') {
            return Err("it begins at the root of the file system");
        }
        if parts.iter().any(|part| part == "..") {
            return Err("it leaves the workspace");
        }
        match parts.last().map(String::as_str) {
            None => return Err("it names nothing"),
            // All that is in it.
            Some("**") => parts.push("*".to_owned()),
            Some(_) => {}
        }
        Ok(Self { parts })
    }

    /// Finds the files that are there. One without a star is meant also where it is not there yet.
    ///
    /// # Errors
    /// A folder cannot be read, or there are too many files.
    pub fn files(&self, root: &Path) -> io::Result<BTreeSet<PathBuf>> {
        let mut files = BTreeSet::new();
        match self.parts.iter().any(|part| is_open(part)) {
            true => find(root, &self.parts, &mut files)?,
            false => drop(files.insert(root.join(self.parts.join("/")))),
        }
        Ok(files)
    }

    /// Returns the folders in which new files may come to be meant.
    ///
    /// # Errors
    /// As [`Pattern::files`].
    pub fn folders(&self, root: &Path) -> io::Result<BTreeSet<PathBuf>> {
        let fixed: Vec<&String> = self.parts.iter().take_while(|part| !is_open(part)).collect();
        let mut folders = BTreeSet::new();
        if fixed.len() < self.parts.len() {
            let first = fixed.into_iter().fold(root.to_owned(), |folder, part| folder.join(part));
            folders.extend(self.files(root)?.iter().filter_map(|file| file.parent()).map(Path::to_owned));
            folders.insert(first);
        }
        Ok(folders)
    }
}

fn is_open(part: &str) -> bool {
    part.contains(['*', '?'])
}

fn find(folder: &Path, parts: &[String], files: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    let Some((part, rest)) = parts.split_first() else { return Ok(()) };
    if part == "**" {
        find(folder, rest, files)?;
    }
    let entries = match folder.read_dir() {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // A link to a folder could lead back to where we are.
        let is_folder = entry.file_type()?.is_dir();
        if part == "**" {
            if is_folder && !name.starts_with('.') {
                find(&entry.path(), parts, files)?;
            }
        } else if fits(part.as_bytes(), name.as_bytes()) && (part.starts_with('.') || !name.starts_with('.')) {
            match rest {
                [] if !is_folder => drop(files.insert(entry.path())),
                [] => {}
                rest => find(&entry.path(), rest, files)?,
            }
        }
        if files.len() > MOST {
            return Err(io::Error::other(format!("it fits more than {MOST} files")));
        }
    }
    Ok(())
}

/// Whether a name fits a pattern of one name.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    // The last star, and where what it stands for ends so far.
    let (mut star, mut at, mut next) = (None, 0, 0);
    while at < name.len() {
        match pattern.get(next) {
            Some(b'*') => {
                star = Some((next, at));
                next += 1;
            }
            Some(letter) if *letter == b'?' || *letter == name[at] => (at, next) = (at + 1, next + 1),
            _ => match star {
                Some((place, end)) => {
                    star = Some((place, end + 1));
                    (next, at) = (place + 1, end + 1);
                }
                None => return false,
            },
        }
    }
    pattern[next..].iter().all(|letter| *letter == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_their_patterns() {
        for (pattern, name, expected) in [
            ("*.yaml", "a.yaml", true),
            ("*.yaml", ".yaml", true),
            ("*.yaml", "a.yaml.bak", false),
            ("a*b*c", "aXbbYc", true),
            ("a*b*c", "aXbY", false),
            ("?.ini", "a.ini", true),
            ("?.ini", "ab.ini", false),
            ("*", "", true),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
        let many = "a*".repeat(30) + "b";
        assert!(!fits(many.as_bytes(), "a".repeat(500).as_bytes()), "in reasonable time, too");
    }

    #[test]
    fn files_are_found_below_the_folder() {
        let root = tempfile::tempdir().unwrap();
        for file in ["app.ini", "conf/a.yaml", "conf/b.txt", "conf/.c.yaml", "conf/deep/er/d.yaml", "conf/.git/e.yaml"]
        {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        std::os::unix::fs::symlink(root.path(), root.path().join("conf/back")).unwrap();
        let found = |pattern: &str| {
            let files = Pattern::parse(pattern).unwrap().files(root.path()).unwrap();
            let relative = files.iter().map(|file| file.strip_prefix(root.path()).unwrap().display().to_string());
            relative.collect::<Vec<_>>()
        };
        assert_eq!(found("conf/*.yaml"), ["conf/a.yaml"]);
        assert_eq!(found("./conf/**/*.yaml"), ["conf/a.yaml", "conf/deep/er/d.yaml"]);
        assert_eq!(found("conf/deep/**"), ["conf/deep/er/d.yaml"]);
        assert_eq!(found("*/b.*"), ["conf/b.txt"]);
        assert_eq!(found("conf/.*.yaml"), ["conf/.c.yaml"]);
        assert_eq!(found("not/there.ini"), ["not/there.ini"], "it may come");
        assert_eq!(found("not/*.ini"), Vec::<String>::new());
        let folders = Pattern::parse("conf/**/*.yaml").unwrap().folders(root.path()).unwrap();
        assert_eq!(folders.len(), 2, "{folders:?}");
        for wrong in ["/etc/passwd", "../up", "a/../b", "", "."] {
            assert!(Pattern::parse(wrong).is_err(), "{wrong}");
        }
    }
}
