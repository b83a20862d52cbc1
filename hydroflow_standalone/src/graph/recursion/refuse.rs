//! What is wrong with a cycle, in the user's words: the operator, why it cannot be there, and where the cycle enters and leaves it.

use std::collections::{BTreeMap, BTreeSet};

use hydroflow_lang::graph::{DfirGraph, GraphNode, GraphNodeId, HandoffKind, PortIndexValue};
use quote::ToTokens;

use super::cycles::{Cycle, operator_name, reached};
use super::rules::{Rule, rule};
use crate::diagnostic::Diagnostic;
use crate::parse::span_of;
use crate::source::Span;

/// Returns the errors of a cycle; none: it can be run round by round.
pub(super) fn refuse(graph: &DfirGraph, cycle: &Cycle) -> Vec<Diagnostic> {
    if let Some(within) = cycle.iter().find(|node| graph.node_loop(**node).is_some()) {
        return vec![through_loop(graph, cycle, *within)];
    }
    cycle.iter().filter_map(|node| refuse_node(graph, cycle, *node)).collect()
}

/// Says that a ring holds nothing.
pub(super) fn hollow(graph: &DfirGraph, node: GraphNodeId) -> Diagnostic {
    Diagnostic::error("HF0118", "this pipeline feeds nothing but itself", span(graph, node))
        .label("no item ever comes here, and none leaves")
        .hint("let something in (`… -> NAME`) and something out (`NAME -> …`), or remove the pipeline")
}

/// Finds operators that refer to a value though what they are fed comes from where the value goes. All that refer to a value run before it goes on.
pub(super) fn late_readers(graph: &DfirGraph) -> Vec<Diagnostic> {
    let next = reached(graph);
    let mut found = Vec::new();
    for reader in graph.node_ids() {
        for value in graph.node_handoff_references(reader).iter().filter_map(|reference| reference.node_id) {
            let Some(taker) = graph.node_successor_nodes(value).next() else { continue };
            if leads(&next, taker, reader) {
                found.push(late_reader(graph, reader, taker));
            }
        }
    }
    found
}

fn leads(next: &BTreeMap<GraphNodeId, Vec<GraphNodeId>>, from: GraphNodeId, to: GraphNodeId) -> bool {
    let (mut seen, mut open) = (BTreeSet::from([from]), vec![from]);
    while let Some(node) = open.pop() {
        if node == to {
            return true;
        }
        open.extend(next.get(&node).into_iter().flatten().filter(|next| seen.insert(**next)));
    }
    false
}

fn late_reader(graph: &DfirGraph, reader: GraphNodeId, taker: GraphNodeId) -> Diagnostic {
    let message = "this operator refers to a value that has gone on before it runs";
    let diagnostic = Diagnostic::error("HF0117", message, span(graph, reader)).label("refers to the value");
    let diagnostic = match taker == reader {
        true => diagnostic,
        false => {
            diagnostic.see(span(graph, taker), "the value goes on here, and what becomes of it comes to the operator")
        }
    };
    diagnostic.hint("branch off before the value is made: `… -> tee()`, one branch into `singleton()`, the other to where the value goes now")
}

fn refuse_node(graph: &DfirGraph, cycle: &Cycle, node: GraphNodeId) -> Option<Diagnostic> {
    let name = name(graph, node);
    let (message, reason, from) = match rule(name) {
        Rule::Free => return None,
        Rule::Never(reason) => {
            let from = graph.node_predecessor_nodes(node).find(|from| cycle.contains(from));
            (format!("`{name}` cannot stand in a cycle within one tick"), reason, from)
        }
        Rule::Without { port, reason } => {
            let edges = graph.node_predecessors(node);
            let (_, from) = edges
                .filter(|(edge, _)| is_named(graph.edge_ports(*edge).1, port))
                .find(|(_, from)| cycle.contains(from))?;
            (format!("the `[{port}]` of `{name}` cannot come from the cycle it stands in"), reason, Some(from))
        }
    };
    let next = reached(graph);
    let to = next.get(&node).and_then(|next| next.iter().copied().find(|to| cycle.contains(to)));
    let hint = format!(
        "let `{name}` read the cycle from outside: it then sees the finished result; or put `defer_tick()` before it: it then works with what the \
         tick before brought"
    );
    let diagnostic = Diagnostic::error("HF0113", message, span(graph, node)).label(reason);
    Some(ends(graph, diagnostic, node, from, to).hint(hint))
}

/// Shows both ends, except where they are the operator itself.
fn ends(
    graph: &DfirGraph,
    diagnostic: Diagnostic,
    node: GraphNodeId,
    from: Option<GraphNodeId>,
    to: Option<GraphNodeId>,
) -> Diagnostic {
    let other = |end: Option<GraphNodeId>| end.filter(|end| *end != node);
    match (other(from), other(to)) {
        (Some(from), Some(to)) if from == to => {
            diagnostic.see(span(graph, from), "the cycle goes on here and comes back")
        }
        (from, to) => {
            let mut diagnostic = diagnostic;
            if let Some(from) = from {
                diagnostic = diagnostic.see(span(graph, from), "the cycle comes from here");
            }
            if let Some(to) = to {
                diagnostic = diagnostic.see(span(graph, to), "and goes on here");
            }
            diagnostic
        }
    }
}

fn through_loop(graph: &DfirGraph, cycle: &Cycle, within: GraphNodeId) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("HF0113", "a cycle within one tick cannot go through a `loop`", span(graph, within))
            .label("this part of the cycle is in a `loop`");
    let outside = cycle.iter().find(|node| graph.node_loop(**node).is_none());
    let diagnostic = match outside {
        Some(outside) => diagnostic.see(span(graph, *outside), "this part is not"),
        None => diagnostic,
    };
    diagnostic.hint("close the cycle inside the `loop`, with `defer_tick()`: there it goes to the next iteration")
}

fn name(graph: &DfirGraph, node: GraphNodeId) -> &'static str {
    match graph.node(node) {
        GraphNode::Handoff { kind: HandoffKind::Vec, .. } => "handoff",
        GraphNode::Handoff { kind: HandoffKind::Singleton, .. } => "singleton",
        GraphNode::Handoff { kind: HandoffKind::Optional, .. } => "optional",
        _ => operator_name(graph, node).unwrap_or_default(),
    }
}

fn is_named(port: &PortIndexValue, name: &str) -> bool {
    matches!(port, PortIndexValue::Path(path) if path.to_token_stream().to_string() == name)
}

fn span(graph: &DfirGraph, node: GraphNodeId) -> Span {
    span_of(graph.node(node).span())
}
