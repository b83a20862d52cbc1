//! Any text as the body of a module, through the dataflow compiler: a graph or a diagnostic, never a crash. Whatever compiles is also a Rust file.
#![no_main]

use hydroflow_standalone::diagnostic::has_errors;
use hydroflow_standalone::graph::GraphOptions;
use hydroflow_standalone::source::SourceFile;
use hydroflow_standalone::{Options, Products, compile};
use libfuzzer_sys::fuzz_target;

const PARTS: &str = "module part(input i: u32, output o: u32, param n: u32 = 1) { i -> map(|x| x + n) -> o; }\n";

fuzz_target!(|body: &str| {
    let text = format!("{PARTS}module main(input a: u32, output b: u32, param p: u32 = 2) {{ {body} }}");
    let source = SourceFile::new("fuzz.hf", text);
    let options = Options { program: "fuzz".to_owned(), graph: GraphOptions::default(), products: Products::All };
    let (compilation, diagnostics) = compile(&source, &options);
    for diagnostic in &diagnostics {
        assert_ne!(diagnostic.code, "HF0000", "{diagnostic:?}");
        assert!(diagnostic.render(&source, false).contains(diagnostic.code));
    }
    assert_eq!(compilation.is_none(), has_errors(&diagnostics));
    if let Some(compilation) = compilation {
        assert!(compilation.plain.is_some(), "what compiles is a Rust file");
    }
});
