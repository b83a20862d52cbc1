//! Puts a module's ports at the ends of its pipelines: an input is a source that may be used several times, an output a sink that may be.
//!
//! Also says early, and in the words of the language, when a port is used the wrong way round.

use hydroflow_lang::parse::{DfirStatement, Pipeline};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote_spanned};

use crate::diagnostic::Diagnostic;
use crate::interface::Direction;
use crate::parse::span_of;
use crate::resolve::{ResolvedModule, ResolvedPort};

/// Returns the name of the Rust value behind a port.
pub(crate) fn value(port: &ResolvedPort) -> Ident {
    format_ident!("__hydro_port_{}", port.name, span = port.name.span())
}

/// Returns the statements that make pipelines of the ports, spanned at their declarations.
pub(super) fn prelude(module: &ResolvedModule) -> TokenStream {
    let statement = |port: &ResolvedPort| {
        let (name, value) = (&port.name, value(port));
        match port.direction {
            Direction::Input => quote_spanned!(name.span()=> #name = source_stream(#value) -> tee();),
            // The type said here lets rustc compare what is written with what was declared, at both places, and infer the rest.
            Direction::Output => {
                let ty = &port.ty;
                quote_spanned!(name.span()=> #name = union() -> identity::<#ty>() -> dest_sink(#value);)
            }
        }
    };
    module.ports.iter().map(statement).collect()
}

/// Finds ports that are assigned, written though they are inputs, or read though they are outputs.
pub(super) fn misuses(module: &ResolvedModule, statements: &[DfirStatement]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for statement in statements {
        match statement {
            DfirStatement::Named(named) => {
                if let Some(port) = port(module, &named.name) {
                    found.push(assigned(port, &named.name));
                }
                pipeline(module, &named.pipeline, &mut found);
            }
            DfirStatement::Pipeline(statement) => pipeline(module, &statement.pipeline, &mut found),
            DfirStatement::Loop(inner) => found.extend(misuses(module, &inner.statements)),
            DfirStatement::Use(_) => {}
        }
    }
    found
}

fn port<'a>(module: &'a ResolvedModule, name: &Ident) -> Option<&'a ResolvedPort> {
    module.ports.iter().find(|port| port.name == *name)
}

fn pipeline(module: &ResolvedModule, whole: &Pipeline, found: &mut Vec<Diagnostic>) {
    let mut parts = Vec::new();
    flatten(whole, &mut parts);
    let last = parts.len().saturating_sub(1);
    for (at, part) in parts.iter().enumerate() {
        let Pipeline::Name(named) = part else { continue };
        let Some(port) = port(module, &named.inner) else { continue };
        match port.direction {
            Direction::Input if at > 0 => found.push(wrong_way(port, &named.inner)),
            Direction::Output if at < last => found.push(wrong_way(port, &named.inner)),
            _ => {}
        }
    }
}

fn flatten<'a>(pipeline: &'a Pipeline, parts: &mut Vec<&'a Pipeline>) {
    match pipeline {
        Pipeline::Link(link) => {
            flatten(&link.lhs, parts);
            flatten(&link.rhs, parts);
        }
        Pipeline::Paren(inner) => flatten(&inner.inner.pipeline, parts),
        other => parts.push(other),
    }
}

fn assigned(port: &ResolvedPort, name: &Ident) -> Diagnostic {
    let word = port.direction.word();
    Diagnostic::error(
        "HF0104",
        format!("`{name}` is an {word} of this module and cannot be assigned"),
        span_of(name.span()),
    )
    .label("assigned here")
    .see(span_of(port.name.span()), format!("declared as {word} here"))
    .hint(format!("choose another name for this pipeline, for example `{name}_flow`"))
}

fn wrong_way(port: &ResolvedPort, name: &Ident) -> Diagnostic {
    let (code, message, hint) = match port.direction {
        Direction::Input => {
            ("HF0105", format!("cannot write to the input `{name}`"), "items come out of an input: `… = NAME -> …`")
        }
        Direction::Output => {
            ("HF0106", format!("cannot read from the output `{name}`"), "items go into an output: `… -> NAME;`")
        }
    };
    let word = port.direction.word();
    Diagnostic::error(code, message, span_of(name.span()))
        .label(if port.direction == Direction::Input { "used as a destination" } else { "used as a source" })
        .see(span_of(port.name.span()), format!("declared as {word} here"))
        .hint(hint.replace("NAME", &name.to_string()))
}
