//! TCP and Unix sockets as streams of bytes: connecting, listening, reading and writing without waiting.
//!
//! Knows neither frames nor handshakes. A later transport (shared memory, TLS) is a variant of [`Socket`].

mod dial;
mod listener;
mod socket;

pub(crate) use dial::connect;
pub(crate) use listener::{Inherited, Listener};
pub(crate) use socket::Socket;
