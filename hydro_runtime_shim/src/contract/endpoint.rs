//! Endpoints: the human's words in `HYDRO_INPUT_…` and `HYDRO_OUTPUT_…`, parsed once.
//!
//! `tcp://127.0.0.1:4000`, `tcp://db.local:4000/inbound`, `tls://db.local:4000/inbound`, `unix:/run/x.sock#inbound`,
//! `shm:/run/x.sock#inbound`, `queue:server/inbound`, `stdio:json`, `null`; `listen:` or `dial:` in front overrides the role, which is `listen` for inputs and `dial`
//! for outputs. `json:` in front of a place that is called asks for JSON there. A variable holds several, separated by commas.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Codec, Direction};

/// Who waits and who calls; independent of the direction of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Waits for peers.
    Listen,
    /// Calls the peer, again and again until it answers.
    Dial,
}

/// What carries the bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Transport {
    /// `tcp://host:port`; the host may be a name, `[::1]` or an address.
    Tcp {
        /// Host name or address without brackets.
        host: String,
        /// Port number.
        port: u16,
    },
    /// `tls://host:port`: TCP, encrypted, and both ends prove who they are.
    Tls {
        /// Host name or address without brackets.
        host: String,
        /// Port number.
        port: u16,
    },
    /// `unix:/path`.
    Unix {
        /// Path of the socket.
        path: PathBuf,
    },
    /// `shm:/path`: memory shared by two processes of one machine, which is set up on the Unix socket of that path. Who listens on it serves
    /// callers of both kinds, whichever of the two it is bound to.
    Shm {
        /// Path of the socket.
        path: PathBuf,
    },
    /// `queue:NAME`: another program of this very process, which listens by that name.
    Queue {
        /// The name.
        name: String,
    },
    /// `stdio:json`: standard input or output, as lines of JSON.
    Stdio,
    /// `null`: an input that never has items, an output whose items are dropped, said on purpose.
    Null,
}

impl Transport {
    /// Returns the path of the Unix socket, where there is one.
    #[must_use]
    pub fn socket_path(&self) -> Option<&Path> {
        match self {
            Self::Unix { path } | Self::Shm { path } => Some(path),
            Self::Tcp { .. } | Self::Tls { .. } | Self::Queue { .. } | Self::Stdio | Self::Null => None,
        }
    }

    /// Returns host and port, where there are such.
    #[must_use]
    pub fn host_and_port(&self) -> Option<(&str, u16)> {
        match self {
            Self::Tcp { host, port } | Self::Tls { host, port } => Some((host, *port)),
            Self::Unix { .. } | Self::Shm { .. } | Self::Queue { .. } | Self::Stdio | Self::Null => None,
        }
    }

    /// Tells whether its links are encrypted.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        matches!(self, Self::Tls { .. })
    }

    /// Tells whether one listener serves both.
    #[must_use]
    pub fn shares_listener(&self, other: &Self) -> bool {
        match (self.socket_path(), other.socket_path()) {
            (Some(path), Some(other)) => path == other,
            _ if self.host_and_port().is_some() => self.host_and_port() == other.host_and_port(),
            _ => self == other,
        }
    }
}

/// One place a port is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// Wait or call.
    pub role: Role,
    /// Carrier and address.
    pub transport: Transport,
    /// The peer's port, where the peer has several behind one address.
    pub peer_port: Option<String>,
    /// What a caller asks its peer to speak. Who listens speaks what its callers ask for.
    pub codec: Codec,
}

/// How a plain output with several peers divides its items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Each item to every peer.
    #[default]
    Broadcast,
    /// Each item to one peer, in turn.
    RoundRobin,
}

impl Policy {
    /// Returns the policy of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "broadcast" => Some(Self::Broadcast),
            "round_robin" => Some(Self::RoundRobin),
            _ => None,
        }
    }

    /// Returns the policy's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Broadcast => "broadcast",
            Self::RoundRobin => "round_robin",
        }
    }
}

/// What an output does with items that a peer does not take fast enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// They wait, and the program reads less; each arrives once, in order, while both processes live.
    #[default]
    Reliable,
    /// The newest count: older ones are left out and counted.
    Lossy,
}

impl Delivery {
    /// Returns the delivery of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "reliable" => Some(Self::Reliable),
            "lossy" => Some(Self::Lossy),
            _ => None,
        }
    }

    /// Returns the delivery's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reliable => "reliable",
            Self::Lossy => "lossy",
        }
    }
}

