//! The untyped half of an input port: where the tasks that make connections hand them to the stream that reads them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::Notify;

use super::faults::is_called;
use super::handshake::Met;
use super::incoming::Incoming;
use super::peer::{LinkKey, Peer};
use super::readiness::ReadySet;
use super::wire::Wire;
use super::{Node, PULSE, PeerChange, PortFace, SILENCE, note};
use crate::contract::{Codec, Hello};

/// Senders remembered while they are not connected; callers may make up as many names as they like.
const REMEMBERED_SENDERS: usize = 4096;
/// Pulses after which a silent sender is taken for unreachable.
pub(super) const SILENT_PULSES: u32 = (SILENCE.as_secs() / PULSE.as_secs()) as u32;
/// Pulses after which nothing that a silent sender said can be under way any more.
const GONE_PULSES: u32 = 60;

/// A connection that brings items.
#[derive(Debug)]
pub(super) struct Arrival {
    /// Its link.
    pub(super) link: Rc<Incoming>,
    /// Its number among the link's connections.
    pub(super) connection: u64,
    /// Its socket.
    pub(super) socket: Rc<Wire>,
    /// The other end.
    pub(super) peer: Rc<Peer>,
    /// The encoding of its records.
    pub(super) codec: Codec,
    /// From a peer that sends lines without a handshake: the bytes that were read to find that out.
    pub(super) lines: Option<Vec<u8>>,
    /// Notified when the stream is done with it; who dialed dials again.
    pub(super) closed: Rc<Notify>,
}

impl Arrival {
    /// Describes connection number `connection` of a link.
    pub(super) fn new(link: &Rc<Incoming>, connection: u64, socket: Rc<Wire>, met: Met) -> Self {
        let Met { peer, hello, lines } = met;
        let (link, codec) = (Rc::clone(link), hello.codec);
        link.speaks_lines.set(lines.is_some());
        Self { link, connection, socket, peer, codec, lines, closed: Rc::new(Notify::new()) }
    }
}

/// What the stream of an input and its connection tasks share.
#[derive(Debug)]
pub(crate) struct InputHub {
    /// The port.
    pub(crate) face: PortFace,
    /// Connections the stream has not taken yet.
    pub(super) arrivals: RefCell<Vec<Arrival>>,
    /// Spares the stream a look into `arrivals`.
    pub(super) has_arrivals: Cell<bool>,
    /// Connections with something to read.
    pub(super) ready: Arc<ReadySet>,
    /// Notified when `due` is not empty.
    pub(super) due_work: Notify,
    /// Links that owe an acknowledgement.
    due: RefCell<Vec<Rc<Incoming>>>,
    /// Links of senders that may come back.
    remembered: RefCell<HashMap<LinkKey, Rc<Incoming>>>,
    /// All links that had a connection when they were last looked at.
    links: RefCell<Vec<Rc<Incoming>>>,
}

impl InputHub {
    /// Creates the hub of a port.
    pub(crate) fn new(face: PortFace) -> Rc<Self> {
        Rc::new(Self {
            face,
            arrivals: RefCell::default(),
            has_arrivals: Cell::new(false),
            ready: Arc::default(),
            due_work: Notify::new(),
            due: RefCell::default(),
            remembered: RefCell::default(),
            links: RefCell::default(),
        })
    }

    /// Returns the link of whoever says the hello: the one it had, if it continues that.
    pub(super) fn link_of(&self, hello: &Hello) -> Rc<Incoming> {
        if hello.offers.is_none() {
            return Incoming::new(self.face.name, None);
        }
        let key = LinkKey::of(hello);
        let mut remembered = self.remembered.borrow_mut();
        if remembered.len() >= REMEMBERED_SENDERS && !remembered.contains_key(&key) {
            remembered.retain(|_, link| link.is_connected());
        }
        Rc::clone(remembered.entry(key.clone()).or_insert_with(|| Incoming::new(self.face.name, Some(key))))
    }

    /// Forgets a sender that left on purpose.
    pub(super) fn forget(&self, link: &Incoming) {
        if let Some(key) = &link.key {
            self.remembered.borrow_mut().remove(key);
        }
    }

