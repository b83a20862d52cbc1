//! Finding tests: files by their names, functions by one look of their interpreter at the text, without running a line of them.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::report::{ExitCode, Failure};
use crate::script::{Interpreter, Interpreters, Language};
use crate::sys::{self, Stream};
use crate::workspace::Workspace;

/// What stands before the last ending of a test file's name.
const MARK: &str = ".hydro";

/// A test function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Case {
    /// The file, relative to the workspace.
    pub(super) file: String,
    /// The function; none: the file itself cannot be read, for this reason.
    pub(super) function: Result<String, String>,
}

impl Case {
    /// `file::function`.
    pub(super) fn name(&self) -> String {
        match &self.function {
            Ok(function) => format!("{}::{function}", self.file),
            Err(_) => self.file.clone(),
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Tests in the order of files and lines.
    pub(super) cases: Vec<Case>,
    /// `.hf` files that the test files name and that are there.
    pub(super) sources: Vec<PathBuf>,
    /// What is named like a test and is none.
    pub(super) doubtful: Vec<String>,
}

/// What an interpreter tells of one file.
#[derive(Deserialize)]
struct Listing {
    file: String,
    error: Option<String>,
    tests: Vec<ListedTest>,
    ignored: Vec<ListedTest>,
    sources: Vec<String>,
}

#[derive(Deserialize)]
struct ListedTest {
    name: String,
    line: usize,
    /// Why it is not run, where the interpreter can say.
    why: Option<String>,
}

/// Returns the test files of a workspace, in order.
///
/// # Errors
/// A folder cannot be read.
pub(super) fn files(workspace: &Workspace) -> Result<BTreeSet<PathBuf>, Failure> {
    let packages = workspace.packages().iter().map(|package| package.folder.as_path());
    let mut files = BTreeSet::new();
    for folder in packages.chain([workspace.root()]) {
        files.extend(test_files(&folder.join("tests"))?);
    }
    Ok(files)
}

/// Returns the languages of files.
pub(super) fn languages(files: &BTreeSet<PathBuf>) -> BTreeSet<Language> {
    files.iter().filter_map(|file| Language::of(file)).collect()
}

/// Finds the tests in these files. Blocks.
///
/// # Errors
/// An interpreter fails.
pub(super) fn discover(
    workspace: &Workspace,
    files: &BTreeSet<PathBuf>,
    interpreters: &Interpreters,
) -> Result<Found, Failure> {
    let mut listings = Vec::new();
    for language in languages(files) {
        let Some(interpreter) = interpreters.of(language) else { continue };
        let written = files.iter().filter(|file| Language::of(file) == Some(language));
        let names = written.map(|file| workspace.relative(file).as_os_str().to_owned());
        listings.extend(ask(workspace.root(), interpreter, names)?);
    }
    // In the order of files, whatever they are written in.
    listings.sort_by(|one, other| one.file.cmp(&other.file));
    let sources = listings.iter().flat_map(|listing| sources_of(workspace.root(), listing)).collect::<BTreeSet<_>>();
    let doubtful = listings.iter().flat_map(doubts_of).collect();
    let cases = listings.into_iter().flat_map(cases_of).collect();
    Ok(Found { cases, sources: sources.into_iter().collect(), doubtful })
}

/// Returns the interpreter of a test file.
///
/// # Errors
/// There is none.
pub(super) fn interpreter<'a>(interpreters: &'a Interpreters, file: &str) -> Result<&'a Interpreter, Failure> {
    let found = Language::of(Path::new(file)).and_then(|language| interpreters.of(language));
    found.ok_or_else(|| Failure::new(ExitCode::Usage, format!("nothing runs `{file}`")))
}

fn test_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let cannot =
        |error| Failure::new(ExitCode::Usage, format!("cannot read the folder `{}`", folder.display())).cause(error);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        if is_test_file(&entry.path()) {
            files.push(entry.path());
        }
    }
    Ok(files)
}

fn is_test_file(file: &Path) -> bool {
    let is_marked = file.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with(MARK));
    is_marked && file.extension().is_some() && Language::of(file).is_some()
}

