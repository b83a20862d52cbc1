//! References to singletons, optionals and handoffs: those that the dataflow compiler cannot compile and does not report, and where the others stand.

use std::collections::BTreeSet;

use hydroflow_lang::diagnostic::{Diagnostic as Said, Level};
use hydroflow_lang::graph::{DfirGraph, GraphNode};
use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};

/// Returns what is wrong with the references of a graph.
pub(super) fn faults(graph: &DfirGraph) -> Vec<Said> {
    let mut faults = adjacent(graph);
    faults.extend(in_two_groups(graph));
    faults
}

/// Two references in a row, which arise when a tee or union with one use is taken away.
fn adjacent(graph: &DfirGraph) -> Vec<Said> {
    let is_handoff = |node| matches!(graph.node(node), GraphNode::Handoff { .. });
    let adjacent = graph.edges().filter(|(_, (from, to))| is_handoff(*from) && is_handoff(*to));
    adjacent
        .map(|(_, (_, to))| {
            let message = "two of `singleton()`, `optional()` and `handoff()` cannot stand next to each other";
            Said::spanned(graph.node(to).span(), Level::Error, message)
        })
        .collect()
}

/// Access groups say which operator comes first, and no operator comes before itself.
fn in_two_groups(graph: &DfirGraph) -> Vec<Said> {
    let mut faults = Vec::new();
    for groups in graph.node_handoff_reference_groups().values() {
        let mut before = BTreeSet::new();
        for references in groups.values() {
            for (_, _, span) in references.iter().filter(|(node, _, _)| before.contains(node)) {
                let message = "one operator cannot read the same singleton in two access groups";
                faults.push(Said::spanned(*span, Level::Error, message));
            }
            before.extend(references.iter().map(|(node, _, _)| *node));
        }
    }
    faults
}

/// Gives what stands for `#name` the place of the name; the compiler leaves it at the operator, and rustc would blame that for what is wrong with the value.
pub(super) fn placed(code: TokenStream) -> TokenStream {
    let place = |tree| match tree {
        TokenTree::Group(group) => {
            let stream = if is_reference(&group) { at(group.stream(), group.span()) } else { placed(group.stream()) };
            let mut placed = Group::new(group.delimiter(), stream);
            placed.set_span(group.span());
            placed.into()
        }
        other => other,
    };
    code.into_iter().map(place).collect()
}

/// `(hoff_…_buf.as_ref().unwrap())` or `(&hoff_…_buf)`, with `mut` or without.
fn is_reference(group: &Group) -> bool {
    let words: Vec<String> = group.stream().into_iter().map(|tree| tree.to_string()).collect();
    let is_buffer = |word: &String| word.starts_with("hoff_") && word.ends_with("_buf");
    let words: Vec<&str> = match words.iter().position(is_buffer) {
        Some(at) => words[..at]
            .iter()
            .map(String::as_str)
            .chain(["BUFFER"])
            .chain(words[at + 1..].iter().map(String::as_str))
            .collect(),
        None => return false,
    };
    group.delimiter() == Delimiter::Parenthesis
        && matches!(
            words.as_slice(),
            ["BUFFER", ".", "as_ref" | "as_mut", "()", ".", "unwrap", "()"] | ["&", "BUFFER"] | ["&", "mut", "BUFFER"]
        )
}

fn at(stream: TokenStream, place: Span) -> TokenStream {
    let moved = |mut tree: TokenTree| {
        if let TokenTree::Group(group) = &tree {
            tree = Group::new(group.delimiter(), at(group.stream(), place)).into();
        }
        tree.set_span(place);
        tree
    };
    stream.into_iter().map(moved).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_known_by_their_form() {
        let is = |text: &str| {
            let tree = text.parse::<TokenStream>().ok().and_then(|stream| stream.into_iter().next());
            matches!(tree, Some(TokenTree::Group(group)) if is_reference(&group))
        };
        assert!(is("(hoff_3v1_buf.as_ref().unwrap())"));
        assert!(is("(&mut hoff_3v1_buf)"));
        assert!(!is("(hoff_3v1_buf.len())"));
        assert!(!is("(word.as_ref().unwrap())"));
    }
}
