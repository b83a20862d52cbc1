//! Loops into which nothing comes: they never run, and the dataflow compiler has no place for them in its order.

use std::collections::BTreeSet;

use hydroflow_lang::graph::{DfirGraph, GraphLoopId};
use hydroflow_lang::parse::DfirStatement;

use crate::diagnostic::Diagnostic;
use crate::parse::span_of;
use crate::source::Span;

/// Returns where the loops of a body are written, outer ones first: the word `loop`, and what its braces hold.
pub(super) fn places(statements: &[DfirStatement]) -> Vec<(Span, Span)> {
    let mut found = Vec::new();
    for statement in statements {
        if let DfirStatement::Loop(inner) = statement {
            let (open, close) = (inner.brace_token.span.open(), inner.brace_token.span.close());
            found.push((span_of(inner.loop_token.span), span_of(open).start..span_of(close).end));
            found.extend(places(&inner.statements));
        }
    }
    found
}

/// Finds loops that hold operators and that nothing enters.
pub(super) fn unentered(graph: &DfirGraph, places: &[(Span, Span)]) -> Vec<Diagnostic> {
    let entered: BTreeSet<GraphLoopId> = graph
        .edges()
        .filter_map(|(_, (from, to))| {
            let inner = graph.node_loop(to)?;
            (graph.node_loop(from) == graph.loop_parent(inner)).then_some(inner)
        })
        .collect();
    let is_entered = |id: &GraphLoopId| entered.contains(id);
    let waits = |id: &GraphLoopId| !is_entered(id) && graph.loop_parent(*id).is_none_or(|outer| is_entered(&outer));
    graph.loop_ids().filter(waits).filter_map(|id| unentered_loop(graph, id, places)).collect()
}

fn unentered_loop(graph: &DfirGraph, id: GraphLoopId, places: &[(Span, Span)]) -> Option<Diagnostic> {
    let spans: Vec<Span> = nodes(graph, id).into_iter().filter(|span| span.start != span.end).collect();
    let first = spans.iter().min_by_key(|span| span.start)?;
    let holds = |braces: &Span| spans.iter().all(|span| braces.start <= span.start && span.end <= braces.end);
    // What a module's use puts in may come from elsewhere; then the first operator is the place.
    let depth = std::iter::successors(graph.loop_parent(id), |outer| graph.loop_parent(*outer)).count();
    let place = places.iter().filter(|(_, braces)| holds(braces)).nth(depth);
    let span = place.map_or_else(|| first.clone(), |(word, _)| word.clone());
    let diagnostic = Diagnostic::error("HF0116", "nothing comes into this loop, so it never runs", span);
    Some(diagnostic.hint("lead items in: `… -> batch() -> …` within the loop"))
}

/// The spans of all operators in a loop and the loops within it. The compiler's own lists hold operators that it took away.
fn nodes(graph: &DfirGraph, id: GraphLoopId) -> Vec<Span> {
    let is_within = |mut inner: Option<GraphLoopId>| {
        while inner.is_some() && inner != Some(id) {
            inner = inner.and_then(|inner| graph.loop_parent(inner));
        }
        inner.is_some()
    };
    let within = graph.nodes().filter(|(node, _)| is_within(graph.node_loop(*node)));
    within.map(|(_, node)| span_of(node.span())).collect()
}
