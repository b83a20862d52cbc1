//! Former names of operators are understood: `merge`, `group_by`, `next_tick` and others, which older texts use.
//!
//! Works on tokens: the word changes, its place stays, and a warning tells the name of today. Only names whose meaning stayed are here.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

use super::parts::opens_pipelines;
use crate::diagnostic::{Diagnostic, Suggestion};
use crate::parse::span_of;

/// A former name and the name of today.
const RENAMED: &[(&str, &str)] = &[
    ("merge", "union"),
    ("group_by", "fold_keyed"),
    ("keyed_fold", "fold_keyed"),
    ("keyed_reduce", "reduce_keyed"),
    ("next_tick", "defer_tick"),
    ("recv_stream", "source_stream"),
    ("write_async", "dest_sink"),
];

/// Writes former names as those of today, and tells each. Names that the body gives to pipelines are left alone.
pub(super) fn names(body: TokenStream, told: &mut Vec<Diagnostic>) -> TokenStream {
    let trees: Vec<TokenTree> = body.into_iter().collect();
    let mut out = TokenStream::new();
    for (at, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Ident(word) => {
                let today = today(word).filter(|_| is_operator(&trees, at));
                out.extend([TokenTree::Ident(match today {
                    Some(today) => {
                        told.push(former(word, today));
                        Ident::new(today, word.span())
                    }
                    None => word.clone(),
                })]);
            }
            TokenTree::Group(group) if opens_pipelines(group, &trees[..at]) => {
                let mut inner = Group::new(group.delimiter(), names(group.stream(), told));
                inner.set_span(group.span());
                out.extend([TokenTree::Group(inner)]);
            }
            other => out.extend([other.clone()]),
        }
    }
    out
}

fn today(word: &Ident) -> Option<&'static str> {
    RENAMED.iter().find(|(former, _)| word == former).map(|(_, today)| *today)
}

/// An operator is called, with or without generic arguments, and no path leads to it.
fn is_operator(trees: &[TokenTree], at: usize) -> bool {
    let mark = |at: Option<usize>| match at.and_then(|at| trees.get(at)) {
        Some(TokenTree::Punct(punct)) => Some(punct.as_char()),
        _ => None,
    };
    let is_called = match trees.get(at + 1) {
        Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Parenthesis,
        _ => mark(Some(at + 1)) == Some(':') && mark(Some(at + 2)) == Some(':') && mark(Some(at + 3)) == Some('<'),
    };
    is_called && !matches!(mark(at.checked_sub(1)), Some(':' | '.'))
}

fn former(word: &Ident, today: &str) -> Diagnostic {
    Diagnostic::warning("HF0210", format!("`{word}` is a former name of `{today}`"), span_of(word.span()))
        .label("understood, but it is called otherwise today")
        .suggest(Suggestion::replace(span_of(word.span()), today).surely(), format!("write `{today}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today(text: &str) -> (String, usize) {
        let mut told = Vec::new();
        let text = names(text.parse().unwrap(), &mut told).to_string().replace(' ', "");
        (text, told.len())
    }

    #[test]
    fn operators_get_their_names_of_today() {
        assert_eq!(today("a = merge() -> next_tick();"), ("a=union()->defer_tick();".to_owned(), 2));
        assert_eq!(
            today("a -> group_by::<'static>(|| 0, |a, b| *a += b) -> b;").0,
            "a->fold_keyed::<'static>(||0,|a,b|*a+=b)->b;"
        );
        assert_eq!(today("loop { (a -> merge()) -> b; };").0, "loop{(a->union())->b;};");
    }

    #[test]
    fn what_is_no_operator_keeps_its_name() {
        for text in ["merge=a->b;", "a->merge;", "a->map(|x|x.merge(y))->b;", "a->map(|x|merge(x))->b;"] {
            assert_eq!(today(text), (text.to_owned(), 0));
        }
    }
}
