//! Keeps the names of instances apart: pipelines get a prefix, parameters another name where theirs is taken, type parameters their types.
//!
//! Pipelines are named only outside operators' arguments and behind `#` within them. Parameters are Rust values, so they are looked for in
//! expressions: as words, in the shorthand of structs, and in format strings; a field or a method of that name is another thing.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, Group, Ident, Literal, TokenStream, TokenTree};
use quote::{format_ident, quote_spanned};

use super::scope;
use super::statement::{is_mark, opens_pipelines};

/// What the names of one instance become.
#[derive(Clone, Debug, Default)]
pub(super) struct Renaming {
    /// Goes before pipelines' names.
    pub(super) prefix: String,
    /// The pipelines of the module.
    pub(super) pipelines: BTreeSet<String>,
    /// Parameters and items of the body that need another name.
    pub(super) values: BTreeMap<String, String>,
    /// Type parameters and what they stand for.
    pub(super) types: BTreeMap<String, TokenStream>,
    /// The Rust path whose names the expressions mean; none: those around them.
    pub(super) scope: Option<String>,
    /// The names that items and imports have there. Expressions see them by a `use`; types between angles must say where they are.
    pub(super) names: BTreeSet<String>,
}

impl Renaming {
    /// Returns what a pipeline's name becomes.
    pub(super) fn pipeline(&self, name: &Ident) -> Ident {
        if self.pipelines.contains(&name.to_string()) {
            format_ident!("{}{}", self.prefix, name, span = name.span())
        } else {
            name.clone()
        }
    }

    /// Renames in statements.
    pub(super) fn statements(&self, stream: TokenStream) -> TokenStream {
        if self.prefix.is_empty() {
            return stream;
        }
        let trees: Vec<TokenTree> = stream.into_iter().collect();
        let mut out = TokenStream::new();
        // Type arguments of operators stand between statements' words: `fold::<T>(…)`.
        let mut angles = 0_usize;
        for (at, tree) in trees.iter().enumerate() {
            let is_arrow = at > 0 && is_mark(&trees[at - 1], '-');
            angles += usize::from(is_mark(tree, '<'));
            angles = angles.saturating_sub(usize::from(is_mark(tree, '>') && !is_arrow));
            match tree {
                TokenTree::Ident(name) if angles > 0 => self.type_word(name, &trees, at, &mut out),
                TokenTree::Group(group) if angles > 0 => out.extend([regrouped(group, self.of_scope(group.stream()))]),
                TokenTree::Ident(name) if !is_operator(&trees[at + 1..]) => {
                    out.extend([TokenTree::Ident(self.pipeline(name))])
                }
                TokenTree::Group(group) if opens_pipelines(group, &trees[..at]) => {
                    out.extend([regrouped(group, self.statements(group.stream()))]);
                }
                TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => {
                    let arguments = self.expression(group.stream(), false);
                    let arguments = match &self.scope {
                        Some(path) => scope::arguments(operator_of(&trees[..at]), arguments, path),
                        None => arguments,
                    };
                    out.extend([regrouped(group, arguments)]);
                }
                other => out.extend([other.clone()]),
            }
        }
        out
    }

    /// Says where the names of a type are that stands outside of all expressions.
    pub(super) fn of_scope(&self, ty: TokenStream) -> TokenStream {
        let trees: Vec<TokenTree> = ty.into_iter().collect();
        let mut out = TokenStream::new();
        for (at, tree) in trees.iter().enumerate() {
            match tree {
                TokenTree::Ident(name) => self.type_word(name, &trees, at, &mut out),
                TokenTree::Group(group) => out.extend([regrouped(group, self.of_scope(group.stream()))]),
                other => out.extend([other.clone()]),
            }
        }
        out
    }

