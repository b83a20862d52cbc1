//! Google Compute Engine over its REST API, as far as machines for a deployment need it: instances, their operations, firewall rules, and what a zone offers.
//!
//! - `client`: requests with credentials, tried again where that can help; one method for each thing that is asked;
//! - `auth`: credentials, found where Google's own tools find them;
//! - `operation`: changes that take their time;
//! - `instance`, `firewall`, `place`: the API's objects, the fields that are used here;
//! - `owner`: whose an instance is, and until when, as labels;
//! - `error`: what went wrong in Google's words, and what can be done.
//!
//! Knows nothing of deployments, ssh or programs. Read [`Client`] first.

mod auth;
mod client;
mod error;
mod firewall;
mod instance;
mod operation;
mod owner;
mod place;
mod request;

pub use auth::Credentials;
pub use client::{Client, Settings};
pub use error::{Error, Kind};
pub use firewall::{Allowed, Firewall};
pub use instance::{
    AccessConfig, Disk, DiskParams, Instance, Item, Metadata, NetworkInterface, RunDuration, Scheduling, Tags,
};
pub use operation::Operation;
pub use owner::Owner;
pub use place::{Image, MachineType, Network, Quota, Region, Zone};
