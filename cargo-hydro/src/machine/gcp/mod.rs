//! Google Cloud: the account that the environment gives, and what of ours is there. The feature `gcp` has it.
//!
//! Knows no deployment; whose a machine is stands in its labels.

mod account;
mod left;

pub use account::Account;
pub use left::{Left, What};
