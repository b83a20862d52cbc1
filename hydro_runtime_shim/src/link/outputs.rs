//! The typed half of an output port: `Sink`s that encode inside the tick and never wait there, unless the program has no input.

use std::cell::RefCell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::{self, Display};
use std::hash::Hash;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures::Sink;
use serde::Serialize;

use super::batch::Batch;
use super::gate::QUEUE_LIMIT_BYTES;
use super::hand::Hand;
use super::output_hub::{Encodings, PeersChanged};
use super::peer::Peer;
use super::queue::Queue;
use super::{MemberId, OutputHub};
use crate::codec::{self, CodecError};
use crate::contract::{Codec, Policy};

/// The sink of a plain output: each item to every peer, or to each in turn.
#[derive(Debug)]
pub(crate) struct PlainOutput<T> {
    hub: Rc<OutputHub>,
    policy: Policy,
    binary: Batch,
    json: Batch,
    hand: Hand<T>,
    turn: usize,
    /// Whether the next item goes to `binary`, which is begun, and nowhere else: until that is handed over nothing else needs a look.
    flows: bool,
    marker: PhantomData<fn(T)>,
}

impl<T> Unpin for PlainOutput<T> {}

impl<T: Serialize + 'static> PlainOutput<T> {
    /// Creates the sink of a port.
    pub(crate) fn new(hub: Rc<OutputHub>, policy: Policy) -> Self {
        let (binary, json) = (Batch::new(Codec::Binary), Batch::new(Codec::Json));
        Self { hub, policy, binary, json, hand: Hand::default(), turn: 0, flows: false, marker: PhantomData }
    }

    #[inline(always)]
    fn send(&mut self, item: T) -> Result<(), CodecError> {
        if !self.flows {
            return self.send_first(item);
        }
        let last = self.binary.end();
        if self.binary.append(&item)? { self.hand_over(last) } else { Ok(()) }
    }

    #[inline(never)]
    fn hand_over(&mut self, last: usize) -> Result<(), CodecError> {
        self.flows = false;
        self.binary.spread(&self.hub.queues.borrow(), last)
    }

    #[inline(never)]
    fn send_first(&mut self, item: T) -> Result<(), CodecError> {
        let encodings = self.hub.encodings.get();
        if encodings.by_hand {
            self.hand.push(item, || self.hub.queues.borrow().first().cloned());
            return Ok(());
        }
        self.encode(&item, encodings)
    }

    #[inline(always)]
    fn encode(&mut self, item: &T, encodings: Encodings) -> Result<(), CodecError> {
        if self.policy == Policy::RoundRobin {
            return self.send_in_turn(item);
        }
        if encodings.binary {
            let last = self.binary.end();
            if self.binary.push(item)? {
                self.binary.spread(&self.hub.queues.borrow(), last)?;
            }
        }
        if encodings.json {
            let last = self.json.end();
            if self.json.push(item)? {
                self.json.spread(&self.hub.queues.borrow(), last)?;
            }
        }
        self.flows = !encodings.json && !self.binary.is_empty();
        Ok(())
    }

    fn send_in_turn(&mut self, item: &T) -> Result<(), CodecError> {
        let queues = self.hub.queues.borrow();
        next_in_turn(&queues, &mut self.turn).map_or(Ok(()), |queue| queue.push(item))
    }

    #[cold]
    fn refuse(&self, error: &CodecError) {
        self.hub.drop_items(1, format_args!("an item cannot be sent: {error}"));
    }
}

/// Chooses the next peer that is connected or was never; one that broke off is passed over while others are there.
fn next_in_turn<'a>(queues: &'a [Rc<Queue>], turn: &mut usize) -> Option<&'a Rc<Queue>> {
    let order = (0..queues.len()).map(|step| (*turn + step) % queues.len());
    let fit = |index: &usize| queues[*index].is_connected() || !queues[*index].has_met();
    let chosen = order.clone().find(fit).or_else(|| order.clone().next())?;
    *turn = chosen + 1;
    queues.get(chosen)
}

impl<T: Serialize + 'static> Sink<T> for PlainOutput<T> {
    type Error = Infallible;

    #[inline]
    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Only where a frame begins: the gate shuts when one is handed over.
        if self.flows || !self.binary.is_empty() || !self.json.is_empty() || !self.hand.is_empty() {
            return Poll::Ready(Ok(()));
        }
        poll_gate(&self.hub, context)
    }

    #[inline]
    fn start_send(self: Pin<&mut Self>, item: T) -> Result<(), Infallible> {
        let this = self.get_mut();
        if let Err(error) = this.send(item) {
            this.refuse(&error);
        }
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        let this = self.get_mut();
        this.flows = false;
        this.hand.hand_over();
        for batch in [&mut this.binary, &mut this.json] {
            let last = batch.end();
            if let Err(error) = batch.spread(&this.hub.queues.borrow(), last) {
                this.hub.drop_items(1, format_args!("an item cannot be sent: {error}"));
            }
            batch.end_tick();
        }
        this.hub.flush();
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.poll_flush(context)
    }
}

/// What items name their peer by.
pub(crate) trait Destination: Copy + Eq + Hash + Display + Unpin + 'static {
    /// Returns the name of that peer.
    fn of(address: SocketAddr, member: MemberId) -> Self;
}

impl Destination for SocketAddr {
    fn of(address: SocketAddr, _member: MemberId) -> Self {
        address
    }
}

