//! The typed half of an input port: a `Stream` that reads and decodes inside the tick, without a task, channel or allocation per item.
//!
//! The dataflow takes a stream's items until it is pending, so the stream itself ends each tick's batch, and wakes its task for the next.

use std::collections::VecDeque;
use std::io;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures::Stream;
use serde::de::DeserializeOwned;

use super::frame_buffer::{FrameBuffer, Front};
use super::input_hub::Arrival;
use super::peer::Peer;
use super::readiness::Readiness;
use super::{InputHub, MemberId, Node, note};
use crate::codec::{self, CodecError};
use crate::contract::{FrameKind, frame_header};

/// Items of one tick at most: a bound for what stateful operators hold of one tick.
const TICK_RECORDS: usize = 16 << 10;
/// Bytes read in one tick at most; one full read buffer.
const TICK_BYTES: usize = 256 << 10;

/// How a peer is shown in a port's items.
pub(crate) trait Tag<T> {
    /// The items.
    type Item;
    /// Makes an item of a record and where it came from.
    fn tag(record: T, address: SocketAddr, member: MemberId) -> Self::Item;
}

/// Not at all: items are `T`.
#[derive(Debug)]
pub(crate) struct Plain;

impl<T> Tag<T> for Plain {
    type Item = T;
    #[inline]
    fn tag(record: T, _address: SocketAddr, _member: MemberId) -> T {
        record
    }
}

/// By address: items are `(T, SocketAddr)`.
#[derive(Debug)]
pub(crate) struct WithAddress;

impl<T> Tag<T> for WithAddress {
    type Item = (T, SocketAddr);
    #[inline]
    fn tag(record: T, address: SocketAddr, _member: MemberId) -> Self::Item {
        (record, address)
    }
}

/// By member: items are `(T, MemberId)`.
#[derive(Debug)]
pub(crate) struct WithMember;

impl<T> Tag<T> for WithMember {
    type Item = (T, MemberId);
    #[inline]
    fn tag(record: T, _address: SocketAddr, member: MemberId) -> Self::Item {
        (record, member)
    }
}

/// One connection as the stream sees it.
#[derive(Debug)]
struct Connection {
    arrival: Arrival,
    frames: FrameBuffer,
    waker: Waker,
    address: SocketAddr,
    member: MemberId,
    /// Whether it had its read of this round.
    has_read: bool,
}

/// Why the stream is done with a connection.
enum End {
    Goodbye,
    Broken(io::Error),
    Malformed(String),
}

/// The items of all connections of an input port, merged. It never ends.
#[derive(Debug)]
pub(crate) struct Input<T, A> {
    node: Rc<Node>,
    hub: Rc<InputHub>,
    /// Connections by number; a number is free again when its connection is gone.
    connections: Vec<Option<Box<Connection>>>,
    /// Numbers of connections that may have something, each once.
    active: VecDeque<usize>,
    woken: Vec<usize>,
    records_left: usize,
    bytes_left: usize,
    marker: PhantomData<fn() -> (T, A)>,
}

impl<T, A> Unpin for Input<T, A> {}

impl<T: DeserializeOwned, A: Tag<T>> Input<T, A> {
    /// Creates the stream of a port.
    pub(crate) fn new(node: Rc<Node>, hub: Rc<InputHub>) -> Self {
        Self {
            node,
            hub,
            connections: Vec::new(),
            active: VecDeque::new(),
            woken: Vec::new(),
            records_left: TICK_RECORDS,
            bytes_left: TICK_BYTES,
            marker: PhantomData,
        }
    }

