//! Any text as a program, through the dataflow compiler: a graph or a diagnostic, never a crash. Whatever compiles is also a Rust file and a drawing;
//! one input in eight is taken that far.
//!
//! A text without a module is the body of one. Lines `// NAME.hf` begin further files, which the first can name by `mod NAME;` or `use other::hf::NAME::…;`.
#![no_main]

use hydroflow_standalone::diagnostic::has_errors;
use hydroflow_standalone::draw::{Scene, svg};
use hydroflow_standalone::graph::GraphOptions;
use hydroflow_standalone::source::SourceFile;
use hydroflow_standalone::{Library, NoLibrary, Options, Outcome, Products, compile_with};
use libfuzzer_sys::fuzz_target;

const PARTS: &str = "module part(input i: u32, output o: u32, param n: u32 = 1) { i -> map(|x| x + n) -> o; }\n\
    module wide<T: Clone>(input i: T, input j: T, output o: T, output p: T) { i -> o; j -> p; }\n";

/// Files that exist in the input alone.
struct Files<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Files<'a> {
    /// Splits an input into its main file and the others.
    fn split(input: &'a str) -> (&'a str, Self) {
        let mut starts: Vec<(usize, &str)> = Vec::new();
        let mut offset = 0;
        for line in input.split_inclusive('\n') {
            let name = line.trim_end().strip_prefix("// ").and_then(|rest| rest.strip_suffix(".hf"));
            starts.extend(name.map(|name| (offset, name)));
            offset += line.len();
        }
        let ends = starts.iter().skip(1).map(|(start, _)| *start).chain([input.len()]);
        let files = starts.iter().zip(ends).map(|((start, name), end)| (*name, &input[*start..end])).collect();
        (&input[..starts.first().map_or(input.len(), |(start, _)| *start)], Self(files))
    }

    fn find(&self, name: &str, shown: String) -> Result<SourceFile, String> {
        let file = self.0.iter().find(|(known, _)| *known == name);
        file.map(|(_, text)| SourceFile::new(shown, *text)).ok_or_else(|| format!("there is no `{name}.hf`"))
    }
}

impl Library for Files<'_> {
    fn beside(&self, _file: &str, name: &str) -> Result<SourceFile, String> {
        self.find(name, format!("{name}.hf"))
    }

    fn in_package(&self, package: &str, name: &str) -> Result<SourceFile, String> {
        NoLibrary.in_package(package, name).or_else(|_| self.find(name, format!("{package}/src/{name}.hf")))
    }
}

fuzz_target!(|input: &str| {
    let (first, files) = Files::split(input);
    let text = match first.contains("module ") {
        true => first.to_owned(),
        false => format!("{PARTS}module main(input a: u32, output b: u32, param p: u32 = 2) {{ {first} }}"),
    };
    let source = SourceFile::new("fuzz.hf", text);
    let checked = outcome_of(&source, &files, Products::Check);
    for diagnostic in &checked.diagnostics {
        assert_ne!(diagnostic.code, "HF0000", "{diagnostic:?}");
        assert!(diagnostic.render_in(&checked.sources, false).contains(diagnostic.code));
    }
    assert_eq!(checked.compilation.is_none(), has_errors(&checked.diagnostics));
    // Texts and drawings take most of the time and are wrong least often. The input alone decides, so that a finding is found again.
    if input.bytes().fold(0, u8::wrapping_add) % 8 != 0 {
        return;
    }
    let built = outcome_of(&source, &files, Products::All);
    assert_eq!(checked.diagnostics, built.diagnostics, "a check says what a build says");
    if let Some(compilation) = built.compilation {
        assert!(compilation.plain.is_some(), "what compiles is a Rust file");
        for graph in &compilation.graphs {
            let drawing = svg(&Scene::of_graph(graph, |_| String::new()));
            assert!(drawing.ends_with("</svg>\n") || drawing.ends_with("</svg>"), "a drawing is whole");
        }
    }
});

fn outcome_of(source: &SourceFile, files: &Files, products: Products) -> Outcome {
    let options =
        Options { program: "fuzz".to_owned(), graph: GraphOptions::default(), products, root: String::new() };
    compile_with(source, files, &options)
}
