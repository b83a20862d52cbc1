//! The grammar in `docs/grammar.md` and the parser say the same: what the grammar derives the parser accepts, and every file the parser accepts the
//! grammar derives.
//!
//! `ebnf` reads the grammar, `generate` derives sentences from it, `recognise` decides whether a text is one. Knows the parser by its codes alone:
//! HF0001 to HF0006 are about syntax.

mod ebnf;
mod generate;
mod recognise;

use std::path::{Path, PathBuf};

use hydroflow_standalone::graph::GraphOptions;
use hydroflow_standalone::source::SourceFile;
use hydroflow_standalone::{Library, NoLibrary, Options, Products, compile_with};

use ebnf::Grammar;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn grammar() -> Grammar {
    let text = std::fs::read_to_string(repository().join("docs/grammar.md")).expect("is there");
    let (_, after) = text.split_once("```ebnf\n").expect("holds the grammar");
    Grammar::read(after.split_once("\n```").expect("ends").0)
}

/// Files beside a file: a call of a module is read otherwise than one of an operator, so modules must be known.
struct Beside;

impl Library for Beside {
    fn beside(&self, file: &str, name: &str) -> Result<SourceFile, String> {
        let path = Path::new(file).with_file_name(format!("{name}.hf"));
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
        Ok(SourceFile::new(path.display().to_string(), text))
    }

    fn in_package(&self, package: &str, name: &str) -> Result<SourceFile, String> {
        NoLibrary.in_package(package, name)
    }
}

/// What the parser has against the syntax of a text; nothing else.
fn syntax_errors(name: &str, text: &str) -> Vec<String> {
    let source = SourceFile::new(name, text);
    let options = Options {
        program: "x".to_owned(),
        graph: GraphOptions::default(),
        products: Products::Check,
        root: String::new(),
    };
    let outcome = compile_with(&source, &Beside, &options);
    let is_syntax = |code: &str| ("HF0001"..="HF0006").contains(&code);
    let told = outcome.diagnostics.iter().filter(|diagnostic| is_syntax(diagnostic.code));
    told.map(|diagnostic| diagnostic.render_in(&outcome.sources, false)).collect()
}

#[test]
fn the_parser_accepts_what_the_grammar_derives() {
    let grammar = grammar();
    for seed in 0..600 {
        let text = generate::file(&grammar, seed);
        let errors = syntax_errors("derived.hf", &text);
        assert!(errors.is_empty(), "seed {seed}\n{text}\n{}", errors.join("\n"));
        assert!(recognise::derives(&grammar, &text), "seed {seed}: what was derived is not recognised\n{text}");
    }
}

#[test]
fn sentences_reach_every_rule_of_the_grammar() {
    let grammar = grammar();
    let mut reached = std::collections::BTreeSet::new();
    for seed in 0..600 {
        reached.extend(generate::rules(&grammar, seed));
    }
    let missed: Vec<&String> =
        grammar.names().filter(|name| !reached.contains(*name) && *name != "reference").collect();
    assert!(missed.is_empty(), "never derived: {missed:?}");
}

#[test]
fn a_damaged_sentence_is_refused_by_both_or_by_none() {
    let grammar = grammar();
    let mut refused = 0;
    for seed in 0..400 {
        let text = generate::damaged(&grammar, seed);
        let errors = syntax_errors("damaged.hf", &text);
        let derived = recognise::derives(&grammar, &text);
        assert_eq!(derived, errors.is_empty(), "seed {seed}\n{text}\n{}", errors.join("\n"));
        refused += usize::from(!derived);
    }
    assert!(refused > 100, "only {refused} of them were wrong at all");
}

#[test]
fn every_file_of_the_repository_is_derived_unless_its_syntax_is_wrong() {
    let grammar = grammar();
    let mut files = Vec::new();
    for folder in ["examples", "templates", "tests", "benches"] {
        collect(&repository().join(folder), &mut files);
    }
    assert!(files.len() > 10, "{files:?}");
    for file in files {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        let errors = syntax_errors(&file.display().to_string(), &text);
        let derived = recognise::derives(&grammar, &text);
        assert_eq!(derived, errors.is_empty(), "{}\n{}", file.display(), errors.join("\n"));
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "hf") {
            files.push(path);
        }
    }
}
