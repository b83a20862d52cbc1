//! `enumerate()` counts on from tick to tick.
//!
//! A standalone program does not see where one tick ends and the next begins, so a count that starts again at each tick would be a count of
//! nothing. `enumerate::<'tick>()` says so where it is wanted. All other operators keep the compiler's defaults.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};

use super::parts::opens_pipelines;

/// Writes `enumerate()` as `enumerate::<'static>()`, wherever it is an operator.
pub(super) fn counters(body: TokenStream) -> TokenStream {
    let trees: Vec<TokenTree> = body.into_iter().collect();
    let mut out = TokenStream::new();
    for (at, tree) in trees.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| &trees[at]);
        match tree {
            TokenTree::Ident(word) if is_counter(word, before, trees.get(at + 1)) => {
                let lasting = quote_spanned!(word.span()=> ::<'static>);
                out.extend([word.to_token_stream(), lasting]);
            }
            TokenTree::Group(group) if opens_pipelines(group, &trees[..at]) => {
                let mut inner = Group::new(group.delimiter(), counters(group.stream()));
                inner.set_span(group.span());
                out.extend([TokenTree::Group(inner)]);
            }
            other => out.extend([other.clone()]),
        }
    }
    out
}

fn is_counter(word: &Ident, before: Option<&TokenTree>, after: Option<&TokenTree>) -> bool {
    let starts_operator = !matches!(before, Some(TokenTree::Punct(punct)) if matches!(punct.as_char(), '.' | ':'));
    let is_called = matches!(after, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
    word == "enumerate" && starts_operator && is_called
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str) -> String {
        counters(text.parse().unwrap()).to_string().replace(' ', "")
    }

    #[test]
    fn an_operator_counts_on_and_a_method_is_left_alone() {
        assert_eq!(counted("a -> enumerate() -> b;"), "a->enumerate::<'static>()->b;");
        assert_eq!(counted("a -> enumerate::<'tick>() -> b;"), "a->enumerate::<'tick>()->b;");
        assert_eq!(
            counted("a -> flat_map(|v| v.iter().enumerate()) -> b;"),
            "a->flat_map(|v|v.iter().enumerate())->b;"
        );
        assert_eq!(counted("a -> map(|v| enumerate(v)) -> b;"), "a->map(|v|enumerate(v))->b;");
        assert_eq!(
            counted("x = (a -> enumerate()) -> (enumerate() -> b);"),
            "x=(a->enumerate::<'static>())->(enumerate::<'static>()->b);"
        );
        assert_eq!(counted("loop { a -> enumerate() -> b; };"), "loop{a->enumerate::<'static>()->b;};");
    }
}
