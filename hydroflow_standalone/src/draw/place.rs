//! Coordinates: each node as near to its neighbours as its row allows, parts without edges between them side by side.

use super::layers::{Layers, layers};
use super::order::{Neighbours, order};
use super::scene::{Edge, Scene};
use super::svg::{Size, size};

/// Room between two boxes of a row, in pixels.
const GAP: f64 = 30.0;
/// Room beside a bend.
const BEND_GAP: f64 = 16.0;
/// Room between two rows.
const ROW_GAP: f64 = 42.0;
/// Room between parts that no edge joins.
const PART_GAP: f64 = 48.0;
/// Parts go into a new row of parts where they would be wider than this together.
const PAGE: f64 = 1_200.0;
/// How often all rows are moved towards their neighbours.
const ROUNDS: usize = 24;

/// A node's or a bend's place: the middle of its width, and its upper and lower end.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    pub(super) width: f64,
}

/// An edge's way: places from its upper end to its lower, and whether it starts at the lower.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Way {
    pub(super) places: Vec<Place>,
    pub(super) turned: bool,
}

/// A drawing with coordinates.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) nodes: Vec<Place>,
    pub(super) ways: Vec<Way>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Lays a scene out.
pub(super) fn lay_out(scene: &Scene) -> Layout {
    let sizes: Vec<Size> = (0..scene.nodes.len()).map(|node| size(scene, node)).collect();
    let mut layout = Layout { nodes: vec![Place::default(); sizes.len()], ..Layout::default() };
    layout.ways = vec![Way { places: Vec::new(), turned: false }; scene.edges.len()];
    let (mut left, mut top, mut tallest) = (0.0, 0.0, 0.0_f64);
    let mut parts = parts(scene);
    parts.sort_by_key(|part| std::cmp::Reverse(part.nodes.len()));
    for part in parts {
        let placed = Part::new(scene, &part, &sizes);
        if left > 0.0 && left + placed.width > PAGE {
            (left, top, tallest) = (0.0, top + tallest + PART_GAP, 0.0);
        }
        placed.write(&part, (left, top), &mut layout);
        left += placed.width + PART_GAP;
        tallest = tallest.max(placed.height);
        layout.width = layout.width.max(left - PART_GAP);
        layout.height = layout.height.max(top + placed.height);
    }
    layout
}

/// Nodes and edges that hang together, by their indices in the scene.
struct Indices {
    nodes: Vec<usize>,
    edges: Vec<usize>,
}

fn parts(scene: &Scene) -> Vec<Indices> {
    let mut root: Vec<usize> = (0..scene.nodes.len()).collect();
    fn find(root: &mut [usize], mut node: usize) -> usize {
        while root[node] != node {
            root[node] = root[root[node]];
            node = root[node];
        }
        node
    }
    for edge in &scene.edges {
        let (from, to) = (find(&mut root, edge.from), find(&mut root, edge.to));
        let (first, second) = (from.min(to), from.max(to));
        root[second] = first;
    }
    let mut parts: Vec<Indices> = Vec::new();
    let mut number = vec![usize::MAX; scene.nodes.len()];
    for node in 0..scene.nodes.len() {
        let top = find(&mut root, node);
        if number[top] == usize::MAX {
            number[top] = parts.len();
            parts.push(Indices { nodes: Vec::new(), edges: Vec::new() });
        }
        parts[number[top]].nodes.push(node);
    }
    for (at, edge) in scene.edges.iter().enumerate() {
        let top = find(&mut root, edge.from);
        parts[number[top]].edges.push(at);
    }
    parts
}

struct Part {
    places: Vec<Place>,
    layers: Layers,
    width: f64,
    height: f64,
}

impl Part {
    fn new(scene: &Scene, indices: &Indices, sizes: &[Size]) -> Self {
        let mut local = vec![0; scene.nodes.len()];
        for (at, &node) in indices.nodes.iter().enumerate() {
            local[node] = at;
        }
        let edges: Vec<Edge> = indices
            .edges
            .iter()
            .map(|&at| Edge {
                from: local[scene.edges[at].from],
                to: local[scene.edges[at].to],
                ..scene.edges[at].clone()
            })
            .collect();
        let layers = layers(indices.nodes.len(), &edges);
        let rows = order(&layers);
        let widths: Vec<f64> =
            (0..layers.row.len()).map(|at| indices.nodes.get(at).map_or(0.0, |&node| sizes[node].width)).collect();
        let beside: Vec<f64> =
            (0..layers.row.len()).map(|at| indices.nodes.get(at).map_or(0.0, |&node| sizes[node].beside)).collect();
        let xs = columns(&layers, &rows, &widths, &beside);
        let mut places = vec![Place::default(); layers.row.len()];
        let mut top = 0.0;
        for row in &rows {
            let height = |node: &usize| indices.nodes.get(*node).map_or(0.0, |&node| sizes[node].height);
            let tallest = row.iter().map(height).fold(0.0, f64::max);
            for &node in row {
                let own = if node < layers.nodes { height(&node) } else { tallest };
                let above = top + (tallest - own) / 2.0;
                places[node] = Place { x: xs[node], top: above, bottom: above + own, width: widths[node] };
            }
            top += tallest + ROW_GAP;
        }
        let left = places.iter().map(|place| place.x - place.width / 2.0).fold(f64::INFINITY, f64::min);
        let right = places.iter().zip(&beside).map(|(place, beside)| place.x + place.width / 2.0 + beside);
        let right = right.fold(f64::NEG_INFINITY, f64::max);
        for place in &mut places {
            place.x -= left;
        }
        Self { places, layers, width: right - left, height: (top - ROW_GAP).max(0.0) }
    }

