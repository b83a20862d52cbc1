//! `#[cfg(…)]` before a pipeline: the dataflow is compiled once for each way the conditions can turn out, and rustc takes the one that is so.
//!
//! Only rustc knows which conditions hold, and a dataflow must be whole before rustc sees it. `not(x)` is known to be the opposite of `x`; all other
//! conditions count as independent. Knows nothing of what is in the statements.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::quote;

use super::Dataflow;
use crate::diagnostic::Diagnostic;
use crate::parse::span_of;

/// A dataflow may depend on this many conditions; each doubles it.
const MAX_CONDITIONS: usize = 4;

/// The conditions that bodies name, each once.
#[derive(Default)]
pub(super) struct Conditions(Vec<TokenStream>);

impl Conditions {
    /// Finds the conditions of bodies.
    pub(super) fn of<'a>(bodies: impl Iterator<Item = &'a TokenStream>) -> Result<Self, Diagnostic> {
        let mut found = BTreeMap::new();
        for body in bodies {
            walk(body.clone(), &mut |condition, span| {
                found.entry(condition.to_string()).or_insert((condition.clone(), span));
                true
            });
        }
        let mut places: Vec<Span> = found.values().map(|(_, span)| *span).collect();
        places.sort_by_key(|span| span_of(*span).start);
        if let Some(span) = places.get(MAX_CONDITIONS) {
            let message =
                format!("a dataflow may depend on {MAX_CONDITIONS} conditions, this one does on {}", found.len());
            return Err(Diagnostic::error("HF0211", message, span_of(*span))
                .label("one too many")
                .hint("say the condition within a closure: `if cfg!(…) { … }`"));
        }
        Ok(Self(found.into_values().map(|(condition, _)| condition).collect()))
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the ways the conditions can turn out, beginning with that in which all hold.
    pub(super) fn ways(&self) -> impl Iterator<Item = Way<'_>> {
        (0..1 << self.0.len()).map(|bits| Way { conditions: self, bits })
    }
}

/// A way the conditions can turn out.
#[derive(Clone, Copy)]
pub(super) struct Way<'a> {
    conditions: &'a Conditions,
    /// A bit for each condition that does not hold.
    bits: usize,
}

impl Way<'_> {
    fn holds(self, at: usize) -> bool {
        self.bits & (1 << at) == 0
    }

    /// Returns the condition under which it is so.
    pub(super) fn condition(self) -> TokenStream {
        let said = self.conditions.0.iter().enumerate().map(|(at, condition)| match self.holds(at) {
            true => condition.clone(),
            false => quote!(not(#condition)),
        });
        quote!(all(#( #said ),*))
    }

    /// Returns a body as it then is, without conditions.
    pub(super) fn body(self, body: &TokenStream) -> TokenStream {
        walk(body.clone(), &mut |condition, _| {
            let text = condition.to_string();
            let at = self.conditions.0.iter().position(|known| known.to_string() == text);
            at.is_none_or(|at| self.holds(at))
        })
    }
}

/// Joins the dataflows of all variants to one expression; the first is the one that is drawn.
pub(super) fn join(variants: Vec<(TokenStream, Dataflow)>) -> Option<Dataflow> {
    let mut code = TokenStream::new();
    let mut first: Option<Dataflow> = None;
    for (condition, flow) in variants {
        let Dataflow { values, code: expression, .. } = &flow;
        code.extend(quote!(#[cfg(#condition)] let __hydro_dataflow = { #values #expression };));
        match &mut first {
            None => first = Some(flow),
            Some(first) => {
                first.parts.extend(flow.parts.iter().filter(|part| !first.parts.contains(part)).collect::<Vec<_>>())
            }
        }
    }
    first.map(|first| Dataflow { values: TokenStream::new(), code: quote!({ #code __hydro_dataflow }), ..first })
}

/// Goes through the statements of a body and its loops. `keep` says whether a condition holds; returns the statements whose conditions all hold.
fn walk(body: TokenStream, keep: &mut dyn FnMut(&TokenStream, Span) -> bool) -> TokenStream {
    let trees: Vec<TokenTree> = body.into_iter().collect();
    let mut rest = trees.as_slice();
    let mut out = TokenStream::new();
    while !rest.is_empty() {
        let mut kept = true;
        while let [TokenTree::Punct(mark), TokenTree::Group(attribute), ..] = rest
            && mark.as_char() == '#'
            && let Some(condition) = condition(attribute)
        {
            let (condition, opposite) = opposite(condition);
            kept &= keep(&condition, attribute.span()) != opposite;
            rest = &rest[2..];
        }
        let is_end = |tree: &TokenTree| matches!(tree, TokenTree::Punct(mark) if mark.as_char() == ';');
        let end = rest.iter().position(is_end).map_or(rest.len(), |end| end + 1);
        let is_loop = matches!(rest.first(), Some(TokenTree::Ident(word)) if word == "loop");
        for tree in &rest[..end] {
            let tree = match tree {
                TokenTree::Group(group) if is_loop && group.delimiter() == Delimiter::Brace => {
                    let mut inner = Group::new(Delimiter::Brace, walk(group.stream(), keep));
                    inner.set_span(group.span());
                    inner.into()
                }
                other => other.clone(),
            };
            out.extend(kept.then_some(tree));
        }
        rest = &rest[end..];
    }
    out
}

/// What stands in `cfg(…)`.
fn condition(attribute: &Group) -> Option<TokenStream> {
    let mut trees = attribute.stream().into_iter();
    match (attribute.delimiter(), trees.next(), trees.next()) {
        (Delimiter::Bracket, Some(TokenTree::Ident(word)), Some(TokenTree::Group(group))) if word == "cfg" => {
            Some(group.stream())
        }
        _ => None,
    }
}

/// `not(x)` is the opposite of `x`.
fn opposite(condition: TokenStream) -> (TokenStream, bool) {
    let trees: Vec<TokenTree> = condition.clone().into_iter().collect();
    match trees.as_slice() {
        [TokenTree::Ident(word), TokenTree::Group(group)] if word == "not" => (group.stream(), true),
        _ => (condition, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(text: &str) -> Vec<(String, String)> {
        let body: TokenStream = text.parse().unwrap();
        let conditions = Conditions::of([&body].into_iter()).unwrap();
        let plain = |tokens: TokenStream| tokens.to_string().replace(' ', "");
        conditions.ways().map(|way| (plain(way.condition()), plain(way.body(&body)))).collect()
    }

    #[test]
    fn each_condition_doubles_the_bodies() {
        assert_eq!(bodies("a -> b;"), [("all()".into(), "a->b;".into())]);
        assert_eq!(
            bodies("a -> b; #[cfg(unix)] c -> d; #[cfg(not(unix))] e -> f;"),
            [("all(unix)".into(), "a->b;c->d;".into()), ("all(not(unix))".into(), "a->b;e->f;".into())]
        );
        assert_eq!(bodies("#[cfg(a)] x -> y; loop { #[cfg(b)] x -> y; };").len(), 4);
        assert_eq!(bodies("loop { #[cfg(b)] x -> y; z -> y; };")[1].1, "loop{z->y;};");
    }

    #[test]
    fn too_many_conditions_are_told() {
        let text: String = ('a'..='e').map(|name| format!("#[cfg({name})] x -> y; ")).collect();
        let found = Conditions::of([&text.parse().unwrap()].into_iter());
        assert_eq!(found.err().map(|error| error.code), Some("HF0211"));
    }
}
