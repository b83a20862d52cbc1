//! What runs a script: told by the ending of its name, found where it is installed, started with our runner for its language.
//!
//! Both runners know the same three words (`run`, `test`, `list`), so nobody else asks which language it is. Read [`Language::of`] first.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use super::node::Node;
use super::python::Python;
use crate::report::Failure;
use crate::sys::Launch;
use crate::workspace::Workspace;

/// A language of scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// Run by python3.
    Python,
    /// Run by node; TypeScript too.
    JavaScript,
}

impl Language {
    const ENDINGS: [(&'static str, Self); 5] = [
        (".py", Self::Python),
        (".mjs", Self::JavaScript),
        (".js", Self::JavaScript),
        (".mts", Self::JavaScript),
        (".ts", Self::JavaScript),
    ];

    /// Returns the language of a script by its name; a name without an ending is Python's.
    #[must_use]
    pub fn of(script: &Path) -> Option<Self> {
        let name = script.file_name()?.to_string_lossy();
        let found = Self::ENDINGS.into_iter().find(|(ending, _)| name.ends_with(ending));
        found.map(|(_, language)| language).or_else(|| script.extension().is_none().then_some(Self::Python))
    }

    /// Returns a script's name without the endings that say what it is.
    pub(super) fn strip(name: &str) -> &str {
        let stem = Self::ENDINGS.into_iter().find_map(|(ending, _)| name.strip_suffix(ending)).unwrap_or(name);
        stem.strip_suffix(".hydro").unwrap_or(stem)
    }
}

/// Runs the scripts of one language.
#[derive(Clone, Debug)]
pub enum Interpreter {
    /// python3
    Python(Python),
    /// node
    Node(Node),
}

impl Interpreter {
    /// Finds the interpreter of a language.
    ///
    /// # Errors
    /// It is not installed, or our package for it cannot be written.
    pub fn find(workspace: &Workspace, language: Language) -> Result<Self, Failure> {
        match language {
            Language::Python => Python::find(workspace).map(Self::Python),
            Language::JavaScript => Node::find(workspace).map(Self::Node),
        }
    }

    /// Prepares a start of our runner with these words.
    #[must_use]
    pub fn launch(&self, words: impl IntoIterator<Item = OsString>) -> Launch {
        match self {
            Self::Python(python) => python.launch(words),
            Self::Node(node) => node.launch(words),
        }
    }
}

/// The interpreters of several languages.
#[derive(Clone, Debug, Default)]
pub struct Interpreters {
    found: BTreeMap<Language, Interpreter>,
}

impl Interpreters {
    /// Finds the interpreters of these languages.
    ///
    /// # Errors
    /// One of them is not installed.
    pub fn find(workspace: &Workspace, languages: impl IntoIterator<Item = Language>) -> Result<Self, Failure> {
        let mut found = BTreeMap::new();
        for language in languages {
            if let std::collections::btree_map::Entry::Vacant(place) = found.entry(language) {
                place.insert(Interpreter::find(workspace, language)?);
            }
        }
        Ok(Self { found })
    }

    /// Returns the interpreter of a language, if it was looked for.
    #[must_use]
    pub fn of(&self, language: Language) -> Option<&Interpreter> {
        self.found.get(&language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_tells_the_language() {
        let of = |name: &str| Language::of(Path::new(name));
        assert_eq!(of("a/echo.hydro.py"), Some(Language::Python));
        assert_eq!(of("script"), Some(Language::Python));
        for name in ["a.hydro.js", "a.mjs", "a.hydro.ts", "a.mts"] {
            assert_eq!(of(name), Some(Language::JavaScript), "{name}");
        }
        assert_eq!(of("a.sh"), None);
        assert_eq!(of("a.cjs"), None);
        assert_eq!(
            ["echo.hydro.py", "echo.hydro.mjs", "echo.py", "x"].map(Language::strip),
            ["echo", "echo", "echo", "x"]
        );
    }
}
