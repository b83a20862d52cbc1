//! Module body tokens → dataflow statements, one by one, so that one wrong statement does not hide the next.

use hydroflow_lang::parse::DfirStatement;
use proc_macro2::{TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};

use super::{demux, former, lasting};
use crate::diagnostic::{Diagnostic, Suggestion};
use crate::parse::span_of;
use crate::source::{SourceMap, Span};

/// Reads all statements of a body; `end` is where its closing brace stands.
pub(super) fn statements(source: &SourceMap, body: &TokenStream, end: usize) -> (Vec<DfirStatement>, Vec<Diagnostic>) {
    let (mut statements, mut diagnostics) = (Vec::new(), Vec::new());
    let body = demux::lowered(body.clone(), &mut diagnostics);
    let body = &lasting::counters(former::names(body, &mut diagnostics));
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            let fork = input.fork();
            match fork.parse::<DfirStatement>() {
                Ok(statement) => {
                    syn::parse::discouraged::Speculative::advance_to(input, &fork);
                    statements.push(statement);
                }
                Err(error) => {
                    diagnostics.push(statement_error(source, body, &error, end));
                    skip_statement(input)?;
                }
            }
        }
        Ok(())
    };
    if let Err(error) = parser.parse2(body.clone()) {
        diagnostics.push(statement_error(source, body, &error, end));
    }
    (statements, diagnostics)
}

fn skip_statement(input: ParseStream<'_>) -> syn::Result<()> {
    loop {
        if input.is_empty() || matches!(input.parse::<TokenTree>()?, TokenTree::Punct(punct) if punct.as_char() == ';')
        {
            return Ok(());
        }
    }
}

/// A missing `;` is noticed only at the next token, often a line later; it is told where it is missing.
fn statement_error(source: &SourceMap, body: &TokenStream, error: &syn::Error, end: usize) -> Diagnostic {
    let span = span_of(error.span());
    let at_end = span.start == span.end;
    let found: Span = if at_end { end..end + 1 } else { span };
    let message = error.to_string();
    let wants_more = message.starts_with("expected `->`")
        || message.starts_with("expected `;`")
        || message.contains("expected one of: `->`");
    let before = last_token_before(body, found.start);
    if let Some(before) =
        before.filter(|before| wants_more && (at_end || source.place_of(before.end).0 < source.place_of(found.start).0))
    {
        return Diagnostic::error(
            "HF0005",
            "missing `;` after this statement",
            before.end.saturating_sub(1)..before.end,
        )
        .label("the statement ends here")
        .see(found, "this starts another statement")
        .suggest(Suggestion::insert(before.end, ";").surely(), "write `;` at the end of each pipeline");
    }
    let message = message.replace("unexpected end of input, ", "");
    let message = message.replace(
        "expected one of: square brackets, `mod`, identifier, parentheses",
        "expected an operator or the name of a pipeline",
    );
    Diagnostic::error("HF0004", message, found).label("not expected here")
}

fn last_token_before(body: &TokenStream, offset: usize) -> Option<Span> {
    body.clone().into_iter().map(|tree| span_of(tree.span())).take_while(|span| span.start < offset).last()
}
