//! The partitioned graph → nodes and edges in the user's words: ports are ports again, and what the compiler put in between is gone.
//!
//! Knows nothing of coordinates or colours; `draw` does.

use std::collections::BTreeMap;

use hydroflow_lang::graph::{DfirGraph, GraphLoopId, GraphNode, GraphNodeId, PortIndexValue};
use quote::ToTokens;

use super::recursion::Lowered;
use crate::interface::Direction;
use crate::parse::span_of;
use crate::resolve::ResolvedModule;
use crate::source::{SourceMap, Span};

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// An input of the module.
    Input,
    /// An output of the module.
    Output,
    /// An operator.
    Operator,
    /// A value that others refer to: `singleton()`, `optional()`, `handoff()`.
    Value,
}

/// A node of a module's dataflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// The port's name, or the operator's.
    pub operator: String,
    /// The operator as it stands in the source; for a port its type.
    pub text: String,
    /// The pipeline's name, where it ends in this node.
    pub name: Option<String>,
    /// The line it stands on, from 1; 0: it stands in another file.
    pub line: usize,
    /// The loop around it, as an index into the graph's loops.
    pub within: Option<usize>,
}

/// How items go along an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeKind {
    /// At once.
    Items,
    /// In the next tick, or in the next iteration of a loop.
    Deferred,
    /// Not at all: the target reads the value by `#name`.
    Reference,
}

/// An edge of a module's dataflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Index of the node it leaves.
    pub from: usize,
    /// Index of the node it enters.
    pub to: usize,
    /// The output port it leaves by, where one is named.
    pub from_port: Option<String>,
    /// The input port it enters by, where one is named.
    pub to_port: Option<String>,
    /// How items go.
    pub kind: EdgeKind,
}

/// Nodes, edges, and for each loop the loop around it.
pub(super) type Picture = (Vec<Node>, Vec<Edge>, Vec<Option<usize>>);

/// Reads the picture out of a compiled graph.
pub(super) fn picture(source: &SourceMap, module: &ResolvedModule, graph: &DfirGraph, lowered: &Lowered) -> Picture {
    let loops = graph.loop_ids().filter(|id| !lowered.is_cycle(*id)).collect();
    let mut painter = Painter { source, module, graph, lowered, nodes: Vec::new(), numbers: BTreeMap::new(), loops };
    painter.ports();
    painter.operators();
    let edges = painter.edges();
    let parents = painter.loops.iter().map(|id| graph.loop_parent(*id).and_then(|parent| painter.loop_number(parent)));
    let parents = parents.collect();
    (painter.nodes, edges, parents)
}

struct Painter<'a> {
    source: &'a SourceMap,
    module: &'a ResolvedModule,
    graph: &'a DfirGraph,
    lowered: &'a Lowered,
    nodes: Vec<Node>,
    numbers: BTreeMap<GraphNodeId, usize>,
    loops: Vec<GraphLoopId>,
}

