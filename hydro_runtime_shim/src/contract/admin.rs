//! What is said on a program's admin socket: requests, replies and reports, one JSON object per line.
//!
//! Words alone: who listens, what is counted and how faults come about is the runtime's affair. docs/admin.md describes the same for people.

use serde::{Deserialize, Serialize};

use super::Direction;

/// A line of a request may not be longer.
pub const ADMIN_LINE_BYTES: usize = 16 << 10;

/// What a program is asked. `peer` is `SERVICE` or `SERVICE.MEMBER`; where peer or port is left out, all are meant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub enum AdminRequest {
    /// Whether all peers it dials are there: [`AdminReply::Health`].
    Health {},
    /// What was counted: [`AdminReply::Metrics`].
    Metrics {},
    /// Who is at the other ends: [`AdminReply::Peers`].
    Peers {},
    /// Which faults are on: [`AdminReply::Faults`].
    Faults {},
    /// End in order, as with SIGTERM.
    Stop {},
    /// Dial one endpoint more.
    Connect {
        /// The own port.
        port: String,
        /// As in the port's variable.
        endpoint: String,
    },
    /// Take leave of peers: of the one at an endpoint that is dialed, or of all of a name.
    Disconnect {
        /// The own port.
        port: String,
        /// The endpoint, as it was given.
        #[serde(default)]
        endpoint: Option<String>,
        /// The peer. One that dials us calls again.
        #[serde(default)]
        peer: Option<String>,
    },
    /// Break connections and refuse new ones, until they are healed.
    Partition {
        /// Whose.
        #[serde(default)]
        peer: Option<String>,
        /// Of which own port.
        #[serde(default)]
        port: Option<String>,
    },
    /// Let all bytes wait, both ways.
    Hold {
        /// Whose.
        #[serde(default)]
        peer: Option<String>,
        /// Of which own port.
        #[serde(default)]
        port: Option<String>,
    },
    /// Let the bytes of one way wait.
    OneWay {
        /// Those that wait.
        blocks: Way,
        /// Whose.
        #[serde(default)]
        peer: Option<String>,
        /// Of which own port.
        #[serde(default)]
        port: Option<String>,
    },
    /// Let all that this program sends wait for some time, in order.
    Delay {
        /// How long, in milliseconds.
        ms: u64,
        /// Whose.
        #[serde(default)]
        peer: Option<String>,
        /// Of which own port.
        #[serde(default)]
        port: Option<String>,
    },
    /// Lose what is sent at once now and then: a lossy link loses the items, any other its connection.
    Drop {
        /// How often, from 0 to 1.
        ratio: f64,
        /// Whose.
        #[serde(default)]
        peer: Option<String>,
        /// Of which own port.
        #[serde(default)]
        port: Option<String>,
    },
    /// End faults: those with this peer and this port, or all.
    Heal {
        /// As it was given with the fault.
        #[serde(default)]
        peer: Option<String>,
        /// As it was given with the fault.
        #[serde(default)]
        port: Option<String>,
    },
}

/// One way through a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// To this program.
    In,
    /// From this program.
    Out,
}

/// What can be wrong between two programs on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum FaultKind {
    /// No connection.
    Partition,
    /// No byte goes through; connections stay.
    Hold,
    /// No byte goes through one way.
    OneWay {
        /// Which way.
        blocks: Way,
    },
    /// What is sent goes through later.
    Delay {
        /// How much later, in milliseconds.
        ms: u64,
    },
    /// Some of what is sent is lost.
    Drop {
        /// How much, from 0 to 1.
        ratio: f64,
    },
}

/// A fault and whom it meets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// What is wrong.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// With whom; none: with everybody.
    pub peer: Option<String>,
    /// At which port; none: at all.
    pub port: Option<String>,
}

impl AdminRequest {
    /// Returns the fault that is asked for, if one is.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        let (kind, peer, port) = match self {
            Self::Partition { peer, port } => (FaultKind::Partition, peer, port),
            Self::Hold { peer, port } => (FaultKind::Hold, peer, port),
            Self::OneWay { blocks, peer, port } => (FaultKind::OneWay { blocks: *blocks }, peer, port),
            Self::Delay { ms, peer, port } => (FaultKind::Delay { ms: *ms }, peer, port),
            Self::Drop { ratio, peer, port } => (FaultKind::Drop { ratio: *ratio }, peer, port),
            _ => return None,
        };
        Some(Fault { kind, peer: peer.clone(), port: port.clone() })
    }
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum AdminReply {
    /// To `health`.
    Health(Health),
    /// To `metrics`.
    Metrics(Metrics),
    /// To `peers`.
    Peers {
        /// One for each link.
        peers: Vec<PeerReport>,
    },
    /// To `faults`.
    Faults {
        /// Those that are on.
        faults: Vec<Fault>,
    },
    /// It is done.
    Done {
        /// What came of it, for people.
        remark: String,
    },
    /// It is not done.
    Error {
        /// Why, and what to do.
        reason: String,
    },
}

