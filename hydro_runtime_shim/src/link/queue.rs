//! One outgoing link: what a port has for one peer, whether it is connected or not.
//!
//! Knows no ports and no routing; the rules of the link are `protocol`'s. Nothing here waits: the tick writes what the socket takes, the
//! connection's writer task does the rest.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::Notify;

use super::faults::Effect;
use super::gate::QUEUE_LIMIT_BYTES;
use super::meter::LinkMeter;
use super::peer::{LinkKey, Peer};
use super::wire::Wire;
use super::{Node, OutputHub, PeerChange, SILENCE, note};
use crate::codec::{self, CodecError};
use crate::contract::{Codec, Direction, Grant, Offer};
use crate::protocol::{SLICES, Sender, Violation};
use crate::transport::{Parcel, Parcels};

/// How far the limit may rise for a peer that sends us nothing.
const RISEN_LIMIT_BYTES: usize = 64 << 20;

/// One peer's queue.
#[derive(Debug)]
pub(crate) struct Queue {
    node: Rc<Node>,
    /// The port.
    port: &'static str,
    /// The encoding of the records in it.
    pub(super) codec: Codec,
    /// The receiver, if it may come back on another connection that it makes itself.
    pub(super) key: Option<LinkKey>,
    /// What it counts.
    pub(super) meter: Arc<LinkMeter>,
    state: RefCell<State>,
    peer: RefCell<Option<Rc<Peer>>>,
    connected: Cell<bool>,
    /// When it lost its connection or was made.
    lost_at: Cell<Instant>,
    met: Cell<bool>,
    /// Whether the peer said goodbye: what it did not work on is its own affair.
    pub(super) left: Cell<bool>,
    /// Whether we took leave of the peer ourselves.
    pub(super) dismissed: Cell<bool>,
    /// Counts connections; a writer task whose connection is not the newest ends.
    connection: Cell<u64>,
    /// Items for another thread of this process, and whether it takes them as they are: once it does, it does so on each connection.
    parcels: Arc<Parcels>,
    by_hand: Cell<bool>,
    /// Wakes the writer task when the tick could not write all, or when the connection broke under it.
    pub(super) work: Notify,
    /// Notified when everything is written and worked on, or nothing more will be.
    emptied: Notify,
}

#[derive(Debug)]
struct State {
    sender: Sender,
    meter: Arc<LinkMeter>,
    /// Bytes written and acknowledged so far: it grows while the peer takes anything.
    progress: u64,
    socket: Option<Rc<Wire>>,
    /// A tick's last record and when the tick ended, until that is acknowledged.
    probe: Option<(u64, Instant)>,
    error: Option<io::Error>,
    /// Parcels that are not worked on: the number behind the last record of each, and what it counts; and the sum.
    parcels: VecDeque<(u64, usize)>,
    parcel_bytes: usize,
    limit: usize,
    over: bool,
}

impl Queue {
    /// Creates the queue of a peer that is not connected yet.
    pub(super) fn new(hub: &OutputHub, codec: Codec, key: Option<LinkKey>) -> Rc<Self> {
        let sender = Sender::new(hub.node.next_stream(), hub.lossy);
        Self::of(hub, codec, key, sender)
    }

    /// Creates the queue of a peer that reads lines and knows nothing of frames.
    pub(super) fn of_lines(hub: &OutputHub) -> Rc<Self> {
        let sender = Sender::bare(hub.node.next_stream(), hub.lossy);
        Self::of(hub, Codec::Json, None, sender)
    }

    fn of(hub: &OutputHub, codec: Codec, key: Option<LinkKey>, sender: Sender) -> Rc<Self> {
        let node = Rc::clone(&hub.node);
        let meter = LinkMeter::new(hub.face.name, Direction::Output);
        let state = State {
            sender,
            meter: Arc::clone(&meter),
            progress: 0,
            socket: None,
            probe: None,
            error: None,
            parcels: VecDeque::new(),
            parcel_bytes: 0,
            limit: node.gate.limit(),
            over: false,
        };
        Rc::new(Self {
            node,
            port: hub.face.name,
            codec,
            key,
            meter,
            state: RefCell::new(state),
            peer: RefCell::default(),
            connected: Cell::new(false),
            lost_at: Cell::new(Instant::now()),
            met: Cell::new(false),
            left: Cell::new(false),
            dismissed: Cell::new(false),
            connection: Cell::new(0),
            parcels: Arc::default(),
            by_hand: Cell::new(false),
            work: Notify::new(),
            emptied: Notify::new(),
        })
    }

