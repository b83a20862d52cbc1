//! Builds a graph anew in which each cycle is a loop in a loop.

use std::collections::{BTreeMap, BTreeSet};

use hydroflow_lang::diagnostic::Diagnostics;
use hydroflow_lang::graph::ops::Persistence;
use hydroflow_lang::graph::{DfirGraph, GraphEdgeId, GraphLoopId, GraphNode, GraphNodeId, PortIndexValue};
use hydroflow_lang::parse::{IndexInt, Operator};
use proc_macro2::{Ident, Span};
use syn::parse_quote_spanned;

use super::Lowered;
use super::cut::{Cut, cut};
use super::cycles::{Cycle, operator_name};
use super::rounds::Rounds;
use super::rules::{joins, recalls};

/// Returns the graph with loops in place of cycles.
pub(super) fn lower(old: &DfirGraph, cycles: &[Cycle]) -> (DfirGraph, Lowered) {
    let mut lowering =
        Lowering { old, new: DfirGraph::new(), nodes: BTreeMap::new(), cycles: BTreeMap::new(), rings: Vec::new() };
    let mut loops = BTreeMap::new();
    for id in old.loop_ids() {
        lowering.copy_loop(id, &mut loops);
    }
    for (number, cycle) in cycles.iter().enumerate() {
        lowering.cycles.extend(cycle.iter().map(|node| (*node, number)));
        let outer = lowering.new.insert_loop(None);
        let inner = lowering.new.insert_loop(Some(outer));
        lowering.rings.push(Ring { outer, inner, cut: cut(old, cycle) });
    }
    lowering.copy_nodes(&loops);
    for (edge, _) in old.edges() {
        lowering.connect(edge);
    }
    let mut rounds = Rounds::default();
    for (number, cycle) in cycles.iter().enumerate() {
        lowering.start_rounds(number, cycle, &mut rounds);
    }
    // What could be wrong with an operator was said when the graph was built for the first time.
    lowering.new.insert_node_op_insts_all(&mut Diagnostics::new());
    let copied: BTreeSet<GraphNodeId> = lowering.nodes.into_values().collect();
    let made = lowering.new.node_ids().filter(|node| !copied.contains(node)).collect();
    let loops = lowering.rings.iter().flat_map(|ring| [ring.outer, ring.inner]).collect();
    (lowering.new, Lowered { rounds, made, loops })
}

/// A cycle as a loop in a loop.
struct Ring {
    /// Runs once in a tick.
    outer: GraphLoopId,
    /// Runs round by round.
    inner: GraphLoopId,
    cut: Cut,
}

struct Lowering<'a> {
    old: &'a DfirGraph,
    new: DfirGraph,
    /// The new node of each old one.
    nodes: BTreeMap<GraphNodeId, GraphNodeId>,
    /// The cycle that an old node is in.
    cycles: BTreeMap<GraphNodeId, usize>,
    rings: Vec<Ring>,
}

/// The open end of a pipeline in the new graph.
struct End {
    node: GraphNodeId,
    port: PortIndexValue,
}

