//! A flow as a `.hf` module: its text, what our compiler makes of it, and what the peer's says of the same flow.
//!
//! Knows neither files nor how the result is run.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use hydroflow_lang::graph::build_dfir_code;
use hydroflow_lang::parse::DfirCode;
use hydroflow_standalone::diagnostic::Level;
use hydroflow_standalone::graph::GraphOptions;
use hydroflow_standalone::source::SourceFile;
use hydroflow_standalone::{Options, Products, compile};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::quote;
use syn::spanned::Spanned;

use super::rust_file::{Edit, edited};

/// The name under which the generated crates know the dataflow runtime.
const ROOT: &str = "::dfir_rs";

/// As in a release build; what the guards of other builds add is better errors, and they cost half of rustc's time.
pub(super) const GRAPH: GraphOptions = GraphOptions { type_guards: false };

/// A compiled module.
#[derive(Clone, Debug)]
pub(super) struct Compiled {
    /// The module's function, whole.
    pub(super) function: String,
    /// The expression in it that makes the dataflow.
    pub(super) dataflow: String,
}

/// Returns a `.hf` text with one module. `ports` is its header's list.
pub(super) fn text(items: &str, ports: &str, flow: &str) -> String {
    format!("{items}\nmodule main({ports}) {{{}\n}}\n", counted_per_tick(flow))
}

/// `enumerate()` counts on from tick to tick in `.hf`, and starts again at each tick with the peer, who has a word for that.
pub(super) fn counted_per_tick(flow: &str) -> String {
    let mut edits = Vec::new();
    if let Ok(tokens) = flow.parse::<TokenStream>() {
        counters(tokens, &mut edits);
    }
    edited(flow, &(0..flow.len()), &edits)
}

fn counters(stream: TokenStream, edits: &mut Vec<Edit>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    for (at, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Ident(word) if word == "enumerate" => {
                let is_method = at > 0 && matches!(&trees[at - 1], TokenTree::Punct(mark) if mark.as_char() == '.');
                let is_called = matches!(trees.get(at + 1), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
                if is_called && !is_method {
                    let end = word.span().byte_range().end;
                    edits.push((end..end, "::<'tick>".to_owned()));
                }
            }
            TokenTree::Group(group) => counters(group.stream(), edits),
            _ => {}
        }
    }
}

/// Compiles a `.hf` text with our compiler. The error is what it says of the text.
pub(super) fn ours(name: &str, text: &str) -> Result<Compiled, String> {
    let source = SourceFile::new(name, text);
    let options = Options { program: "case".to_owned(), graph: GRAPH, products: Products::All, root: String::new() };
    let (compilation, diagnostics) = catch_unwind(AssertUnwindSafe(|| compile(&source, &options)))
        .map_err(|_| "our compiler panicked".to_owned())?;
    let Some(compilation) = compilation else {
        let first = diagnostics.iter().find(|found| found.level == Level::Error);
        return Err(first.map_or("no reason given".to_owned(), |found| format!("{}: {}", found.code, found.message)));
    };
    let plain = compilation.plain.ok_or("the module has no ordinary Rust form")?;
    split(&plain).ok_or_else(|| "the module's function was not found in its ordinary Rust form".to_owned())
}

/// Finds the module's function in the printed program, and the dataflow in it: the argument of the `Ok` at its end.
fn split(plain: &str) -> Option<Compiled> {
    let file: syn::File = syn::parse_str(plain).ok()?;
    let function = file.items.iter().find_map(|item| match item {
        syn::Item::Fn(function) if function.sig.ident == "module_main" => Some(function),
        _ => None,
    })?;
    let dataflow = match function.block.stmts.last()? {
        syn::Stmt::Expr(syn::Expr::Call(call), None) => call.args.first()?.span().byte_range(),
        _ => return None,
    };
    let slice = |range: Range<usize>| plain.get(range).map(str::to_owned);
    Some(Compiled { function: slice(function.span().byte_range())?, dataflow: slice(dataflow)? })
}

/// Whether the peer's own macro compiles the flow.
pub(super) fn accepted_by_peer(flow: &str) -> Result<(), String> {
    let code: DfirCode = syn::parse_str(flow).map_err(|error| error.to_string())?;
    let root: TokenStream = ROOT.parse().expect("a path is tokens");
    let built = catch_unwind(AssertUnwindSafe(|| build_dfir_code(code, &quote!(#root))));
    match built {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(said)) => Err(said.iter().map(|said| said.message.clone()).next().unwrap_or_default()),
        Err(_) => Err("the peer's compiler panicked".to_owned()),
    }
}
