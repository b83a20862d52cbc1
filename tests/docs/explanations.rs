//! Every code that is told has an explanation; its wrong example gives the code, its right example gives nothing.

use std::collections::BTreeSet;
use std::path::Path;

use hydroflow_standalone::explanations::{EXPLANATIONS, Explanation};
use hydroflow_standalone::graph::GraphOptions;
use hydroflow_standalone::source::SourceFile;
use hydroflow_standalone::{Options, Products, compile};

use crate::support::{Workspace, repository};

/// Codes that no example in one file can bring about: faults of ours, what is no text, what has no code of its own, files in a circle, ten thousand uses.
const WITHOUT_EXAMPLE: [&str; 5] = ["HF0000", "HF0007", "HF0011", "HF0125", "HF0199"];

fn codes_below(folder: &Path, codes: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("is readable").flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("explanations") {
            codes_below(&path, codes);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("is text");
            let is_code = |word: &&str| {
                word.len() == 6
                    && (word.starts_with("HF") || word.starts_with("HT"))
                    && word[2..].bytes().all(|byte| byte.is_ascii_digit())
            };
            codes.extend(text.split('"').filter(is_code).map(str::to_owned));
        }
    }
}

#[test]
fn every_code_that_is_told_is_explained_and_no_other() {
    let mut told = BTreeSet::new();
    for folder in ["hydroflow_standalone/src", "cargo-hydro/src"] {
        codes_below(&repository().join(folder), &mut told);
    }
    let explained: BTreeSet<String> = EXPLANATIONS.iter().map(|explanation| explanation.code.to_owned()).collect();
    let missing: Vec<&String> = told.difference(&explained).collect();
    let idle: Vec<&String> = explained.difference(&told).collect();
    assert!(missing.is_empty(), "these codes need a file in hydroflow_standalone/src/explanations: {missing:?}");
    assert!(idle.is_empty(), "nothing tells these codes any more: {idle:?}");
}

/// The codes that are told of an `.hf` text, in order.
fn codes(explanation: &Explanation, text: &str) -> Vec<&'static str> {
    let source = SourceFile::new(format!("{}.hf", explanation.code), text);
    let options = Options {
        program: "x".to_owned(),
        graph: GraphOptions::default(),
        products: Products::Check,
        root: String::new(),
    };
    compile(&source, &options).1.into_iter().map(|diagnostic| diagnostic.code).collect()
}

#[test]
fn wrong_examples_of_programs_give_their_codes_and_right_ones_none() {
    for explanation in EXPLANATIONS.iter().filter(|explanation| explanation.code.starts_with("HF")) {
        let code = explanation.code;
        let (Some(wrong), Some(right)) = (explanation.example("Wrong"), explanation.example("Right")) else {
            assert!(WITHOUT_EXAMPLE.contains(&code), "{code} has no examples");
            continue;
        };
        let told = codes(explanation, wrong);
        assert_eq!(told.first(), Some(&code), "the wrong example of {code} gives {told:?}");
        assert_eq!(codes(explanation, right), Vec::<&str>::new(), "the right example of {code}");
    }
}

#[test]
fn wrong_examples_of_hydro_toml_give_their_codes_and_right_ones_none() {
    let manifest = "[workspace]\n[package]\nname = \"explained\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    let server = "module main(input inbound: u32) {\n    inbound -> null();\n}\n";
    let client = "module main(output outbound: u32) {\n    source_iter([1]) -> outbound;\n}\n";
    let files = [("Cargo.toml", manifest), ("src/lib.rs", ""), ("src/server.hf", server), ("src/client.hf", client)];
    let workspace = Workspace::new("explained", &files);
    for explanation in EXPLANATIONS.iter().filter(|explanation| explanation.code.starts_with("HT")) {
        for section in ["Wrong", "Right"] {
            let text = explanation.example(section).unwrap_or_else(|| panic!("{} has no examples", explanation.code));
            workspace.write("Hydro.toml", text);
            let output = workspace.hydro(["expand", "--stage", "plan", "--message-format", "json"]).run();
            let told = output.stdout.lines().chain(output.stderr.lines()).find(|line| line.contains("[HT"));
            if section == "Wrong" {
                let code = format!("[{}]", explanation.code);
                assert!(told.is_some_and(|line| line.contains(&code)), "the wrong example of {code}\n{output}");
            } else {
                assert_eq!(told, None, "the right example of {}\n{output}", explanation.code);
            }
        }
    }
}
