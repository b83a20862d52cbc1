//! The untyped half of an output port: the queues of its peers, which connection tasks add and the sinks fill.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use super::faults::is_called;
use super::meter::Counter;
use super::peer::{LinkKey, Peer};
use super::queue::Queue;
use super::{Node, PULSE, PeerChange, PortFace, note};
use crate::contract::Codec;

/// A receiver that called us and whose connection broke has this long to call again; then what waits for it is dropped.
pub(super) const KEPT_TIME: Duration = Duration::from_secs(60);

/// A sink that wants to know at once when peers come and go: the dataflow may be idle for long.
pub(super) trait PeersChanged: fmt::Debug {
    /// Is called after each change.
    fn peers_changed(&self);
}

/// The task beside an output that gives up receivers that did not come back, for ever.
pub(crate) async fn sweep(hub: Rc<OutputHub>) {
    let mut pulse = tokio::time::interval(PULSE);
    loop {
        pulse.tick().await;
        hub.sweep();
    }
}

/// Which encodings an item is wanted in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Encodings {
    /// [`Codec::Binary`].
    pub(super) binary: bool,
    /// [`Codec::Json`].
    pub(super) json: bool,
    /// None: the only peer takes items as they are.
    pub(super) by_hand: bool,
}

/// What the sink of an output and its connection tasks share.
#[derive(Debug)]
pub(crate) struct OutputHub {
    /// The port.
    pub(crate) face: PortFace,
    pub(super) node: Rc<Node>,
    /// Whether items may be left out when a peer does not take them fast enough.
    pub(super) lossy: bool,
    /// Peers we dial have their queue from the start and for ever; those that dialed us have it while they are connected and a while after.
    pub(super) queues: RefCell<Vec<Rc<Queue>>>,
    /// Which encodings the queues have.
    pub(super) encodings: Cell<Encodings>,
    sink: RefCell<Option<Weak<dyn PeersChanged>>>,
    dropped: Arc<Counter>,
}

impl OutputHub {
    /// Creates the hub of a port.
    pub(crate) fn new(node: Rc<Node>, face: PortFace, lossy: bool) -> Rc<Self> {
        let dropped = Arc::default();
        node.meters.show_port(face.name, &dropped);
        Rc::new(Self {
            face,
            node,
            lossy,
            queues: RefCell::default(),
            encodings: Cell::default(),
            sink: RefCell::default(),
            dropped,
        })
    }

    /// Makes a queue that has no place here yet; `key` names a receiver that may come back.
    pub(super) fn queue(&self, codec: Codec, key: Option<LinkKey>) -> Rc<Queue> {
        Queue::new(self, codec, key)
    }

    /// Makes such a queue for a peer that reads lines.
    pub(super) fn queue_of_lines(&self) -> Rc<Queue> {
        Queue::of_lines(self)
    }

    /// Gives a queue its place, from where it gets items.
    pub(super) fn adopt(&self, queue: &Rc<Queue>) {
        let mut queues = self.queues.borrow_mut();
        queues.retain(|other| Rc::ptr_eq(other, queue) || queue.key.is_none() || other.key != queue.key);
        if !queues.iter().any(|other| Rc::ptr_eq(other, queue)) {
            queues.push(Rc::clone(queue));
            self.node.meters.show(&queue.meter);
        }
        drop(queues);
        self.changed();
    }

    /// Gives up receivers that did not come back.
    fn sweep(&self) {
        let gone = |queue: &Rc<Queue>| queue.key.is_some() && queue.is_lost_for(KEPT_TIME);
        let queues: Vec<_> = self.queues.borrow().iter().filter(|queue| gone(queue)).cloned().collect();
        for queue in queues {
            self.remove(&queue);
            let lost = queue.pending_records();
            if let Some(peer) = queue.peer() {
                self.node.events.tell(self.face.name, &peer, PeerChange::Left);
                note(format_args!("{}: {peer} did not come back; {lost} items for it are dropped", self.face.name));
            }
        }
    }

