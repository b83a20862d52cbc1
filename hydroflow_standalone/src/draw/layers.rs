//! Puts nodes into rows so that edges go down: edges that close a cycle are turned round, long edges get a bend in each row they pass.

use super::scene::{Edge, Line};

/// More bends than this are not worth their time; edges then go straight.
const MAX_BENDS: usize = 20_000;

/// Nodes and bends in rows.
#[derive(Debug)]
pub(super) struct Layers {
    /// The row of each node, then of each bend.
    pub(super) row: Vec<usize>,
    /// How many of them are nodes.
    pub(super) nodes: usize,
    /// How many rows there are.
    pub(super) rows: usize,
    /// For each edge, what it passes from its upper end to its lower: a node, bends, a node.
    pub(super) chains: Vec<Vec<usize>>,
    /// For each edge, whether it was turned round: its lower end is where it starts.
    pub(super) turned: Vec<bool>,
}

/// Assigns rows. Edges from a node to itself get a chain of one.
pub(super) fn layers(nodes: usize, edges: &[Edge]) -> Layers {
    let turned = turned(nodes, edges);
    let down: Vec<(usize, usize)> = edges
        .iter()
        .zip(&turned)
        .map(|(edge, turned)| if *turned { (edge.to, edge.from) } else { (edge.from, edge.to) })
        .collect();
    let mut row = rows(nodes, &down);
    let rows = row.iter().max().map_or(0, |last| last + 1);
    let bends: usize = down.iter().map(|(from, to)| row[*to].saturating_sub(row[*from] + 1)).sum();
    let mut chains = Vec::new();
    for &(from, to) in &down {
        let mut chain = vec![from];
        if bends <= MAX_BENDS {
            for at in row[from] + 1..row[to] {
                chain.push(row.len());
                row.push(at);
            }
        }
        if from != to {
            chain.push(to);
        }
        chains.push(chain);
    }
    Layers { row, nodes, rows, chains, turned }
}

/// Finds edges to turn round so that no cycle is left, those first that carry items into a later tick.
fn turned(nodes: usize, edges: &[Edge]) -> Vec<bool> {
    let mut turned = vec![false; edges.len()];
    let mut out = vec![Vec::new(); nodes];
    for (at, edge) in edges.iter().enumerate().filter(|(_, edge)| edge.from != edge.to) {
        out[edge.from].push(at);
    }
    // An edge into a later tick is turned round only where it closes a cycle, so it is left out at first.
    let later = |at: usize| edges[at].line == Line::Dashed;
    depth_first(&out, edges, &mut turned, |at| !later(at));
    for at in 0..edges.len() {
        if later(at) && edges[at].from != edges[at].to {
            turned[at] = reaches(&out, edges, &turned, (edges[at].to, edges[at].from), at);
        }
    }
    turned
}

/// Walks the edges that `counts` and turns those round that lead back to where the walk comes from.
fn depth_first(out: &[Vec<usize>], edges: &[Edge], turned: &mut [bool], counts: impl Fn(usize) -> bool) {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        Under,
        Done,
    }
    let mut seen = vec![Seen::No; out.len()];
    for start in 0..out.len() {
        if seen[start] != Seen::No {
            continue;
        }
        seen[start] = Seen::Under;
        let mut path = vec![(start, 0)];
        while let Some((node, next)) = path.last_mut() {
            let Some(&edge) = out[*node].get(*next) else {
                seen[*node] = Seen::Done;
                path.pop();
                continue;
            };
            *next += 1;
            if !counts(edge) {
                continue;
            }
            let to = edges[edge].to;
            match seen[to] {
                Seen::Under => turned[edge] = true,
                Seen::No => {
                    seen[to] = Seen::Under;
                    path.push((to, 0));
                }
                Seen::Done => {}
            }
        }
    }
}

/// Whether a way leads down from one node to another, over edges before `limit` and those that never go into a later tick.
fn reaches(out: &[Vec<usize>], edges: &[Edge], turned: &[bool], ends: (usize, usize), limit: usize) -> bool {
    let mut seen = vec![false; out.len()];
    let mut open = vec![ends.0];
    let mut back = vec![Vec::new(); out.len()];
    for (at, edge) in edges.iter().enumerate().filter(|(at, _)| turned[*at]) {
        back[edge.to].push((at, edge.from));
    }
    while let Some(node) = open.pop() {
        if node == ends.1 {
            return true;
        }
        if std::mem::replace(&mut seen[node], true) {
            continue;
        }
        let usable = |at: usize| edges[at].line != Line::Dashed || at < limit;
        open.extend(out[node].iter().filter(|&&at| !turned[at] && usable(at)).map(|&at| edges[at].to));
        open.extend(back[node].iter().filter(|(at, _)| usable(*at)).map(|(_, to)| *to));
    }
    false
}

/// The longest way from the top decides; what has nothing above it stands just above what needs it.
fn rows(nodes: usize, down: &[(usize, usize)]) -> Vec<usize> {
    let mut row = vec![0_usize; nodes];
    let mut waiting = vec![0_usize; nodes];
    let mut out = vec![Vec::new(); nodes];
    for &(from, to) in down.iter().filter(|(from, to)| from != to) {
        waiting[to] += 1;
        out[from].push(to);
    }
    let tops: Vec<usize> = (0..nodes).filter(|&node| waiting[node] == 0).collect();
    let mut open = tops.clone();
    while let Some(node) = open.pop() {
        for &to in &out[node] {
            row[to] = row[to].max(row[node] + 1);
            waiting[to] -= 1;
            if waiting[to] == 0 {
                open.push(to);
            }
        }
    }
    for node in tops {
        if let Some(nearest) = out[node].iter().map(|&to| row[to]).min() {
            row[node] = nearest.saturating_sub(1);
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(pairs: &[(usize, usize, Line)]) -> Vec<Edge> {
        let edge = |&(from, to, line)| Edge { from, to, from_label: String::new(), to_label: String::new(), line };
        pairs.iter().map(edge).collect()
    }

    #[test]
    fn edges_go_down_and_long_ones_bend_in_each_row() {
        let solid = Line::Solid;
        let layers = layers(4, &edges(&[(0, 1, solid), (1, 2, solid), (0, 2, solid), (3, 2, solid)]));
        assert_eq!(&layers.row[..4], &[0, 1, 2, 1]);
        assert_eq!(layers.rows, 3);
        assert_eq!(layers.chains[2], [0, 4, 2]);
        assert_eq!(layers.turned, [false; 4]);
    }

    #[test]
    fn the_edge_into_the_next_tick_is_the_one_that_is_turned() {
        let layers = layers(3, &edges(&[(2, 0, Line::Dashed), (0, 1, Line::Solid), (1, 2, Line::Solid)]));
        assert_eq!(layers.turned, [true, false, false]);
        assert_eq!(layers.row[..3], [0, 1, 2]);
    }

    #[test]
    fn a_cycle_without_a_later_tick_and_an_edge_to_itself_do_no_harm() {
        let layers = layers(2, &edges(&[(0, 1, Line::Solid), (1, 0, Line::Solid), (1, 1, Line::Dashed)]));
        assert_eq!(layers.turned, [false, true, false]);
        assert_eq!(layers.chains[2], [1]);
    }
}
