//! Tells rustc where the tick is made that it runs again and again.
//!
//! Without this rustc concludes it from the closure itself: a value that one of the user's closures moves out makes the whole tick run once only, and
//! the error is about the whole module. With it, the error is at the move.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::quote;

/// The compiler's name for the closure that is one tick.
const TICK: &str = "__dfir_inline_tick";

/// Passes the closure of each tick through a function that wants it repeatable.
pub(super) fn repeatable(code: TokenStream) -> TokenStream {
    let mut trees = code.into_iter().peekable();
    let mut out = TokenStream::new();
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), repeatable(group.stream()));
                inner.set_span(group.span());
                out.extend([TokenTree::Group(inner)]);
            }
            TokenTree::Ident(name) if name == TICK && is(trees.peek(), '=') => {
                out.extend([TokenTree::Ident(name)]);
                out.extend(trees.next());
                let mut closure = Vec::new();
                while trees.peek().is_some() && !is(trees.peek(), ';') {
                    closure.extend(trees.next());
                }
                out.extend(quote!(::hydro_runtime_shim::private::repeatable(#( #closure )*)));
            }
            other => out.extend([other]),
        }
    }
    out
}

fn is(tree: Option<&TokenTree>, mark: char) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closure_alone_is_wrapped() {
        let code = quote!({
            let __dfir_inline_tick = async move |df: &mut C| {
                a;
                true
            };
            run(__dfir_inline_tick, b)
        });
        let wrapped = quote!({
            let __dfir_inline_tick = ::hydro_runtime_shim::private::repeatable(async move |df: &mut C| {
                a;
                true
            });
            run(__dfir_inline_tick, b)
        });
        assert_eq!(repeatable(code).to_string(), wrapped.to_string());
    }
}
