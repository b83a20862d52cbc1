//! The admin socket: a running program tells how it is and takes wishes, even while a tick computes for long.
//!
//! It has a thread of its own, which answers from what `link` counts; wishes that change links are handed to the program's thread. The words are
//! `contract`'s, described for people in docs/admin.md. Knows nothing of the dataflow. Read `server` first, then `control`.

mod control;
mod http;
mod lines;
mod server;
mod socket;

pub(crate) use control::{Control, obey};
pub(crate) use server::{About, serve};
pub(crate) use socket::AdminSocket;
