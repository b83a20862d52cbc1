//! The tables of a `Hydro.toml`, each word with its place.
//!
//! Values without behaviour; [`read`](super::read()) makes them.

use std::net::IpAddr;
use std::time::Duration;

use hydro_host::words::{Bounds, Services};
use hydro_runtime_shim::contract::{Delivery, Policy};
use serde_spanned::Spanned;

use super::expose::ListenAt;
use super::target::RawTarget;
use crate::supervision::{AutoShutdown, Backoff, Intensity, Restart, Shutdown, Strategy};
use crate::workspace::Pattern;

/// A whole `Hydro.toml`, in the order it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HydroToml {
    /// `[deployment] name`.
    pub name: Option<Spanned<String>>,
    /// `[deployment] tls`.
    pub tls: Option<Spanned<String>>,
    /// `[deployment] local_links`.
    pub local_links: Option<Spanned<String>>,
    /// `[supervision]`: the supervisor of all that has no group.
    pub supervision: RawGroup,
    /// `[groups.NAME]`.
    pub groups: Vec<(Spanned<String>, RawGroup)>,
    /// `[machines.NAME]`.
    pub machines: Vec<(Spanned<String>, RawMachine)>,
    /// `[services.NAME]`.
    pub services: Vec<(Spanned<String>, RawService)>,
    /// `[[links]]`.
    pub links: Vec<RawLink>,
    /// `[hooks]`.
    pub hooks: Option<RawHooks>,
    /// `[expose.NAME]`.
    pub exposed: Vec<(Spanned<String>, RawExposure)>,
}

/// A port that is reached from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawExposure {
    /// `port`.
    pub port: RawPort,
    /// `listen`: a port number, an address, or both.
    pub listen: Option<ListenAt>,
}

/// Functions that are called at turns of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawHooks {
    /// `script`: the file that has them.
    pub script: Spanned<String>,
    /// `timeout`: how long one may take.
    pub timeout: Duration,
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawMachine {
    /// `closed`: whether no other machine can call it.
    pub closed: bool,
    /// What kind of place it is.
    pub kind: RawKind,
    /// What programs for it are built for.
    pub target: RawTarget,
}

/// The kinds of machines, with what each needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawKind {
    /// This machine.
    Localhost,
    /// A machine that is reached over ssh.
    Ssh(RawSsh),
    /// A virtual machine of Google Cloud.
    Gcp(RawCloud),
}

/// A virtual machine of Google Cloud.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawCloud {
    /// The project.
    pub project: String,
    /// The zone.
    pub zone: String,
    /// `type`: the machine type.
    pub machine_type: String,
    /// The image, or its family.
    pub image: Option<String>,
    /// The size of its disk in GB.
    pub disk: Option<u32>,
    /// Whether it may be taken away.
    pub spot: bool,
    /// `NETWORK` or `NETWORK/SUBNETWORK`.
    pub network: Option<String>,
    /// How long it lives at most.
    pub ttl: Option<Duration>,
    /// How long nobody may be connected before it stops itself.
    pub autostop: Option<Duration>,
    /// `address = "internal"`: it has no public address.
    pub is_internal: bool,
}

/// How a machine is reached over ssh.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawSsh {
    /// A name or an address.
    pub host: String,
    /// The user there.
    pub user: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// The only key that is tried; relative to the file's folder.
    pub key: Option<String>,
    /// A configuration file in place of the user's own; relative to the file's folder.
    pub config: Option<String>,
    /// A file of known hosts in place of the user's own; relative to the file's folder.
    pub known_hosts: Option<String>,
    /// Hosts on the way there.
    pub jump: Vec<String>,
    /// The address at which other machines reach it.
    pub address: Option<IpAddr>,
    /// `services`: what keeps services up there.
    pub services: Services,
}

/// What a service runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawProgram {
    /// `src`: an `.hf` file.
    Source(Spanned<String>),
    /// `command`: any executable, with its arguments.
    Command(Vec<String>),
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawService {
    /// What it runs.
    pub program: RawProgram,
    /// `on`: the machine's name.
    pub on: Option<Spanned<String>>,
    /// `count`.
    pub count: u32,
    /// `params`, each as the text that a program takes: JSON, or plain text for a string.
    pub params: Vec<(Spanned<String>, String)>,
    /// `args`.
    pub args: Vec<String>,
    /// `env`.
    pub env: Vec<(Spanned<String>, String)>,
    /// `listen`.
    pub listen: Option<Spanned<String>>,
    /// `colocate`.
    pub colocate: Option<Spanned<bool>>,
    /// `health`.
    pub health: Option<RawHealth>,
    /// `watch`: files that it reads.
    pub watch: Vec<Pattern>,
    /// `data = "fresh"`.
    pub fresh_data: bool,
    /// `limits`, `sandbox` and `systemd`.
    pub bounds: Bounds,
    /// How it is kept up.
    pub upkeep: RawUpkeep,
}

/// How it is found out whether a service is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawHealth {
    /// The way of asking.
    pub check: RawCheck,
    /// How long a start may take.
    pub timeout: Duration,
    /// `every`: how often it is asked while it runs; none: never.
    pub every: Option<Duration>,
    /// `failures`: how often in a row it may fail then.
    pub failures: u32,
}

/// A way of asking a service whether it is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawCheck {
    /// `command`: it ends with 0.
    Command(Vec<String>),
    /// `http`: it is answered.
    Http(String),
    /// `log`: a line holds it.
    Log(String),
    /// `port`: the service's port of this name takes connections.
    Port(String),
}

/// How a service or a group is kept up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawUpkeep {
    /// `restart`.
    pub restart: Option<Restart>,
    /// `shutdown`.
    pub shutdown: Option<Shutdown>,
    /// `significant`.
    pub significant: bool,
    /// `backoff`.
    pub backoff: Backoff,
    /// `group`: the name of the group it belongs to.
    pub group: Option<Spanned<String>>,
}

/// A supervisor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawGroup {
    /// `strategy`.
    pub strategy: Strategy,
    /// `intensity` and `period`.
    pub intensity: Option<Intensity>,
    /// `auto_shutdown`.
    pub auto_shutdown: AutoShutdown,
    /// How it is itself kept up.
    pub upkeep: RawUpkeep,
}

/// `service.port`, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawPort {
    /// The service's name.
    pub service: String,
    /// The port's name.
    pub port: String,
    /// Bytes of the file that say so.
    pub span: std::ops::Range<usize>,
}

/// A link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawLink {
    /// The output.
    pub from: RawPort,
    /// The input.
    pub to: RawPort,
    /// How the output divides its items.
    pub policy: Option<Policy>,
    /// What the output does with items that are not taken fast enough.
    pub delivery: Option<Delivery>,
    /// `transport`.
    pub transport: Option<Spanned<String>>,
    /// `insecure`.
    pub insecure: bool,
}
