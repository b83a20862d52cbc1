//! TCP, TLS, Unix sockets, shared memory and queues within the process as streams of bytes: connecting, listening, reading and writing without waiting.
//!
//! Knows neither frames nor the link's handshake. Each transport is a variant of [`Socket`].

mod callers;
mod dial;
mod insecure;
mod listener;
mod parcels;
mod part;
mod queue;
mod reach;
#[cfg(target_os = "linux")]
mod shm;
#[cfg(not(target_os = "linux"))]
#[path = "no_shm.rs"]
mod shm;
mod socket;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
mod tls;

pub(crate) use callers::Callers;
pub(crate) use dial::{Dialed, connect};
pub(crate) use insecure::Insecure;
pub(crate) use listener::{Inherited, Listener};
pub(crate) use parcels::{Parcel, Parcels};
pub(crate) use part::part;
pub(crate) use shm::watch;
pub(crate) use socket::Socket;
pub(crate) use tls::{CredentialFiles, Credentials};
