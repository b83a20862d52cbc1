//! Whether all that is wrong with a graph is known before it is put in order and written as Rust, which costs most of the time.
//!
//! What the dataflow compiler says while it does that depends on a few operators, on loops and references, and on operators with nothing around
//! them. A check of a graph without these ends here.

use hydroflow_lang::graph::{DfirGraph, GraphNode, GraphNodeId};

/// Operators whose arguments are looked at when they are written as Rust.
const LATE: [&str; 8] =
    ["demux_enum", "iter_ref", "join_fused", "join_fused_lhs", "join_fused_rhs", "partition", "persist", "zip_longest"];

/// Whether nothing more can be said of a graph that has no cycles.
pub(super) fn is_known(graph: &DfirGraph) -> bool {
    graph.loop_ids().next().is_none() && graph.nodes().all(|(id, node)| is_early(graph, id, node))
}

fn is_early(graph: &DfirGraph, id: GraphNodeId, node: &GraphNode) -> bool {
    let GraphNode::Operator(operator) = node else { return false };
    let name = operator.name_string();
    let (before, behind) = (graph.node_degree_in(id), graph.node_degree_out(id));
    // What ends without being an end, or begins without being a beginning, may be a pipeline that leads nowhere.
    let is_end = before == 1 || behind > 0;
    let is_beginning = behind == 1 || before > 0;
    let refers = !graph.node_handoff_references(id).is_empty();
    is_end && is_beginning && !refers && !LATE.contains(&name.as_str())
}
