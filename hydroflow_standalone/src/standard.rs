//! The modules that come with the language: `use hydro::hf::heartbeat::monitor;`.
//!
//! They are `.hf` files like any other, in the folder `modules` beside this crate's sources, and part of the compiler: nothing is read from disk.
//! Users see them as `hydro/heartbeat.hf`. A package of the user's own that is called `hydro` hides them.

use crate::diagnostic::nearest;
use crate::source::SourceFile;

/// The package that these modules are imported from.
pub const PACKAGE: &str = "hydro";

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../modules/", $name, ".hf")))),*]
    };
}

/// All files: name and text, in the order of their names.
const FILES: &[(&str, &str)] = files![
    "broadcast",
    "clock",
    "deduplicate",
    "heartbeat",
    "lease",
    "quorum",
    "rate_limit",
    "request",
    "retry",
    "steps",
];

/// Returns the names of all files.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

/// Returns the file that `use PACKAGE::hf::NAME::…` means. None: the package is another one.
///
/// # Errors
/// Tells that there is no such file, as a lowercase fragment.
#[must_use]
pub fn file(package: &str, name: &str) -> Option<Result<SourceFile, String>> {
    if package != PACKAGE {
        return None;
    }
    let found = FILES.iter().find(|(known, _)| *known == name);
    Some(found.map(|(name, text)| SourceFile::new(shown(name), *text)).ok_or_else(|| {
        let listed = names().collect::<Vec<_>>().join("`, `");
        let near = nearest(name, names()).map(|near| format!("; a similar name exists: `{near}`"));
        format!("the language comes with `{listed}`{}", near.unwrap_or_default())
    }))
}

/// Returns the file that users see under this name.
#[must_use]
pub fn file_shown_as(shown_name: &str) -> Option<SourceFile> {
    let (name, text) = FILES.iter().find(|(name, _)| shown(name) == shown_name)?;
    Some(SourceFile::new(shown(name), *text))
}

fn shown(name: &str) -> String {
    format!("{PACKAGE}/{name}.hf")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostic;
    use crate::{NoLibrary, Options, Products, compile_with};

    #[test]
    fn files_have_names_that_users_see() {
        let Some(Ok(file)) = file("hydro", "heartbeat") else { panic!("is there") };
        assert_eq!(file.name(), "hydro/heartbeat.hf");
        assert_eq!(file_shown_as("hydro/heartbeat.hf"), Some(file));
        assert_eq!(file_shown_as("src/heartbeat.hf"), None);
    }

    #[test]
    fn other_packages_are_other_peoples_and_a_wrong_name_is_told() {
        assert!(super::file("other", "heartbeat").is_none());
        let Some(Err(reason)) = super::file("hydro", "hartbeat") else { panic!("there is no such file") };
        assert!(reason.ends_with("a similar name exists: `heartbeat`"), "{reason}");
    }

    /// Everything said of a program that imports from a file and does nothing else.
    fn said(imported: &str) -> Vec<Diagnostic> {
        let text = format!("use hydro::hf::{imported};\nmodule main() {{ source_iter([1]) -> null(); }}\n");
        let options = Options {
            program: "p".to_owned(),
            graph: crate::graph::GraphOptions::default(),
            products: Products::Check,
            root: String::new(),
        };
        compile_with(&SourceFile::new("src/p.hf", text), &NoLibrary, &options).diagnostics
    }

    #[test]
    fn every_file_can_be_read() {
        for name in names() {
            assert_eq!(said(&format!("{name}::{name} as _a")).iter().filter(|said| said.code != "HF0014").count(), 0);
        }
    }

    #[test]
    fn what_a_file_does_not_have_is_told() {
        let diagnostics = said("heartbeat::{monitr, Health}");
        assert_eq!(diagnostics.iter().map(|said| said.code).collect::<Vec<_>>(), ["HF0014"]);
        assert_eq!(diagnostics[0].hint.as_deref(), Some("a similar name exists: `monitor`"));
    }
}