    /// Returns what the receiver is offered.
    pub(super) fn offer(&self) -> Offer {
        self.state.borrow().sender.offer()
    }

    /// Prepares for a connection, an older one being over, and continues the stream where the receiver stands. Returns how many records are sent once more.
    ///
    /// # Errors
    /// The receiver expects what is not there.
    pub(super) fn begin(&self, grant: Option<Grant>, checks: bool) -> Result<u64, Violation> {
        self.disconnect();
        let window = grant.map(|grant| grant.window);
        let mut state = self.state.borrow_mut();
        let again = state.sender.connect(grant.and_then(|grant| grant.expects), window, checks)?;
        self.meter.window.set(window.unwrap_or(0).into());
        self.meter.resent.add(again);
        self.mind_the_gate(&mut state);
        Ok(again)
    }

    /// Gives the queue its connection; returns the connection's number.
    pub(super) fn connect(&self, socket: Rc<Wire>, peer: Rc<Peer>) -> u64 {
        {
            let mut state = self.state.borrow_mut();
            // What may be left out is counted in bytes, and a receiver that does not say what it worked on leaves them to nobody.
            if state.sender.is_kept() && self.codec == Codec::Binary && socket.takes_parcels(&self.parcels) {
                self.by_hand.set(true);
            }
            state.socket = Some(socket);
        }
        *self.peer.borrow_mut() = Some(peer);
        self.connected.set(true);
        self.meter.set_connected(true);
        self.met.set(true);
        self.left.set(false);
        self.pump(true);
        self.connection.get()
    }

    /// Takes the connection away.
    pub(super) fn disconnect(&self) {
        let mut state = self.state.borrow_mut();
        state.socket = None;
        state.error = None;
        self.meter.set_connected(false);
        if self.connected.replace(false) {
            self.lost_at.set(Instant::now());
        }
        self.connection.set(self.connection.get() + 1);
        self.work.notify_one();
        self.emptied.notify_one();
    }

    /// Tells whether that connection is the newest.
    pub(super) fn is_current(&self, connection: u64) -> bool {
        self.connection.get() == connection
    }

    /// Waits until the peer has worked on everything, or the connection is gone.
    pub(super) async fn drained(&self) {
        while self.is_connected() && (self.has_backlog() || self.pending_records() > 0) {
            self.emptied.notified().await;
        }
        let wire = self.state.borrow().socket.clone();
        if let Some(wire) = wire {
            wire.carried().await;
        }
    }

    /// Makes faults do that to the connection.
    pub(super) fn set_effect(&self, effect: Effect) {
        let mut state = self.state.borrow_mut();
        if let Some(wire) = &state.socket {
            wire.set_effect(effect);
            if effect.cut {
                state.error = Some(super::faults::cut_off());
            }
        }
        self.work.notify_one();
    }

    /// Returns the peer it is connected to now or was last.
    pub(super) fn peer(&self) -> Option<Rc<Peer>> {
        self.peer.borrow().clone()
    }

    /// Tells whether there is a connection.
    pub(super) fn is_connected(&self) -> bool {
        self.connected.get()
    }

    /// Tells whether there is no connection for that long.
    pub(super) fn is_lost_for(&self, time: Duration) -> bool {
        !self.is_connected() && self.lost_at.get().elapsed() >= time
    }

    /// Tells whether there was ever a connection.
    pub(super) fn has_met(&self) -> bool {
        self.met.get()
    }

    /// Counts records that the peer has not worked on, or that are not written where it does not say so.
    pub(super) fn pending_records(&self) -> u64 {
        self.state.borrow().sender.pending_records()
    }

