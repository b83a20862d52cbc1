//! What the compiler says of wrong texts, without cargo and rustc: those that people write, and those that nobody does.

mod files;
mod loops;
mod parts;
mod sizes;

use hydroflow_standalone::graph::GraphOptions;
use hydroflow_standalone::source::SourceFile;
use hydroflow_standalone::{Library, Options, Outcome, Products, compile_with};

/// Compiles a text with all that can be made of it.
fn compiled(text: &str, library: &dyn Library) -> Outcome {
    let options = Options {
        program: "p".to_owned(),
        graph: GraphOptions::default(),
        products: Products::All,
        root: String::new(),
    };
    compile_with(&SourceFile::new("src/p.hf", text), library, &options)
}

/// What is said of a text, each with its code, line and message.
fn said(text: &str, library: &dyn Library) -> Vec<String> {
    let outcome = compiled(text, library);
    let line = |offset: usize| {
        let (file, base) = outcome.sources.locate(offset);
        format!("{}:{}", file.name(), file.line_column(offset - base).0)
    };
    let one = |found: &hydroflow_standalone::diagnostic::Diagnostic| {
        format!("{} {} {}", found.code, line(found.primary.span.start), found.message)
    };
    outcome.diagnostics.iter().map(one).collect()
}
