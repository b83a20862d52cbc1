//! The `.hf` text in its own layout, byte for byte, as a Rust file: rustc's positions in it are `.hf` positions.
//!
//! The word `module` becomes `__hf!{` (both have six letters), the body's `{` becomes `;`, and the body's `}` closes the macro. So no byte moves.
//! What the macro puts there was compiled already; it stands beside the file as an expansion.

use proc_macro2::TokenStream;

use super::expansion;
use crate::parse::start_of;
use crate::resolve::{Resolved, ResolvedModule};
use crate::source::SourceFile;

/// A program in its own layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layered {
    /// The Rust file.
    pub text: String,
    /// For each module: its name, and the expansion that the macro reads.
    pub expansions: Vec<(String, String)>,
    /// Lines (from 1) that differ from the `.hf` text, so that they can be shown as the user wrote them.
    pub changed_lines: Vec<usize>,
}

/// What a module's word `module` becomes. Same length, so that nothing moves.
const OPEN: &str = "__hf!{";

/// Lays a program out. `functions` are the modules' functions in the order of the modules; `main` belongs to `module main`.
pub(crate) fn layered(source: &SourceFile, resolved: &Resolved, functions: &[TokenStream]) -> Layered {
    let mut text = source.text().to_owned();
    let mut changed_lines = Vec::new();
    let mut expansions = Vec::new();
    for (module, function) in resolved.modules.iter().zip(functions) {
        let [keyword, open, _] = &module.marks;
        text.replace_range(keyword.clone(), OPEN);
        text.replace_range(open.clone(), ";");
        changed_lines.extend([keyword, open].map(|mark| source.line_column(mark.start).0));
        let starts = token_starts(module);
        expansions.push((module.interface.name.clone(), expansion::write(function, &starts)));
    }
    changed_lines.sort_unstable();
    changed_lines.dedup();
    text.push_str("\n#[allow(unused_imports)]\nuse ::hydro_runtime_shim::private::__hf;\n");
    Layered { text, expansions, changed_lines }
}

/// Where the tokens that the macro will be given start, in the order it counts them: depth first, a group before its content.
fn token_starts(module: &ResolvedModule) -> Vec<usize> {
    fn collect(stream: TokenStream, starts: &mut Vec<usize>) {
        for tree in stream {
            starts.extend(start_of(tree.span()));
            if let proc_macro2::TokenTree::Group(group) = tree {
                collect(group.stream(), starts);
            }
        }
    }
    let mut starts = Vec::new();
    collect(module.header.clone(), &mut starts);
    starts.push(module.marks[1].start);
    collect(module.body.clone(), &mut starts);
    starts
}
