//! A Rust file of the suite: its flows, its test functions, and its text with some parts replaced.
//!
//! Works on the text by byte ranges, so that what is not replaced stays as its authors wrote it.

use std::ops::Range;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::{Item, ItemFn};

/// One macro call that holds a flow.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    /// The macro's name.
    pub(super) macro_name: String,
    /// The whole call with the path before it.
    pub(super) call: Range<usize>,
    /// The flow between the macro's brackets.
    pub(super) body: Range<usize>,
    /// Where the call stands, from 1.
    pub(super) line: usize,
}

impl Flow {
    /// Whether its authors only want it parsed.
    pub(super) fn is_only_parsed(&self) -> bool {
        self.macro_name == "dfir_parser"
    }
}

/// A test function.
#[derive(Clone, Debug)]
pub(super) struct TestFunction {
    /// Its name.
    pub(super) name: String,
    /// Its parsed form.
    pub(super) item: ItemFn,
    /// Its text, with attributes.
    pub(super) range: Range<usize>,
}

/// A parsed file.
pub(super) struct RustFile {
    /// The file's name.
    pub(super) name: String,
    /// The text.
    pub(super) text: String,
    /// Flows, in order.
    pub(super) flows: Vec<Flow>,
    /// Test functions, in order.
    pub(super) tests: Vec<TestFunction>,
    /// All other items.
    pub(super) shared: Vec<(Item, Range<usize>)>,
    tokens: TokenStream,
}

/// A part of a text and what to put there.
pub(super) type Edit = (Range<usize>, String);

const FLOW_MACROS: &[&str] = &["dfir_syntax", "dfir_syntax_noemit", "dfir_expect_warnings", "dfir_parser"];

impl RustFile {
    /// Parses a file of the suite.
    pub(super) fn parse(name: &str, text: &str) -> Self {
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
        let file: syn::File = syn::parse2(tokens.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut flows = Vec::new();
        collect_flows(tokens.clone(), text, &mut flows);
        let (mut tests, mut shared) = (Vec::new(), Vec::new());
        for item in file.items {
            let range = item.span().byte_range();
            match item {
                Item::Fn(item) if item.attrs.iter().any(is_test) => {
                    tests.push(TestFunction { name: item.sig.ident.to_string(), item, range });
                }
                other => shared.push((other, range)),
            }
        }
        // An example program is run as a test, and its own test, which starts it as a process, is not needed.
        let main = |item: &Item| matches!(item, Item::Fn(item) if item.sig.ident == "main");
        if let Some(at) = shared.iter().position(|(item, _)| main(item))
            && let (Item::Fn(item), range) = shared.remove(at)
        {
            tests = vec![TestFunction { name: "main".to_owned(), item, range }];
        }
        Self { name: name.to_owned(), text: text.to_owned(), flows, tests, shared, tokens }
    }

    /// Returns what must change for the text to be a plain test program, whoever compiles the flows.
    pub(super) fn plain_edits(&self) -> Vec<Edit> {
        let mut edits = Vec::new();
        for test in &self.tests {
            let plain = if test.item.sig.asyncness.is_some() { "#[dfir_rs::test]" } else { "#[test]" };
            let attributes: Vec<_> = test.item.attrs.iter().filter(|attribute| is_test(attribute)).collect();
            for attribute in &attributes {
                edits.push((attribute.span().byte_range(), plain.to_owned()));
            }
            if attributes.is_empty() {
                edits.push((test.range.start..test.range.start, format!("{plain}\n")));
            }
        }
        for (item, range) in &self.shared {
            if let Item::Use(_) = item
                && self.text[range.clone()].contains("multiplatform_test")
            {
                edits.push((range.clone(), String::new()));
            }
        }
        // The peer's own drawings of its graphs.
        drawings(self.tokens.clone(), &mut edits);
        edits
    }

    /// Returns the flows within a range, with their numbers.
    pub(super) fn flows_in(&self, range: &Range<usize>) -> impl Iterator<Item = (usize, &Flow)> {
        self.flows.iter().enumerate().filter(|(_, flow)| range.start <= flow.call.start && flow.call.end <= range.end)
    }
}

fn is_test(attribute: &syn::Attribute) -> bool {
    let last = attribute.path().segments.last();
    last.is_some_and(|segment| {
        ["test", "multiplatform_test", "dfir_test", "main"].contains(&&*segment.ident.to_string())
    })
}

/// Returns `range` of `text` with the edits that lie in it made.
pub(super) fn edited(text: &str, range: &Range<usize>, edits: &[Edit]) -> String {
    let mut inside: Vec<&Edit> =
        edits.iter().filter(|(at, _)| range.start <= at.start && at.end <= range.end).collect();
    inside.sort_by_key(|(at, _)| at.start);
    let (mut out, mut from) = (String::new(), range.start);
    for (at, replacement) in inside {
        if at.start < from {
            continue;
        }
        out.push_str(&text[from..at.start]);
        out.push_str(replacement);
        from = at.end;
    }
    out.push_str(&text[from..range.end]);
    out
}

/// Returns what stands between a group's brackets.
pub(super) fn inner(group: &Group) -> Range<usize> {
    group.span_open().byte_range().end..group.span_close().byte_range().start
}

/// Calls `found` for each `name!` with brackets, with the range from its path's start to its end.
fn macro_calls(stream: TokenStream, found: &mut dyn FnMut(&str, Range<usize>, &Group)) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    for (at, tree) in trees.iter().enumerate() {
        let TokenTree::Group(group) = tree else { continue };
        if let Some(name) = called_macro(&trees[..at]) {
            let start = trees[path_start(&trees[..at])].span().byte_range().start;
            found(&name, start..group.span().byte_range().end, group);
        }
        macro_calls(group.stream(), found);
    }
}

fn called_macro(before: &[TokenTree]) -> Option<String> {
    match before {
        [.., TokenTree::Ident(name), TokenTree::Punct(mark)] if mark.as_char() == '!' => Some(name.to_string()),
        _ => None,
    }
}

/// Where the path before a `!` starts: `name` or `krate::name`.
fn path_start(before: &[TokenTree]) -> usize {
    let mut start = before.len() - 2;
    let is_colon = |tree: &TokenTree| matches!(tree, TokenTree::Punct(mark) if mark.as_char() == ':');
    while start >= 3
        && is_colon(&before[start - 1])
        && is_colon(&before[start - 2])
        && matches!(before[start - 3], TokenTree::Ident(_))
    {
        start -= 3;
    }
    start
}

fn collect_flows(stream: TokenStream, text: &str, flows: &mut Vec<Flow>) {
    macro_calls(stream, &mut |name, call, group| {
        if !FLOW_MACROS.contains(&name) {
            return;
        }
        let first = group.stream().into_iter().next();
        let body = match first {
            // `dfir_expect_warnings! { { flow }, (warning), … }`
            Some(TokenTree::Group(first))
                if name == "dfir_expect_warnings" && first.delimiter() == Delimiter::Brace =>
            {
                inner(&first)
            }
            _ => inner(group),
        };
        let line = text[..call.start].matches('\n').count() + 1;
        flows.push(Flow { macro_name: name.to_owned(), call, body, line });
    });
}

fn drawings(stream: TokenStream, edits: &mut Vec<Edit>) {
    macro_calls(stream, &mut |name, call, group| {
        let prints_graph = name == "println" && group.stream().to_string().contains("meta_graph");
        if name == "assert_graphvis_snapshots" || prints_graph {
            edits.push((call, "()".to_owned()));
        }
    });
}
