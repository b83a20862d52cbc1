//! `null()` as a source compiles in every build.
//!
//! The dataflow compiler leaves the type of what accompanies its items open. Type guards, which only builds for development have, close it; without
//! them rustc would ask for it. It is never anything but `()`.

use hydroflow_lang::graph::{DfirGraph, GraphNode};
use proc_macro2::{Group, TokenStream, TokenTree};
use quote::quote_spanned;

/// Closes the types that `null()` leaves open in the code of a graph.
pub(super) fn typed(graph: &DfirGraph, code: TokenStream) -> TokenStream {
    let is_source = |(node, what): (_, &GraphNode)| {
        matches!(what, GraphNode::Operator(operator) if operator.name_string() == "null")
            && graph.node_degree_out(node) > 0
    };
    if graph.nodes().any(is_source) { closed(code) } else { code }
}

/// Writes `PullStep::<_, _, …>` as `PullStep::<_, (), …>`.
fn closed(code: TokenStream) -> TokenStream {
    let trees: Vec<TokenTree> = code.into_iter().collect();
    let mut out = Vec::with_capacity(trees.len());
    for (at, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), closed(group.stream()));
                inner.set_span(group.span());
                out.push(inner.into());
            }
            TokenTree::Ident(word) if word == "_" && is_open(&trees[..at]) => {
                out.extend(quote_spanned!(word.span()=> ()));
            }
            other => out.push(other.clone()),
        }
    }
    out.into_iter().collect()
}

/// Whether `PullStep::<_,` stands before.
fn is_open(before: &[TokenTree]) -> bool {
    let is_mark = |tree: &TokenTree, mark: char| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == mark);
    let is_word = |tree: &TokenTree, name: &str| matches!(tree, TokenTree::Ident(word) if word == name);
    match before {
        [.., step, colon, colons, less, item, comma] => {
            is_word(step, "PullStep")
                && is_mark(colon, ':')
                && is_mark(colons, ':')
                && is_mark(less, '<')
                && is_word(item, "_")
                && is_mark(comma, ',')
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_type_alone_is_closed() {
        let code = closed("{ x::PullStep::<_, _, Yes, _>::Ended(Yes) } other::<_, _>()".parse().unwrap());
        assert_eq!(code.to_string().replace(' ', ""), "{x::PullStep::<_,(),Yes,_>::Ended(Yes)}other::<_,_>()");
    }
}
