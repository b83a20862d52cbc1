//! A feature: its scripts, what they print, and one run compared with that.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::traffic;
use crate::support::{Mark, Output, Workspace, programs, repository, shared_target};

const GONE: Duration = Duration::from_secs(2);
/// The end of a line of a script that an error must name.
const FAILS_HERE: &str = "fails here";
/// The folder of the scripts in the workspace of the programs.
const FOLDER: &str = "features";

/// A language of scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// `*.hydro.py`
    Python,
    /// `*.hydro.mjs`
    JavaScript,
}

impl Language {
    fn ending(self) -> &'static str {
        match self {
            Self::Python => ".hydro.py",
            Self::JavaScript => ".hydro.mjs",
        }
    }

    /// How a line of the user's is named, by a traceback or by the engine.
    fn names_line(self, text: &str, file: &str, line: usize) -> bool {
        let traceback = match self {
            Self::Python => format!("{file}\", line {line},"),
            Self::JavaScript => format!("{file}:{line}:"),
        };
        text.contains(&traceback) || text.contains(&format!("{file}:{line}"))
    }
}

/// A feature that a script shows.
#[derive(Clone, Debug)]
pub(super) struct Feature {
    name: String,
    arguments: Vec<String>,
    stdout: String,
    stderr: String,
}

fn folder() -> PathBuf {
    repository().join("tests/sdk").join(FOLDER)
}

/// Returns all features, in order.
pub(super) fn features() -> Vec<Feature> {
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let mut features: Vec<Feature> = files()
        .into_iter()
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.strip_suffix(".stdout")?.to_owned();
            let arguments = read(&path.with_extension("args")).lines().map(str::to_owned).collect();
            Some(Feature { stdout: read(&path), stderr: read(&path.with_extension("stderr")), arguments, name })
        })
        .collect();
    features.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(!features.is_empty(), "no features");
    features
}

fn files() -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).expect("is there");
    entries.map(|entry| entry.expect("is readable").path()).collect()
}

/// Lays the scripts, and what they use, beside the programs.
pub(super) fn lay_down(workspace: &Workspace) {
    for path in files() {
        let name = path.file_name().expect("is a file").to_string_lossy().into_owned();
        if ![".stdout", ".stderr", ".args"].iter().any(|ending| name.ends_with(ending)) {
            workspace.write_bytes(&Path::new(FOLDER).join(&name), &fs::read(&path).expect("is readable"));
        }
    }
}

impl Feature {
    fn file(&self, language: Language) -> String {
        format!("{}{}", self.name, language.ending())
    }

    /// Whether there is a script of it in this language.
    pub(super) fn is_in(&self, language: Language) -> bool {
        folder().join(self.file(language)).is_file()
    }

    /// Runs its script; what it started must be gone with it.
    pub(super) fn run(&self, language: Language) -> Result<(), String> {
        let file = self.file(language);
        let mark = Mark::new();
        let folder = tempfile::tempdir().expect("can be made");
        let trace = folder.path().join("trace");
        let script = format!("{FOLDER}/{file}");
        let words = ["run", &script].into_iter().chain(self.arguments.iter().map(String::as_str));
        let call = mark.on(programs().workspace().hydro(words));
        let output = call.env("HYDRO_SCRIPT_TRACE", &trace).run();
        mark.all_gone(GONE);
        let said = fs::read_to_string(&trace).unwrap_or_default();
        let result = self.compare(language, &file, &output).and_then(|()| traffic::check(&said));
        result.map_err(|why| format!("==== {file}: {why}\n{output}"))
    }

    fn compare(&self, language: Language, file: &str, output: &Output) -> Result<(), String> {
        let printed = match output.code {
            0 => output.stdout.clone(),
            code => format!("{}exit code {code}\n", output.stdout),
        };
        if printed.trim_end() != self.stdout.trim_end() {
            return Err(format!("it prints\n{printed}---- and not\n{}----", self.stdout));
        }
        // The engine names a script's file, which ends as its language wants.
        let said = output.stderr.replace(language.ending(), Language::Python.ending());
        if let Some(text) = self.stderr.lines().find(|text| !said.contains(*text)) {
            return Err(format!("stderr does not say `{text}`"));
        }
        let script = fs::read_to_string(folder().join(file)).expect("is text");
        for (at, _) in script.lines().enumerate().filter(|(_, line)| line.ends_with(FAILS_HERE)) {
            if !language.names_line(&output.stderr, file, at + 1) {
                return Err(format!("stderr does not name line {}", at + 1));
            }
        }
        let sdk = shared_target().join("hydro/sdk-").to_string_lossy().into_owned();
        if output.stderr.contains(&sdk) { Err("frames of the package are shown".to_owned()) } else { Ok(()) }
    }
}