fn ask(root: &Path, interpreter: &Interpreter, files: impl Iterator<Item = OsString>) -> Result<Vec<Listing>, Failure> {
    let mut launch = interpreter.launch(std::iter::once("list".into()).chain(files));
    launch.directory = Some(root.to_owned());
    let (mut answer, mut complaints) = (String::new(), Vec::new());
    let failed = || Failure::new(ExitCode::Usage, "what runs the tests cannot list them");
    let exit = sys::run(launch, &mut |stream, line| match stream {
        Stream::Stdout => answer.push_str(line),
        Stream::Stderr => complaints.push(line.to_owned()),
    })
    .map_err(|error| failed().cause(error))?;
    if !exit.success() {
        return Err(failed().cause(exit).cause(complaints.join("\n")));
    }
    serde_json::from_str(&answer).map_err(|error| failed().cause(error))
}

fn cases_of(listing: Listing) -> Vec<Case> {
    let Listing { file, error, tests, .. } = listing;
    match error {
        Some(error) => vec![Case { file, function: Err(error) }],
        None => {
            // Of several functions with one name an interpreter keeps one.
            let mut seen = BTreeSet::new();
            let named = tests.into_iter().map(|test| test.name).filter(|name| seen.insert(name.clone()));
            named.map(|name| Case { file: file.clone(), function: Ok(name) }).collect()
        }
    }
}

fn doubts_of(listing: &Listing) -> impl Iterator<Item = String> {
    listing.ignored.iter().map(|function| {
        let ListedTest { name, line, why } = function;
        let why = why.as_deref().unwrap_or("it is not `async def`");
        format!("{}:{line}: `{name}` is not run, as {why}", listing.file)
    })
}

/// Finds the `.hf` files that a test names, where scripts find them: beside the script, or in the workspace.
fn sources_of(root: &Path, listing: &Listing) -> Vec<PathBuf> {
    let file = root.join(&listing.file);
    let folders: Vec<&Path> = file.parent().into_iter().chain([root]).collect();
    let find = |source: &String| folders.iter().map(|folder| folder.join(source)).find(|path| path.is_file());
    listing.sources.iter().filter_map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(text: &str) -> Listing {
        serde_json::from_str(text).expect("is a listing")
    }

    #[test]
    fn each_function_is_a_test_and_a_broken_file_is_one_too() {
        let text = r#"{"file":"tests/a.hydro.py","error":null,"ignored":[],"sources":[],"tests":[{"name":"test_a","line":1},{"name":"test_b","line":3},{"name":"test_a","line":9}]}"#;
        let names: Vec<String> = cases_of(listing(text)).iter().map(Case::name).collect();
        assert_eq!(names, ["tests/a.hydro.py::test_a", "tests/a.hydro.py::test_b"]);
        let text = r#"{"file":"tests/b.hydro.py","error":"SyntaxError","ignored":[],"sources":[],"tests":[]}"#;
        let cases = cases_of(listing(text));
        assert_eq!((cases.len(), cases[0].name().as_str()), (1, "tests/b.hydro.py"));
        assert_eq!(cases[0].function, Err("SyntaxError".into()));
    }

    #[test]
    fn named_sources_count_where_they_are() {
        let root = tempfile::tempdir().expect("has a folder");
        std::fs::create_dir_all(root.path().join("tests")).expect("is made");
        for file in ["a.hf", "tests/b.hf"] {
            std::fs::write(root.path().join(file), "").expect("is written");
        }
        let text =
            r#"{"file":"tests/t.hydro.py","error":null,"tests":[],"ignored":[],"sources":["a.hf","b.hf","c.hf"]}"#;
        let found = sources_of(root.path(), &listing(text));
        assert_eq!(found, [root.path().join("a.hf"), root.path().join("tests/b.hf")]);
    }

    #[test]
    fn only_scripts_of_tests_are_test_files() {
        let root = tempfile::tempdir().expect("has a folder");
        for file in ["a.hydro.py", "b.hydro.mjs", "b.py", "c.rs", "d.hydro.toml", "e.mjs", "f.hydro"] {
            std::fs::write(root.path().join(file), "").expect("is written");
        }
        let mut found = test_files(root.path()).expect("is readable");
        found.sort();
        assert_eq!(found, [root.path().join("a.hydro.py"), root.path().join("b.hydro.mjs")]);
        assert_eq!(test_files(&root.path().join("no")), Ok(vec![]));
    }
}
