//! Finds the cycles of a flat graph: strongly connected components of the operators, by what goes from one to the other within a tick.
//!
//! Does not know which cycles are allowed.

use std::collections::{BTreeMap, BTreeSet};

use hydroflow_lang::graph::{DfirGraph, GraphEdgeId, GraphNode, GraphNodeId};

/// The operators of a cycle. Cycles that share an operator are one.
pub(super) type Cycle = BTreeSet<GraphNodeId>;

/// Returns the name of a node's operator; a value that others refer to has none.
pub(super) fn operator_name(graph: &DfirGraph, node: GraphNodeId) -> Option<&'static str> {
    graph.node_op_inst(node).map(|instance| instance.op_constraints.name)
}

/// Whether what goes along an edge arrives in a later tick.
fn is_deferred(graph: &DfirGraph, edge: GraphEdgeId) -> bool {
    let (_, to) = graph.edge(edge);
    let port = graph.edge_ports(edge).1;
    graph.node_op_inst(to).is_some_and(|instance| (instance.op_constraints.input_delaytype_fn)(port).is_some())
}

/// Returns the cycles in the order of their first operators.
pub(super) fn cycles(graph: &DfirGraph) -> Vec<Cycle> {
    let next = reached(graph);
    let loops_to_itself = |node: &GraphNodeId| next.get(node).is_some_and(|next| next.contains(node));
    let mut cycles: Vec<Cycle> = Search::new(&next).components(graph.node_ids());
    cycles.retain(|cycle| cycle.len() > 1 || cycle.iter().any(loops_to_itself));
    cycles.sort();
    cycles
}

/// What each node reaches in one step within a tick: its successors, and operators that refer to it.
pub(super) fn reached(graph: &DfirGraph) -> BTreeMap<GraphNodeId, Vec<GraphNodeId>> {
    let mut next: BTreeMap<GraphNodeId, Vec<GraphNodeId>> = BTreeMap::new();
    for (edge, (from, to)) in graph.edges() {
        if !is_deferred(graph, edge) {
            next.entry(from).or_default().push(to);
        }
    }
    for node in graph.node_ids() {
        for value in graph.node_handoff_references(node).iter().filter_map(|reference| reference.node_id) {
            next.entry(value).or_default().push(node);
        }
    }
    next
}

/// Tarjan's search with a stack of its own, since a program may be a chain of any length.
struct Search<'a> {
    next: &'a BTreeMap<GraphNodeId, Vec<GraphNodeId>>,
    /// For each node seen: its number, and the lowest number it reaches.
    seen: BTreeMap<GraphNodeId, (usize, usize)>,
    open: Vec<GraphNodeId>,
    is_open: BTreeSet<GraphNodeId>,
    found: Vec<Cycle>,
}

impl<'a> Search<'a> {
    fn new(next: &'a BTreeMap<GraphNodeId, Vec<GraphNodeId>>) -> Self {
        Self { next, seen: BTreeMap::new(), open: Vec::new(), is_open: BTreeSet::new(), found: Vec::new() }
    }

    fn components(mut self, nodes: impl Iterator<Item = GraphNodeId>) -> Vec<Cycle> {
        for node in nodes {
            if !self.seen.contains_key(&node) {
                self.visit(node);
            }
        }
        self.found
    }

    fn visit(&mut self, start: GraphNodeId) {
        let mut path = vec![(start, 0)];
        self.enter(start);
        while let Some((node, at)) = path.last_mut() {
            let (node, step) = (*node, *at);
            *at += 1;
            match self.next.get(&node).and_then(|next| next.get(step)) {
                Some(&to) if !self.seen.contains_key(&to) => {
                    self.enter(to);
                    path.push((to, 0));
                }
                Some(&to) => {
                    if self.is_open.contains(&to) {
                        self.lower(node, self.seen[&to].0);
                    }
                }
                None => {
                    path.pop();
                    let (number, lowest) = self.seen[&node];
                    if let Some((parent, _)) = path.last() {
                        self.lower(*parent, lowest);
                    }
                    if lowest == number {
                        self.leave(node);
                    }
                }
            }
        }
    }

    fn enter(&mut self, node: GraphNodeId) {
        let number = self.seen.len();
        self.seen.insert(node, (number, number));
        self.open.push(node);
        self.is_open.insert(node);
    }

    fn lower(&mut self, node: GraphNodeId, number: usize) {
        if let Some((_, lowest)) = self.seen.get_mut(&node) {
            *lowest = number.min(*lowest);
        }
    }

    fn leave(&mut self, root: GraphNodeId) {
        let mut cycle = Cycle::new();
        while let Some(node) = self.open.pop() {
            self.is_open.remove(&node);
            cycle.insert(node);
            if node == root {
                break;
            }
        }
        self.found.push(cycle);
    }
}

/// Returns one node of each ring in which nothing but unions, tees and delays stands, all with one input and one output.
pub(super) fn hollow(graph: &DfirGraph) -> Vec<GraphNodeId> {
    let is_bare = |node: GraphNodeId| {
        matches!(graph.node(node), GraphNode::Operator(_))
            && matches!(operator_name(graph, node), Some("union" | "tee" | "defer_tick" | "defer_tick_lazy"))
            && graph.node_degree_in(node) == 1
            && graph.node_degree_out(node) == 1
    };
    let mut seen = BTreeSet::new();
    let mut rings = Vec::new();
    for start in graph.node_ids().filter(|node| is_bare(*node)) {
        let mut node = start;
        while is_bare(node) && seen.insert(node) {
            let Some(next) = graph.node_successor_nodes(node).next() else { break };
            node = next;
            if node == start {
                rings.push(start);
            }
        }
    }
    rings
}
