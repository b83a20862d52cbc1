//! Shared memory as a socket: between two processes of one machine, a ring of bytes each way.
//!
//! Read [`ShmStream`] first, then `ring`; `setup` tells how two processes come to share memory. Linux only: elsewhere `shm:` is a Unix socket.

mod memory;
mod ring;
mod setup;
mod stream;
#[cfg(test)]
mod tests;
pub(crate) mod watch;

pub(crate) use setup::{SetupError, accept, dial, is_offered};
pub(crate) use stream::ShmStream;
