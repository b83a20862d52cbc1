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

/// The Rust of one module, and the modules whose tokens it holds besides its own.
pub(crate) struct Function {
    /// The module, as a place in the file's list.
    pub(crate) module: usize,
    /// The Rust tokens.
    pub(crate) code: TokenStream,
    /// Modules used in it.
    pub(crate) parts: Vec<usize>,
}

/// Lays a program out. A module without a function of its own only hands its tokens to those that use it.
pub(crate) fn layered(source: &SourceFile, resolved: &Resolved, functions: &[Function]) -> Layered {
    let mut text = source.text().to_owned();
    let mut changed_lines = Vec::new();
    let mut expansions = Vec::new();
    for (at, module) in resolved.modules.iter().enumerate() {
        let [keyword, open, _] = &module.marks;
        text.replace_range(keyword.clone(), OPEN);
        text.replace_range(open.clone(), ";");
        changed_lines.extend([keyword, open].map(|mark| source.line_column(mark.start).0));
        let own = token_starts(module);
        let expansion = match functions.iter().find(|function| function.module == at) {
            None => expansion::hand_on(&own),
            Some(function) => {
                let parts: Vec<_> = function.parts.iter().map(|&part| &resolved.modules[part]).collect();
                let starts: Vec<usize> =
                    own.iter().copied().chain(parts.iter().flat_map(|part| token_starts(part))).collect();
                let names: Vec<&str> = parts.iter().map(|part| part.interface.name.as_str()).collect();
                expansion::write(&function.code, own.len(), &starts, &names)
            }
        };
        expansions.push((module.interface.name.clone(), expansion));
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
