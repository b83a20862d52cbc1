//! Google Cloud: the account that the environment gives, the machines that are made there, and what of ours is there. The feature `gcp` has it.
//!
//! Knows no deployment; whose a machine is stands in its labels.

mod account;
mod cloud;
mod left;
mod ours;
mod spec;

pub use account::Account;
pub use cloud::{Cloud, USER};
pub use left::{Left, What};
