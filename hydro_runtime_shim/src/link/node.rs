//! What all ports of a process share: its name among peers, the gate that bounds its memory, who is connected.

use std::any::TypeId;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::net::{Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::faults::Faults;
use super::meter::Meters;
use super::peer::{Peer, ProcessId};
use super::peers::PeerEvents;
use super::wire::Wire;
use super::{Gate, InputHub, OutputHub, note};
use crate::contract::{Codec, Direction, Grant, Hello, Offer, fingerprint};
use crate::transport::{Credentials, Socket};

/// A hello's type name may not be longer: it is there for humans, and the whole hello has a limit.
const TYPE_NAME_BYTES: usize = 1024;

/// Lines remembered as said; callers may make up as many reasons as they like.
const SAID_LINES: usize = 1000;

/// A process as its peers see it. Lives on one thread.
#[derive(Debug)]
pub(crate) struct Node {
    /// The deployment it belongs to.
    pub(crate) deployment: String,
    /// Its identity.
    pub(crate) process: ProcessId,
    /// Whether whoever started it gave it that identity; otherwise any number of processes may have the same.
    pub(crate) named: bool,
    /// How many members its service has.
    pub(crate) members: u32,
    /// What happens to its peers.
    pub(super) events: PeerEvents,
    /// The address it advertises; known at the latest when the first listener is open.
    pub(crate) address: Cell<Option<SocketAddr>>,
    /// What it proves itself with, where any of its links must be secure.
    pub(crate) credentials: OnceCell<Credentials>,
    /// What is counted.
    pub(crate) meters: Arc<Meters>,
    /// What is wrong on purpose.
    pub(crate) faults: Faults,
    /// Bounds the memory of all outputs.
    pub(crate) gate: Gate,
    /// Set when the process is on its way out.
    pub(crate) stopping: Cell<bool>,
    /// Addresses given to peers that advertise none.
    given: RefCell<HashMap<ProcessId, SocketAddr>>,
    /// How many connections bring items from each process.
    senders: RefCell<HashMap<ProcessId, usize>>,
    /// Number of the last stream.
    stream: Cell<u64>,
    /// Lines that are not repeated.
    said: RefCell<HashSet<String>>,
}

impl Node {
    /// Creates a process of that name.
    pub(crate) fn new(
        deployment: String,
        process: ProcessId,
        named: bool,
        members: u32,
        address: Option<SocketAddr>,
    ) -> Rc<Self> {
        Rc::new(Self {
            deployment,
            process,
            named,
            members,
            events: PeerEvents::default(),
            address: Cell::new(address),
            credentials: OnceCell::new(),
            meters: Meters::new(),
            faults: Faults::default(),
            gate: Gate::default(),
            stopping: Cell::new(false),
            given: RefCell::default(),
            senders: RefCell::default(),
            stream: Cell::new(0),
            said: RefCell::default(),
        })
    }

    /// Returns what this process says of itself on a link of `face`.
    pub(crate) fn hello(&self, face: &PortFace, peer_port: Option<String>, codec: Codec, end: LinkEnd) -> Hello {
        let (offers, grants) = match end {
            LinkEnd::Sends(offer) => (offer, None),
            LinkEnd::Receives(grant) => (None, grant),
        };
        Hello {
            deployment: self.deployment.clone(),
            service: self.process.service.clone(),
            member: self.process.member.0,
            address: self.address.get(),
            epoch: self.process.epoch,
            port: face.name.to_owned(),
            peer_port,
            sends: face.direction == Direction::Output,
            type_name: face.type_name.chars().take(TYPE_NAME_BYTES / 4).collect(),
            fingerprint: face.fingerprint,
            codec,
            named: self.named,
            offers,
            grants,
        }
    }

    /// Returns the number of a new stream: larger than those of earlier starts, as far as the clock can be trusted.
    pub(crate) fn next_stream(&self) -> u64 {
        self.stream.set(self.stream.get().max(now_nanos()) + 1);
        self.stream.get()
    }

    /// Returns the peer that a hello speaks of. `connection` is the address its bytes come from.
    pub(crate) fn peer(&self, hello: &Hello, connection: Option<SocketAddr>) -> Rc<Peer> {
        let process = ProcessId::of(hello);
        let address = match (hello.address, connection) {
            // It listens on all addresses: the one it speaks from reaches it, too.
            (Some(mut address), Some(connection)) if address.ip().is_unspecified() => {
                address.set_ip(connection.ip());
                address
            }
            (Some(address), _) => address,
            // One address for all links of the process, so that an answer finds the link that goes back.
            (None, connection) => {
                let fallback = || connection.unwrap_or_else(|| discard_address(hello));
                *self.given.borrow_mut().entry(process.clone()).or_insert_with(fallback)
            }
        };
        Rc::new(Peer { process, address })
    }

    /// The process is on its way out.
    pub(crate) fn stop(&self) {
        self.stopping.set(true);
        self.meters.stopping.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    /// Returns a new connection of the port as the faults leave it.
    pub(super) fn wire(&self, socket: Socket, port: &str, peer: &Peer) -> Rc<Wire> {
        Wire::new(socket, self.faults.effect(port, Some(&peer.process)))
    }

    /// Records that a connection brings items from the process.
    pub(crate) fn sender_came(&self, process: &ProcessId) {
        *self.senders.borrow_mut().entry(process.clone()).or_default() += 1;
    }

    /// Records that such a connection is gone.
    pub(crate) fn sender_left(&self, process: &ProcessId) {
        let mut senders = self.senders.borrow_mut();
        if let Some(count) = senders.get_mut(process) {
            *count -= 1;
            if *count == 0 {
                senders.remove(process);
            }
        }
    }

    /// Tells whether items come from the process: then it may be waiting for us to take them.
    pub(crate) fn is_sender(&self, process: &ProcessId) -> bool {
        self.senders.borrow().contains_key(process)
    }

    /// Tells whether a line with this text was written.
    #[cfg(test)]
    pub(crate) fn has_said(&self, text: &str) -> bool {
        self.said.borrow().iter().any(|line| line.contains(text))
    }

    /// Writes a line unless it was written before.
    pub(crate) fn note_once(&self, line: String) {
        let mut said = self.said.borrow_mut();
        if said.len() == SAID_LINES {
            said.clear();
        }
        if said.insert(line.clone()) {
            note(format_args!("{line}"));
        }
    }
}

/// What one end says of the stream of a link.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LinkEnd {
    /// It sends it; none: it does not continue it on another connection.
    Sends(Option<Offer>),
    /// It receives it; none: it does not acknowledge.
    Receives(Option<Grant>),
}

/// Returns the time since 1970.
pub(crate) fn now_nanos() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}

