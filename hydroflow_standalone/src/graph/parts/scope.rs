//! Lets expressions of another file see the names of that file.
//!
//! The statements of a module from another file are written into a function of the main file; the expressions in them mean the names of their
//! own. Each is put into a block that brings these names in. Types of ports and parameters get a name in their own file, made by [`alias`].

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Type;

use super::statement::is_mark;
use crate::resolve::ResolvedModule;

/// Operators whose argument must be a closure as it stands, because its parameters are part of the dataflow syntax.
const CLOSURE_ONLY: &[&str] = &["partition", "demux", "demux_enum"];

/// Returns the name that the type of a port or parameter has in its own file, and the type parameters that stand in it.
pub(crate) fn alias<'a>(module: &'a ResolvedModule, name: &Ident, ty: &Type) -> (Ident, Vec<&'a Ident>) {
    let alias = format_ident!("__hf_type_{}_{}", module.name, name, span = name.span());
    (alias, module.generics.iter().filter(|name| stands_in(name, ty.to_token_stream())).collect())
}

/// Whether a word stands somewhere in these tokens.
pub(super) fn stands_in(name: &Ident, stream: TokenStream) -> bool {
    stream.into_iter().any(|tree| match tree {
        TokenTree::Ident(word) => word == *name,
        TokenTree::Group(group) => stands_in(name, group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// Puts each argument of an operator into a block that sees the names of `path`.
pub(super) fn arguments(operator: Option<&Ident>, stream: TokenStream, path: &str) -> TokenStream {
    let closure_only = operator.is_some_and(|operator| CLOSURE_ONLY.contains(&operator.to_string().as_str()));
    let mut out = TokenStream::new();
    for (at, argument) in split(stream).into_iter().enumerate() {
        if at > 0 {
            out.extend(quote!(,));
        }
        out.extend(match closure(&argument).filter(|_| closure_only) {
            Some(closure) => closure.in_scope(path),
            None => TokenStream::from(block(argument.into_iter().collect(), path)),
        });
    }
    out
}

/// `move |item: Type, rest…| body`, taken apart.
struct Closure<'a> {
    head: &'a [TokenTree],
    item: &'a [TokenTree],
    rest: &'a [TokenTree],
    bar: &'a TokenTree,
    body: &'a [TokenTree],
}

impl Closure<'_> {
    /// The item's pattern and type are of the scope too, so they go into the block; the rest is dataflow syntax.
    fn in_scope(&self, path: &str) -> TokenStream {
        let Self { head, item, rest, bar, body } = self;
        let (item, body): (TokenStream, TokenStream) = (item.iter().cloned().collect(), body.iter().cloned().collect());
        let span = item.clone().into_iter().next().map_or_else(Span::call_site, |tree| tree.span());
        let value = Ident::new("__hf_item", span);
        let body = block(quote_spanned!(span=> let #item = #value; #body), path);
        quote!(#( #head )* #value #( #rest )* #bar #body)
    }
}

/// Takes a closure apart. None: it is none.
fn closure(argument: &[TokenTree]) -> Option<Closure<'_>> {
    let mut bars = argument.iter().enumerate().filter(|(_, tree)| is_mark(tree, '|')).map(|(at, _)| at);
    let (start, end) = (bars.next()?, bars.next()?);
    let parameters = &argument[start + 1..end];
    let mut depth = 0_usize;
    let first_comma = parameters.iter().position(|tree| {
        depth += usize::from(is_mark(tree, '<'));
        depth = depth.saturating_sub(usize::from(is_mark(tree, '>')));
        depth == 0 && is_mark(tree, ',')
    });
    let (item, rest) = parameters.split_at(first_comma.unwrap_or(parameters.len()));
    Some(Closure { head: &argument[..=start], item, rest, bar: &argument[end], body: &argument[end + 1..] })
}

/// Puts an expression into a block that sees the names of `path`.
pub(super) fn block(expression: TokenStream, path: &str) -> TokenTree {
    let path: TokenStream = path.parse().unwrap_or_default();
    Group::new(Delimiter::Brace, quote!(#[allow(unused_imports)] use #path::*; #expression)).into()
}

/// Splits arguments at their commas; those between the bars of a closure are its parameters'.
fn split(stream: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut arguments: Vec<Vec<TokenTree>> = Vec::new();
    let mut open: Vec<TokenTree> = Vec::new();
    let mut in_bars = false;
    for tree in stream {
        let begins =
            open.is_empty() || matches!(open.as_slice(), [TokenTree::Ident(word)] if word == "move" || word == "async");
        if is_mark(&tree, '|') && (begins || in_bars) {
            in_bars = !in_bars;
        }
        if is_mark(&tree, ',') && !in_bars {
            arguments.push(std::mem::take(&mut open));
        } else {
            open.push(tree);
        }
    }
    if !open.is_empty() {
        arguments.push(open);
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(operator: &str, text: &str) -> String {
        arguments(Some(&format_ident!("{operator}")), text.parse().unwrap(), "crate::a").to_string().replace(' ', "")
    }

    #[test]
    fn each_argument_sees_the_names_of_its_file() {
        const USE: &str = "{#[allow(unused_imports)]usecrate::a::*;";
        assert_eq!(wrapped("fold", "|| 0, |a, b| a + b"), format!("{USE}||0}},{USE}|a,b|a+b}}"));
        assert_eq!(
            wrapped("partition", "|x, [a, b]| if f(x) { a } else { b }"),
            format!("|__hf_item,[a,b]|{USE}letx=__hf_item;iff(x){{a}}else{{b}}}}")
        );
        assert_eq!(
            wrapped("partition", "|(x, _): &Pair<u8, T>, [a, b]| a"),
            format!("|__hf_item,[a,b]|{USE}let(x,_):&Pair<u8,T>=__hf_item;a}}")
        );
        assert_eq!(wrapped("tee", ""), "");
    }
}
