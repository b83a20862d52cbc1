//! What a script says of a machine.
//!
//! Values only.

use serde::Deserialize;

/// Kinds of machines.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Kind {
    /// This machine.
    Localhost,
    /// A machine that is reached by ssh.
    Ssh {
        /// Its name or address, as ssh takes it.
        host: String,
        /// Who logs in; none: as ssh has it.
        #[serde(default)]
        user: Option<String>,
        /// The port; none: as ssh has it.
        #[serde(default)]
        port: Option<u16>,
        /// The file of the private key; none: as ssh has it.
        #[serde(default)]
        key: Option<String>,
        /// A file of known hosts; none: as ssh has it.
        #[serde(default)]
        known_hosts: Option<String>,
        /// The triple that programs for it are built for; none: what it is.
        #[serde(default)]
        target: Option<String>,
        /// `musl`, or a version of glibc; none: what it has.
        #[serde(default)]
        libc: Option<String>,
        /// `cargo`, `zigbuild` or `cross`; none: what is found.
        #[serde(default)]
        builder: Option<String>,
        /// What keeps services up there: `systemd`, `plain`, or systemd where it is (`auto`).
        #[serde(default)]
        services: Option<String>,
    },
    /// A virtual machine of Google Cloud.
    Gcp {
        /// The project.
        project: String,
        /// The zone.
        zone: String,
        /// The machine type.
        #[serde(rename = "type")]
        machine_type: String,
        /// The rest.
        #[serde(flatten)]
        options: Box<GcpOptions>,
    },
}

/// What a virtual machine of Google Cloud may be beyond what it must be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GcpOptions {
    /// The image: a family of Debian's, `PROJECT/FAMILY`, or `projects/…`.
    #[serde(default)]
    pub image: Option<String>,
    /// The size of its disk in GB.
    #[serde(default)]
    pub disk: Option<u32>,
    /// Whether Google may take it away, for a lower price.
    #[serde(default)]
    pub spot: Option<bool>,
    /// `NETWORK` or `NETWORK/SUBNETWORK`.
    #[serde(default)]
    pub network: Option<String>,
    /// How long it lives at most: `8h`.
    #[serde(default)]
    pub ttl: Option<String>,
    /// How long nobody may be connected before it stops itself: `30m`.
    #[serde(default)]
    pub autostop: Option<String>,
    /// `external` or `internal`.
    #[serde(default)]
    pub address: Option<String>,
}
