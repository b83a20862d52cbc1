//! The tables: medians of each cell, ours over hydro_deploy's beside them, and the bars that the ratios are held against.

use benches::figures::{Bar, half_range, median, rate, ratio, table};

use crate::cell::{Cell, Kind, Path};

/// Prints one table for each kind.
pub(crate) fn print(cells: &[Cell], figures: &[Vec<f64>]) {
    let unix = cells.iter().any(|cell| cell.unix);
    let transport = if unix { "Unix sockets" } else { "TCP" };
    for (kind, title) in [
        (Kind::Throughput, "one way, messages per second"),
        (Kind::RoundTrip, "round trip, median"),
        (Kind::Window, "echoes per second, many messages on their way"),
    ] {
        let of = |path, bytes| {
            let at = cells.iter().position(|cell| (cell.kind, cell.path, cell.bytes) == (kind, path, bytes));
            at.map_or(&[] as &[f64], |at| figures[at].as_slice())
        };
        let mut sizes: Vec<usize> = cells.iter().filter(|cell| cell.kind == kind).map(|cell| cell.bytes).collect();
        sizes.dedup();
        if sizes.is_empty() {
            continue;
        }
        let mut rows = vec![head(kind)];
        for bytes in sizes {
            let bars = if unix { (None, None) } else { bars(kind, bytes) };
            rows.push(row((kind, bytes), Path::ALL.map(|path| of(path, bytes)), bars));
        }
        println!("{transport}, {title}\n{}", table(&rows));
    }
}

fn head(kind: Kind) -> Vec<String> {
    let mut head = vec!["bytes", "hydro", "hydro_deploy", "hydro / hydro_deploy"];
    if kind != Kind::Window {
        head.extend(["raw sockets", "hydro / raw"]);
    }
    head.into_iter().map(str::to_owned).collect()
}

fn row(
    (kind, bytes): (Kind, usize),
    [ours, theirs, raw]: [&[f64]; 3],
    (peers_bar, raw_bar): (Option<Bar>, Option<Bar>),
) -> Vec<String> {
    let write = |figures: &[f64]| {
        if figures.is_empty() {
            return "stalls".to_owned();
        }
        let figure = median(figures);
        let figure = if kind == Kind::RoundTrip { format!("{figure:.1} us") } else { rate(figure) };
        format!("{figure} ±{:.0}%", half_range(figures) * 100.0)
    };
    let over = |other: &[f64], bar| ratio(median(ours) / median(other), bar);
    let mut row = vec![bytes.to_string(), write(ours), write(theirs), over(theirs, peers_bar)];
    if kind != Kind::Window {
        row.extend([write(raw), over(raw, raw_bar)]);
    }
    row
}

/// What we promise over TCP: more messages than hydro_deploy by these factors, and a round trip that is hardly longer than that of raw sockets.
fn bars(kind: Kind, bytes: usize) -> (Option<Bar>, Option<Bar>) {
    match (kind, bytes) {
        (Kind::Throughput, 8) => (Some(Bar::AtLeast(10.0)), None),
        (Kind::Throughput, 64) => (Some(Bar::AtLeast(2.5)), None),
        (Kind::Throughput, 1024) => (Some(Bar::AtLeast(4.0)), None),
        (Kind::Throughput, 65_536) => (Some(Bar::AtLeast(1.4)), None),
        (Kind::RoundTrip, _) => (None, Some(Bar::AtMost(1.1))),
        (Kind::Window, _) => (Some(Bar::AtLeast(1.0)), None),
        _ => (None, None),
    }
}
