//! A deployment that stays: the process that holds an engine, and how other shells find it, ask it and change it.
//!
//! [`Host`] serves one deployment of one workspace on a private socket, in the background or in a terminal; [`Client`] is its other end.
//! [`Home`] is what both find on disk. What a deployment is and how it comes about is [`deploy`](crate::deploy)'s affair.

mod background;
mod client;
pub mod elsewhere;
mod foreground;
mod home;
mod hooks;
mod host;
mod keys;
mod level;
mod logbook;
mod watch;
mod words;

pub use background::{ARGUMENT, serve, start};
pub use client::{Client, find};
pub use foreground::{foreground, watched};
pub use home::{Home, all_homes};
pub use hooks::{Hooks, MakeHooks, Turn};
pub use host::Host;
pub use keys::ShowStatus;
pub use level::Level;
pub use logbook::{LogFilter, LogLine, LogQuery, Logbook};
pub use words::{Answer, DeployRequest, MemberReport, Reply, Request, StatusReport};
