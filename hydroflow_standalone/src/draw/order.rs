//! Sorts each row so that few edges cross: nodes go where their neighbours are, row by row, up and down, and the best order seen is kept.

use super::layers::Layers;

/// How often all rows are sorted. Drawings of some hundred nodes settle earlier.
const SWEEPS: usize = 16;

/// Returns the rows, each from left to right.
pub(super) fn order(layers: &Layers) -> Vec<Vec<usize>> {
    let neighbours = Neighbours::of(layers);
    let mut rows = first(layers, &neighbours);
    let mut best = (crossings(&rows, &neighbours), rows.clone());
    for sweep in 0..SWEEPS {
        if best.0 == 0 {
            break;
        }
        let down = sweep % 2 == 0;
        for step in 1..rows.len() {
            let at = if down { step } else { rows.len() - 1 - step };
            let fixed = positions(layers.row.len(), &rows[if down { at - 1 } else { at + 1 }]);
            let sides = if down { &neighbours.above } else { &neighbours.below };
            sort(&mut rows[at], sides, &fixed);
        }
        let count = crossings(&rows, &neighbours);
        if count < best.0 {
            best = (count, rows.clone());
        }
    }
    best.1
}

/// Who is joined to whom in the rows above and below.
pub(super) struct Neighbours {
    pub(super) above: Vec<Vec<usize>>,
    pub(super) below: Vec<Vec<usize>>,
}

impl Neighbours {
    pub(super) fn of(layers: &Layers) -> Self {
        let mut neighbours =
            Self { above: vec![Vec::new(); layers.row.len()], below: vec![Vec::new(); layers.row.len()] };
        for chain in &layers.chains {
            for pair in chain.windows(2) {
                neighbours.below[pair[0]].push(pair[1]);
                neighbours.above[pair[1]].push(pair[0]);
            }
        }
        neighbours
    }
}

/// What belongs together comes together: nodes in the order of a walk from the top.
fn first(layers: &Layers, neighbours: &Neighbours) -> Vec<Vec<usize>> {
    let mut rows = vec![Vec::new(); layers.rows];
    let mut seen = vec![false; layers.row.len()];
    let mut starts: Vec<usize> = (0..layers.nodes).collect();
    starts.sort_by_key(|&node| !neighbours.above[node].is_empty());
    for start in starts {
        let mut open = vec![start];
        while let Some(node) = open.pop() {
            if std::mem::replace(&mut seen[node], true) {
                continue;
            }
            rows[layers.row[node]].push(node);
            open.extend(neighbours.below[node].iter().rev());
        }
    }
    rows
}

fn positions(count: usize, row: &[usize]) -> Vec<usize> {
    let mut positions = vec![usize::MAX; count];
    for (at, &node) in row.iter().enumerate() {
        positions[node] = at;
    }
    positions
}

/// Sorts a row by the mean place of each node's neighbours; a node without any keeps its place.
fn sort(row: &mut [usize], sides: &[Vec<usize>], fixed: &[usize]) {
    let mean = |at: usize, node: usize| {
        let places: Vec<usize> =
            sides[node].iter().map(|&side| fixed[side]).filter(|&place| place != usize::MAX).collect();
        if places.is_empty() { at as f64 } else { places.iter().sum::<usize>() as f64 / places.len() as f64 }
    };
    let mut keyed: Vec<(f64, usize)> = row.iter().enumerate().map(|(at, &node)| (mean(at, node), node)).collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (place, (_, node)) in row.iter_mut().zip(keyed) {
        *place = node;
    }
}

fn crossings(rows: &[Vec<usize>], neighbours: &Neighbours) -> usize {
    let count = neighbours.above.len();
    rows.windows(2).map(|pair| between(&pair[0], &positions(count, &pair[1]), pair[1].len(), neighbours)).sum()
}

/// Counts inversions with a tree of sums, as edges come from left to right.
fn between(upper: &[usize], lower: &[usize], width: usize, neighbours: &Neighbours) -> usize {
    let mut sums = vec![0_usize; width + 1];
    let (mut crossings, mut seen) = (0, 0);
    for &node in upper {
        let mut ends: Vec<usize> =
            neighbours.below[node].iter().map(|&to| lower[to]).filter(|&end| end != usize::MAX).collect();
        ends.sort_unstable();
        for &end in &ends {
            let (mut at, mut not_right) = (end + 1, 0);
            while at > 0 {
                not_right += sums[at];
                at &= at - 1;
            }
            crossings += seen - not_right;
        }
        for end in ends {
            let mut at = end + 1;
            while at <= width {
                sums[at] += 1;
                at += at & at.wrapping_neg();
            }
            seen += 1;
        }
    }
    crossings
}

#[cfg(test)]
mod tests {
    use super::super::layers::layers;
    use super::super::scene::{Edge, Line};
    use super::*;

    #[test]
    fn edges_that_can_be_drawn_without_crossing_are() {
        let pairs = [(0, 3), (1, 2), (0, 5), (1, 4), (3, 6), (5, 6), (2, 7), (4, 7)];
        let edges: Vec<Edge> = pairs
            .iter()
            .map(|&(from, to)| Edge { from, to, from_label: String::new(), to_label: String::new(), line: Line::Solid })
            .collect();
        let layers = layers(8, &edges);
        let rows = order(&layers);
        assert_eq!(crossings(&rows, &Neighbours::of(&layers)), 0, "{rows:?}");
        assert_eq!(rows.iter().map(Vec::len).sum::<usize>(), 8);
    }
}
