//! Writes an expansion: Rust tokens in which each token of the user's is named by its number, and each made-up token has the span of one.
//!
//! The text is read by the macro `__hf` of the runtime shim. First line: `hydro-expansion 2 COUNT`, where COUNT is how many tokens of the module itself
//! the macro must have been given. Then a line `part PATH` for each other module whose tokens follow the module's own in the count (the path of the macro it
//! becomes), and a line `code`, or instead of all that a line `hand on` for a module that is only used by others. Behind that without separators: `kN;` the user's token N,
//! whole; `iN;LEN:TEXT` an identifier and `lN;LEN:TEXT` a literal with the span of token N (0: none); `pCJN;` the punctuation C, `j`oint or `a`lone;
//! `gDN;` … `e` a group with the delimiter D (`(`, `[`, `{`, or `_` for none). Tokens are counted from 1, depth first, a group before its content.

use std::collections::BTreeMap;
use std::fmt::Write;

use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};

use crate::parse::start_of;

/// Returns the expansion of `code`. `starts` says where the tokens that the macro is given start, in the order it counts them: `own` of the module
/// itself, then those of the modules `parts`.
pub(super) fn write(code: &TokenStream, own: usize, starts: &[usize], parts: &[String]) -> String {
    let numbers = starts.iter().enumerate().map(|(at, start)| (*start, at + 1)).collect();
    let mut text = format!("hydro-expansion 2 {own}\n");
    for part in parts {
        text.push_str(&format!("part {part}\n"));
    }
    text.push_str("code\n");
    let mut writer = Writer { numbers, text };
    writer.stream(code.clone());
    writer.text
}

/// Returns the expansion of a module that others use: its tokens are handed on, and `code` stands beside it.
pub(super) fn hand_on(starts: &[usize], code: &TokenStream) -> String {
    let numbers = starts.iter().enumerate().map(|(at, start)| (*start, at + 1)).collect();
    let mut writer = Writer { numbers, text: format!("hydro-expansion 2 {}\nhand on\n", starts.len()) };
    writer.stream(code.clone());
    writer.text
}

struct Writer {
    numbers: BTreeMap<usize, usize>,
    text: String,
}

impl Writer {
    fn stream(&mut self, stream: TokenStream) {
        for tree in stream {
            self.tree(tree);
        }
    }

    fn tree(&mut self, tree: TokenTree) {
        if let Some(number) = self.kept(&tree) {
            self.put(format_args!("k{number};"));
            return;
        }
        let number = self.number(tree.span());
        match tree {
            TokenTree::Ident(ident) => self.word('i', number, &ident.to_string()),
            TokenTree::Literal(literal) => self.word('l', number, &literal.to_string()),
            TokenTree::Punct(punct) => {
                let joint = if punct.spacing() == Spacing::Joint { 'j' } else { 'a' };
                self.put(format_args!("p{}{joint}{number};", punct.as_char()));
            }
            TokenTree::Group(group) => {
                let delimiter = match group.delimiter() {
                    Delimiter::Parenthesis => '(',
                    Delimiter::Bracket => '[',
                    Delimiter::Brace => '{',
                    Delimiter::None => '_',
                };
                self.put(format_args!("g{delimiter}{number};"));
                self.stream(group.stream());
                self.put(format_args!("e"));
            }
        }
    }

    /// A leaf that stands in the source with this very text is the user's own token.
    fn kept(&self, tree: &TokenTree) -> Option<usize> {
        let span = tree.span();
        let number = self.numbers.get(&start_of(span)?)?;
        let same = match tree {
            TokenTree::Group(_) => false,
            // The parts of `->` or a lifetime have spans of their own; so have punctuation marks that were made up for an operator.
            TokenTree::Punct(punct) => span.source_text().is_some_and(|text| text.chars().eq([punct.as_char()])),
            other => span.source_text().is_some_and(|text| text == other.to_string()),
        };
        same.then_some(*number)
    }

    fn number(&self, span: Span) -> usize {
        start_of(span).and_then(|start| self.numbers.get(&start)).copied().unwrap_or(0)
    }

    fn word(&mut self, kind: char, number: usize, text: &str) {
        self.put(format_args!("{kind}{number};{}:{text}", text.len()));
    }

    fn put(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.text.write_fmt(arguments);
    }
}
