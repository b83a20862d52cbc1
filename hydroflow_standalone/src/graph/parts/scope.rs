//! Lets expressions of another file see the names of that file.
//!
//! The statements of a module from another file are written into a function of the main file; the expressions in them mean the names of their
//! own. Each is put into a block that brings these names in. Types of ports and parameters get a name in their own file, made by [`alias`].

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{format_ident, quote};

use super::statement::is_mark;
use crate::resolve::ResolvedModule;

/// Operators whose argument must be a closure as it stands, because its parameters are part of the dataflow syntax.
const CLOSURE_ONLY: &[&str] = &["partition", "demux", "demux_enum"];

/// Returns the name that the type of a port or parameter has in its own file.
pub(crate) fn alias(module: &ResolvedModule, name: &Ident) -> Ident {
    format_ident!("__hf_type_{}_{}", module.name, name, span = name.span())
}

/// Puts each argument of an operator into a block that sees the names of `path`.
pub(super) fn arguments(operator: Option<&Ident>, stream: TokenStream, path: &str) -> TokenStream {
    let closure_only = operator.is_some_and(|operator| CLOSURE_ONLY.contains(&operator.to_string().as_str()));
    let mut out = TokenStream::new();
    for (at, argument) in split(stream).into_iter().enumerate() {
        if at > 0 {
            out.extend(quote!(,));
        }
        let body = if closure_only { closure_head(&argument) } else { 0 };
        out.extend(argument[..body].iter().cloned());
        if body < argument.len() {
            out.extend([block(argument[body..].iter().cloned().collect(), path)]);
        }
    }
    out
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

/// How many trees `move |…|` takes.
fn closure_head(argument: &[TokenTree]) -> usize {
    let bars: Vec<usize> =
        argument.iter().enumerate().filter(|(_, tree)| is_mark(tree, '|')).map(|(at, _)| at).take(2).collect();
    bars.get(1).map_or(0, |end| end + 1)
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
            format!("|x,[a,b]|{USE}iff(x){{a}}else{{b}}}}")
        );
        assert_eq!(wrapped("tee", ""), "");
    }
}