/// Why an endpoint could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointError {
    /// The offending part.
    pub text: String,
    /// What is wrong with it, as a lowercase fragment.
    pub reason: &'static str,
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.text, self.reason)
    }
}

impl std::error::Error for EndpointError {}

/// Parses a variable's value: endpoints separated by commas, with the role that `direction` has by default.
///
/// # Errors
/// Names the first part that is no endpoint, or that the value is empty.
pub fn parse_endpoints(value: &str, direction: Direction) -> Result<Vec<Endpoint>, EndpointError> {
    let parts: Vec<&str> = value.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return Err(EndpointError {
            text: value.to_owned(),
            reason: "is empty; write `null` to leave the port unconnected",
        });
    }
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for part in parts {
        let endpoint = Endpoint::parse(part, direction)?;
        // Two connections of one link would take each other's place for ever.
        if endpoint.transport != Transport::Null && endpoints.contains(&endpoint) {
            return Err(EndpointError { text: part.to_owned(), reason: "is there twice" });
        }
        endpoints.push(endpoint);
    }
    Ok(endpoints)
}

impl Endpoint {
    /// Makes an endpoint whose records are binary where it calls.
    #[must_use]
    pub fn new(role: Role, transport: Transport, peer_port: Option<String>) -> Self {
        Self { role, transport, peer_port, codec: Codec::Binary }
    }

    /// Parses one endpoint.
    ///
    /// # Errors
    /// Tells which part cannot be read.
    pub fn parse(text: &str, direction: Direction) -> Result<Self, EndpointError> {
        let bad = |reason| EndpointError { text: text.to_owned(), reason };
        let (role, rest) = if let Some(rest) = text.strip_prefix("listen:") {
            (Role::Listen, rest)
        } else if let Some(rest) = text.strip_prefix("dial:") {
            (Role::Dial, rest)
        } else {
            let role = match direction {
                Direction::Input => Role::Listen,
                Direction::Output => Role::Dial,
            };
            (role, text)
        };
        let Some(place) = rest.strip_prefix("json:") else { return Self::parse_place(role, rest, &bad) };
        let endpoint = Self::parse_place(role, place, &bad)?;
        match (role, &endpoint.transport) {
            (_, Transport::Stdio | Transport::Null | Transport::Queue { .. }) => {
                Err(bad("can have `json:` in front of `tcp://`, `tls://`, `unix:` and `shm:` only"))
            }
            (Role::Listen, _) => Err(bad("has `json:` where it listens; callers choose, so leave that out")),
            (Role::Dial, _) => Ok(Self { codec: Codec::Json, ..endpoint }),
        }
    }

