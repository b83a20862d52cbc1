//! Text → tokens, and token positions → byte spans.
//!
//! Also refuses chains so long that a recursive parser behind us would overflow: operators, method calls, `else if`s.

use std::borrow::Cow;
use std::str::FromStr;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::diagnostic::Diagnostic;
use crate::source::{SourceFile, Span};

/// One expression may hold this many operators (`->`, `+`, `.`, …) in a row.
const MAX_CHAIN: usize = 3_000;

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
    chains(stream.clone()).map_or(Ok(stream), Err)
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

fn chains(stream: TokenStream) -> Option<Diagnostic> {
    let (mut operators, mut alternatives) = (0_usize, 0_usize);
    for tree in stream {
        let span = tree.span();
        match tree {
            TokenTree::Punct(punct) => match punct.as_char() {
                ',' | ';' => (operators, alternatives) = (0, 0),
                ':' | '#' | '\'' => {}
                _ => operators += 1,
            },
            TokenTree::Ident(word) if word == "else" => alternatives += 1,
            TokenTree::Group(group) => {
                if let Some(found) = chains(group.stream()) {
                    return Some(found);
                }
                if group.delimiter() == Delimiter::Brace {
                    operators = 0;
                }
            }
            TokenTree::Ident(_) | TokenTree::Literal(_) => {}
        }
        if operators > MAX_CHAIN || alternatives > MAX_CHAIN {
            return Some(
                Diagnostic::error("HF0006", "this chain is too long", span_of(span))
                    .label(format!("more than {MAX_CHAIN} operators in one chain"))
                    .hint("give a part of it a name (`part = … ;`) and go on from there"),
            );
        }
    }
    None
}
