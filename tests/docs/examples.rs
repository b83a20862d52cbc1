//! Every example of the documents is a program: all are built with one call, and those with their output below them are run.
//!
//! A block of `hf` whose first line is `// NAME.hf` is that file; the other blocks are programs of their own.

use std::path::PathBuf;

use rustix::process::Signal;

use crate::support::{Running, Workspace, command, repository, scratch};

/// The documents with examples, in `docs`.
const DOCUMENTS: [&str; 2] = ["language", "operators"];

/// What examples may use.
const MANIFEST: &str = r#"
[workspace]
resolver = "3"

[package]
name = "documented"
version = "0.1.0"
edition = "2024"

[dependencies]
dfir_rs = { version = "=0.17.0-alpha.6", default-features = false }
futures = "0.3"
serde = { version = "1", features = ["derive"] }
tokio = { version = "1", features = ["sync", "time"] }

# A hundred programs are linked: they are to be small. What they depend on is shared with the other suites' programs and must be as it is there.
[profile.dev]
debug = false
strip = true

[profile.dev.package."*"]
debug = true
strip = false
"#;

/// A block of a document.
struct Example {
    /// The heading above it, for whoever reads a failure.
    heading: String,
    /// The file it becomes, below `src`.
    file: String,
    text: String,
    /// What it prints, where the document tells.
    prints: Option<String>,
}

fn examples(document: &str) -> Vec<Example> {
    let path = repository().join(format!("docs/{document}.md"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (mut found, mut heading) = (Vec::new(), String::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.starts_with('#') {
            line.clone_into(&mut heading);
        }
        let Some(language) = line.strip_prefix("```").filter(|language| !language.is_empty()) else { continue };
        let block: String = lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        match language {
            "hf" => {
                let named = block.strip_prefix("// ").and_then(|rest| rest.split_once('\n'));
                let named = named.and_then(|(name, _)| name.strip_suffix(".hf"));
                let file = named.map_or_else(|| format!("{document}_{}", found.len()), str::to_owned);
                found.push(Example { heading: heading.clone(), file, text: block, prints: None });
            }
            "text" => found.last_mut().expect("output follows a program").prints = Some(block),
            other => panic!("{document}: blocks of `{other}` are not known"),
        }
    }
    found
}

#[test]
fn every_example_builds_and_prints_what_stands_below_it() {
    let examples: Vec<Example> = DOCUMENTS.iter().flat_map(|document| examples(document)).collect();
    assert!(examples.len() > 90, "only {} examples were found", examples.len());
    let paths: Vec<String> = examples.iter().map(|example| format!("src/{}.hf", example.file)).collect();
    let files = paths.iter().zip(&examples).map(|(path, example)| (path.as_str(), example.text.as_str()));
    let files: Vec<(&str, &str)> = files.chain([("Cargo.toml", MANIFEST), ("src/lib.rs", "")]).collect();
    let workspace = Workspace::new("documented", &files);
    let built = workspace.hydro(["build", "--message-format", "json"]).run().exits(0);
    let diagnostics = built.events_of("diagnostic");
    assert!(diagnostics.is_empty(), "an example is not clean: {diagnostics:#?}");
    for (path, example) in paths.iter().zip(&examples) {
        if let Some(expected) = &example.prints {
            run(&built.executable(path), expected, &example.heading);
        }
    }
}

/// Runs a program until it has printed as many lines as it should, and then ends it: nothing more may come.
fn run(executable: &PathBuf, expected: &str, heading: &str) {
    let mut call = command(executable);
    call.current_dir(scratch("documented"));
    let running = Running::start(call);
    let wanted = expected.lines().count();
    running.until(&format!("{heading} prints {wanted} lines"), |output| output.stdout.lines().count() >= wanted);
    running.signal(Signal::TERM);
    let output = running.finish(std::time::Duration::from_secs(60));
    assert_eq!(output.stdout, expected, "{heading}\n{output}");
    assert_eq!(output.stderr, "", "{heading}");
}
