//! What a project offers: zones, regions with their quotas, machine types, images, networks. Read only.

use serde::Deserialize;

/// A zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Zone {
    /// Its name.
    pub name: String,
    /// `UP` or `DOWN`.
    pub status: String,
    /// Its region, as an address.
    pub region: String,
}

/// A region.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Region {
    /// Its name.
    pub name: String,
    /// What of it the project may use.
    pub quotas: Vec<Quota>,
}

/// How much of something a project may use.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Quota {
    /// What: `CPUS`, `INSTANCES`, `IN_USE_ADDRESSES`, …
    pub metric: String,
    /// How much at most.
    pub limit: f64,
    /// How much is in use.
    pub usage: f64,
}

impl Region {
    /// Returns how much of something is left; none: nobody counts it.
    #[must_use]
    pub fn left(&self, metric: &str) -> Option<f64> {
        self.quotas.iter().find(|quota| quota.metric == metric).map(|quota| quota.limit - quota.usage)
    }
}

/// A type of machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MachineType {
    /// Its name.
    pub name: String,
    /// Processors.
    pub guest_cpus: u32,
    /// Memory in MiB.
    pub memory_mb: u64,
    /// `X86_64` or `ARM64`; none: the API does not say.
    pub architecture: Option<String>,
}

/// An image that disks are made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Image {
    /// Its name.
    pub name: String,
    /// Its address, which a disk names.
    pub self_link: String,
    /// `X86_64` or `ARM64`; none: the API does not say.
    pub architecture: Option<String>,
}

/// A network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// Whether it has a subnetwork in each region by itself; otherwise machines have to name one.
    pub auto_create_subnetworks: Option<bool>,
}