    fn parse_place(role: Role, rest: &str, bad: &dyn Fn(&'static str) -> EndpointError) -> Result<Self, EndpointError> {
        if matches!(rest, "stdio" | "stdio:" | "stdio:json") {
            return Ok(Self::new(role, Transport::Stdio, None));
        }
        if rest == "null" {
            return Ok(Self::new(role, Transport::Null, None));
        }
        if let Some(address) = rest.strip_prefix("unix:") {
            let (path, peer_port) = split_path(address).ok_or_else(|| bad("has no path after `unix:`"))?;
            return Ok(Self::new(role, Transport::Unix { path }, peer_port));
        }
        if let Some(address) = rest.strip_prefix("shm:") {
            let (path, peer_port) = split_path(address).ok_or_else(|| bad("has no path after `shm:`"))?;
            return Ok(Self::new(role, Transport::Shm { path }, peer_port));
        }
        if let Some(address) = rest.strip_prefix("queue:") {
            let (name, peer_port) = split_name(address).ok_or_else(|| bad("has no name after `queue:`"))?;
            return Ok(Self::new(role, Transport::Queue { name }, peer_port));
        }
        let (address, is_tls) = match (rest.strip_prefix("tcp://"), rest.strip_prefix("tls://")) {
            (Some(address), _) => (address, false),
            (None, Some(address)) => (address, true),
            (None, None) => {
                return Err(bad(
                    "must start with `tcp://`, `tls://`, `unix:`, `shm:` or `queue:`, or be `stdio:json` or `null`",
                ));
            }
        };
        let (address, peer_port) = match address.split_once('/') {
            Some((address, port)) if !port.is_empty() => (address, Some(port.to_owned())),
            Some((address, _)) => (address, None),
            None => (address, None),
        };
        let Some((host, port)) = address.rsplit_once(':') else {
            return Err(bad("has no port number: `tcp://host:port`"));
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err(bad("has no host: `tcp://host:port`"));
        }
        let port = port.parse().map_err(|_| bad("has a port number that is not between 0 and 65535"))?;
        let host = host.to_owned();
        let transport = if is_tls { Transport::Tls { host, port } } else { Transport::Tcp { host, port } };
        Ok(Self::new(role, transport, peer_port))
    }
}

/// Reads `path` or `path#port`; none: the path is empty.
fn split_path(address: &str) -> Option<(PathBuf, Option<String>)> {
    let (path, peer_port) = match address.split_once('#') {
        Some((path, port)) => (path, Some(port.to_owned())),
        None => (address, None),
    };
    (!path.is_empty()).then(|| (path.into(), peer_port))
}

/// Reads `name` or `name/port`; none: the name is empty.
fn split_name(address: &str) -> Option<(String, Option<String>)> {
    let (name, peer_port) = match address.split_once('/') {
        Some((name, port)) => (name, Some(port.to_owned()).filter(|port| !port.is_empty())),
        None => (address, None),
    };
    (!name.is_empty()).then(|| (name.to_owned(), peer_port))
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.role {
            Role::Listen => "listen:",
            Role::Dial => "dial:",
        })?;
        if self.codec == Codec::Json {
            f.write_str("json:")?;
        }
        match (&self.transport, &self.peer_port) {
            (Transport::Null, _) => f.write_str("null"),
            (Transport::Stdio, _) => f.write_str("stdio:json"),
            (Transport::Queue { name }, None) => write!(f, "queue:{name}"),
            (Transport::Queue { name }, Some(port)) => write!(f, "queue:{name}/{port}"),
            (Transport::Unix { path }, None) => write!(f, "unix:{}", path.display()),
            (Transport::Unix { path }, Some(port)) => write!(f, "unix:{}#{port}", path.display()),
            (Transport::Shm { path }, None) => write!(f, "shm:{}", path.display()),
            (Transport::Shm { path }, Some(port)) => write!(f, "shm:{}#{port}", path.display()),
            (Transport::Tcp { host, port } | Transport::Tls { host, port }, peer_port) => {
                let scheme = if matches!(self.transport, Transport::Tls { .. }) { "tls" } else { "tcp" };
                if host.contains(':') {
                    write!(f, "{scheme}://[{host}]:{port}")?;
                } else {
                    write!(f, "{scheme}://{host}:{port}")?;
                }
                peer_port.as_ref().map_or(Ok(()), |name| write!(f, "/{name}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written_alike() {
        for text in [
            "listen:tcp://0.0.0.0:4000",
            "dial:tcp://db.local:4000/inbound",
            "dial:tcp://[::1]:4000",
            "listen:tls://0.0.0.0:4000",
            "dial:tls://[::1]:4000/inbound",
            "listen:unix:/run/a b.sock#inbound",
            "dial:shm:/run/a.sock",
            "listen:shm:/run/a.sock#inbound",
            "listen:queue:server.1",
            "dial:queue:server/inbound",
            "dial:json:unix:/run/a.sock#stdin",
            "dial:json:tcp://[::1]:4000/inbound",
            "dial:null",
            "listen:stdio:json",
        ] {
            let endpoint = Endpoint::parse(text, Direction::Input).expect(text);
            assert_eq!(endpoint.to_string(), text);
        }
    }

    #[test]
    fn the_role_follows_the_direction() {
        let role = |direction| Endpoint::parse("tcp://a:1", direction).map(|endpoint| endpoint.role);
        assert_eq!(role(Direction::Input), Ok(Role::Listen));
        assert_eq!(role(Direction::Output), Ok(Role::Dial));
    }

    #[test]
    fn bad_endpoints_say_what_is_missing() {
        for (text, reason) in [
            ("", "is empty"),
            ("http://x", "must start with"),
            ("tcp://x", "no port number"),
            ("tcp://:1", "no host"),
            ("tcp://x:99999", "between 0 and 65535"),
            ("tcp://a:1, dial:tcp://a:1", "is there twice"),
            ("unix:", "no path after `unix:`"),
            ("shm:#inbound", "no path after `shm:`"),
            ("json:unix:", "no path after `unix:`"),
            ("json:stdio:json", "in front of"),
            ("json:queue:a", "in front of"),
            ("listen:json:unix:/a", "callers choose"),
            ("queue:/inbound", "no name after `queue:`"),
        ] {
            let error = parse_endpoints(text, Direction::Output).expect_err(text);
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
}
