//! From a wished-for deployment to running, wired services: model → topology (checks) → plan → start → engine.
//!
//! `model`, `topology`, `security`, `ways`, `colocate` and `plan` are pure: no process, no clock, no async. Read [`Deployment`] first, then [`Engine`].

mod alone;
mod apply;
mod authority;
mod bind;
mod building;
mod change;
mod cloud;
mod colocate;
mod cost;
pub mod draw;
mod elsewhere;
mod engine;
mod fit;
mod from_toml;
mod groups;
mod hosts;
mod keep;
mod late;
mod machines;
mod model;
mod piping;
mod placeholders;
mod plan;
mod problem;
mod ready;
mod renewal;
mod rounds;
#[cfg(test)]
mod samples;
mod security;
mod sockets;
mod start;
mod started;
mod targets;
pub mod topology;
mod ways;

pub use change::{Changes, Reason};
pub use cost::Price;
pub use engine::{Engine, EngineOptions, MemberStatus};
pub use from_toml::{from_toml, from_toml_at, has_toml, name};
pub use machines::{
    UsedMachine, UsedMachines, left as left_on_machines, open as open_machines, take_down as take_machines_down,
};
pub use model::{
    Deployment, Exposure, Hooks, LOCALHOST, Link, LocalLinks, Machine, MachineKind, PortRef, Program, Security,
    Service, SupervisedGroup, Upkeep, Watched, member_name,
};
pub use piping::PIPES;
pub use placeholders::own_ports;
pub use plan::{Address, Addresses, Outside, Plan, PlannedMember};
pub use targets::{MachineNeed, machine_needs, projects, target_of};