    fn type_word(&self, name: &Ident, trees: &[TokenTree], at: usize, out: &mut TokenStream) {
        let begins = at == 0 || !is_mark(&trees[at - 1], ':') || (at > 1 && !is_mark(&trees[at - 2], ':'));
        let renamed = self.values.contains_key(&name.to_string()) || self.types.contains_key(&name.to_string());
        if let Some(path) = self.scope.as_ref().filter(|_| begins && !renamed && self.names.contains(&name.to_string()))
        {
            let path: TokenStream = path.parse().unwrap_or_default();
            out.extend(quote_spanned!(name.span()=> #path::));
        }
        self.word(name, trees, at, out);
    }

    /// Renames in an expression or a type.
    pub(super) fn expression(&self, stream: TokenStream, in_macro: bool) -> TokenStream {
        let trees: Vec<TokenTree> = stream.into_iter().collect();
        let mut out = TokenStream::new();
        for (at, tree) in trees.iter().enumerate() {
            match tree {
                TokenTree::Ident(name) => self.word(name, &trees, at, &mut out),
                TokenTree::Group(group) => {
                    let in_macro = in_macro || matches!(&trees[..at], [.., bang] if is_mark(bang, '!'));
                    let inner = if group.delimiter() == Delimiter::Brace && is_struct(&trees[..at]) {
                        self.fields(group.stream(), in_macro)
                    } else {
                        self.expression(group.stream(), in_macro)
                    };
                    out.extend([regrouped(group, inner)]);
                }
                TokenTree::Literal(literal) if in_macro => {
                    out.extend([TokenTree::Literal(self.format_string(literal))])
                }
                other => out.extend([other.clone()]),
            }
        }
        out
    }

    fn word(&self, name: &Ident, trees: &[TokenTree], at: usize, out: &mut TokenStream) {
        let text = name.to_string();
        if is_reference(&trees[..at]) {
            out.extend([TokenTree::Ident(self.pipeline(name))]);
        } else if let Some(ty) = self.types.get(&text) {
            let is_path = trees.get(at + 1).is_some_and(|next| is_mark(next, ':'))
                && trees.get(at + 2).is_some_and(|next| is_mark(next, ':'));
            out.extend(if is_path { quote_spanned!(name.span()=> <#ty>) } else { ty.clone() });
        } else if let Some(renamed) = self.values.get(&text).filter(|_| !is_member(&trees[..at])) {
            out.extend([TokenTree::Ident(Ident::new(renamed, name.span()))]);
        } else {
            out.extend([TokenTree::Ident(name.clone())]);
        }
    }

    /// Between the braces of a struct a word before `:` is a field; alone it is a field and a value of that name.
    fn fields(&self, stream: TokenStream, in_macro: bool) -> TokenStream {
        let trees: Vec<TokenTree> = stream.into_iter().collect();
        let mut out = TokenStream::new();
        for (at, tree) in trees.iter().enumerate() {
            let begins = at == 0 || is_mark(&trees[at - 1], ',');
            let next = trees.get(at + 1);
            match tree {
                TokenTree::Ident(name)
                    if begins
                        && next.is_none_or(|next| is_mark(next, ','))
                        && self.values.contains_key(&name.to_string()) =>
                {
                    let value = self.expression(tree.clone().into(), in_macro);
                    out.extend(quote_spanned!(name.span()=> #name: #value));
                }
                TokenTree::Ident(_) if begins && next.is_some_and(|next| is_mark(next, ':')) => {
                    out.extend([tree.clone()])
                }
                TokenTree::Ident(name) => self.word(name, &trees, at, &mut out),
                other => out.extend(self.expression(other.clone().into(), in_macro)),
            }
        }
        out
    }

    /// `"{period_ms} ms"` names the value in its text.
    fn format_string(&self, literal: &Literal) -> Literal {
        let mut text = literal.to_string();
        for (name, renamed) in &self.values {
            for end in ["}", ":"] {
                text = text.replace(&format!("{{{name}{end}"), &format!("{{{renamed}{end}"));
            }
        }
        match text.parse::<Literal>() {
            Ok(mut changed) if text != literal.to_string() => {
                changed.set_span(literal.span());
                changed
            }
            _ => literal.clone(),
        }
    }
}

/// Returns the operator whose arguments follow, also behind type arguments.
fn operator_of(before: &[TokenTree]) -> Option<&Ident> {
    match before.last() {
        Some(TokenTree::Ident(word)) => Some(word),
        Some(mark) if is_mark(mark, '>') => before.windows(3).rev().find_map(|trees| match trees {
            [TokenTree::Ident(word), first, second] if is_mark(first, ':') && is_mark(second, ':') => Some(word),
            _ => None,
        }),
        _ => None,
    }
}

fn regrouped(group: &Group, inner: TokenStream) -> TokenTree {
    let mut new = Group::new(group.delimiter(), inner);
    new.set_span(group.span());
    new.into()
}

/// A word with parentheses, type arguments or a path behind it is an operator, not a pipeline.
fn is_operator(after: &[TokenTree]) -> bool {
    match after.first() {
        Some(TokenTree::Group(group)) => group.delimiter() != Delimiter::Bracket,
        Some(mark) => is_mark(mark, ':') || is_mark(mark, '<'),
        None => false,
    }
}

/// `#name`, `#mut name`, `#{1} name` and `#{1} mut name` name a pipeline within an expression.
fn is_reference(before: &[TokenTree]) -> bool {
    let is_mut = |tree: &TokenTree| matches!(tree, TokenTree::Ident(word) if word == "mut");
    let is_group = |tree: &TokenTree| matches!(tree, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    match before {
        [.., hash, group, last] if is_mut(last) && is_group(group) => is_mark(hash, '#'),
        [.., hash, last] if is_mut(last) || is_group(last) => is_mark(hash, '#'),
        [.., last] => is_mark(last, '#'),
        [] => false,
    }
}

/// `value.name` and `path::name` are other things than `name`; `0..name` is not.
fn is_member(before: &[TokenTree]) -> bool {
    match before {
        [.., first, second] if is_mark(second, '.') => !is_mark(first, '.'),
        [.., first, second] if is_mark(second, ':') => is_mark(first, ':'),
        [last] => is_mark(last, '.'),
        _ => false,
    }
}

/// Braces behind a word that begins with a capital are a struct's, not a block.
fn is_struct(before: &[TokenTree]) -> bool {
    matches!(before.last(), Some(TokenTree::Ident(word)) if word.to_string().starts_with(char::is_uppercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renaming() -> Renaming {
        Renaming {
            prefix: "p_".to_owned(),
            pipelines: ["a", "b"].map(str::to_owned).into(),
            values: [("n".to_owned(), "n_1".to_owned())].into(),
            types: [("T".to_owned(), "u32".parse().unwrap())].into(),
            scope: None,
            names: BTreeSet::new(),
        }
    }

    #[test]
    fn pipelines_are_renamed_outside_of_arguments_and_behind_a_hash() {
        let text = renaming()
            .statements("a = b -> [a]join()[b] -> map(|a| #b.get(a)) -> (a -> b);".parse().unwrap())
            .to_string();
        assert_eq!(text.replace(' ', ""), "p_a=p_b->[a]join()[b]->map(|a|#p_b.get(a))->(p_a->p_b);");
    }

    #[test]
    fn values_are_renamed_in_expressions_and_format_strings_but_not_as_fields() {
        let expression = |text: &str| renaming().expression(text.parse().unwrap(), false).to_string().replace(' ', "");
        assert_eq!(expression("x.n + n + y::n + (0..n).len()"), "x.n+n_1+y::n+(0..n_1).len()");
        assert_eq!(expression("Foo { n, m: n }"), "Foo{n:n_1,m:n_1}");
        assert_eq!(expression("if flag { n } else { 1 }"), "ifflag{n_1}else{1}");
        assert_eq!(expression(r#"println!("{n}{n:?}{m}", n)"#), r#"println!("{n_1}{n_1:?}{m}",n_1)"#);
    }

    #[test]
    fn type_parameters_become_their_types() {
        let expression = |text: &str| renaming().expression(text.parse().unwrap(), false).to_string().replace(' ', "");
        assert_eq!(expression("|x: Vec<T>| T::default()"), "|x:Vec<u32>|<u32>::default()");
    }
}
