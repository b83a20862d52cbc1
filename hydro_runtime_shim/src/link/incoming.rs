//! One incoming link: what an input knows of one sender, whether it is connected or not.
//!
//! Shared by the tasks that make connections, the stream that reads them and the task that acknowledges. Holds no items: those stay in the
//! stream's buffer.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use super::faults::Effect;
use super::lines::error_line;
use super::meter::LinkMeter;
use super::peer::{LinkKey, Peer};
use super::wire::Wire;
use crate::contract::{Direction, Expectation, FrameHeader, FrameKind, Grant, Hello, Offer};
use crate::protocol::{Receiver, Violation};

/// Bytes a sender may have on their way without an acknowledgement: enough for 500 Mbit/s over 60 ms.
const WINDOW_BYTES: u32 = 4 << 20;

/// See the module.
#[derive(Debug)]
pub(super) struct Incoming {
    /// The sender, if it calls us and continues on other connections; it is remembered then.
    pub(super) key: Option<LinkKey>,
    /// What it counts.
    pub(super) meter: Arc<LinkMeter>,
    /// Whether the sender wants acknowledgements.
    acknowledges: Cell<bool>,
    /// Which records are expected.
    pub(super) receiver: RefCell<Receiver>,
    /// Whose records these are; the newest connection's.
    peer: RefCell<Option<Rc<Peer>>>,
    socket: RefCell<Option<Rc<Wire>>>,
    /// Number of the stream's place for this link, once it has one.
    pub(super) place: Cell<Option<usize>>,
    /// Bytes of a control frame that the socket did not take.
    unsent: RefCell<Vec<u8>>,
    /// Bytes worked on since the last acknowledgement.
    pub(super) unacknowledged: Cell<usize>,
    /// Whether the sender said goodbye and waits for nothing but the last acknowledgement.
    is_over: Cell<bool>,
    /// Whether we took leave of the sender ourselves.
    pub(super) dismissed: Cell<bool>,
    /// Whether the peer sends lines and knows nothing of frames.
    pub(super) speaks_lines: Cell<bool>,
    /// Whether the link is in the list of those that owe an acknowledgement.
    pub(super) is_due: Cell<bool>,
    /// Pulses since something was read.
    pub(super) silent_pulses: Cell<u32>,
}

impl Incoming {
    /// Creates the link of a sender; one that we call ourselves needs no key.
    pub(super) fn new(port: &'static str, key: Option<LinkKey>) -> Rc<Self> {
        Rc::new(Self {
            key,
            meter: LinkMeter::new(port, Direction::Input),
            acknowledges: Cell::new(false),
            receiver: RefCell::default(),
            peer: RefCell::default(),
            socket: RefCell::default(),
            place: Cell::new(None),
            unsent: RefCell::default(),
            unacknowledged: Cell::new(0),
            is_over: Cell::new(false),
            dismissed: Cell::new(false),
            speaks_lines: Cell::new(false),
            is_due: Cell::new(false),
            silent_pulses: Cell::new(0),
        })
    }

    /// Returns what the sender is granted.
    pub(super) fn grant(&self) -> Grant {
        Grant { window: WINDOW_BYTES, expects: self.receiver.borrow().expectation() }
    }

    /// Begins a connection, which fences the older one off. Returns its number, and what to tell the sender of where its stream stands.
    ///
    /// # Errors
    /// The sender's stream does not fit.
    pub(super) fn begin(&self, hello: &Hello) -> Result<(u64, Option<Expectation>), Violation> {
        let mut receiver = self.receiver.borrow_mut();
        let offer = hello.offers.unwrap_or(Offer { stream: 0, first: 0, lossy: false });
        let known = receiver.expectation().filter(|known| known.stream == offer.stream);
        let connection = receiver.connect(offer)?;
        self.acknowledges.set(hello.offers.is_some());
        self.unsent.borrow_mut().clear();
        self.is_over.set(false);
        self.dismissed.set(false);
        self.silent_pulses.set(0);
        self.set_socket(None);
        Ok((connection, known))
    }

    /// Gives the link its connection. Returns the peer of the one before.
    pub(super) fn connect(&self, socket: Rc<Wire>, peer: Rc<Peer>) -> Option<Rc<Peer>> {
        self.set_socket(Some(socket));
        self.peer.borrow_mut().replace(peer)
    }

