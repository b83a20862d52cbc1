//! From a wished-for deployment to running, wired services: model → topology (checks) → plan → engine.
//!
//! `model`, `topology` and `plan` are pure: no process, no clock, no async. Read [`Deployment`] first.

mod model;

pub use model::{Deployment, Link, Machine, MachineKind, PortRef, Program, Service};
