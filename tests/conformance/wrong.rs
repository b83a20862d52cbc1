//! Programs that the peer refuses: we refuse them too, at the same line.
//!
//! A program becomes a `.hf` file in which every line stays where it was, so that the lines of the peer's own messages are the judge.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use hydroflow_standalone::diagnostic::Level;
use hydroflow_standalone::source::SourceFile;
use hydroflow_standalone::{Options, Products, compile};

use syn::spanned::Spanned;

use super::rust_file::RustFile;
use super::suite::Suite;
use crate::support::Workspace;

/// What we say of a program that must not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// An error at a line where the peer has one.
    Right,
    /// Errors, but elsewhere: ours and the peer's lines.
    Elsewhere(BTreeSet<usize>, BTreeSet<usize>),
    /// No error at all.
    Accepted,
    /// Our compiler panicked.
    Panicked,
}

/// Who found an error of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Finder {
    /// The command itself.
    Command,
    /// rustc, called by the command.
    Rustc,
}

/// Judges all programs that must not compile.
pub(super) fn verdicts(suite: &Suite) -> BTreeMap<String, (Finder, Verdict)> {
    let folder = suite.runtime.join("tests").join("compile-fail");
    let mut verdicts = BTreeMap::new();
    let (mut left, mut expected) = (Vec::new(), BTreeMap::new());
    for (name, text) in programs(&folder) {
        let said = std::fs::read_to_string(folder.join("stable").join(format!("{name}.stderr")));
        let file = RustFile::parse(&name, &text);
        let lines = whole_call(&file, error_lines(&said.expect("each program has the peer's words beside it"), &name));
        let module = module(&file);
        match by_command(&name, &module) {
            Ok(ours) if ours.is_empty() => {
                left.push((format!("src/{name}.hf"), module));
                expected.insert(name, lines);
            }
            Ok(ours) => {
                verdicts.insert(name, (Finder::Command, verdict(ours, lines)));
            }
            Err(()) => {
                verdicts.insert(name, (Finder::Command, Verdict::Panicked));
            }
        }
    }
    let mut by_rustc = by_rustc(suite, &left);
    for (name, lines) in expected {
        let ours = by_rustc.remove(&name).unwrap_or_default();
        verdicts.insert(name, (Finder::Rustc, verdict(ours, lines)));
    }
    verdicts
}

fn programs(folder: &Path) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("the suite has programs that must not compile")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let name = path.file_stem().expect("is named").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).expect("is text"))
        })
        .collect();
    found.sort();
    found
}

fn verdict(ours: BTreeSet<usize>, peers: BTreeSet<usize>) -> Verdict {
    if ours.is_empty() {
        Verdict::Accepted
    } else if ours.is_disjoint(&peers) {
        Verdict::Elsewhere(ours, peers)
    } else {
        Verdict::Right
    }
}

/// The lines of the primary places of a compiler's printed errors.
fn error_lines(said: &str, name: &str) -> BTreeSet<usize> {
    let (mut lines, mut in_error) = (BTreeSet::new(), false);
    for line in said.lines() {
        if !line.starts_with([' ', '=']) && !line.is_empty() && !line.starts_with(|c: char| c.is_ascii_digit()) {
            in_error = line.starts_with("error");
        }
        if let Some(place) = line.trim_start().strip_prefix("--> ").filter(|_| in_error) {
            let place = place.split_once(&format!("{name}.rs:")).map(|(_, place)| place);
            lines.extend(place.and_then(|place| place.split(':').next()?.parse::<usize>().ok()));
            in_error = false;
        }
    }
    lines
}

/// An error at the macro's call is one somewhere in it: the peer knew no better place.
fn whole_call(file: &RustFile, mut lines: BTreeSet<usize>) -> BTreeSet<usize> {
    for flow in file.flows.iter().filter(|flow| lines.contains(&flow.line)).collect::<Vec<_>>() {
        let length = file.text[flow.call.clone()].matches('\n').count();
        lines.extend(flow.line..=flow.line + length);
    }
    lines
}

/// The program as a `.hf` file: its flow is `module main`, items stay, and the rest of `fn main` is blank.
fn module(file: &RustFile) -> String {
    let flow = file.flows.first().expect("each program has a flow");
    let main = file.tests.first().expect("each program has a function `main`");
    let (function, range) = (&main.item, &main.range);
    let mut kept: Vec<Range<usize>> = vec![flow.body.clone()];
    kept.extend(function.block.stmts.iter().filter_map(|statement| match statement {
        syn::Stmt::Item(item) => Some(item.span().byte_range()),
        _ => None,
    }));
    let mut text = blank(&file.text, range, &kept);
    const HEAD: &str = "module main() {";
    text.replace_range(flow.body.start - HEAD.len()..flow.body.start, HEAD);
    text.replace_range(flow.body.end..=flow.body.end, "}");
    super::module::counted_per_tick(&text)
}

/// Blanks a range of a text but for what is kept. Nothing moves.
fn blank(text: &str, range: &Range<usize>, kept: &[Range<usize>]) -> String {
    let is_blank = |at: usize| range.contains(&at) && !kept.iter().any(|kept| kept.contains(&at));
    let blanked = text.char_indices().map(|(at, c)| match c {
        '\n' => "\n".to_owned(),
        c if is_blank(at) => " ".repeat(c.len_utf8()),
        c => c.to_string(),
    });
    blanked.collect()
}

fn by_command(name: &str, text: &str) -> Result<BTreeSet<usize>, ()> {
    let source = SourceFile::new(format!("src/{name}.hf"), text);
    let options = Options {
        program: name.to_owned(),
        graph: super::module::GRAPH,
        products: Products::Check,
        root: String::new(),
    };
    let (_, diagnostics) = catch_unwind(AssertUnwindSafe(|| compile(&source, &options))).map_err(|_| ())?;
    let errors = diagnostics.iter().filter(|found| found.level == Level::Error);
    Ok(errors.map(|found| source.line_column(found.primary.span.start).0).collect())
}

/// Lets the command check the programs that have no error of their own.
fn by_rustc(suite: &Suite, programs: &[(String, String)]) -> BTreeMap<String, BTreeSet<usize>> {
    let manifest = format!(
        "[package]\nname = \"wrong\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
         dfir_rs = {{ version = \"={}\", default-features = false, features = [\"macros\", \"tokio\"] }}\n\
         lattices = \"={}\"\n",
        suite.version("dfir_rs"),
        suite.version("lattices"),
    );
    let mut files: Vec<(&str, &str)> = programs.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    files.extend([("Cargo.toml", manifest.as_str()), ("src/lib.rs", "")]);
    let output = Workspace::new("conformance-wrong", &files).hydro(["check", "--message-format", "json"]).run();
    let mut lines: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for event in output.events_of("diagnostic") {
        let message = &event["message"];
        let spans = message["spans"].as_array().cloned().unwrap_or_default();
        let primary = spans.iter().filter(|span| span["is_primary"] == true && message["level"] == "error");
        for span in primary {
            let file = span["file_name"].as_str().unwrap_or_default();
            let name = file.trim_start_matches("src/").trim_end_matches(".hf").to_owned();
            let line = span["line_start"].as_u64().and_then(|line| usize::try_from(line).ok());
            lines.entry(name).or_default().extend(line);
        }
    }
    assert!(!lines.is_empty() || programs.is_empty(), "the command found nothing wrong\n{output}");

    lines
}