    /// Decodes the next record of the open frame of the connection whose turn it is. All that is not for every record stays out of the way.
    #[inline(always)]
    fn next_record(&mut self) -> Option<A::Item> {
        if self.records_left == 0 || self.node.gate.is_shut() {
            return None;
        }
        let number = *self.active.front()?;
        let connection = self.connections.get_mut(number)?.as_mut()?;
        let mut rest = connection.frames.open_frame();
        if rest.is_empty() {
            return None;
        }
        match codec::take::<T>(connection.arrival.codec, &mut rest) {
            Ok(record) => {
                let left = rest.len();
                connection.frames.leave(left);
                self.records_left -= 1;
                Some(A::tag(record, connection.address, connection.member))
            }
            Err(error) => {
                self.refuse(number, &error);
                None
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn refuse(&mut self, number: usize, error: &CodecError) {
        self.close(number, &End::Malformed(error.to_string()));
    }

    #[cold]
    fn close(&mut self, number: usize, end: &End) {
        let Some(connection) = self.connections.get_mut(number).and_then(Option::take) else { return };
        self.active.retain(|other| *other != number);
        let Arrival { peer, closed, .. } = &connection.arrival;
        self.node.sender_left(&peer.process);
        closed.notify_one();
        let port = self.hub.face.name;
        match end {
            End::Goodbye => {}
            End::Broken(error) => note(format_args!("{port}: {} is gone: {}", **peer, error_text(error))),
            End::Malformed(reason) => {
                note(format_args!("{port}: cut off {}: malformed bytes: {reason}", **peer));
                // Best effort: a peer that is a script can tell its writer why. Nothing was written to it yet, so the socket takes it.
                let mut goodbye = frame_header(FrameKind::Goodbye, reason.len()).to_vec();
                goodbye.extend_from_slice(reason.as_bytes());
                let _ = connection.arrival.socket.try_write(&goodbye);
            }
        }
    }

    fn take_arrivals(&mut self) {
        if !self.hub.has_arrivals.replace(false) {
            return;
        }
        for arrival in self.hub.arrivals.take() {
            let number = self.connections.iter().position(Option::is_none).unwrap_or(self.connections.len());
            if number == self.connections.len() {
                self.connections.push(None);
            }
            self.node.sender_came(&arrival.peer.process);
            let Peer { address, process } = &*arrival.peer;
            self.connections[number] = Some(Box::new(Connection {
                address: *address,
                member: process.member,
                frames: FrameBuffer::new(),
                waker: Readiness::waker(number, &self.hub.ready),
                has_read: false,
                arrival,
            }));
            self.activate(number);
        }
    }

    fn take_woken(&mut self) {
        let mut woken = std::mem::take(&mut self.woken);
        self.hub.ready.drain(&mut woken);
        for number in woken.drain(..) {
            self.activate(number);
        }
        self.woken = woken;
    }

    fn activate(&mut self, number: usize) {
        if self.connections.get(number).is_some_and(Option::is_some) && !self.active.contains(&number) {
            self.active.push_back(number);
        }
    }

    /// Looks at the connection whose turn it is: opens its next frame, reads, or gives the turn to the next.
    fn step(&mut self, number: usize) {
        let Some(connection) = self.connections.get_mut(number).and_then(Option::as_mut) else {
            self.active.pop_front();
            return;
        };
        match connection.frames.advance() {
            Front::Data => return,
            Front::Goodbye(_) => return self.close(number, &End::Goodbye),
            Front::Malformed => return self.close(number, &End::Malformed("no frame header".to_owned())),
            Front::Incomplete => {}
        }
        if connection.has_read {
            connection.has_read = false;
            self.active.rotate_left(1);
            return;
        }
        match connection.frames.fill(&connection.arrival.socket) {
            Ok(0) => {
                let end = if connection.frames.is_empty() { "without a goodbye" } else { "in the middle of a frame" };
                self.close(number, &End::Broken(io::Error::other(format!("it hung up {end}"))));
            }
            Ok(count) => {
                connection.has_read = true;
                self.bytes_left = self.bytes_left.saturating_sub(count);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let mut context = Context::from_waker(&connection.waker);
                match connection.arrival.socket.poll_readable(&mut context) {
                    Poll::Pending => drop(self.active.pop_front()),
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => self.close(number, &End::Broken(error)),
                }
            }
            Err(error) => self.close(number, &End::Broken(error)),
        }
    }

    /// Ends the tick's batch.
    fn rest(&mut self) -> Poll<Option<A::Item>> {
        self.records_left = TICK_RECORDS;
        self.bytes_left = TICK_BYTES;
        Poll::Pending
    }
}

impl<T: DeserializeOwned, A: Tag<T>> Stream for Input<T, A> {
    type Item = A::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<A::Item>> {
        let this = self.get_mut();
        match this.next_record() {
            Some(item) => Poll::Ready(Some(item)),
            None => this.poll_connections(context),
        }
    }
}

impl<T: DeserializeOwned, A: Tag<T>> Input<T, A> {
    #[inline(never)]
    fn poll_connections(&mut self, context: &mut Context<'_>) -> Poll<Option<A::Item>> {
        self.hub.ready.register(context.waker());
        self.take_arrivals();
        loop {
            if self.node.gate.is_shut() {
                self.node.gate.wait(context.waker());
                return self.rest();
            }
            if let Some(item) = self.next_record() {
                return Poll::Ready(Some(item));
            }
            self.take_woken();
            let Some(number) = self.active.front().copied() else {
                return self.rest();
            };
            if self.records_left == 0 || self.bytes_left == 0 && self.has_no_frame(number) {
                self.active.rotate_left(1);
                context.waker().wake_by_ref();
                return self.rest();
            }
            self.step(number);
        }
    }

    fn has_no_frame(&mut self, number: usize) -> bool {
        let Some(connection) = self.connections.get_mut(number).and_then(Option::as_mut) else { return true };
        // What is not a whole frame must wait for the next tick's read; anything else is dealt with in this one.
        let idle = connection.frames.is_incomplete();
        connection.has_read &= !idle;
        idle
    }
}

impl<T, A> Drop for Input<T, A> {
    fn drop(&mut self) {
        for connection in self.connections.iter().flatten() {
            connection.arrival.closed.notify_one();
        }
    }
}

fn error_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionReset => "it hung up without a goodbye".to_owned(),
        _ => error.to_string(),
    }
}