    /// Takes connection `number` away, if it is the newest.
    pub(super) fn disconnect(&self, number: u64) {
        if self.receiver.borrow().connection() == number {
            self.set_socket(None);
        }
    }

    fn set_socket(&self, socket: Option<Rc<Wire>>) {
        self.meter.set_connected(socket.is_some());
        *self.socket.borrow_mut() = socket;
    }

    /// Makes faults do that to the connection.
    pub(super) fn set_effect(&self, effect: Effect) {
        if let Some(wire) = self.socket() {
            wire.set_effect(effect);
        }
    }

    /// Takes leave of the sender, and breaks the connection.
    pub(super) fn dismiss(&self) {
        self.dismissed.set(true);
        self.send_goodbye("disconnected");
        self.set_effect(Effect { cut: true, ..Effect::default() });
    }

    /// Tells whether there is a connection.
    pub(super) fn is_connected(&self) -> bool {
        self.socket.borrow().is_some()
    }

    /// Returns the newest connection's socket.
    pub(super) fn socket(&self) -> Option<Rc<Wire>> {
        self.socket.borrow().clone()
    }

    /// Returns the newest connection's peer.
    pub(super) fn peer(&self) -> Option<Rc<Peer>> {
        self.peer.borrow().clone()
    }

    /// Tells whether the sender wants acknowledgements.
    pub(super) fn acknowledges(&self) -> bool {
        self.acknowledges.get()
    }

    /// Says which records are worked on; also a sign of life. To be called between ticks.
    pub(super) fn send_ack(&self) {
        self.is_due.set(false);
        if !self.acknowledges() || !self.send_unsent() {
            return;
        }
        self.unacknowledged.set(0);
        let number = self.receiver.borrow_mut().ack();
        self.meter.left_out.set(self.receiver.borrow().missed());
        self.send(&FrameHeader::ack(number, WINDOW_BYTES).bytes());
        if self.is_over.get() {
            self.set_socket(None);
        }
    }

    /// The sender has said goodbye: its connection ends when what it sent is worked on and acknowledged.
    pub(super) fn leave_after_ack(&self) {
        self.is_over.set(true);
        self.unacknowledged.set(usize::MAX);
    }

    /// Says that we leave, and why. Best effort: a peer that is gone cannot be told.
    pub(super) fn send_goodbye(&self, reason: &str) {
        if self.speaks_lines.get() {
            if !reason.is_empty() {
                self.send(&error_line(reason));
            }
        } else if self.send_unsent() {
            let mut frame = FrameHeader::new(FrameKind::Goodbye, reason.len()).bytes().to_vec();
            frame.extend_from_slice(reason.as_bytes());
            self.send(&frame);
        }
    }

    /// Sends what is left of the last frame; until it is away nothing else may follow.
    fn send_unsent(&self) -> bool {
        let bytes = self.unsent.take();
        bytes.is_empty() || self.send_part(&bytes, true)
    }

    /// Sends a frame, unless the socket takes none of it: the next acknowledgement says more.
    fn send(&self, frame: &[u8]) {
        self.send_part(frame, false);
    }

    /// Tells whether the socket took everything. What it did not take of a frame that is `begun` is kept. An error is left for the stream, which
    /// reads from the same socket.
    fn send_part(&self, bytes: &[u8], begun: bool) -> bool {
        let socket = self.socket.borrow().clone();
        let Some(socket) = socket else { return false };
        let count = socket.try_write(bytes).unwrap_or(0);
        let left = bytes.get(count..).unwrap_or_default();
        if begun || count > 0 {
            self.unsent.borrow_mut().extend_from_slice(left);
        }
        left.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::local;
    use crate::transport::Socket;

    #[test]
    fn what_is_left_of_a_long_frame_waits_for_a_socket_that_takes_nothing() {
        local(async {
            let (ours, _theirs) = tokio::net::UnixStream::pair().expect("sockets");
            while ours.writable().await.is_ok() && ours.try_write(&[0; 4096]).is_ok() {}
            let link = Incoming::new("i", None);
            link.set_socket(Some(Wire::new(Socket::Unix(ours), Effect::default())));
            let rest = [7; 100];
            link.unsent.borrow_mut().extend_from_slice(&rest);
            assert!(!link.send_unsent());
            assert_eq!(*link.unsent.borrow(), rest);
            // A frame that was not begun is none that must go on.
            link.send_goodbye("a reason");
            assert_eq!(*link.unsent.borrow(), rest);
        });
    }
}