    /// Hands a connection to the stream; the returned notification tells when it is over.
    pub(super) fn arrive(&self, node: &Node, arrival: Arrival) -> Rc<Notify> {
        let Arrival { link, socket, peer, closed, .. } = &arrival;
        let (link, closed) = (Rc::clone(link), Rc::clone(closed));
        let change = match link.connect(Rc::clone(socket), Rc::clone(peer)) {
            None => PeerChange::Joined,
            Some(before) if before.process == peer.process => PeerChange::Returned,
            Some(_) => {
                note(format_args!("{}: {peer} was restarted", self.face.name));
                PeerChange::Restarted
            }
        };
        node.meters.show(&link.meter);
        link.meter.came(peer, change);
        link.meter.heard(&node.meters.clock);
        node.events.tell(self.face.name, peer, change);
        let mut links = self.links.borrow_mut();
        links.retain(|link| link.is_connected() || link.acknowledges() && link.silent_pulses.get() < GONE_PULSES);
        if !links.iter().any(|other| Rc::ptr_eq(other, &link)) {
            links.push(link);
        }
        self.arrivals.borrow_mut().push(arrival);
        self.has_arrivals.set(true);
        self.ready.wake_stream();
        closed
    }

    /// Makes faults do what they say to all connections.
    pub(super) fn apply_faults(&self, node: &Node) {
        for link in self.links.borrow().iter() {
            let peer = link.peer();
            link.set_effect(node.faults.effect(self.face.name, peer.as_ref().map(|peer| &peer.process)));
            self.look_at(link);
        }
    }

    /// Lets the stream look at the link's connection, whether bytes are there or not.
    pub(super) fn look_at(&self, link: &Incoming) {
        if let Some(number) = link.place.get() {
            self.ready.wake(number);
        }
    }

    /// Returns the links of senders of that name.
    pub(super) fn links_of(&self, name: &str) -> Vec<Rc<Incoming>> {
        let fits = |link: &&Rc<Incoming>| link.peer().is_some_and(|peer| is_called(&peer.process, name));
        self.links.borrow().iter().filter(fits).cloned().collect()
    }

    /// Notes that records of the link were given away in this tick; [`InputHub::end_tick`] follows.
    pub(super) fn owe(&self, link: &Rc<Incoming>) {
        if link.acknowledges() && !link.is_due.replace(true) {
            self.due.borrow_mut().push(Rc::clone(link));
        }
    }

    /// The stream has nothing more for this tick.
    pub(super) fn end_tick(&self) {
        if !self.due.borrow().is_empty() {
            self.due_work.notify_one();
        }
    }

    /// Acknowledges links that owe as many bytes; tells whether others are left.
    pub(super) fn send_acks(&self, bytes: usize) -> bool {
        let mut due = self.due.borrow_mut();
        due.retain(|link| {
            let waits = link.unacknowledged.get() < bytes;
            if !waits {
                link.send_ack();
            }
            waits
        });
        !due.is_empty()
    }

    /// Shows all senders that we live, and notices who does not; while the stream does not read, nobody is silent.
    pub(super) fn beat(&self, node: &Node) {
        let holding_back = node.gate.is_shut();
        for link in self.links.borrow().iter().filter(|link| link.acknowledges()) {
            let pulses = if holding_back { 0 } else { link.silent_pulses.get() + 1 };
            link.silent_pulses.set(pulses);
            if link.is_connected() {
                link.send_ack();
                if pulses == SILENT_PULSES
                    && let Some(peer) = link.peer()
                {
                    note(format_args!("{}: nothing was heard of {peer} for {} s", self.face.name, SILENCE.as_secs()));
                    node.events.tell(self.face.name, &peer, PeerChange::Suspected);
                }
            }
            if pulses == GONE_PULSES {
                link.receiver.borrow_mut().give_sender_up();
            }
        }
    }

    /// Reads and forgets what senders say until they hang up.
    pub(super) async fn hear_out(&self) {
        let sockets: Vec<_> = self.links.borrow().iter().filter_map(|link| link.socket()).collect();
        let mut bytes = vec![0; 64 << 10];
        for socket in sockets {
            while socket.readable().await.is_ok() {
                match socket.try_read(&mut bytes) {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => break,
                }
            }
        }
    }

    /// Tells all senders that we leave on purpose; who does not listen misses it.
    pub(crate) fn say_goodbye(&self) {
        for link in self.links.borrow().iter() {
            link.send_ack();
            link.send_goodbye("");
        }
    }
}
