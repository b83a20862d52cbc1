//! What a program's metrics are, written once more: the shim, whose types they are, is part of each program and does not know of schemas.
//!
//! The compiler holds both together: each field is moved from one to the other.

use hydro_runtime_shim::contract::{Direction, Latency, LinkReport, Metrics, PortReport};
use schemars::JsonSchema;
use serde::Serialize;

/// All that a program counts.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Metrics")]
pub(crate) struct MetricsMirror {
    /// The program.
    program: String,
    /// Its deployment.
    deployment: String,
    /// Its service.
    service: String,
    /// Its member.
    member: u32,
    /// How long it has been running.
    uptime_seconds: f64,
    /// How often its dataflow ran.
    ticks: u64,
    /// How long that took, with the present tick so far.
    busy_seconds: f64,
    /// How long the present tick has been running.
    tick_running_seconds: f64,
    /// Links that are there, and those whose peer may come back.
    links: Vec<LinkMirror>,
    /// Ports that count something themselves.
    ports: Vec<PortMirror>,
}

/// What a port counts.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Port")]
struct PortMirror {
    /// The port.
    port: String,
    /// Items that nobody got: no such peer, or too large.
    dropped: u64,
}

/// Which way items go.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Direction")]
enum DirectionMirror {
    /// Items come in.
    Input,
    /// Items go out.
    Output,
}

/// What a link counts, from its beginning, over all its connections.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Link")]
struct LinkMirror {
    /// The own port.
    port: String,
    /// Its direction.
    direction: Option<DirectionMirror>,
    /// The peer as `SERVICE.MEMBER`; none: it was never there.
    peer: Option<String>,
    /// The endpoint that is dialed; none: the peer dials.
    endpoint: Option<String>,
    /// Whether there is a connection.
    connected: bool,
    /// Items: of an output those given to the link, of an input those whose frames came.
    messages: u64,
    /// Bytes written or read, with all that the link itself says.
    bytes: u64,
    /// Items sent once more after a connection broke.
    resent: u64,
    /// Bytes held: not written, or written and not acknowledged. Outputs only, as are the next three.
    queue_bytes: u64,
    /// Items held.
    queue_messages: u64,
    /// Bytes written and not acknowledged.
    in_flight_bytes: u64,
    /// Bytes that the receiver lets be on their way.
    window_bytes: u64,
    /// Items that a lossy link left out.
    left_out: u64,
    /// Connections made.
    connections: u64,
    /// Those among them with the same process as before.
    reconnects: u64,
    /// Those among them with another start of the peer.
    restarts: u64,
    /// How long ago something was last heard of the peer.
    last_heard_seconds: Option<f64>,
    /// From the end of a tick to the peer's word that it has worked on the tick's items.
    latency: LatencyMirror,
}

/// How often something took how long.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Latency")]
struct LatencyMirror {
    /// Pairs of a limit in seconds and how many samples are not above it; samples above the last one are in `count` alone.
    buckets: Vec<(f64, u64)>,
    /// All samples together.
    sum_seconds: f64,
    /// How many there are.
    count: u64,
}

/// Moves all fields of one struct into another.
macro_rules! moved {
    ($from:ident, $to:ident, $value:expr, { $($field:ident),* }, { $($changed:ident: $with:expr),* }) => {{
        let $from { $($field,)* $($changed),* } = $value;
        $to { $($field,)* $($changed: $with($changed)),* }
    }};
}

fn link(link: LinkReport) -> LinkMirror {
    let mirrored = |direction: Option<Direction>| {
        direction.map(|direction| match direction {
            Direction::Input => DirectionMirror::Input,
            Direction::Output => DirectionMirror::Output,
        })
    };
    let timed = |latency| moved!(Latency, LatencyMirror, latency, { buckets, sum_seconds, count }, {});
    moved!(
        LinkReport,
        LinkMirror,
        link,
        {
            port, peer, endpoint, connected, messages, bytes, resent, queue_bytes, queue_messages, in_flight_bytes, window_bytes,
            left_out, connections, reconnects, restarts, last_heard_seconds
        },
        { direction: mirrored, latency: timed }
    )
}

#[test]
fn both_are_written_alike() {
    let links = vec![LinkReport { direction: Some(Direction::Output), ..LinkReport::default() }];
    let ports = vec![PortReport { port: "out".into(), dropped: 3 }];
    let (program, deployment, service) = ("p".to_owned(), "d".to_owned(), "s".to_owned());
    let (uptime_seconds, busy_seconds, tick_running_seconds) = (2.0, 1.0, 0.0);
    let metrics = Metrics {
        program,
        deployment,
        service,
        member: 1,
        uptime_seconds,
        ticks: 7,
        busy_seconds,
        tick_running_seconds,
        links,
        ports,
    };
    let port = |port| moved!(PortReport, PortMirror, port, { port, dropped }, {});
    let mirror = moved!(
        Metrics,
        MetricsMirror,
        metrics.clone(),
        { program, deployment, service, member, uptime_seconds, ticks, busy_seconds, tick_running_seconds },
        {
            links: |links: Vec<LinkReport>| links.into_iter().map(link).collect(),
            ports: |ports: Vec<PortReport>| ports.into_iter().map(port).collect()
        }
    );
    assert_eq!(serde_json::to_value(mirror).unwrap(), serde_json::to_value(metrics).unwrap());
}
