//! Machines: places where members of services run, and what can be done with a running member.
//!
//! Knows processes, sockets, pipes and logs, but no deployments. Read [`Place`] first.

mod admin;
mod cloud;
#[cfg(feature = "gcp")]
pub mod gcp;
#[cfg(not(feature = "gcp"))]
#[path = "no_gcp.rs"]
pub mod gcp;
mod health;
mod localhost;
mod logs;
mod member;
#[cfg(test)]
mod metrics_schema;
mod pipe;
mod place;
mod seat;
mod spool;
mod ssh;

pub use admin::ask;
pub use cloud::{Admission, CloudMachine, CloudRecord, NotReady, Reached, Up};
pub use health::{Health, HealthCheck, Patient, Rounds, is_http_url};
pub use logs::{LogReader, Logs};
pub use member::{Away, ExitWatch, Member, MemberSpec, SeatSpec, Shared, StartWatch, Stopper};
#[cfg(test)]
pub(crate) use metrics_schema::MetricsMirror;
pub use pipe::{Identity, Output, Pipes, Target, Wires};
pub use place::{MachineError, Place};
pub use ssh::{
    Deployed, Given, KeyPair, Probe, ReachedMachine, SshError, SshMachine, SshTarget, Upload, write_known_host,
};
