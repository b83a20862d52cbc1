//! References to singletons, optionals and handoffs that the dataflow compiler cannot compile and does not report.

use std::collections::BTreeSet;

use hydroflow_lang::diagnostic::{Diagnostic as Said, Level};
use hydroflow_lang::graph::{DfirGraph, GraphNode};

/// Returns what is wrong with the references of a graph.
pub(super) fn faults(graph: &DfirGraph) -> Vec<Said> {
    let mut faults = adjacent(graph);
    faults.extend(in_two_groups(graph));
    faults
}

/// Two references in a row, which arise when a tee or union with one use is taken away.
fn adjacent(graph: &DfirGraph) -> Vec<Said> {
    let is_handoff = |node| matches!(graph.node(node), GraphNode::Handoff { .. });
    let adjacent = graph.edges().filter(|(_, (from, to))| is_handoff(*from) && is_handoff(*to));
    adjacent
        .map(|(_, (_, to))| {
            let message = "two of `singleton()`, `optional()` and `handoff()` cannot stand next to each other";
            Said::spanned(graph.node(to).span(), Level::Error, message)
        })
        .collect()
}

/// Access groups say which operator comes first, and no operator comes before itself.
fn in_two_groups(graph: &DfirGraph) -> Vec<Said> {
    let mut faults = Vec::new();
    for groups in graph.node_handoff_reference_groups().values() {
        let mut before = BTreeSet::new();
        for references in groups.values() {
            for (_, _, span) in references.iter().filter(|(node, _, _)| before.contains(node)) {
                let message = "one operator cannot read the same singleton in two access groups";
                faults.push(Said::spanned(*span, Level::Error, message));
            }
            before.extend(references.iter().map(|(node, _, _)| *node));
        }
    }
    faults
}