impl Destination for MemberId {
    fn of(_address: SocketAddr, member: MemberId) -> Self {
        member
    }
}

/// The sink of an addressed output: each item to the peer it names.
#[derive(Debug)]
pub(crate) struct AddressedOutput<T, D> {
    hub: Rc<OutputHub>,
    routes: Rc<RefCell<Routes<T, D>>>,
}

impl<T, D> Unpin for AddressedOutput<T, D> {}

/// Who is there, and what waits for those who are not.
struct Routes<T, D> {
    hub: Rc<OutputHub>,
    /// Queues by name of their peer; a peer that is linked twice gets items twice.
    queues: HashMap<D, Route<T>>,
    /// Items for peers that are not there yet, in order, while a peer we dial was never there.
    held: Vec<(T, D)>,
    /// Whether a route may have items that are not handed over.
    handing: bool,
    /// What the held items take, roughly, and whether that keeps the gate shut.
    held_bytes: usize,
    shuts_gate: bool,
    scratch: Vec<u8>,
}

/// The way to one peer.
struct Route<T> {
    queues: Vec<Rc<Queue>>,
    hand: Hand<T>,
}

impl<T> Default for Route<T> {
    fn default() -> Self {
        Self { queues: Vec::new(), hand: Hand::default() }
    }
}

impl<T, D> fmt::Debug for Routes<T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes")
            .field("queues", &self.queues.len())
            .field("held", &self.held.len())
            .finish_non_exhaustive()
    }
}

impl<T: Serialize + 'static, D: Destination> AddressedOutput<T, D> {
    /// Creates the sink of a port.
    pub(crate) fn new(hub: Rc<OutputHub>) -> Self {
        let routes = Rc::new(RefCell::new(Routes {
            hub: Rc::clone(&hub),
            queues: HashMap::new(),
            held: Vec::new(),
            handing: false,
            held_bytes: 0,
            shuts_gate: false,
            scratch: Vec::new(),
        }));
        let sink: Rc<dyn PeersChanged> = Rc::<RefCell<Routes<T, D>>>::clone(&routes);
        hub.tell(Rc::downgrade(&sink));
        Self { hub, routes }
    }
}

impl<T: Serialize + 'static, D: Destination> Routes<T, D> {
    #[inline]
    fn send(&mut self, item: T, to: D) {
        let Some(route) = self.queues.get_mut(&to) else { return self.hold(item, to) };
        if let [only] = route.queues.as_slice()
            && only.takes_by_hand()
        {
            self.handing = true;
            return route.hand.push(item, || Some(Rc::clone(only)));
        }
        for queue in &route.queues {
            if let Err(error) = queue.push(&item) {
                self.hub.drop_items(1, format_args!("an item cannot be sent: {error}"));
            }
        }
    }

    fn hand_over(&mut self) {
        if std::mem::take(&mut self.handing) {
            self.queues.values_mut().for_each(|route| route.hand.hand_over());
        }
    }

    #[cold]
    fn hold(&mut self, item: T, to: D) {
        if !self.hub.awaits_peers() {
            return self.hub.drop_items(1, format_args!("no peer is called {to}"));
        }
        self.scratch.clear();
        // The length is only an estimate of what the item takes; an item that cannot be encoded is reported when it is sent.
        let _ = codec::append(Codec::Binary, &item, &mut self.scratch);
        self.held_bytes += self.scratch.len() + size_of::<(T, D)>();
        self.held.push((item, to));
        if !self.shuts_gate && self.held_bytes > QUEUE_LIMIT_BYTES {
            self.shuts_gate = true;
            self.hub.node.gate.shut();
        }
    }
}

impl<T: Serialize + 'static, D: Destination> PeersChanged for RefCell<Routes<T, D>> {
    /// Finds out who is there now, and sends the held items that have a peer by now.
    fn peers_changed(&self) {
        let mut routes = self.borrow_mut();
        let routes = &mut *routes;
        routes.hand_over();
        routes.queues.clear();
        for queue in routes.hub.queues.borrow().iter() {
            if let Some(peer) = queue.peer() {
                let Peer { address, process } = &*peer;
                let route = routes.queues.entry(D::of(*address, process.member)).or_default();
                route.queues.push(Rc::clone(queue));
            }
        }
        routes.held_bytes = 0;
        if std::mem::take(&mut routes.shuts_gate) {
            routes.hub.node.gate.open();
        }
        for (item, to) in std::mem::take(&mut routes.held) {
            routes.send(item, to);
        }
        routes.hand_over();
        routes.hub.flush();
    }
}

impl<T: Serialize + 'static, D: Destination> Sink<(T, D)> for AddressedOutput<T, D> {
    type Error = Infallible;

    #[inline]
    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        poll_gate(&self.hub, context)
    }

    #[inline]
    fn start_send(self: Pin<&mut Self>, (item, to): (T, D)) -> Result<(), Infallible> {
        self.routes.borrow_mut().send(item, to);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.routes.borrow_mut().hand_over();
        self.hub.flush();
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.poll_flush(context)
    }
}

#[inline]
fn poll_gate(hub: &OutputHub, context: &Context<'_>) -> Poll<Result<(), Infallible>> {
    if !hub.node.gate.holds_outputs() {
        return Poll::Ready(Ok(()));
    }
    hub.node.gate.wait(context.waker());
    Poll::Pending
}
