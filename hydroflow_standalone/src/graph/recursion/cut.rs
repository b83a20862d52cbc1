//! Where cycles close, and where values are made distinct.

use std::collections::BTreeSet;

use hydroflow_lang::graph::{DfirGraph, GraphEdgeId, GraphNodeId};

use super::cycles::{Cycle, operator_name};
use super::rules::keeps_distinct;

/// What happens on the edges of one cycle.
#[derive(Debug, Default)]
pub(super) struct Cut {
    /// What goes along these goes into the next round. Without them the cycle is none.
    pub(super) back: BTreeSet<GraphEdgeId>,
    /// What goes along these is made distinct.
    pub(super) distinct: BTreeSet<GraphEdgeId>,
}

/// Chooses where a cycle closes.
pub(super) fn cut(graph: &DfirGraph, cycle: &Cycle) -> Cut {
    let mut cut = Cut::default();
    for &node in cycle {
        let entered = graph.node_predecessor_nodes(node).any(|from| !cycle.contains(&from));
        if entered && operator_name(graph, node) == Some("union") {
            cut.back
                .extend(graph.node_predecessors(node).filter(|(_, from)| cycle.contains(from)).map(|(edge, _)| edge));
        }
    }
    close_the_rest(graph, cycle, &mut cut.back);
    let leaves = |node: GraphNodeId| graph.node_successors(node).filter(|(_, to)| !cycle.contains(to));
    let out: Vec<GraphEdgeId> = cycle.iter().flat_map(|node| leaves(*node)).map(|(edge, _)| edge).collect();
    for edge in cut.back.iter().copied().chain(out) {
        let edge = before_tees(graph, cycle, edge);
        if !is_distinct(graph, cycle, edge) {
            cut.distinct.insert(edge);
        }
    }
    cut
}

/// Walks from where the cycle is entered; an edge to a node on the way that led to it goes back.
fn close_the_rest(graph: &DfirGraph, cycle: &Cycle, back: &mut BTreeSet<GraphEdgeId>) {
    let is_entered = |node: &GraphNodeId| graph.node_predecessor_nodes(*node).any(|from| !cycle.contains(&from));
    let (entered, others): (Vec<GraphNodeId>, Vec<GraphNodeId>) = cycle.iter().copied().partition(is_entered);
    let (mut seen, mut on_way) = (BTreeSet::new(), BTreeSet::new());
    for start in entered.into_iter().chain(others) {
        let mut way: Vec<(GraphNodeId, usize)> = Vec::new();
        if seen.insert(start) {
            on_way.insert(start);
            way.push((start, 0));
        }
        while let Some((node, at)) = way.last_mut() {
            let (node, step) = (*node, *at);
            *at += 1;
            match graph.node_successors(node).nth(step) {
                Some((edge, to)) if cycle.contains(&to) && !back.contains(&edge) => {
                    if on_way.contains(&to) {
                        back.insert(edge);
                    } else if seen.insert(to) {
                        on_way.insert(to);
                        way.push((to, 0));
                    }
                }
                Some(_) => {}
                None => {
                    on_way.remove(&node);
                    way.pop();
                }
            }
        }
    }
}

/// Returns the edge that brings to a tee what goes along `edge`: one set of values then serves all outputs.
fn before_tees(graph: &DfirGraph, cycle: &Cycle, edge: GraphEdgeId) -> GraphEdgeId {
    let mut seen = BTreeSet::new();
    let mut at = edge;
    while seen.insert(at) {
        let (from, _) = graph.edge(at);
        let before = graph.node_predecessor_edges(from).next();
        match (operator_name(graph, from), before) {
            (Some("tee"), Some(before)) if cycle.contains(&from) => at = before,
            _ => return at,
        }
    }
    edge
}

/// Whether the user sees to it that what goes along an edge is distinct.
fn is_distinct(graph: &DfirGraph, cycle: &Cycle, edge: GraphEdgeId) -> bool {
    let mut seen = BTreeSet::new();
    let mut at = edge;
    while seen.insert(at) {
        let (from, _) = graph.edge(at);
        let Some(name) = operator_name(graph, from).filter(|_| cycle.contains(&from)) else { return false };
        match graph.node_predecessor_edges(from).next() {
            _ if name == "unique" => return true,
            Some(before) if keeps_distinct(name) => at = before,
            _ => return false,
        }
    }
    false
}
