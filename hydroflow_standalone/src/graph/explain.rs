//! What the dataflow compiler says → our diagnostics: stable codes, positions, hints, and no word about its inner workings.

use std::collections::BTreeSet;

use hydroflow_lang::diagnostic::{Diagnostic as Said, Level};
use hydroflow_lang::graph::ops::OPERATORS;

use crate::diagnostic::{Diagnostic, Suggestion, nearest};
use crate::parse::span_of;
use crate::resolve::ResolvedModule;
use crate::source::{SourceMap, Span};

/// Operators that older texts use, and what they are called today.
const FORMER_NAMES: &[(&str, &str)] = &[
    ("merge", "union"),
    ("group_by", "fold_keyed"),
    ("keyed_fold", "fold_keyed"),
    ("keyed_reduce", "reduce_keyed"),
    ("next_tick", "defer_tick"),
    ("demux", "demux_enum"),
    ("recv_stream", "source_stream"),
    ("write_async", "dest_sink"),
];

/// The compiler's phrases, in the order they are tried, and the code we give them.
const CODES: &[(&str, &str)] = &[
    ("name was never assigned", "HF0103"),
    ("Unknown operator", "HF0108"),
    ("argument(s), received", "HF0109"),
    ("takes no arguments", "HF0109"),
    ("received unexpected", "HF0110"),
    ("missing expected", "HF0110"),
    ("port index is unused", "HF0110"),
    ("Indexing on", "HF0110"),
    ("Cannot index on", "HF0110"),
    ("connection conflicts", "HF0110"),
    ("persistence lifetime argument", "HF0115"),
    ("generic type argument", "HF0115"),
    ("should have", "HF0111"),
    ("must have", "HF0111"),
    ("conflicts with", "HF0112"),
    ("Cyclical dataflow", "HF0113"),
    ("illegal cycle", "HF0113"),
    ("self-referential", "HF0114"),
    ("generic", "HF0115"),
    ("persistence", "HF0115"),
    ("loop", "HF0116"),
    ("indowing", "HF0116"),
    ("Cannot reference", "HF0117"),
    ("singleton", "HF0117"),
    ("Access group", "HF0117"),
    ("Degenerate subgraph", "HF0118"),
];

/// Turns everything the compiler said into diagnostics of ours.
pub(super) fn explain(
    source: &SourceMap,
    module: &ResolvedModule,
    parts_ports: &[Span],
    said: Vec<Said>,
) -> Vec<Diagnostic> {
    let mut shown = BTreeSet::new();
    let own = module.ports.iter().map(|port| span_of(port.name.span()));
    let ports: Vec<Span> = own.chain(parts_ports.iter().cloned()).collect();
    let mut diagnostics = Vec::new();
    for said in said {
        let span = span_of(said.span);
        // How often a port is used is its user's affair; our own statements at its declaration must not be blamed for it.
        let about_port = ports.contains(&span);
        if about_port && said.level != Level::Error {
            continue;
        }
        // Of a name with two pipelines both are told; the second is the one to change.
        if said.message.starts_with("Existing assignment") {
            continue;
        }
        let span = if span.start == span.end { span_of(module.name.span()) } else { span };
        if shown.insert((span.start, said.message.clone())) {
            diagnostics.push(translate(source, module, &said, span));
        }
    }
    without_consequences(diagnostics)
}

/// A pipeline that leads to a wrong name leads nowhere; once the name is right, so is the pipeline.
fn without_consequences(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    if diagnostics.iter().any(|known| matches!(known.code, "HF0103" | "HF0112")) {
        diagnostics.retain(|known| !matches!(known.code, "HF0110" | "HF0111" | "HF0118"));
    }
    // The compiler tells a circle of names at each of them, and at the operators around it.
    if let Some(first) = diagnostics.iter().position(|known| known.code == "HF0114") {
        let circle = diagnostics.remove(first);
        diagnostics.retain(|known| !matches!(known.code, "HF0110" | "HF0111" | "HF0114" | "HF0118"));
        diagnostics.insert(0, circle);
    }
    diagnostics
}