    /// Tells how many bytes it holds.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.state.borrow().held()
    }

    /// Counts records that a lossy link left out.
    pub(super) fn left_out(&self) -> u64 {
        self.state.borrow().sender.dropped()
    }

    /// The peer said something.
    pub(super) fn heard(&self) {
        self.meter.heard(&self.node.meters.clock);
    }

    /// Returns a number that grows with every byte the peer takes.
    pub(super) fn progress(&self) -> u64 {
        self.state.borrow().progress
    }

    /// Tells whether something is not written yet that the peer lets us write.
    pub(super) fn has_backlog(&self) -> bool {
        self.state.borrow().has_backlog()
    }

    /// Tells whether the socket is all that is in the way.
    pub(super) fn may_write(&self) -> bool {
        let state = self.state.borrow();
        let mut slices = [IoSlice::new(&[]); SLICES];
        state.has_unsent() || state.sender.slices(true, &mut slices) > 0
    }

    /// Appends one record.
    ///
    /// # Errors
    /// The record cannot be encoded or is too large; the queue is as it was.
    #[inline]
    pub(super) fn push<T: Serialize>(&self, record: &T) -> Result<(), CodecError> {
        let mut state = self.state.borrow_mut();
        state.sender.push(|out| codec::append(self.codec, record, out), CodecError::TooLarge)?;
        if state.sender.has_full_frame() {
            state.sender.close_frame();
            drop(state);
            self.pump(false);
        }
        Ok(())
    }

    /// Appends one record that is encoded already.
    ///
    /// # Errors
    /// It is too large.
    pub(super) fn push_encoded(&self, record: &[u8]) -> Result<(), CodecError> {
        let append = |out: &mut Vec<u8>| {
            out.extend_from_slice(record);
            Ok(())
        };
        self.state.borrow_mut().sender.push(append, CodecError::TooLarge)?;
        self.pump(false);
        Ok(())
    }

    /// Appends a frame of records that are encoded already, behind room for its header, and leaves another buffer in place of it. `now`: it need not
    /// wait until it fills a chunk.
    pub(super) fn push_buffer(&self, buffer: &mut Vec<u8>, records: u32, now: bool) {
        self.state.borrow_mut().sender.push_buffer(buffer, records);
        self.pump(now);
    }

    /// Appends a frame of records that are encoded already.
    pub(super) fn push_frame(&self, payload: &[u8], records: u32) {
        self.state.borrow_mut().sender.push_frame(payload, records);
        self.pump(false);
    }

    /// Tells whether the peer takes items as they are.
    #[inline]
    pub(super) fn takes_by_hand(&self) -> bool {
        self.by_hand.get()
    }

    /// Appends items as they are: so many, of that size, each of which counts `weight`. The peer may begin at once.
    pub(super) fn push_parcel(&self, parcel: Parcel, (count, size, weight): (usize, usize, usize)) {
        {
            let mut state = self.state.borrow_mut();
            let records = u32::try_from(count).unwrap_or(u32::MAX);
            let number = state.sender.push_parcel(records);
            // It is there before the frame that says so.
            self.parcels.put(number, parcel);
            state.parcels.push_back((number + u64::from(records), count * weight));
            state.parcel_bytes += count * weight;
            state.meter.bytes.add((count * size) as u64);
        }
        self.pump(true);
    }

    /// Appends the goodbye and hands everything to the socket.
    pub(super) fn push_goodbye(&self, reason: &str) {
        self.state.borrow_mut().sender.push_goodbye(reason);
        self.flush();
    }

    /// Tells the program and its user that the peer says nothing although its machine is there, or that it speaks again.
    pub(super) fn suspect(&self, is_suspected: bool) {
        let Some(peer) = self.peer() else { return };
        let change = if is_suspected { PeerChange::Suspected } else { PeerChange::Returned };
        if is_suspected {
            note(format_args!("{}: nothing was heard of {peer} for {} s", self.port, SILENCE.as_secs()));
        }
        self.node.events.tell(self.port, &peer, change);
    }

    /// Says that we live, if nothing else on its way says so.
    pub(super) fn show_life(&self) {
        self.state.borrow_mut().sender.show_life();
        self.pump(true);
    }

    /// Ends the tick: what the socket does not take now is the writer task's.
    pub(super) fn flush(&self) {
        {
            let mut state = self.state.borrow_mut();
            state.sender.close_frame();
            if state.probe.is_none() && self.node.meters.clock.runs() && state.sender.pending_records() > 0 {
                state.probe = Some((state.sender.next_number(), Instant::now()));
            }
        }
        self.pump(true);
        if self.has_backlog() {
            self.work.notify_one();
        }
    }

    /// Writes what the socket takes: everything, or whole chunks only, whose rest waits for more.
    pub(super) fn pump(&self, all: bool) {
        let mut state = self.state.borrow_mut();
        state.write(all);
        if state.error.is_some() {
            self.work.notify_one();
        }
        state.sender.shed(QUEUE_LIMIT_BYTES);
        state.measure();
        self.look_empty(&state);
        self.mind_the_gate(&mut state);
    }

    /// The receiver has worked on all records below `number`.
    ///
    /// # Errors
    /// It cannot have.
    pub(super) fn acknowledge(&self, number: u64, window: u32) -> Result<(), Violation> {
        let mut state = self.state.borrow_mut();
        let before = state.sender.in_flight();
        state.sender.acknowledge(number, window)?;
        state.forget_parcels(number);
        state.progress += before - state.sender.in_flight();
        if let Some((_, tick_end)) = state.probe.take_if(|probe| probe.0 <= number) {
            self.meter.took(tick_end.elapsed());
        }
        self.meter.window.set(window.into());
        if state.has_backlog() {
            state.write(true);
        }
        state.measure();
        self.look_empty(&state);
        self.mind_the_gate(&mut state);
        Ok(())
    }

    fn look_empty(&self, state: &State) {
        if !state.has_backlog() {
            self.emptied.notify_one();
        }
    }

    /// Returns the error that a write met, once.
    pub(super) fn take_error(&self) -> Option<io::Error> {
        self.state.borrow_mut().error.take()
    }

    /// Tells whether the queue keeps the gate shut.
    pub(super) fn is_over(&self) -> bool {
        self.state.borrow().over
    }

    /// Tells whether the peer sends us items: then it may be waiting for us to take them.
    pub(super) fn is_answered(&self) -> bool {
        self.peer().is_some_and(|peer| self.node.is_sender(&peer.process))
    }

    /// The peer took nothing for a while although we do not read either: it may be in the same state because of us. So the limit rises
    /// and we read on; for a peer that sends us nothing, as far as a ring of programs may reasonably need.
    pub(super) fn raise_limit(&self) {
        if self.node.gate.lets_outputs_wait() {
            return;
        }
        let answers = self.is_answered();
        let mut state = self.state.borrow_mut();
        let limit = state.held() + QUEUE_LIMIT_BYTES;
        if answers || limit <= RISEN_LIMIT_BYTES {
            state.limit = limit;
            self.mind_the_gate(&mut state);
        }
    }

    fn mind_the_gate(&self, state: &mut State) {
        // What is left out needs no room.
        let size = if state.sender.is_lossy() { 0 } else { state.held() };
        let (limit, low) = (self.node.gate.limit(), self.node.gate.limit() / 2);
        if size < low {
            state.limit = limit;
        }
        if !state.over && size > state.limit {
            state.over = true;
            self.node.gate.shut();
            self.work.notify_one();
        } else if state.over && (size < low || size < state.limit && state.limit > limit) {
            state.over = false;
            self.node.gate.open();
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        if self.state.get_mut().over {
            self.node.gate.open();
        }
    }
}

