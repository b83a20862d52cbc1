//! TCP, Unix sockets and shared memory as streams of bytes: connecting, listening, reading and writing without waiting.
//!
//! Knows neither frames nor handshakes. A later transport (TLS) is a variant of [`Socket`].

mod dial;
mod listener;
mod reach;
#[cfg(target_os = "linux")]
mod shm;
#[cfg(not(target_os = "linux"))]
#[path = "no_shm.rs"]
mod shm;
mod socket;

pub(crate) use dial::{Dialed, connect};
pub(crate) use listener::{Inherited, Listener};
pub(crate) use shm::watch;
pub(crate) use socket::Socket;
