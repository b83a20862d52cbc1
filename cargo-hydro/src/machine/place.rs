//! The kinds of machines behind one face.
//!
//! One variant per kind; the engine never asks which.

use std::io;
use std::net::{SocketAddr, TcpListener};

use super::{Member, MemberSpec, SshError, SshMachine, localhost, ssh};
use crate::report::Reporter;
use crate::sys::SpawnError;

/// A machine that is ready to run members.
#[derive(Clone, Debug)]
pub enum Place {
    /// This machine.
    Localhost,
    /// One that is reached over ssh.
    Ssh(SshMachine),
}

/// Why a machine could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// Somebody else listens there.
    #[error("the address {address} is in use")]
    AddressInUse {
        /// The address.
        address: SocketAddr,
    },
    /// No socket can listen there.
    #[error("the address {address} cannot be used")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another machine does not do it.
    #[error("{0}")]
    Far(SshError),
    /// The program does not start.
    #[error("{0}")]
    Spawn(#[source] SpawnError),
}

impl MachineError {
    /// Returns the system's own words, where they say more than the message.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::AddressInUse { .. } => None,
            Self::Far(error) => Some(error.causes.join(": ")),
            Self::Listen { source, .. } => Some(source.to_string()),
            Self::Spawn(error) => error.reason().map(ToString::to_string),
        }
    }
}

impl Place {
    /// Makes a listening socket for a member that will run on this machine.
    ///
    /// # Errors
    /// The address is in use, or is none of this machine.
    pub fn listen(address: Option<SocketAddr>) -> Result<TcpListener, MachineError> {
        localhost::listen(address)
    }

    /// Returns the machine, where it is another than this one.
    #[must_use]
    pub fn far(&self) -> Option<&SshMachine> {
        match self {
            Self::Localhost => None,
            Self::Ssh(machine) => Some(machine),
        }
    }

    /// Starts a member. Needs a running tokio runtime whose thread lives as long as the member should.
    ///
    /// # Errors
    /// The program is not there or cannot be started.
    pub fn start(&self, spec: MemberSpec, reporter: &Reporter) -> Result<Member, MachineError> {
        match self {
            Self::Localhost => localhost::start(spec, reporter).map_err(MachineError::Spawn),
            // Whether that worked its handle tells.
            Self::Ssh(machine) => Ok(ssh::start(machine, spec, reporter)),
        }
    }
}
