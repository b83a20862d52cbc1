//! The wished-for deployment: machines, services and links under one name, each with the line of the user's text that made it.
//!
//! Values without behaviour; `Hydro.toml` and scripts make the same ones. What is wrong with them is [`topology`](super::topology)'s affair.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use hydro_host::words::Bounds;
use hydro_runtime_shim::contract::{Delivery, Policy};
use hydroflow_standalone::interface::ModuleInterface;
use indexmap::IndexMap;

use crate::build::Wishes;
use crate::machine::{CloudMachine, Health, SshTarget};
use crate::report::Origin;
use crate::supervision::{AutoShutdown, Backoff, Intensity, Restart, Shutdown, Strategy};
use crate::workspace::Pattern;
use crate::workspace::hydro_toml::ListenAt;

/// A kind of place where services run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MachineKind {
    /// This machine.
    Localhost,
    /// A machine that is reached over ssh.
    Ssh(SshTarget),
    /// A virtual machine of Google Cloud, made for the deployment.
    Gcp(CloudMachine),
}

/// A place where services run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Whether no other machine can call it: its services call their peers, whichever way items go.
    pub closed: bool,
    /// What kind of place.
    pub kind: MachineKind,
    /// What is wished of building for it.
    pub wishes: Wishes,
    /// The line that made it.
    pub origin: Option<Origin>,
}

/// What a service runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// A Hydroflow program, from an `.hf` file.
    Hydroflow {
        /// The file, absolute.
        source: PathBuf,
        /// Its header.
        interface: ModuleInterface,
        /// Parameters by name, as text: JSON, or plain text for strings.
        params: BTreeMap<String, String>,
    },
    /// Any executable.
    Command {
        /// Program and arguments.
        argv: Vec<String>,
    },
}

/// One program, placed on a machine, `count` times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// What it runs.
    pub program: Program,
    /// The machine's name.
    pub machine: String,
    /// How many members it has.
    pub count: u32,
    /// Arguments for the program.
    pub args: Vec<String>,
    /// Environment variables for the program.
    pub env: BTreeMap<String, String>,
    /// A fixed listening address (`127.0.0.1:4000`); none: one is chosen. Only with `count = 1`.
    pub listen: Option<String>,
    /// The package of its program, if it shares a process with others of that package on its machine that wish so, too; none: it does not.
    pub colocate: Option<String>,
    /// Its ports that are reached from outside, by name.
    pub exposed: BTreeMap<String, Exposure>,
    /// How it is found out whether it is well; none: it is as soon as it runs.
    pub health: Option<Health>,
    /// Files that it reads: where they have changed, a deploy starts it again.
    pub watched: Watched,
    /// Whether each deploy begins without its data, which is kept otherwise.
    pub fresh_data: bool,
    /// What it may use and do.
    pub bounds: Bounds,
    /// What becomes of it when it ends, and how it is ended.
    pub upkeep: Upkeep,
    /// The line that made it.
    pub origin: Option<Origin>,
}

/// Files that a service reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// Their names, relative to the folder of `Hydro.toml`.
    pub patterns: Vec<Pattern>,
    /// That folder.
    pub folder: PathBuf,
    /// Hash of what is in them, and of their names; none: none is meant.
    pub content: Option<String>,
}

/// How a port is reached from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// What it is called; empty: as its port.
    pub name: String,
    /// Where it listens; without an address: at the loopback address where the service is here, and else at all addresses of its machine.
    pub at: ListenAt,
    /// The line that says so.
    pub origin: Option<Origin>,
}

impl Exposure {
    /// Returns what its socket is bound to; `is_here`: its service is on this machine.
    #[must_use]
    pub fn listen(&self, is_here: bool) -> SocketAddr {
        let usual = if is_here { Ipv4Addr::LOCALHOST } else { Ipv4Addr::UNSPECIFIED };
        SocketAddr::new(self.at.ip.unwrap_or(usual.into()), self.at.port.unwrap_or(0))
    }
}

/// How a service is kept up: each member is a child of a supervisor, in OTP's sense.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// Whether it is started again; none: as the kind of deploy has it, see [`Deployment::default_restart`].
    pub restart: Option<Restart>,
    /// How it is ended; none: asked, and killed after five seconds, or when all together have taken as long.
    pub shutdown: Option<Shutdown>,
    /// Whether its end may end its group.
    pub significant: bool,
    /// How long it waits before it is started again.
    pub backoff: Backoff,
    /// The group it belongs to; none: the deployment itself.
    pub group: Option<String>,
}

