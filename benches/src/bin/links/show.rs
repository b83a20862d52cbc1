//! The tables: medians of each cell, ours over hydro_deploy's beside them, and the bars that the ratios are held against.

use benches::figures::{Bar, half_range, median, rate, ratio, table};

use crate::cell::{Cell, Kind, Path, Transport};

/// Prints one table for each kind.
pub(crate) fn print(cells: &[Cell], figures: &[Vec<f64>]) {
    let Some(Cell { transport, spin, .. }) = cells.first() else { return };
    let name = match transport {
        Transport::Tcp | Transport::Tls => "TCP",
        Transport::Unix => "Unix sockets",
        Transport::Shm => "shared memory beside Unix sockets",
    };
    let name = format!("{name}{}", if *spin { ", hydro spinning" } else { "" });
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
            rows.push(row(
                (kind, bytes),
                Path::ALL.map(|path| of(path, bytes)),
                bars((*transport, *spin), kind, bytes),
            ));
        }
        println!("{name}, {title}\n{}", table(&rows));
    }
}

fn head(kind: Kind) -> Vec<String> {
    let mut head = vec!["bytes", "hydro", "hydro_deploy", "hydro / hydro_deploy"];
    if kind != Kind::Window {
        head.extend(["raw sockets", "hydro / raw"]);
    }
    head.into_iter().map(str::to_owned).collect()
}

fn row((kind, bytes): (Kind, usize), [ours, theirs, raw]: [&[f64]; 3], bars: Bars) -> Vec<String> {
    let write = |figures: &[f64]| {
        if figures.is_empty() {
            return "stalls".to_owned();
        }
        let figure = median(figures);
        let figure = if kind == Kind::RoundTrip { format!("{figure:.1} us") } else { rate(figure) };
        format!("{figure} ±{:.0}%", half_range(figures) * 100.0)
    };
    let over = |other: &[f64], bar| ratio(median(ours) / median(other), bar);
    let own = match bars.microseconds {
        Some(limit) => format!("{} ({})", write(ours), Bar::AtMost(limit).judge(median(ours))),
        None => write(ours),
    };
    let mut row = vec![bytes.to_string(), own, write(theirs), over(theirs, bars.peers)];
    if kind != Kind::Window {
        row.extend([write(raw), over(raw, bars.raw)]);
    }
    row
}

/// What the figures are held against.
#[derive(Clone, Copy, Debug, Default)]
struct Bars {
    /// Over hydro_deploy's.
    peers: Option<Bar>,
    /// Over those of raw sockets.
    raw: Option<Bar>,
    /// Our own at most.
    microseconds: Option<f64>,
}

/// What we promise: more messages than hydro_deploy by these factors, and a round trip that is hardly longer than that of raw sockets which wait
/// the same way; spinning, one of a few microseconds.
fn bars((transport, spin): (Transport, bool), kind: Kind, bytes: usize) -> Bars {
    let peers = match (kind, transport, bytes) {
        (Kind::Throughput, Transport::Tcp, 8) => 10.0,
        (Kind::Throughput, Transport::Tcp, 64) => 2.5,
        (Kind::Throughput, Transport::Tcp, 1024) => 4.0,
        (Kind::Throughput, Transport::Tcp, 65_536) => 1.4,
        (Kind::Throughput, Transport::Shm, 8) => 40.0,
        (Kind::Throughput, Transport::Shm, 64 | 1024) => 5.0,
        (Kind::Throughput, Transport::Shm, 65_536) => 2.5,
        (Kind::Window, Transport::Tcp, _) => 1.0,
        _ => f64::NAN,
    };
    let microseconds = match (kind, spin, transport, bytes) {
        (Kind::RoundTrip, true, Transport::Tcp, 8) => Some(10.0),
        (Kind::RoundTrip, true, Transport::Unix, 8) => Some(6.0),
        (Kind::RoundTrip, true, Transport::Shm, 8) => Some(1.0),
        _ => None,
    };
    let waits_alike = kind == Kind::RoundTrip && transport == Transport::Tcp && !spin;
    Bars {
        peers: (!peers.is_nan()).then_some(Bar::AtLeast(peers)),
        raw: waits_alike.then_some(Bar::AtMost(1.1)),
        microseconds,
    }
}