/// A failure of ours that no input should bring about.
pub(super) fn internal(message: &str) -> Diagnostic {
    Diagnostic::error("HF0000", format!("internal error: {message}"), 0..0)
        .hint("this is a fault of `cargo hydro`, not of your program; please report it with the file")
}

fn translate(source: &SourceMap, module: &ResolvedModule, said: &Said, span: Span) -> Diagnostic {
    let code = CODES.iter().find(|(phrase, _)| said.message.contains(phrase)).map_or("HF0199", |(_, code)| code);
    let word = source.text_of(&span).split(['(', ':', '<']).next().unwrap_or_default().trim().to_owned();
    let diagnostic = match said.level {
        Level::Error => Diagnostic::error,
        _ => Diagnostic::warning,
    };
    match code {
        "HF0103" => unknown_name(module, &word, span),
        "HF0108" => unknown_operator(&word, span),
        "HF0112" => {
            assigned_twice(module, span).unwrap_or_else(|span| diagnostic(code, tidy(source, &said.message), span))
        }
        "HF0113" => diagnostic(code, "this pipeline feeds itself within one tick".to_owned(), span)
            .label("part of the cycle")
            .hint("put `defer_tick()` into the cycle: what goes round then arrives in the next tick"),
        "HF0114" => {
            let circle = diagnostic(code, format!("`{word}` stands for names alone, and they lead back to it"), span);
            let names = assigned_names(module);
            let circle = match names.iter().find(|(name, place)| *name == word && *place != circle.primary.span) {
                Some((_, place)) => circle.see(place.clone(), "given this name here"),
                None => circle,
            };
            circle.hint(format!("give one of them an operator: `{word} = union();`, or another pipeline"))
        }
        "HF0118" => diagnostic(code, "this pipeline has no source or no destination".to_owned(), span)
            .label("items cannot flow here")
            .hint("end it in `for_each(…)`, an output, or `null()`"),
        _ => next_step(code, &said.message, &word, diagnostic(code, tidy(source, &said.message), span)),
    }
}

/// Says what to do about the compiler's own messages.
fn next_step(code: &str, said: &str, word: &str, diagnostic: Diagnostic) -> Diagnostic {
    let actually = |count: &str| said.contains(&format!("actually has {count}"));
    let is_about = |what: &str| said.contains(what);
    let step = match code {
        "HF0109" => "`docs/operators.md` tells what each operator takes",
        "HF0111" if is_about("output(s)") && actually("0") => {
            "send its items on: `… -> for_each(…)`, to an output, or `-> null()` to drop them"
        }
        "HF0111" if is_about("output(s)") => "put `-> tee()` at its end: each reader then gets all items",
        "HF0111" if is_about("input(s)") && actually("0") => {
            "let items come in: from an input, a source such as `source_iter(…)`, or another pipeline"
        }
        "HF0111" if is_about("exactly 1 input(s)") => {
            "put `union() ->` at its start: the items of all writers then go through"
        }
        "HF0115" if is_about("persistence") && is_about("exactly 0") => {
            "leave the lifetime out: this operator remembers nothing"
        }
        "HF0116" if is_about("windowing operator, but is not") && !is_about("exiting") => {
            "items enter a loop by `batch()`: put it in front"
        }
        "HF0117" if is_about("annot reference") => {
            "end that pipeline in `-> singleton()`, `-> optional()` or `-> handoff()`; `#` then reads what it holds"
        }
        _ => return diagnostic,
    };
    let mut diagnostic = diagnostic.hint(step);
    if code == "HF0117" {
        diagnostic.message = diagnostic.message.split(". Use ").next().unwrap_or_default().to_owned();
    }
    if code == "HF0116" {
        diagnostic.message = diagnostic.message.replace("operator `map(...)`", &format!("`{word}`"));
    }
    diagnostic
}