    fn write(&self, indices: &Indices, (left, top): (f64, f64), layout: &mut Layout) {
        let moved = |place: &Place| Place {
            x: place.x + left,
            top: place.top + top,
            bottom: place.bottom + top,
            width: place.width,
        };
        for (at, &node) in indices.nodes.iter().enumerate() {
            layout.nodes[node] = moved(&self.places[at]);
        }
        for (at, &edge) in indices.edges.iter().enumerate() {
            let places = self.layers.chains[at].iter().map(|&node| moved(&self.places[node])).collect();
            layout.ways[edge] = Way { places, turned: self.layers.turned[at] };
        }
    }
}

/// Moves each row towards its neighbours, up and down by turns, without changing its order.
fn columns(layers: &Layers, rows: &[Vec<usize>], widths: &[f64], beside: &[f64]) -> Vec<f64> {
    let neighbours = Neighbours::of(layers);
    let is_bend = |node: usize| node >= layers.nodes;
    let gap = |a: usize, b: usize| {
        let room = if is_bend(a) || is_bend(b) { BEND_GAP } else { GAP };
        f64::midpoint(widths[a], widths[b]) + room + beside[a]
    };
    let mut xs = vec![0.0; layers.row.len()];
    for row in rows {
        for pair in row.windows(2) {
            xs[pair[1]] = xs[pair[0]] + gap(pair[0], pair[1]);
        }
    }
    // Bends in a row are pulled hard, so that long edges are straight.
    let weight = |a: usize, b: usize| match (is_bend(a), is_bend(b)) {
        (true, true) => 8.0,
        (true, false) | (false, true) => 2.0,
        (false, false) => 1.0,
    };
    for round in 0..ROUNDS {
        let both = round + 4 >= ROUNDS;
        let down = round % 2 == 0;
        let mut sequence: Vec<&Vec<usize>> = rows.iter().collect();
        if !down {
            sequence.reverse();
        }
        for row in sequence {
            let wishes: Vec<(f64, f64)> = row
                .iter()
                .map(|&node| {
                    let mut sides: Vec<&usize> = Vec::new();
                    if down || both {
                        sides.extend(&neighbours.above[node]);
                    }
                    if !down || both {
                        sides.extend(&neighbours.below[node]);
                    }
                    let total: f64 = sides.iter().map(|side| weight(node, **side)).sum();
                    let sum: f64 = sides.iter().map(|side| weight(node, **side) * xs[**side]).sum();
                    if total > 0.0 { (sum / total, total) } else { (xs[node], 0.01) }
                })
                .collect();
            settle(row, &wishes, &gap, &mut xs);
        }
    }
    straighten(layers, rows, &gap, &mut xs);
    xs
}

/// Puts the bends of each edge above one another, as many in a row as have room at a common place.
fn straighten(layers: &Layers, rows: &[Vec<usize>], gap: &impl Fn(usize, usize) -> f64, xs: &mut [f64]) {
    let mut at = vec![0; xs.len()];
    for row in rows {
        for (place, &node) in row.iter().enumerate() {
            at[node] = place;
        }
    }
    for chain in layers.chains.iter().filter(|chain| chain.len() > 2) {
        let ends = [xs[chain[0]], xs[chain[chain.len() - 1]]];
        let mut bends = &chain[1..chain.len() - 1];
        while !bends.is_empty() {
            let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
            let mut count = 0;
            for &bend in bends {
                let row = &rows[layers.row[bend]];
                let left =
                    at[bend].checked_sub(1).map_or(f64::NEG_INFINITY, |left| xs[row[left]] + gap(row[left], bend));
                let right = row.get(at[bend] + 1).map_or(f64::INFINITY, |&right| xs[right] - gap(bend, right));
                if count > 0 && left.max(low) > right.min(high) {
                    break;
                }
                (low, high) = (low.max(left), high.min(right));
                count += 1;
            }
            let (run, rest) = bends.split_at(count);
            // Where one end can be met straight, it is; else the mean is kept.
            let mean = run.iter().map(|&bend| xs[bend]).sum::<f64>() / count as f64;
            let meets = ends.into_iter().find(|end| (low..=high).contains(end));
            let x = meets.unwrap_or(mean).max(low).min(high.max(low));
            for &bend in run {
                xs[bend] = x;
            }
            bends = rest;
        }
    }
}

/// Places a row in its order and with its gaps, as near to the wishes as can be (least squares; pools of adjacent violators).
fn settle(row: &[usize], wishes: &[(f64, f64)], gap: &impl Fn(usize, usize) -> f64, xs: &mut [f64]) {
    let mut offsets = vec![0.0; row.len()];
    for at in 1..row.len() {
        offsets[at] = offsets[at - 1] + gap(row[at - 1], row[at]);
    }
    // Each pool: mean wish less offset, weight, how many.
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for (at, &(wish, weight)) in wishes.iter().enumerate() {
        let mut pool = (wish - offsets[at], weight, 1);
        while let Some(last) = pools.last().copied().filter(|last| last.0 > pool.0) {
            pools.pop();
            let total = last.1 + pool.1;
            pool = ((last.0 * last.1 + pool.0 * pool.1) / total, total, last.2 + pool.2);
        }
        pools.push(pool);
    }
    let mut at = 0;
    for (start, _, count) in pools {
        for _ in 0..count {
            xs[row[at]] = start + offsets[at];
            at += 1;
        }
    }
}
