//! The untyped half of an input port: where the tasks that make connections hand them to the stream that reads them.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;

use tokio::sync::Notify;

use super::PortFace;
use super::peer::Peer;
use super::readiness::ReadySet;
use crate::contract::{Codec, FrameKind, frame_header};
use crate::transport::Socket;

/// A connection that brings items.
#[derive(Debug)]
pub(super) struct Arrival {
    /// Its socket.
    pub(super) socket: Rc<Socket>,
    /// The other end.
    pub(super) peer: Rc<Peer>,
    /// The encoding of its records.
    pub(super) codec: Codec,
    /// Notified when the stream is done with it; who dialed dials again.
    pub(super) closed: Rc<Notify>,
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
    sockets: RefCell<Vec<Weak<Socket>>>,
}

impl InputHub {
    /// Creates the hub of a port.
    pub(crate) fn new(face: PortFace) -> Rc<Self> {
        Rc::new(Self {
            face,
            arrivals: RefCell::default(),
            has_arrivals: Cell::new(false),
            ready: Arc::default(),
            sockets: RefCell::default(),
        })
    }

    /// Hands a connection to the stream; the returned notification tells when it is over.
    pub(super) fn arrive(&self, socket: Rc<Socket>, peer: Rc<Peer>, codec: Codec) -> Rc<Notify> {
        let closed = Rc::new(Notify::new());
        let mut sockets = self.sockets.borrow_mut();
        sockets.retain(|socket| socket.strong_count() > 0);
        sockets.push(Rc::downgrade(&socket));
        self.arrivals.borrow_mut().push(Arrival { socket, peer, codec, closed: Rc::clone(&closed) });
        self.has_arrivals.set(true);
        self.ready.wake_stream();
        closed
    }

    /// Tells all senders that we leave on purpose; who does not listen misses it.
    pub(crate) fn say_goodbye(&self) {
        for socket in self.sockets.borrow().iter().filter_map(Weak::upgrade) {
            let _ = socket.try_write(&frame_header(FrameKind::Goodbye, 0));
        }
    }
}