/// Makes an address for a peer that has none (Unix sockets): in the block that routes nowhere, and telling peers apart.
fn discard_address(hello: &Hello) -> SocketAddr {
    let [a, b, c, d] = [48, 32, 16, 0].map(|shift| (hello.epoch >> shift) as u16);
    let member = u16::try_from(hello.member).unwrap_or(u16::MAX);
    SocketAddr::new(Ipv6Addr::new(0x100, 0, 0, 0, a, b, c, d).into(), member)
}

/// What a handshake must know of a port.
#[derive(Clone, Debug)]
pub(crate) struct PortFace {
    /// Its name.
    pub(crate) name: &'static str,
    /// Which way items go.
    pub(crate) direction: Direction,
    /// Its payload type.
    pub(crate) type_name: &'static str,
    /// The same as a number.
    pub(crate) fingerprint: u64,
    /// The same as rustc knows it; none: items cannot leave their thread.
    pub(crate) items: Option<TypeId>,
}

impl PortFace {
    /// Describes a port.
    pub(crate) fn new(name: &'static str, direction: Direction, type_name: &'static str) -> Self {
        let (name, fingerprint) = (name.trim_start_matches("r#"), fingerprint(type_name));
        Self { name, direction, type_name, fingerprint, items: None }
    }

    /// Says that items of that type may be handed to another thread.
    pub(crate) fn moving(self, items: Option<TypeId>) -> Self {
        Self { items, ..self }
    }
}

/// A port's untyped half, which connections are made for.
#[derive(Clone, Debug)]
pub(crate) enum PortHub {
    /// Of an input.
    Input(Rc<InputHub>),
    /// Of an output.
    Output(Rc<OutputHub>),
}

impl PortHub {
    /// Returns the port's description.
    pub(crate) fn face(&self) -> &PortFace {
        match self {
            Self::Input(hub) => &hub.face,
            Self::Output(hub) => &hub.face,
        }
    }
}
