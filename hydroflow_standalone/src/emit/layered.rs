//! The `.hf` text in its own layout, byte for byte, as a Rust file: rustc's positions in it are `.hf` positions.
//!
//! The word `module` becomes `__hf!{` (both have six letters), the body's `{` becomes `;`, and the body's `}` closes the macro. So no byte moves.
//! What the macro puts there was compiled already; it stands beside the file as an expansion.

use proc_macro2::TokenStream;

use super::expansion;
use super::plain::{links, module_aliases};
use crate::parse::start_of;
use crate::resolve::{Resolved, ResolvedModule};
use crate::source::{SourceFile, Span};

/// A program in its own layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layered {
    /// The files, one Rust module in the other, the outermost first; the last is the main file.
    pub files: Vec<LayeredFile>,
    /// The Rust path of `main`, from the crate's root.
    pub entry: String,
}

/// One file of a program in its own layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayeredFile {
    /// The name users see.
    pub name: String,
    /// The name of its Rust module.
    pub rust_name: String,
    /// The Rust file, but for the line that takes in the next file.
    pub text: String,
    /// For each module: its name, and the expansion that the macro reads.
    pub expansions: Vec<(String, String)>,
    /// Lines (from 1) that differ from the `.hf` text, so that they can be shown as the user wrote them.
    pub changed_lines: Vec<usize>,
    /// Line and column of each port's declaration, where the statements stand that are made of it.
    pub ports: Vec<(usize, usize)>,
}

/// What a module's word `module` becomes. Same length, so that nothing moves.
const OPEN: &str = "__hf!{";

/// The Rust of one module, and the modules whose tokens it holds besides its own.
pub(crate) struct Function {
    /// The module, as a place in the program's list.
    pub(crate) module: usize,
    /// The Rust tokens.
    pub(crate) code: TokenStream,
    /// Modules used in it.
    pub(crate) parts: Vec<usize>,
}

/// Lays a program out. A module without a function of its own only hands its tokens to those that use it.
pub(crate) fn layered(resolved: &Resolved, functions: &[Function]) -> Layered {
    let files = resolved.nesting().map(|file| layered_file(resolved, file, functions)).collect();
    let entry = format!("{}::main", resolved.rust_path(0).trim_start_matches("crate::"));
    Layered { files, entry }
}

fn layered_file(resolved: &Resolved, at: usize, functions: &[Function]) -> LayeredFile {
    let file = &resolved.files[at];
    let source = SourceFile::new(file.name.clone(), file.text.clone());
    let local = |span: &Span| span.start - file.base..span.end - file.base;
    let mut text = file.text.clone();
    let mut changed: Vec<Span> = Vec::new();
    for hidden in &file.hidden {
        let span = local(hidden);
        text.replace_range(span.clone(), &blank(&file.text[span.clone()]));
        changed.push(span);
    }
    let mut expansions = Vec::new();
    let mut ports = Vec::new();
    for (number, module) in resolved.modules.iter().enumerate().filter(|(_, module)| module.file == at) {
        let [keyword, open, _] = module.marks.each_ref().map(local);
        text.replace_range(keyword.clone(), OPEN);
        text.replace_range(open.clone(), ";");
        changed.extend([keyword, open]);
        expansions.push((module.interface.name.clone(), expansion_of(resolved, number, functions)));
        ports.extend(module.interface.ports.iter().map(|port| source.line_column(local(&port.span).start)));
    }
    let links = links(resolved, at);
    text.push_str(&format!("\n#[allow(unused_imports)]\nuse ::hydro_runtime_shim::private::__hf;\n{links}\n"));
    let mut changed_lines: Vec<usize> = changed.iter().map(|span| source.line_column(span.start).0).collect();
    changed_lines.sort_unstable();
    changed_lines.dedup();
    LayeredFile { name: file.name.clone(), rust_name: file.rust_name.clone(), text, expansions, changed_lines, ports }
}

/// Nothing, but as long as the text and with its lines.
fn blank(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

fn expansion_of(resolved: &Resolved, number: usize, functions: &[Function]) -> String {
    let module = &resolved.modules[number];
    let own = token_starts(module);
    let Some(function) = functions.iter().find(|function| function.module == number) else {
        let aliases = if module.file == 0 { TokenStream::new() } else { module_aliases(module) };
        return expansion::hand_on(&own, &aliases);
    };
    let parts: Vec<_> = function.parts.iter().map(|&part| &resolved.modules[part]).collect();
    let starts: Vec<usize> = own.iter().copied().chain(parts.iter().flat_map(|part| token_starts(part))).collect();
    let path = |part: &&ResolvedModule| {
        let place = if part.file == module.file { "self".to_owned() } else { resolved.rust_path(part.file) };
        format!("{place}::__hf_part_{}", part.interface.name.trim_start_matches("r#"))
    };
    let paths: Vec<String> = parts.iter().map(path).collect();
    expansion::write(&function.code, own.len(), &starts, &paths)
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
    collect(module.whole_body.clone(), &mut starts);
    starts
}
