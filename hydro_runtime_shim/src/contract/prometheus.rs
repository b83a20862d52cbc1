//! Metrics in Prometheus' text format, version 0.0.4.
//!
//! Links that look alike from outside (the same port and peer) are added up, since a series may be there once only.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Direction, LinkReport, Metrics};

/// How a number of several links becomes one.
#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

type Count = fn(&LinkReport) -> u64;

/// Series of all links.
const LINK_SERIES: [(&str, Kind, &str, Count); 7] = [
    ("hydro_link_up", Kind::Gauge, "Connections that are there.", |link| link.connected.into()),
    ("hydro_link_messages_total", Kind::Counter, "Items given to the link or come over it.", |link| link.messages),
    ("hydro_link_bytes_total", Kind::Counter, "Bytes written or read.", |link| link.bytes),
    ("hydro_link_left_out_total", Kind::Counter, "Items that a lossy link left out.", |link| link.left_out),
    ("hydro_link_connections_total", Kind::Counter, "Connections made.", |link| link.connections),
    ("hydro_link_reconnects_total", Kind::Counter, "Connections to the same process as before.", |link| {
        link.reconnects
    }),
    ("hydro_link_peer_restarts_total", Kind::Counter, "Connections to another start of the peer.", |link| {
        link.restarts
    }),
];

/// Series of links of outputs.
const OUTPUT_SERIES: [(&str, Kind, &str, Count); 5] = [
    ("hydro_link_resent_messages_total", Kind::Counter, "Items sent once more.", |link| link.resent),
    ("hydro_link_queue_bytes", Kind::Gauge, "Bytes held until they are acknowledged.", |link| link.queue_bytes),
    ("hydro_link_queue_messages", Kind::Gauge, "Items held until they are acknowledged.", |link| link.queue_messages),
    ("hydro_link_in_flight_bytes", Kind::Gauge, "Bytes written and not acknowledged.", |link| link.in_flight_bytes),
    ("hydro_link_window_bytes", Kind::Gauge, "Bytes the receiver lets be on their way.", |link| link.window_bytes),
];

impl Metrics {
    /// Returns the same in Prometheus' text format.
    #[must_use]
    pub fn to_prometheus(&self) -> String {
        let mut text = String::new();
        let own = labels(&[
            ("program", &self.program),
            ("deployment", &self.deployment),
            ("service", &self.service),
            ("member", &self.member.to_string()),
        ]);
        head(&mut text, "hydro_info", Kind::Gauge, "Who this is.");
        let _ = writeln!(text, "hydro_info{own} 1");
        for (name, kind, help, value) in [
            ("hydro_uptime_seconds", Kind::Gauge, "Time since the start.", self.uptime_seconds),
            ("hydro_busy_seconds_total", Kind::Counter, "Time in ticks.", self.busy_seconds),
            ("hydro_busy_ratio", Kind::Gauge, "Share of its life that the thread was in ticks.", self.busy_ratio()),
            ("hydro_tick_running_seconds", Kind::Gauge, "Age of the present tick.", self.tick_running_seconds),
        ] {
            head(&mut text, name, kind, help);
            let _ = writeln!(text, "{name} {value}");
        }
        head(&mut text, "hydro_ticks_total", Kind::Counter, "How often the dataflow ran.");
        let _ = writeln!(text, "hydro_ticks_total {}", self.ticks);
        head(&mut text, "hydro_port_dropped_total", Kind::Counter, "Items that nobody got.");
        for port in &self.ports {
            let _ = writeln!(text, "hydro_port_dropped_total{} {}", labels(&[("port", &port.port)]), port.dropped);
        }
        for (name, kind, help, count) in LINK_SERIES {
            series(&mut text, (name, kind, help), &self.links, count);
        }
        let outputs: Vec<LinkReport> =
            self.links.iter().filter(|link| link.direction == Some(Direction::Output)).cloned().collect();
        for (name, kind, help, count) in OUTPUT_SERIES {
            series(&mut text, (name, kind, help), &outputs, count);
        }
        last_heard(&mut text, &self.links);
        latency(&mut text, &outputs);
        text
    }
}

fn head(text: &mut String, name: &str, kind: Kind, help: &str) {
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {}\n", kind.word());
}