impl State {
    /// Tells how many bytes wait or are kept.
    fn held(&self) -> usize {
        self.sender.held() + self.parcel_bytes
    }

    fn forget_parcels(&mut self, number: u64) {
        while let Some((end, bytes)) = self.parcels.front().copied()
            && end <= number
        {
            self.parcels.pop_front();
            self.parcel_bytes -= bytes;
        }
    }

    fn has_backlog(&self) -> bool {
        self.sender.backlog() > 0 || self.has_unsent()
    }

    /// Tells whether the socket has taken what it has not given to the system yet.
    fn has_unsent(&self) -> bool {
        self.socket.as_ref().is_some_and(|socket| socket.has_unsent())
    }

    fn write(&mut self, all: bool) {
        let Some(socket) = &self.socket else { return };
        if socket.loses() && self.sender.backlog() > 0 {
            if !self.sender.is_lossy() {
                self.error = Some(io::Error::other("a frame was lost on purpose"));
                return;
            }
            self.sender.shed(0);
        }
        if socket.has_unsent()
            && let Err(error) = socket.try_flush()
        {
            self.error = Some(error);
        }
        while self.error.is_none() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let count = self.sender.slices(all, &mut slices);
            if count == 0 {
                return;
            }
            match socket.try_write_vectored(&slices[..count]) {
                Ok(count) => {
                    self.sender.written(count);
                    self.progress += count as u64;
                    self.meter.bytes.add(count as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => self.error = Some(error),
            }
        }
    }

    fn measure(&self) {
        let (meter, sender) = (&self.meter, &self.sender);
        meter.messages.set(sender.next_number());
        meter.queue_bytes.set(self.held() as u64);
        meter.queue_messages.set(sender.pending_records());
        meter.in_flight.set(sender.in_flight());
        meter.left_out.set(sender.dropped());
    }
}
