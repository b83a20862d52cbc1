//! Keeps the members of one deployment up on a machine, and tells of them to whoever holds the deployment.
//!
//! The deployer brings this program along over ssh. It binds sockets and keeps them over restarts, starts processes, writes down what they say and how they end,
//! and starts them again by itself while nobody is there to say what should become of them. Where systemd is, the host and each member are units of it, and
//! this program is also each member's keeper. Knows neither links nor plans.

pub mod words;

#[cfg(feature = "host")]
mod attach;
#[cfg(feature = "host")]
mod check;
#[cfg(feature = "host")]
mod child;
#[cfg(feature = "host")]
mod cron;
#[cfg(feature = "host")]
mod foreign;
#[cfg(feature = "host")]
mod guard;
#[cfg(feature = "host")]
mod journal;
#[cfg(feature = "host")]
mod keep;
#[cfg(feature = "host")]
mod keepers;
#[cfg(feature = "host")]
mod keeping;
#[cfg(feature = "host")]
mod member;
#[cfg(feature = "host")]
mod notify;
#[cfg(feature = "host")]
mod passing;
#[cfg(feature = "host")]
mod serve;
#[cfg(feature = "host")]
mod session;
#[cfg(feature = "host")]
mod signals;
#[cfg(feature = "host")]
mod sockets;
#[cfg(feature = "host")]
mod store;
#[cfg(feature = "host")]
mod systemd;
#[cfg(feature = "host")]
mod unit;
#[cfg(feature = "host")]
mod upkeep;

#[cfg(feature = "host")]
pub use attach::attach;
#[cfg(feature = "host")]
pub use guard::guard;
#[cfg(feature = "host")]
pub use keep::keep;
#[cfg(feature = "host")]
pub use serve::serve;
#[cfg(feature = "host")]
pub use signals::end_by;