fn series(text: &mut String, (name, kind, help): (&str, Kind, &str), links: &[LinkReport], count: Count) {
    head(text, name, kind, help);
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for link in links {
        *sums.entry(labels(&link_labels(link))).or_default() += count(link);
    }
    for (labels, sum) in sums {
        let _ = writeln!(text, "{name}{labels} {sum}");
    }
}

fn last_heard(text: &mut String, links: &[LinkReport]) {
    const NAME: &str = "hydro_link_last_heard_seconds";
    head(text, NAME, Kind::Gauge, "Time since something was heard of the peer.");
    let mut youngest: BTreeMap<String, f64> = BTreeMap::new();
    for link in links {
        if let Some(age) = link.last_heard_seconds {
            let known = youngest.entry(labels(&link_labels(link))).or_insert(age);
            *known = known.min(age);
        }
    }
    for (labels, age) in youngest {
        let _ = writeln!(text, "{NAME}{labels} {age}");
    }
}

fn latency(text: &mut String, links: &[LinkReport]) {
    const NAME: &str = "hydro_link_latency_seconds";
    let help = "From the end of a tick to its items' acknowledgement; sampled.";
    let _ = write!(text, "# HELP {NAME} {help}\n# TYPE {NAME} histogram\n");
    let mut grouped: BTreeMap<String, Vec<&LinkReport>> = BTreeMap::new();
    for link in links {
        grouped.entry(labels(&link_labels(link))).or_default().push(link);
    }
    for (own, links) in grouped {
        let Some(first) = links.first() else { continue };
        let bare = own.trim_end_matches('}');
        for (index, (limit, _)) in first.latency.buckets.iter().enumerate() {
            let sum: u64 = links.iter().filter_map(|link| link.latency.buckets.get(index)).map(|bucket| bucket.1).sum();
            let _ = writeln!(text, "{NAME}_bucket{bare},le=\"{limit}\"}} {sum}");
        }
        let count: u64 = links.iter().map(|link| link.latency.count).sum();
        let seconds: f64 = links.iter().map(|link| link.latency.sum_seconds).sum();
        let _ = write!(
            text,
            "{NAME}_bucket{bare},le=\"+Inf\"}} {count}\n{NAME}_sum{own} {seconds}\n{NAME}_count{own} {count}\n"
        );
    }
}

/// A peer that was never there is called by its endpoint.
fn link_labels(link: &LinkReport) -> [(&'static str, &str); 3] {
    let direction = match link.direction {
        Some(Direction::Output) => "out",
        _ => "in",
    };
    let peer = link.peer.as_deref().or(link.endpoint.as_deref()).unwrap_or_default();
    [("port", &link.port), ("peer", peer), ("direction", direction)]
}

fn labels(pairs: &[(&str, &str)]) -> String {
    let escape = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Latency;

    #[test]
    fn links_that_look_alike_are_one_series_and_labels_are_quoted() {
        let latency = Latency { buckets: vec![(0.001, 1), (1.0, 2)], sum_seconds: 0.5, count: 3 };
        let link = LinkReport {
            port: "o".to_owned(),
            direction: Some(Direction::Output),
            peer: Some("a\"b.0".to_owned()),
            connected: true,
            messages: 7,
            latency,
            ..LinkReport::default()
        };
        let metrics = Metrics {
            program: "p".to_owned(),
            deployment: "d".to_owned(),
            service: "s".to_owned(),
            member: 1,
            uptime_seconds: 2.0,
            ticks: 5,
            busy_seconds: 0.5,
            tick_running_seconds: 0.0,
            links: vec![link.clone(), link],
            ports: Vec::new(),
        };
        let text = metrics.to_prometheus();
        for line in [
            r#"hydro_info{program="p",deployment="d",service="s",member="1"} 1"#,
            "hydro_busy_ratio 0.25",
            r#"hydro_link_messages_total{port="o",peer="a\"b.0",direction="out"} 14"#,
            r#"hydro_link_up{port="o",peer="a\"b.0",direction="out"} 2"#,
            r#"hydro_link_latency_seconds_bucket{port="o",peer="a\"b.0",direction="out",le="1"} 4"#,
            r#"hydro_link_latency_seconds_bucket{port="o",peer="a\"b.0",direction="out",le="+Inf"} 6"#,
            r#"hydro_link_latency_seconds_count{port="o",peer="a\"b.0",direction="out"} 6"#,
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
    }
}