impl Painter<'_> {
    fn ports(&mut self) {
        for (port, interface) in self.module.ports.iter().zip(&self.module.interface.ports) {
            let kind = if port.direction == Direction::Input { NodeKind::Input } else { NodeKind::Output };
            let text = self.source.slice(&whole(&port.ty)).to_owned();
            let (operator, line) = (interface.name.clone(), interface.line);
            self.nodes.push(Node { kind, operator, text, name: None, line, within: None });
        }
    }

    fn operators(&mut self) {
        let ports: Vec<Span> = self.module.ports.iter().map(|port| span_of(port.name.span())).collect();
        for (id, node) in self.graph.nodes() {
            // What was put into a cycle is part of the edge that it was put in; edges go through it.
            if self.lowered.is_made(id) {
                continue;
            }
            let span = span_of(node.span());
            // What stands at a port's declaration was made of it: the port is one node.
            if let Some(port) = ports.iter().position(|port| *port == span) {
                self.numbers.insert(id, port);
                continue;
            }
            // Operators of parts may stand in other files, of which the span alone knows the text.
            let own = span.end <= self.source.text().len();
            let text =
                if own { self.source.slice(&span).to_owned() } else { node.span().source_text().unwrap_or_default() };
            let (kind, operator) = match node {
                GraphNode::Operator(operator) => (NodeKind::Operator, operator.name_string()),
                _ => match ["singleton", "optional", "handoff"].into_iter().find(|word| text.starts_with(word)) {
                    Some(word) => (NodeKind::Value, word.to_owned()),
                    // A buffer of the compiler's own; edges go through it.
                    None => continue,
                },
            };
            let text = if text.is_empty() || text == operator { format!("{operator}()") } else { text };
            self.numbers.insert(id, self.nodes.len());
            let name = self.shown_name(id);
            let within = self.graph.node_loop(id).and_then(|id| self.loop_number(id));
            let line = if own { self.source.line_column(span.start).0 } else { 0 };
            self.nodes.push(Node { kind, operator, text, name, line, within });
        }
    }

    fn loop_number(&self, id: GraphLoopId) -> Option<usize> {
        self.loops.iter().position(|known| *known == id)
    }

    /// All operators of a named pipeline know its name. It is told where the pipeline goes on by its name; where it does not, at its start.
    fn shown_name(&self, id: GraphNodeId) -> Option<String> {
        let name = self.graph.node_varname(id)?;
        let has_name = |node: GraphNodeId| self.graph.node_varname(node) == Some(name);
        let leaves = |node: GraphNodeId| {
            // A value is read by its name, without an edge.
            if matches!(self.graph.node(node), GraphNode::Handoff { .. }) {
                return true;
            }
            let mut next = self.graph.node_successor_nodes(node).peekable();
            next.peek().is_some() && !next.any(has_name)
        };
        let starts = |node: GraphNodeId| !self.graph.node_predecessor_nodes(node).any(has_name);
        let (mut first, mut goes_on) = (id, false);
        for node in self.graph.node_ids().filter(|node| has_name(*node)) {
            goes_on |= leaves(node);
            first = if starts(node) && !starts(first) { node } else { first };
        }
        let shown = if goes_on { leaves(id) } else { starts(id) };
        shown.then(|| plain_name(&name.0.to_string())).flatten()
    }

    fn edges(&self) -> Vec<Edge> {
        let mut edges = Vec::new();
        for (id, (from, _)) in self.graph.edges() {
            let Some(&from) = self.numbers.get(&from) else { continue };
            let from_port = port_name(self.graph.edge_ports(id).0);
            let mut kind = EdgeKind::Items;
            let (mut edge, mut passed) = (id, 0);
            let to = loop {
                let (_, to) = self.graph.edge(edge);
                if let Some(&number) = self.numbers.get(&to) {
                    break Some((to, number));
                }
                if self.graph.handoff_delay_type(to).is_some() {
                    kind = EdgeKind::Deferred;
                }
                passed += 1;
                // Where something was put in that forks, the way goes on by the last edge.
                match self.graph.node_successor_edges(to).last() {
                    Some(next) if passed < 64 => edge = next,
                    _ => break None,
                }
            };
            let Some((node, to)) = to else { continue };
            let entered = self.graph.edge_ports(edge).1;
            let delays = |operator: &hydroflow_lang::graph::OperatorInstance| {
                (operator.op_constraints.input_delaytype_fn)(entered).is_some()
            };
            if self.graph.node_op_inst(node).is_some_and(delays) {
                kind = EdgeKind::Deferred;
            }
            // What was made of a port is one node with it.
            if from != to || self.nodes[from].kind == NodeKind::Operator {
                edges.push(Edge { from, to, from_port, to_port: port_name(entered), kind });
            }
        }
        for (id, &to) in &self.numbers {
            for reference in self.graph.node_handoff_references(*id) {
                if let Some(&from) = reference.node_id.and_then(|from| self.numbers.get(&from)) {
                    edges.push(Edge { from, to, from_port: None, to_port: None, kind: EdgeKind::Reference });
                }
            }
        }
        edges
    }
}

/// Names of parts are made unlike all others by a number in front; names that are made up altogether are not shown.
fn plain_name(name: &str) -> Option<String> {
    let Some(rest) = name.strip_prefix("__hf") else {
        return (!name.starts_with("__hydro")).then(|| name.to_owned());
    };
    let own = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    if own.len() == rest.len() { None } else { plain_name(own.strip_prefix('_')?) }
}

fn port_name(port: &PortIndexValue) -> Option<String> {
    match port {
        PortIndexValue::Int(number) => Some(number.value.to_string()),
        PortIndexValue::Path(path) => Some(path.to_token_stream().to_string()),
        PortIndexValue::Elided(_) => None,
    }
}

/// Returns the bytes from the first token to the last.
fn whole(tokens: &impl ToTokens) -> Span {
    let mut spans = tokens.to_token_stream().into_iter().map(|tree| span_of(tree.span()));
    let first = spans.next().unwrap_or(0..0);
    let end = spans.last().map_or(first.end, |last| last.end);
    first.start..end
}