/// Positions inside the compiler's text name no file and count columns from 0; ours come from the source.
fn tidy(source: &SourceMap, message: &str) -> String {
    let mut text = message.trim_end_matches('.').to_owned();
    while let Some(at) = text.find("unknown:") {
        let rest = &text[at + "unknown:".len()..];
        let length = rest.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(rest.len());
        let place = rest[..length].trim_end_matches(':');
        let numbers: Vec<usize> = place.split(':').filter_map(|number| number.parse().ok()).collect();
        let column = numbers.get(1).map_or(1, |column| column + 1);
        let place_text = format!("{}:{}:{column}", source.name(), numbers.first().copied().unwrap_or(1));
        text.replace_range(at..at + "unknown:".len() + place.len(), &place_text);
    }
    lower_first(&text)
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}

fn unknown_name(module: &ResolvedModule, word: &str, span: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("HF0103", format!("cannot find port or pipeline `{word}` in this module"), span);
    let assigned = assigned_names(module);
    let ports = module.ports.iter().map(|port| port.name.to_string());
    let candidates: Vec<String> = ports.chain(assigned.into_iter().map(|(name, _)| name)).collect();
    let diagnostic = diagnostic.label("not found in this module");
    if let Some(near) = nearest(word, candidates.iter().map(String::as_str)) {
        let diagnostic = diagnostic.similar("name", word, near);
        let declared = module.ports.iter().find(|port| port.name == near);
        return match declared {
            Some(port) => diagnostic
                .see(span_of(port.name.span()), format!("similarly named {} declared here", port.direction.word())),
            None => diagnostic,
        };
    }
    if OPERATORS.iter().any(|operator| operator.name == word) {
        let end = diagnostic.primary.span.end;
        return diagnostic
            .suggest(Suggestion::insert(end, "()"), format!("`{word}` is an operator; call it: `{word}(…)`"));
    }
    diagnostic
        .hint(format!("declare it in the header (`input {word}: T`), or give a pipeline this name (`{word} = …;`)"))
}

/// Finds the statement at `span` among those that give a name, and the one that gave it first.
fn assigned_twice(module: &ResolvedModule, span: Span) -> Result<Diagnostic, Span> {
    let names = assigned_names(module);
    let Some((name, again)) = names.iter().find(|(_, place)| place.start == span.start) else { return Err(span) };
    let Some((_, first)) = names.iter().find(|(other, place)| other == name && place.start < again.start) else {
        return Err(span);
    };
    Ok(Diagnostic::error("HF0112", format!("pipeline `{name}` is assigned twice"), again.clone())
        .label("assigned again here")
        .see(first.clone(), "first assigned here")
        .hint(format!("`{name} = union();` joins several: `… -> {name};`")))
}

/// Names that the body gives to pipelines: a word with `=` behind it at the start of a statement.
fn assigned_names(module: &ResolvedModule) -> Vec<(String, Span)> {
    use proc_macro2::TokenTree;
    let trees: Vec<TokenTree> = module.body.clone().into_iter().collect();
    let mut names = Vec::new();
    for (at, pair) in trees.windows(2).enumerate() {
        let starts = at == 0 || matches!(&trees[at - 1], TokenTree::Punct(punct) if punct.as_char() == ';');
        if let ([TokenTree::Ident(name), TokenTree::Punct(equals)], true) = (pair, starts)
            && equals.as_char() == '='
        {
            names.push((name.to_string(), span_of(name.span())));
        }
    }
    names
}

fn unknown_operator(word: &str, span: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("HF0108", format!("unknown operator `{word}`"), span)
        .label("there is no operator of this name");
    if let Some((_, today)) = FORMER_NAMES.iter().find(|(former, _)| *former == word) {
        return diagnostic.similar_called(word, today, format!("it is called `{today}` today"));
    }
    match nearest(word, OPERATORS.iter().map(|operator| operator.name)) {
        Some(near) => diagnostic.similar("operator", word, near),
        None => diagnostic
            .hint("a pipeline of your own is used without parentheses; `cargo hydro graph` draws what the module does"),
    }
}
