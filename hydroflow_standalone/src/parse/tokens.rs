//! Text → tokens, and token positions → byte spans.
//!
//! Also refuses chains so long that a recursive parser behind us would overflow: operators, method calls, `else if`s, types in types.

use std::borrow::Cow;
use std::str::FromStr;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::diagnostic::Diagnostic;
use crate::source::{SourceFile, Span};

/// One expression may hold this many operators (`->`, `+`, `.`, …) in a row.
const MAX_CHAIN: usize = 3_000;

/// Chains within chains, with all that nests without brackets, may be this deep together.
const MAX_DEPTH: usize = 8_000;

/// Words that begin an expression and may stand in front of another such word.
const NESTING_WORDS: [&str; 8] = ["break", "for", "if", "in", "match", "return", "while", "yield"];

/// Lexes a whole text whose brackets match. `base` is where the text begins in the space of offsets.
pub(super) fn lex(source: &SourceFile, base: usize) -> Result<TokenStream, Diagnostic> {
    // Spans count from where the lexer begins, so it begins with nothing for as long as other files are.
    let text = if base == 0 { Cow::Borrowed(source.text()) } else { Cow::Owned(" ".repeat(base) + source.text()) };
    let stream = TokenStream::from_str(&text).map_err(|error| {
        let span = error.span();
        let first = if span.start().line == 1 { base } else { 0 };
        let start = base + source.offset(span.start().line, span.start().column.saturating_sub(first));
        Diagnostic::error("HF0003", "this is no token of the language", start..start + 1)
            .label("cannot be read")
            .hint("a string, character or number may be malformed here")
    })?;
    chains(stream.clone(), 0).map_or(Ok(stream), Err)
}

/// Returns the bytes a span covers; empty for tokens that were made up.
pub(crate) fn span_of(span: proc_macro2::Span) -> Span {
    span.byte_range()
}

/// Returns where a token starts; none for tokens that were made up.
pub(crate) fn start_of(span: proc_macro2::Span) -> Option<usize> {
    let range = span.byte_range();
    (range.start != range.end).then_some(range.start)
}

/// How deep a recursive parser is at one place of a group, by what led it there.
#[derive(Clone, Copy, Default)]
struct Depth {
    /// Operators of a chain.
    operators: usize,
    /// `else`s of a chain.
    alternatives: usize,
    /// Words that begin an expression within another.
    words: usize,
    /// `<` without their `>`; a comma ends none of them.
    angles: usize,
    /// `::`, which nest in a `use`.
    steps: usize,
}

impl Depth {
    fn take(&mut self, trees: &[TokenTree], at: usize) {
        let follows = |mark: char| matches!(trees.get(at + 1), Some(TokenTree::Punct(next)) if next.as_char() == mark);
        let after_arrow = || {
            let before = at.checked_sub(1).and_then(|before| trees.get(before));
            matches!(before, Some(TokenTree::Punct(mark)) if matches!(mark.as_char(), '-' | '='))
        };
        match &trees[at] {
            TokenTree::Punct(punct) => match punct.as_char() {
                ';' => *self = Self::default(),
                ',' => *self = Self { angles: self.angles, ..Self::default() },
                ':' => self.steps += usize::from(follows(':')),
                '#' | '\'' => {}
                mark => {
                    self.operators += 1;
                    match mark {
                        '<' => self.angles += 1,
                        '>' if !after_arrow() => self.angles = self.angles.saturating_sub(1),
                        _ => {}
                    }
                }
            },
            TokenTree::Ident(word) if word == "else" => self.alternatives += 1,
            TokenTree::Ident(word) if NESTING_WORDS.iter().any(|nesting| word == nesting) => self.words += 1,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => match trees.get(at + 1) {
                // What goes on behind a block is one expression with it.
                Some(TokenTree::Punct(_)) => {}
                Some(TokenTree::Ident(word)) if word == "else" => self.operators = 0,
                _ => *self = Self { angles: self.angles, ..Self::default() },
            },
            TokenTree::Ident(_) | TokenTree::Literal(_) | TokenTree::Group(_) => {}
        }
    }

    fn parts(self) -> [usize; 5] {
        [self.operators, self.alternatives, self.words, self.angles, self.steps]
    }
}

/// Finds the place where a parser would be too deep; `outside` is how deep it is at the group's start.
fn chains(stream: TokenStream, outside: usize) -> Option<Diagnostic> {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut depth = Depth::default();
    for (at, tree) in trees.iter().enumerate() {
        if let TokenTree::Group(group) = tree {
            let found = chains(group.stream(), outside + depth.parts().iter().sum::<usize>());
            if found.is_some() {
                return found;
            }
        }
        depth.take(&trees, at);
        let parts = depth.parts();
        if parts.iter().any(|part| *part > MAX_CHAIN) || outside + parts.iter().sum::<usize>() > MAX_DEPTH {
            return Some(
                Diagnostic::error("HF0006", "this chain is too long", span_of(tree.span()))
                    .label(format!("more than {MAX_CHAIN} operators in one chain"))
                    .hint("give a part of it a name (`part = … ;`) and go on from there"),
            );
        }
    }
    None
}
