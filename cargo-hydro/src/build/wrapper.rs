//! The command as rustc's wrapper: how the generated crates, and only they, get `--remap-path-prefix`.
//!
//! Cargo calls the wrapper for workspace members alone, so the flag does not touch the build cache of the dependencies. With it, debug
//! information and backtraces name the user's files.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::crates::SHARED;

/// Set by us for our own cargo call: `GENERATED_ROOT` and `USER_ROOT` joined by `=`.
pub(super) const VARIABLE: &str = "CARGO_HYDRO_REMAP";
/// A wrapper that the user has set, to be called by ours.
pub(super) const INNER: &str = "CARGO_HYDRO_INNER_WRAPPER";

/// Returns the command line to become, where this process was called as rustc's wrapper.
#[must_use]
pub fn called_as_wrapper(arguments: &[OsString]) -> Option<Vec<OsString>> {
    let remap = crate::sys::env::text(VARIABLE)?;
    let rustc = arguments.get(1)?;
    if !Path::new(rustc).file_stem()?.to_string_lossy().starts_with("rustc") && crate::sys::env::text(INNER).is_none() {
        return None;
    }
    let mut line: Vec<OsString> = crate::sys::env::path(INNER).map(Into::into).into_iter().collect();
    line.extend(arguments[1..].iter().cloned());
    for rule in rules(&remap) {
        line.extend(["--remap-path-prefix".into(), rule.into()]);
    }
    Some(line)
}

/// What becomes of generated paths. The last rule that fits counts: paths in a program's own folder are relative to the workspace, as users write them.
fn rules(remap: &str) -> Vec<String> {
    let mut rules = vec![remap.to_owned()];
    let (Some((generated, _)), Some(package), Some(binary)) =
        (remap.split_once('='), crate::sys::env::path("CARGO_MANIFEST_DIR"), crate::sys::env::text("CARGO_BIN_NAME"))
    else {
        return rules;
    };
    let own = package.join(&binary);
    let mut empty = |folder: &Path, rules: &mut Vec<String>| {
        if let Ok(relative) = folder.strip_prefix(generated) {
            rules.push(format!("{}=", folder.display()));
            rules.push(format!("{}=", relative.display()));
        }
    };
    empty(&own, &mut rules);
    if binary.starts_with(SHARED) {
        several(&own, &mut empty, &mut rules);
    }
    rules
}

/// Each program of several has a folder of its own in that of their binary. To rustc two files of one name are one file, so those that several programs have
/// need a name for each.
fn several(own: &Path, empty: &mut impl FnMut(&Path, &mut Vec<String>), rules: &mut Vec<String>) {
    let mut seen: BTreeMap<PathBuf, usize> = BTreeMap::new();
    let mut others = Vec::new();
    for program in entries(own).into_iter().filter(|path| path.is_dir()) {
        empty(&program, rules);
        let mut waiting = vec![program.clone()];
        while let Some(path) = waiting.pop() {
            // Where the expansions are, no file is one of the user's.
            if path.is_dir() {
                waiting
                    .extend(entries(&path).into_iter().filter(|path| path.extension().is_none_or(|kind| kind == "hf")));
            } else if let Ok(shown) = path.strip_prefix(&program) {
                let count = seen.entry(shown.to_owned()).or_default();
                if *count > 0 {
                    others.push(format!("{}={}", path.display(), alias(&shown.to_string_lossy(), *count)));
                }
                *count += 1;
            }
        }
    }
    rules.extend(others);
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// Returns another name of the same file, for the program of that number among those that have it; not 0, which has the file's own.
pub(super) fn alias(shown: &str, number: usize) -> String {
    let folder = Path::new(shown).parent().map(|folder| folder.display().to_string()).unwrap_or_default();
    let detour = if folder.is_empty() {
        String::new()
    } else {
        format!("{folder}/{}/", "../".repeat(folder.split('/').count()).trim_end_matches('/'))
    };
    format!("./{}{shown}", detour.repeat(number - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_several_programs_have_goes_by_several_names() {
        let names = [1, 2, 3].map(|number| alias("src/a/b.hf", number));
        assert_eq!(names, ["./src/a/b.hf", "./src/a/../../src/a/b.hf", "./src/a/../../src/a/../../src/a/b.hf"]);
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("hfs-x");
        for file in
            ["hf-x-a/src/a.hf", "hf-x-a/src/both.hf", "hf-x-b/src/both.hf", "hf-x-b/src/both.hf.expansions/main"]
        {
            std::fs::create_dir_all(own.join(file).parent().unwrap()).unwrap();
            std::fs::write(own.join(file), "").unwrap();
        }
        let mut rules = Vec::new();
        several(&own, &mut |folder, rules| rules.push(format!("{}=", folder.display())), &mut rules);
        let of = |path: &str| own.join(path).display().to_string();
        let expected = [of("hf-x-a="), of("hf-x-b="), format!("{}=./src/both.hf", of("hf-x-b/src/both.hf"))];
        assert_eq!(rules, expected);
    }
}