/// Whether a program can do its work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// All peers it dials are connected, and it is not on its way out.
    pub ready: bool,
    /// It was asked to stop.
    pub stopping: bool,
    /// Dialed endpoints that are not connected.
    pub missing: Vec<Missing>,
    /// How long the present tick has been running; 0 between ticks.
    pub tick_running_seconds: f64,
    /// How often the dataflow has run; 0: its first tick is not over.
    #[serde(default)]
    pub ticks: u64,
}

/// A peer that is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// The own port.
    pub port: String,
    /// The endpoint that is dialed.
    pub endpoint: String,
    /// Who it was when it was there last, as `SERVICE.MEMBER`.
    pub peer: Option<String>,
}

/// One link, for people and for whoever looks after the deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeerReport {
    /// The own port.
    pub port: String,
    /// Its direction.
    pub direction: Direction,
    /// The peer as `SERVICE.MEMBER`; none: it was never there.
    pub peer: Option<String>,
    /// The peer's address, as items show it.
    pub address: Option<String>,
    /// The endpoint that is dialed; none: the peer dials.
    pub endpoint: Option<String>,
    /// Whether there is a connection.
    pub connected: bool,
    /// How long ago something was last heard of it.
    pub last_heard_seconds: Option<f64>,
}

/// All that a program counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// The program.
    pub program: String,
    /// Its deployment.
    pub deployment: String,
    /// Its service.
    pub service: String,
    /// Its member.
    pub member: u32,
    /// How long it has been running.
    pub uptime_seconds: f64,
    /// How often its dataflow ran. A tick that waits in the middle counts again when it goes on.
    pub ticks: u64,
    /// How long that took, with the present tick so far.
    pub busy_seconds: f64,
    /// How long the present tick has been running.
    pub tick_running_seconds: f64,
    /// Links that are there, and those whose peer may come back.
    pub links: Vec<LinkReport>,
    /// Ports that count something themselves.
    pub ports: Vec<PortReport>,
}

impl Metrics {
    /// Returns the share of its life that the program's thread was in ticks.
    #[must_use]
    pub fn busy_ratio(&self) -> f64 {
        if self.uptime_seconds > 0.0 { (self.busy_seconds / self.uptime_seconds).min(1.0) } else { 0.0 }
    }
}

/// What a port counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortReport {
    /// The port.
    pub port: String,
    /// Items that nobody got: no such peer, or too large.
    pub dropped: u64,
}

/// What a link counts, from its beginning, over all its connections.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LinkReport {
    /// The own port.
    pub port: String,
    /// Its direction; none only in a default value.
    pub direction: Option<Direction>,
    /// The peer as `SERVICE.MEMBER`; none: it was never there.
    pub peer: Option<String>,
    /// The endpoint that is dialed; none: the peer dials.
    pub endpoint: Option<String>,
    /// Whether there is a connection.
    pub connected: bool,
    /// Items: of an output those given to the link, of an input those whose frames came.
    pub messages: u64,
    /// Bytes written or read, with all that the link itself says.
    pub bytes: u64,
    /// Items sent once more after a connection broke.
    pub resent: u64,
    /// Bytes held: not written, or written and not acknowledged. Outputs only, as are the next three.
    pub queue_bytes: u64,
    /// Items held.
    pub queue_messages: u64,
    /// Bytes written and not acknowledged.
    pub in_flight_bytes: u64,
    /// Bytes that the receiver lets be on their way.
    pub window_bytes: u64,
    /// Items that a lossy link left out.
    pub left_out: u64,
    /// Connections made.
    pub connections: u64,
    /// Those among them with the same process as before.
    pub reconnects: u64,
    /// Those among them with another start of the peer.
    pub restarts: u64,
    /// How long ago something was last heard of the peer.
    pub last_heard_seconds: Option<f64>,
    /// From the end of a tick to the peer's word that it has worked on the tick's items: sampled, one tick at a time. Outputs only.
    pub latency: Latency,
}

/// How often something took how long.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Pairs of a limit in seconds and how many samples are not above it; samples above the last one are in `count` alone.
    pub buckets: Vec<(f64, u64)>,
    /// All samples together.
    pub sum_seconds: f64,
    /// How many there are.
    pub count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_read_as_docs_admin_md_writes_them() {
        let read = |text: &str| serde_json::from_str::<AdminRequest>(text).expect(text);
        assert_eq!(read(r#"{"request":"health"}"#), AdminRequest::Health {});
        assert_eq!(
            read(r#"{"request":"one_way","blocks":"in","peer":"server.0"}"#),
            AdminRequest::OneWay { blocks: Way::In, peer: Some("server.0".to_owned()), port: None }
        );
        let delay = read(r#"{"request":"delay","ms":20,"port":"inbound"}"#);
        let fault = Fault { kind: FaultKind::Delay { ms: 20 }, peer: None, port: Some("inbound".to_owned()) };
        assert_eq!(delay.fault(), Some(fault));
    }

    #[test]
    fn a_misspelled_field_is_no_wish_to_hit_everybody() {
        let error = serde_json::from_str::<AdminRequest>(r#"{"request":"partition","pear":"a"}"#);
        assert!(error.is_err_and(|error| error.to_string().contains("pear")));
    }
}
