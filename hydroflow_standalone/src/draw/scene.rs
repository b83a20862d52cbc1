//! What is drawn: boxes with texts, and lines between them.

use crate::graph::{EdgeKind, Graph, NodeKind};

/// What a box stands for; decides its colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Items come in here.
    Input,
    /// Items go out here.
    Output,
    /// Something that works on items.
    Step,
    /// A value that others read.
    Value,
}

/// A box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it stands for.
    pub kind: Kind,
    /// The name that others know it by, shown before its title; may be empty.
    pub name: String,
    /// The word that is shown strongest.
    pub title: String,
    /// What follows the word in the same line; shortened where it is long.
    pub rest: String,
    /// A second line; may be empty.
    pub note: String,
    /// What is shown when the pointer rests on it; may be empty.
    pub tip: String,
    /// Where a click leads; may be empty.
    pub link: String,
}

/// How an edge is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Solid.
    Solid,
    /// Dashed: what goes along it arrives later.
    Dashed,
    /// Dotted: nothing goes along it, its end looks at its start.
    Dotted,
}

/// An edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Index of the node it leaves.
    pub from: usize,
    /// Index of the node it enters.
    pub to: usize,
    /// What stands at its start; may be empty.
    pub from_label: String,
    /// What stands at its end; may be empty.
    pub to_label: String,
    /// How it is drawn.
    pub line: Line,
}

/// A drawing without coordinates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    /// What the drawing shows, for those who cannot see it.
    pub title: String,
    /// The boxes.
    pub nodes: Vec<Node>,
    /// The edges.
    pub edges: Vec<Edge>,
}

impl Scene {
    /// Makes a scene of a module's dataflow. `link` says where a click on a node of a line leads; an empty text: nowhere.
    #[must_use]
    pub fn of_graph(graph: &Graph, link: impl Fn(usize) -> String) -> Self {
        let node = |node: &crate::graph::Node| {
            let is_port = matches!(node.kind, NodeKind::Input | NodeKind::Output);
            let rest = node.text.strip_prefix(&node.operator).unwrap_or_default();
            let within = node.within.map_or_else(String::new, |number| format!("loop {}", number + 1));
            Node {
                kind: match node.kind {
                    NodeKind::Input => Kind::Input,
                    NodeKind::Output => Kind::Output,
                    NodeKind::Operator => Kind::Step,
                    NodeKind::Value => Kind::Value,
                },
                name: node.name.clone().unwrap_or_default(),
                title: node.operator.clone(),
                rest: if is_port { String::new() } else { rest.to_owned() },
                note: if is_port { node.text.clone() } else { within },
                tip: if node.line == 0 { node.text.clone() } else { format!("line {}\n{}", node.line, node.text) },
                link: if node.line == 0 { String::new() } else { link(node.line) },
            }
        };
        let edge = |edge: &crate::graph::Edge| Edge {
            from: edge.from,
            to: edge.to,
            from_label: edge.from_port.clone().unwrap_or_default(),
            to_label: edge.to_port.clone().unwrap_or_default(),
            line: match edge.kind {
                EdgeKind::Items => Line::Solid,
                EdgeKind::Deferred => Line::Dashed,
                EdgeKind::Reference => Line::Dotted,
            },
        };
        Self {
            title: format!("dataflow of module {}", graph.module),
            nodes: graph.nodes.iter().map(node).collect(),
            edges: graph.edges.iter().map(edge).collect(),
        }
    }
}