impl Lowering<'_> {
    fn copy_loop(&mut self, id: GraphLoopId, loops: &mut BTreeMap<GraphLoopId, GraphLoopId>) -> GraphLoopId {
        if let Some(copied) = loops.get(&id) {
            return *copied;
        }
        let parent = self.old.loop_parent(id).map(|parent| self.copy_loop(parent, loops));
        let copied = self.new.insert_loop(parent);
        loops.insert(id, copied);
        copied
    }

    fn copy_nodes(&mut self, loops: &BTreeMap<GraphLoopId, GraphLoopId>) {
        for (id, node) in self.old.nodes() {
            let name = self.old.node_varname(id).map(|name| name.0.clone());
            let within = match self.cycles.get(&id) {
                Some(cycle) => Some(self.rings[*cycle].inner),
                None => self.old.node_loop(id).and_then(|id| loops.get(&id).copied()),
            };
            let copied = self.new.insert_node(node.clone(), name, within);
            self.nodes.insert(id, copied);
        }
        for (old, new) in &self.nodes {
            let mut references = self.old.node_handoff_references(*old).to_vec();
            for reference in &mut references {
                reference.node_id = reference.node_id.and_then(|value| self.nodes.get(&value).copied());
            }
            self.new.set_node_handoff_references(*new, references);
        }
    }

    /// Copies an edge, with what it needs on its way in, around, or out.
    fn connect(&mut self, edge: GraphEdgeId) {
        let (from, to) = self.old.edge(edge);
        let (out_port, in_port) = self.old.edge_ports(edge);
        let (out_port, in_port) = (out_port.clone(), in_port.clone());
        let (from_span, to_span) = (self.old.node(from).span(), self.old.node(to).span());
        let (left, entered) = (self.cycles.get(&from).copied(), self.cycles.get(&to).copied());
        let mut end = End { node: self.nodes[&from], port: out_port };
        if let Some(cycle) = left {
            end = self.around(end, cycle, edge, from_span);
        }
        if left != entered {
            if let Some(cycle) = left {
                let outer = self.rings[cycle].outer;
                end = self.then(end, parse_quote_spanned!(from_span=> all_iterations()), Some(outer));
                end = self.then(end, parse_quote_spanned!(from_span=> all_iterations()), None);
            }
            if let Some(cycle) = entered {
                if matches!(self.old.node(from), GraphNode::Handoff { .. }) {
                    end = self.then(end, parse_quote_spanned!(to_span=> identity()), None);
                }
                end = self.enter(end, cycle, to_span);
                if left.is_none() {
                    end = self.around(end, cycle, edge, to_span);
                }
            }
        }
        for cycle in self.readers(to) {
            end = self.before_reading(end, cycle, to_span);
        }
        self.new.insert_edge(end.node, end.port, self.nodes[&to], in_port);
    }

    /// What is to be done within the inner loop with what goes along an edge.
    fn around(&mut self, mut end: End, cycle: usize, edge: GraphEdgeId, span: Span) -> End {
        let Ring { inner, cut, .. } = &self.rings[cycle];
        let (inner, distinct, back) = (*inner, cut.distinct.contains(&edge), cut.back.contains(&edge));
        if distinct {
            end = self.then(end, parse_quote_spanned!(span=> unique::<'tick>()), Some(inner));
        }
        if back {
            end = self.then(end, parse_quote_spanned!(span=> defer_tick()), Some(inner));
        }
        end
    }

    fn enter(&mut self, end: End, cycle: usize, span: Span) -> End {
        let Ring { outer, inner, .. } = self.rings[cycle];
        let end = self.then(end, parse_quote_spanned!(span=> batch()), Some(outer));
        self.then(end, parse_quote_spanned!(span=> batch()), Some(inner))
    }

    /// Appends an operator to an open end.
    fn then(&mut self, end: End, operator: Operator, within: Option<GraphLoopId>) -> End {
        let span = Some(operator_span(&operator));
        let node = self.new.insert_node(GraphNode::Operator(operator), None, within);
        self.new.insert_edge(end.node, end.port, node, PortIndexValue::Elided(span));
        End { node, port: PortIndexValue::Elided(span) }
    }

    /// The cycles in which an operator refers to a value that stands outside.
    fn readers(&self, value: GraphNodeId) -> Vec<usize> {
        if !matches!(self.old.node(value), GraphNode::Handoff { .. }) {
            return Vec::new();
        }
        let refers = |node: &GraphNodeId| {
            self.old.node_handoff_references(*node).iter().any(|reference| reference.node_id == Some(value))
        };
        let mut readers: Vec<usize> =
            self.cycles.iter().filter(|(node, _)| refers(node)).map(|(_, cycle)| *cycle).collect();
        readers.sort_unstable();
        readers.dedup();
        readers
    }

    /// Makes sure that a value is there before a cycle begins that reads it. The compiler orders loops by what flows into them, not by what they refer to;
    /// so a token flows.
    fn before_reading(&mut self, end: End, cycle: usize, span: Span) -> End {
        let within = None;
        let end = self.then(end, parse_quote_spanned!(span=> map(|value| ((), value))), within);
        let fork = self.then(end, parse_quote_spanned!(span=> unzip()), within).node;
        let port = |value| PortIndexValue::Int(IndexInt { value, span });
        let token = self.enter(End { node: fork, port: port(0) }, cycle, span);
        let inner = self.rings[cycle].inner;
        self.then(token, parse_quote_spanned!(span=> null()), Some(inner));
        End { node: fork, port: port(1) }
    }

    /// Tells the joins of a cycle which round it is; and where something remembers, lets the rounds begin in each tick.
    fn start_rounds(&mut self, number: usize, cycle: &Cycle, rounds: &mut Rounds) {
        let mut flags: Vec<Ident> = Vec::new();
        let mut is_remembering = false;
        for &node in cycle {
            let Some(name) = operator_name(self.old, node) else { continue };
            let remembers = recalls(name) && self.is_static(node);
            is_remembering |= remembers;
            if joins(name) {
                flags.extend(rounds.add(self.nodes[&node], remembers));
            }
        }
        let is_entered =
            cycle.iter().any(|node| self.old.node_predecessor_nodes(*node).any(|from| !cycle.contains(&from)));
        // The compiler cannot do with a loop that nothing enters.
        let Some(first) = cycle.first().filter(|_| is_remembering || !is_entered) else { return };
        let span = self.old.node(*first).span();
        let Ring { outer, inner, .. } = self.rings[number];
        let source: Operator = parse_quote_spanned!(span=> source_iter([()]));
        let node = self.new.insert_node(GraphNode::Operator(source), None, None);
        let end = End { node, port: PortIndexValue::Elided(Some(span)) };
        let end = self.then(end, parse_quote_spanned!(span=> persist::<'static>()), None);
        let end = self.then(end, parse_quote_spanned!(span=> batch()), Some(outer));
        let end = self.then(end, parse_quote_spanned!(span=> inspect(|_| { #( #flags.set(true); )* })), Some(outer));
        let end = self.then(end, parse_quote_spanned!(span=> batch()), Some(inner));
        self.then(end, parse_quote_spanned!(span=> null()), Some(inner));
    }

    fn is_static(&self, node: GraphNodeId) -> bool {
        let instance = self.old.node_op_inst(node);
        instance.is_some_and(|instance| instance.generics.persistence_args.contains(&Persistence::Static))
    }
}

fn operator_span(operator: &Operator) -> Span {
    operator.paren_token.span.join()
}