    /// Says what a new connection of a queue means: a peer that was restarted, and items that are sent once more.
    pub(super) fn tell_again(&self, queue: &Queue, peer: &Peer, again: u64) {
        let name = self.face.name;
        let change = match queue.peer() {
            Some(before) if before.process == peer.process => {
                note(format_args!("{name}: {peer} is back; {again} items are sent once more"));
                PeerChange::Returned
            }
            Some(_) => {
                note(format_args!(
                    "{name}: {peer} was restarted; {again} items that it had not worked on are sent once more"
                ));
                PeerChange::Restarted
            }
            None => PeerChange::Joined,
        };
        queue.meter.came(peer, change);
        self.node.events.tell(name, peer, change);
    }

    /// Makes faults do what they say to all connections.
    pub(crate) fn apply_faults(&self) {
        for queue in self.queues.borrow().iter() {
            let peer = queue.peer();
            queue.set_effect(self.node.faults.effect(self.face.name, peer.as_ref().map(|peer| &peer.process)));
        }
    }

    /// Returns the queues of peers of that name.
    pub(super) fn queues_of(&self, name: &str) -> Vec<Rc<Queue>> {
        let fits = |queue: &&Rc<Queue>| queue.peer().is_some_and(|peer| is_called(&peer.process, name));
        self.queues.borrow().iter().filter(fits).cloned().collect()
    }

    /// Returns the queue of a receiver that comes back.
    pub(super) fn queue_of(&self, key: &LinkKey) -> Option<Rc<Queue>> {
        self.queues.borrow().iter().find(|queue| queue.key.as_ref() == Some(key)).cloned()
    }

    /// Removes a queue.
    pub(super) fn remove(&self, queue: &Rc<Queue>) {
        self.queues.borrow_mut().retain(|other| !Rc::ptr_eq(other, queue));
        self.changed();
    }

    /// Tells the sink that a queue came, went or got another peer.
    pub(super) fn changed(&self) {
        let has = |codec| self.queues.borrow().iter().any(|queue| queue.codec == codec);
        let by_hand = matches!(self.queues.borrow().as_slice(), [only] if only.takes_by_hand());
        self.encodings.set(Encodings { binary: has(Codec::Binary), json: has(Codec::Json), by_hand });
        let sink = self.sink.borrow().as_ref().and_then(Weak::upgrade);
        if let Some(sink) = sink {
            sink.peers_changed();
        }
    }

    /// Makes `sink` the one that is told.
    pub(super) fn tell(&self, sink: Weak<dyn PeersChanged>) {
        *self.sink.borrow_mut() = Some(sink);
        self.changed();
    }

    /// Tells whether a peer we dial was never there: an item without a peer may be for it.
    pub(super) fn awaits_peers(&self) -> bool {
        self.queues.borrow().iter().any(|queue| !queue.has_met())
    }

    /// Hands everything to the sockets.
    pub(super) fn flush(&self) {
        for queue in self.queues.borrow().iter() {
            queue.flush();
        }
    }

    /// Ends all connections.
    pub(super) fn hang_up(&self) {
        for queue in self.queues.borrow().iter() {
            queue.disconnect();
        }
    }

    /// Counts items that nobody will get.
    pub(super) fn drop_items(&self, count: u64, why: std::fmt::Arguments<'_>) {
        self.dropped.add(count);
        self.node.note_once(format!("{}: {why}; such items are dropped", self.face.name));
    }

    /// Counts the items that were dropped so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.get()
    }

    /// Counts the items that lossy links left out.
    pub(crate) fn left_out(&self) -> u64 {
        self.queues.borrow().iter().map(|queue| queue.left_out()).sum()
    }

    /// Counts the items that peers have not worked on, but for those that left on purpose.
    pub(crate) fn pending_records(&self) -> u64 {
        self.queues.borrow().iter().filter(|queue| !queue.left.get()).map(|queue| queue.pending_records()).sum()
    }

    /// Tells how many bytes wait or are kept.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.queues.borrow().iter().map(|queue| queue.held()).sum()
    }

    /// Tells whether some peer is connected.
    #[cfg(test)]
    pub(crate) fn has_peer(&self) -> bool {
        self.queues.borrow().iter().any(|queue| queue.is_connected())
    }
}
