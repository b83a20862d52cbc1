//! Virtual machines: what one is made of, and where it is reached.
//!
//! Values in the API's own shape, without the fields that are not used here.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::operation::last;

/// A virtual machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Instance {
    /// Its name, unique in the zone.
    pub name: String,
    /// `zones/ZONE/machineTypes/TYPE`.
    pub machine_type: String,
    /// `PROVISIONING`, `STAGING`, `RUNNING`, `STOPPING`, `TERMINATED`, …; told, never sent.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// The zone, as an address; told, never sent.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub zone: String,
    /// When it was made (RFC 3339); told, never sent.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub creation_timestamp: String,
    /// Labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What the machine can ask for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Disks; the first is started from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disks: Vec<Disk>,
    /// How it is connected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub network_interfaces: Vec<NetworkInterface>,
    /// How long it lives, and whether it may be taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling: Option<Scheduling>,
    /// What firewall rules know it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
}

/// Pairs that a machine can ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// The pairs.
    pub items: Vec<Item>,
}

/// One of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Item {
    /// The name.
    pub key: String,
    /// The text.
    pub value: String,
}

/// A disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Disk {
    /// Whether it is started from.
    pub boot: bool,
    /// Whether it goes with the machine.
    pub auto_delete: bool,
    /// What it is made of; sent, never told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initialize_params: Option<DiskParams>,
}

/// What a disk is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DiskParams {
    /// The image, or `projects/PROJECT/global/images/family/FAMILY`.
    pub source_image: String,
    /// Its size in gigabytes, as text; none: the image's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_size_gb: Option<String>,
    /// `zones/ZONE/diskTypes/TYPE`; none: the standard one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_type: Option<String>,
}

/// A connection to a network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkInterface {
    /// `global/networks/NETWORK`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// `regions/REGION/subnetworks/NAME`, where the network does not choose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnetwork: Option<String>,
    /// The address within the network; told, never sent.
    #[serde(rename = "networkIP", skip_serializing_if = "Option::is_none")]
    pub network_ip: Option<String>,
    /// Ways in from outside; none: it has no public address.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub access_configs: Vec<AccessConfig>,
}

/// A way in from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AccessConfig {
    /// Its name.
    pub name: String,
    /// `ONE_TO_ONE_NAT`.
    pub r#type: String,
    /// The public address; told.
    #[serde(rename = "natIP", skip_serializing_if = "Option::is_none")]
    pub nat_ip: Option<String>,
}

impl AccessConfig {
    /// A public address as it comes.
    #[must_use]
    pub fn ephemeral() -> Self {
        Self { name: "External NAT".to_owned(), r#type: "ONE_TO_ONE_NAT".to_owned(), nat_ip: None }
    }
}

/// How long a machine lives, and whether it may be taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Scheduling {
    /// `STANDARD`, or `SPOT` for a cheap one that Google may take away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisioning_model: Option<String>,
    /// What happens at its end: `DELETE` or `STOP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_termination_action: Option<String>,
    /// How long it may run. Google ends it, whoever else is still there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_run_duration: Option<RunDuration>,
    /// Whether Google starts it again by itself; a machine with an end must not be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub automatic_restart: Option<bool>,
}

/// A span of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunDuration {
    /// Seconds, as text.
    pub seconds: String,
}

/// What firewall rules know a machine by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tags {
    /// The tags.
    pub items: Vec<String>,
}

impl Instance {
    /// Returns the name of its zone.
    #[must_use]
    pub fn zone_name(&self) -> &str {
        last(&self.zone)
    }

    /// Returns the address within the network.
    #[must_use]
    pub fn internal_address(&self) -> Option<IpAddr> {
        self.network_interfaces.iter().find_map(|interface| interface.network_ip.as_ref()?.parse().ok())
    }

    /// Returns the public address; none: it has none.
    #[must_use]
    pub fn public_address(&self) -> Option<IpAddr> {
        let ways = self.network_interfaces.iter().flat_map(|interface| &interface.access_configs);
        ways.filter_map(|way| way.nat_ip.as_ref()).find_map(|address| address.parse().ok())
    }
}
