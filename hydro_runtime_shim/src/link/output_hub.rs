//! The untyped half of an output port: the queues of its peers, which connection tasks add and the sinks fill.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::{Rc, Weak};

use super::queue::Queue;
use super::{Node, PortFace};
use crate::contract::Codec;

/// A sink that wants to know at once when peers come and go: the dataflow may be idle for long.
pub(super) trait PeersChanged: fmt::Debug {
    /// Is called after each change.
    fn peers_changed(&self);
}

/// What the sink of an output and its connection tasks share.
#[derive(Debug)]
pub(crate) struct OutputHub {
    /// The port.
    pub(crate) face: PortFace,
    pub(super) node: Rc<Node>,
    /// Peers we dial have their queue from the start and for ever; those that dialed us have it while they are connected.
    pub(super) queues: RefCell<Vec<Rc<Queue>>>,
    sink: RefCell<Option<Weak<dyn PeersChanged>>>,
    dropped: Cell<u64>,
}

impl OutputHub {
    /// Creates the hub of a port.
    pub(crate) fn new(node: Rc<Node>, face: PortFace) -> Rc<Self> {
        Rc::new(Self { face, node, queues: RefCell::default(), sink: RefCell::default(), dropped: Cell::new(0) })
    }

    /// Adds a queue.
    pub(super) fn add(&self, codec: Codec) -> Rc<Queue> {
        let queue = Queue::new(Rc::clone(&self.node), codec);
        self.queues.borrow_mut().push(Rc::clone(&queue));
        self.changed();
        queue
    }

    /// Removes a queue.
    pub(super) fn remove(&self, queue: &Rc<Queue>) {
        self.queues.borrow_mut().retain(|other| !Rc::ptr_eq(other, queue));
        self.changed();
    }

    /// Tells the sink that a queue came, went or got another peer.
    pub(super) fn changed(&self) {
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

    /// Counts items that nobody will get.
    pub(super) fn drop_items(&self, count: u64, why: std::fmt::Arguments<'_>) {
        self.dropped.set(self.dropped.get() + count);
        self.node.note_once(format!("{}: {why}; such items are dropped", self.face.name));
    }

    /// Counts the items that were dropped so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.get()
    }
}
