//! Firewall rules: who may reach which ports of which machines.
//!
//! Rules have no labels; what they are for stands in their names and descriptions.

use serde::{Deserialize, Serialize};

/// A rule that lets someone in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Firewall {
    /// Its name, unique in the project.
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// `global/networks/NETWORK`.
    pub network: String,
    /// Who may come, as networks (`203.0.113.7/32`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_ranges: Vec<String>,
    /// Who may come, as tags of machines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_tags: Vec<String>,
    /// Whom it is for, as tags of machines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub target_tags: Vec<String>,
    /// Where they may come.
    pub allowed: Vec<Allowed>,
}

/// Ports of a protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Allowed {
    /// `tcp`, `udp`, `icmp` or `all`.
    #[serde(rename = "IPProtocol")]
    pub protocol: String,
    /// Ports or spans of them; none: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<String>,
}

impl Allowed {
    /// Single TCP ports.
    #[must_use]
    pub fn tcp(ports: impl IntoIterator<Item = u16>) -> Self {
        Self { protocol: "tcp".to_owned(), ports: ports.into_iter().map(|port| port.to_string()).collect() }
    }
}