/// A group of services and of other groups under one strategy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SupervisedGroup {
    /// What happens to the others when one ends.
    pub strategy: Strategy,
    /// How many restarts it bears; none: any number.
    pub intensity: Option<Intensity>,
    /// When it ends by itself.
    pub auto_shutdown: AutoShutdown,
    /// How it is itself kept up, within its parent.
    pub upkeep: Upkeep,
    /// The line that made it.
    pub origin: Option<Origin>,
}

/// A port of a service.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortRef {
    /// The service's name.
    pub service: String,
    /// The port's name.
    pub port: String,
}

/// One output joined to one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The output.
    pub from: PortRef,
    /// The input.
    pub to: PortRef,
    /// How the output divides its items among its peers; all links of one output agree on it.
    pub policy: Option<Policy>,
    /// What its output does with items that are not taken fast enough; all links of one output agree on it.
    pub delivery: Option<Delivery>,
    /// What carries it within a machine; none: what the deployment says.
    pub transport: Option<LocalLinks>,
    /// Whether it is never encrypted, by the user's wish.
    pub insecure: bool,
    /// The line that made it.
    pub origin: Option<Origin>,
    /// Where its input is named, where that is a place of its own.
    pub to_origin: Option<Origin>,
}

/// Which links are encrypted, with ends that prove who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// Those between machines.
    #[default]
    Machines,
    /// All.
    Always,
}

impl Security {
    /// Returns what this word says.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "machines" => Some(Self::Machines),
            "always" => Some(Self::Always),
            _ => None,
        }
    }
}

/// What carries links between two services of one machine that are not encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LocalLinks {
    /// Memory that both share; where the system has none, Unix sockets.
    #[default]
    Shm,
    /// Unix sockets.
    Unix,
    /// TCP.
    Tcp,
}

impl LocalLinks {
    /// Returns what this word says.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Shm, Self::Unix, Self::Tcp].into_iter().find(|known| known.name() == word)
    }

    /// Returns the word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Shm => "shm",
            Self::Unix => "unix",
            Self::Tcp => "tcp",
        }
    }
}

/// Machines, services and links under one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deployment {
    /// Its name.
    pub name: String,
    /// Which of its links are encrypted.
    pub security: Security,
    /// What carries its links within a machine.
    pub local_links: LocalLinks,
    /// How long certificates of its members count before others must be there; none: a day.
    pub certificate_lifetime: Option<Duration>,
    /// Machines by name, in the order they were made.
    pub machines: IndexMap<String, Machine>,
    /// Services by name, in the order they were made.
    pub services: IndexMap<String, Service>,
    /// The supervisor of all that has no group.
    pub supervision: SupervisedGroup,
    /// Groups by name, in the order they were made.
    pub groups: IndexMap<String, SupervisedGroup>,
    /// What becomes of services that do not say it; none: nothing, their end is the end.
    pub default_restart: Option<Restart>,
    /// Links in the order they were made.
    pub links: Vec<Link>,
    /// Inputs that something outside feeds (a script, say): they need no link.
    pub open: BTreeSet<PortRef>,
    /// Functions that are called at its turns.
    pub hooks: Option<Hooks>,
}

/// A script whose functions are called before and after a deploy, when a member ends, and before all are stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hooks {
    /// The script, absolute.
    pub script: PathBuf,
    /// How long one of them may take.
    pub timeout: Duration,
    /// The line that names it.
    pub origin: Origin,
}

/// The machine that is always there.
pub const LOCALHOST: &str = "localhost";

impl Link {
    /// Tells what it makes of its output, where that is not what an output does by itself.
    #[must_use]
    pub fn changes_its_output(&self) -> Option<&'static str> {
        let policy = self.policy.filter(|policy| *policy != Policy::default()).map(Policy::name);
        policy.or_else(|| self.delivery.filter(|delivery| *delivery != Delivery::default()).map(Delivery::name))
    }
}

impl Service {
    /// Tells whether its sockets can be those that the other one has.
    #[must_use]
    pub fn listens_as(&self, other: &Self) -> bool {
        let places = |service: &Self| -> Vec<(String, ListenAt)> {
            service.exposed.iter().map(|(port, exposure)| (port.clone(), exposure.at)).collect()
        };
        self.listen == other.listen && places(self) == places(other)
    }

    /// Returns the names of its members: its own name, or `name.0`, `name.1`, ….
    pub fn members(&self, name: &str) -> impl Iterator<Item = String> + use<> {
        let (count, name) = (self.count, name.to_owned());
        (0..count).map(move |member| member_name(&name, member, count))
    }
}

/// Returns what a member is called: as its service where it is alone, else with its number.
#[must_use]
pub fn member_name(service: &str, member: u32, count: u32) -> String {
    if count == 1 { service.to_owned() } else { format!("{service}.{member}") }
}

impl fmt::Display for PortRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.service, self.port)
    }
}
