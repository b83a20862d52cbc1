//! Who is at the other end of a link.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::contract::Hello;

/// A member of a service: its number, from 0. Items of ports of type `(T, MemberId)` carry it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MemberId(pub u32);

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One process among all: a restarted one is another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ProcessId {
    /// Its service.
    pub(crate) service: String,
    /// Its number in the service.
    pub(crate) member: MemberId,
    /// Its incarnation.
    pub(crate) epoch: u64,
}

impl ProcessId {
    /// Returns who says the hello.
    pub(super) fn of(hello: &Hello) -> Self {
        Self { service: hello.service.clone(), member: MemberId(hello.member), epoch: hello.epoch }
    }
}

/// The other end of a link, whatever connection it comes over.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LinkKey {
    service: String,
    member: u32,
    /// Set where each start of the program is somebody else.
    epoch: Option<u64>,
    port: String,
}

impl LinkKey {
    /// Returns who says the hello.
    pub(super) fn of(hello: &Hello) -> Self {
        Self {
            service: hello.service.clone(),
            member: hello.member,
            epoch: (!hello.named).then_some(hello.epoch),
            port: hello.port.clone(),
        }
    }
}

/// The other end of a connection, as the handshake told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// The process.
    pub(crate) process: ProcessId,
    /// The address that items show: the same on all links of the process.
    pub(crate) address: SocketAddr,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} ({})", self.process.service, self.process.member, self.address)
    }
}
