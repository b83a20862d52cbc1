//! The typed half of an input port: a `Stream` that reads and decodes inside the tick, without a task, channel or allocation per item.
//!
//! The dataflow takes a stream's items until it is pending, so the stream itself ends each tick's batch, and wakes its task for the next.
//! Which records are next is `protocol`'s affair.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures::Stream;
use serde::de::DeserializeOwned;

use super::ahead::{Ahead, Settled, Source};
use super::frame_buffer::{FrameBuffer, Front};
use super::hand::{Handed, unpack};
use super::input_hub::{Arrival, SILENT_PULSES};
use super::peer::Peer;
use super::readiness::Readiness;
use super::tag::Tag;
use super::{InputHub, MemberId, Node, PeerChange, note};
use crate::codec;
use crate::contract::{FrameHeader, FrameKind, MAX_RECORD_BYTES};
use crate::protocol::Verdict;

/// Items of one tick at most: a bound for what stateful operators hold of one tick.
const TICK_RECORDS: u32 = 16 << 10;
/// Items of one tick at least, however long they take.
const LEAST_TICK_RECORDS: u32 = 16;
/// A tick that takes longer than this gets fewer items the next time: peers wait for acknowledgements and signs of life until it is over…
const LONG_TICK: Duration = Duration::from_millis(50);
/// …and one that is shorter than this gets more.
const SHORT_TICK: Duration = Duration::from_millis(10);
/// Bytes read in one tick at most; one full read buffer.
const TICK_BYTES: usize = 256 << 10;

/// One sender as the stream sees it. It stays when its connection breaks.
#[derive(Debug)]
struct Connection {
    arrival: Arrival,
    /// A newer connection of the same sender, which begins when the open frame is used up.
    next: Option<Arrival>,
    frames: FrameBuffer,
    /// Records left in the open frame.
    left: u32,
    /// The parts of a large record that are there.
    pieces: Vec<u8>,
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
    /// A newer one took its place.
    Replaced,
}

/// The items of all connections of an input port, merged. It never ends.
#[derive(Debug)]
pub(crate) struct Input<T, A: Tag<T>> {
    node: Rc<Node>,
    hub: Rc<InputHub>,
    /// Connections by number; a number is free again when its sender is gone.
    connections: Vec<Option<Box<Connection>>>,
    /// Numbers of connections that may have something, each once.
    active: VecDeque<usize>,
    woken: Vec<usize>,
    /// Of the open frame of the first active connection.
    ahead: Ahead<T, A>,
    handed: Option<Handed<T>>,
    records_left: u32,
    /// Items of one tick at most, for now.
    tick_records: u32,
    /// When the tick before asked first, if the current one follows it at once.
    tick_began: Option<Instant>,
    is_tick_over: bool,
    bytes_left: usize,
}

impl<T, A: Tag<T>> Unpin for Input<T, A> {}

impl<T: DeserializeOwned + 'static, A: Tag<T>> Input<T, A> {
    /// Creates the stream of a port.
    pub(crate) fn new(node: Rc<Node>, hub: Rc<InputHub>) -> Self {
        Self {
            node,
            hub,
            connections: Vec::new(),
            active: VecDeque::new(),
            woken: Vec::new(),
            ahead: Ahead::new(),
            handed: None,
            records_left: TICK_RECORDS,
            tick_records: TICK_RECORDS,
            tick_began: None,
            is_tick_over: true,
            bytes_left: TICK_BYTES,
        }
    }

    /// Decodes the next records of the open frame of the connection whose turn it is; returns the first.
    fn next_records(&mut self) -> Option<A::Item> {
        self.ahead.decode();
        let item = self.ahead.next();
        if let Some(error) = self.ahead.take_error() {
            self.settle();
            if let Some(number) = self.active.front().copied() {
                self.refuse(number, error.to_string());
            }
        }
        item
    }

    #[cold]
    #[inline(never)]
    fn refuse(&mut self, number: usize, reason: String) {
        self.close(number, &End::Malformed(reason));
    }

    /// Takes the frame back: what was taken of it counts.
    fn settle(&mut self) {
        let Some(Settled { bytes, at, taken }) = self.ahead.settle() else { return };
        self.records_left -= taken;
        if let Some(number) = self.active.front()
            && let Some(connection) = self.connections.get_mut(*number).and_then(Option::as_mut)
        {
            connection.frames.take_back(bytes, at);
            connection.left -= taken;
            if connection.left == 0 {
                finish_frame(&self.hub, connection);
            }
        }
    }

    /// Ends what was handed over: all of it was taken.
    fn settle_handed(&mut self) {
        let Some(Handed { number, count, .. }) = self.handed.take() else { return };
        self.records_left = self.records_left.saturating_sub(u32::try_from(count).unwrap_or(u32::MAX));
        if let Some(connection) = self.connections.get(number).and_then(Option::as_ref) {
            finish_frame(&self.hub, connection);
        }
    }

    /// Takes what another thread of this process handed over, and returns the first item.
    fn take_parcel(&mut self, number: usize, header: FrameHeader) -> Option<A::Item> {
        let connection = self.connections.get_mut(number)?.as_mut()?;
        let Arrival { link, socket, .. } = &connection.arrival;
        let parcel = socket.parcels().and_then(|parcels| parcels.take(header.number));
        let items = parcel.and_then(unpack::<T>).filter(|items| items.len() == header.amount as usize);
        let Some(items) = items.filter(|items| !items.is_empty()) else {
            self.refuse(number, "a parcel from another process".to_owned());
            return None;
        };
        link.meter.messages.add(header.amount.into());
        link.meter.bytes.add(size_of_val(items.as_slice()) as u64);
        let handed = Handed::new(number, items, (connection.address, connection.member));
        link.unacknowledged.set(link.unacknowledged.get().saturating_add(handed.weight()));
        self.handed = Some(handed);
        self.next_handed()
    }

    /// Begins to take records of the connection whose turn it is, if its open frame has some left.
    fn begin_batch(&mut self) -> bool {
        let connection = self.active.front().and_then(|number| self.connections.get_mut(*number)?.as_mut());
        let Some(connection) = connection else { return false };
        let size = connection.left.min(self.records_left);
        if size == 0 {
            return false;
        }
        // While there is something of it to take, nobody has looked whether more came.
        connection.arrival.link.silent_pulses.set(0);
        let source = Source { codec: connection.arrival.codec, address: connection.address, member: connection.member };
        self.ahead.begin(connection.frames.lend(), size, source);
        true
    }

    #[cold]
    fn close(&mut self, number: usize, end: &End) {
        let Some(connection) = self.connections.get_mut(number).and_then(Option::as_mut) else { return };
        let Arrival { link, connection: own, peer, closed, .. } = &connection.arrival;
        let link = Rc::clone(link);
        self.node.sender_left(&peer.process);
        let port = self.hub.face.name;
        match end {
            End::Goodbye => {
                self.node.events.tell(port, peer, PeerChange::Left);
                self.hub.forget(&link);
                link.leave_after_ack();
                self.hub.owe(&link);
            }
            End::Replaced => {}
            End::Broken(_) if link.dismissed.get() => self.node.events.tell(port, peer, PeerChange::Left),
            End::Broken(error) => {
                self.node.events.tell(port, peer, PeerChange::Suspected);
                note(format_args!("{port}: {} is gone: {}", **peer, error_text(error)));
            }
            End::Malformed(reason) => {
                self.node.events.tell(port, peer, PeerChange::Left);
                note(format_args!("{port}: cut off {}: malformed bytes: {reason}", **peer));
                link.send_goodbye(reason);
            }
        }
        if !matches!(end, End::Goodbye) || !link.acknowledges() {
            link.disconnect(*own);
        }
        closed.notify_one();
        (connection.left, connection.has_read) = (0, false);
        connection.pieces = Vec::new();
        connection.frames.clear();
        if let Some(next) = connection.next.take() {
            connection.begin(next, &self.node);
            return;
        }
        link.place.set(None);
        self.connections[number] = None;
        self.active.retain(|other| *other != number);
    }

    fn take_arrivals(&mut self) {
        if !self.hub.has_arrivals.replace(false) {
            return;
        }
        for arrival in self.hub.arrivals.take() {
            let place = arrival.link.place.get();
            let number = match place.and_then(|number| Some((number, self.connections.get_mut(number)?.as_mut()?))) {
                Some((number, connection)) => {
                    // One that came and was replaced before its turn has nothing of its own to finish.
                    if let Some(replaced) = connection.next.replace(arrival) {
                        replaced.closed.notify_one();
                    }
                    if connection.left == 0 {
                        self.close(number, &End::Replaced);
                    }
                    number
                }
                None => self.add(arrival),
            };
            self.activate(number);
        }
    }

    fn add(&mut self, arrival: Arrival) -> usize {
        let number = self.connections.iter().position(Option::is_none).unwrap_or(self.connections.len());
        if number == self.connections.len() {
            self.connections.push(None);
        }
        arrival.link.place.set(Some(number));
        self.node.sender_came(&arrival.peer.process);
        let Peer { address, process } = &*arrival.peer;
        self.connections[number] = Some(Box::new(Connection {
            address: *address,
            member: process.member,
            next: None,
            frames: arrival.lines.as_deref().map_or_else(FrameBuffer::new, FrameBuffer::lines),
            left: 0,
            pieces: Vec::new(),
            waker: Readiness::waker(number, &self.hub.ready),
            has_read: false,
            arrival,
        }));
        number
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

    /// Looks at the connection whose turn it is: opens its next frame, reads, or gives the turn to the next. Returns a record that came in pieces.
    fn step(&mut self, number: usize) -> Option<A::Item> {
        let Some(connection) = self.connections.get_mut(number).and_then(Option::as_mut) else {
            self.active.pop_front();
            return None;
        };
        let fault = if connection.left == 0 { !connection.frames.open_frame().is_empty() } else { true };
        if fault {
            self.refuse(number, "a frame does not hold as many items as it says".to_owned());
            return None;
        }
        if connection.next.is_some() {
            self.close(number, &End::Replaced);
            return None;
        }
        match connection.frames.advance() {
            Front::Frame(header) => return self.open(number, header),
            Front::Malformed(reason) => self.refuse(number, reason.to_owned()),
            Front::Incomplete if connection.has_read => {
                connection.has_read = false;
                self.active.rotate_left(1);
            }
            Front::Incomplete => self.read(number),
        }
        None
    }

    /// Judges a frame that has just come.
    fn open(&mut self, number: usize, header: FrameHeader) -> Option<A::Item> {
        let connection = self.connections.get_mut(number)?.as_mut()?;
        let Arrival { link, connection: own, .. } = &connection.arrival;
        match header.kind {
            FrameKind::Alive => return None,
            FrameKind::Goodbye => self.close(number, &End::Goodbye),
            FrameKind::Ack => self.refuse(number, "an acknowledgement against the link's direction".to_owned()),
            FrameKind::Data | FrameKind::Piece | FrameKind::HandedOver => {
                let verdict = link.receiver.borrow_mut().accept(*own, header.number, header.amount);
                match verdict {
                    Verdict::Take if header.kind == FrameKind::Data => {
                        link.meter.messages.add(header.amount.into());
                        connection.left = header.amount;
                    }
                    Verdict::Take if header.kind == FrameKind::HandedOver => return self.take_parcel(number, header),
                    Verdict::Take => return self.take_piece(number, header.amount),
                    Verdict::Duplicate => connection.frames.skip(),
                    // The one that replaced it is on its way to us.
                    Verdict::Fenced => self.close(number, &End::Replaced),
                    Verdict::Gap => self.refuse(number, format!("items before number {} are missing", header.number)),
                }
            }
        }
        None
    }

    fn take_piece(&mut self, number: usize, last: u32) -> Option<A::Item> {
        let connection = self.connections.get_mut(number)?.as_mut()?;
        connection.pieces.extend_from_slice(connection.frames.open_frame());
        connection.frames.skip();
        if connection.pieces.len() > MAX_RECORD_BYTES || last > 1 {
            self.refuse(number, "an item in pieces is too large".to_owned());
            return None;
        }
        if last == 0 {
            return None;
        }
        connection.arrival.link.meter.messages.add(1);
        let record = std::mem::take(&mut connection.pieces);
        let mut rest = record.as_slice();
        match codec::take::<T>(connection.arrival.codec, &mut rest) {
            Ok(item) if rest.is_empty() => {
                self.records_left = self.records_left.saturating_sub(1);
                let item = A::tag(item, connection.address, connection.member);
                finish_frame(&self.hub, connection);
                Some(item)
            }
            Ok(_) => {
                self.refuse(number, "bytes are left behind an item in pieces".to_owned());
                None
            }
            Err(error) => {
                self.refuse(number, error.to_string());
                None
            }
        }
    }

    fn read(&mut self, number: usize) {
        let Some(connection) = self.connections.get_mut(number).and_then(Option::as_mut) else { return };
        if connection.arrival.socket.loses() {
            let lost = io::Error::other("a frame was lost on purpose");
            return self.close(number, &End::Broken(lost));
        }
        match connection.frames.fill(&connection.arrival.socket) {
            Ok(0) if connection.frames.end_line() => {}
            Ok(0) if connection.frames.has_lines() => self.close(number, &End::Goodbye),
            Ok(0) => {
                let end = if connection.frames.is_empty() { "without a goodbye" } else { "in the middle of a frame" };
                self.close(number, &End::Broken(io::Error::other(format!("it hung up {end}"))));
            }
            Ok(count) => {
                connection.has_read = true;
                let Arrival { link, peer, .. } = &connection.arrival;
                if link.silent_pulses.replace(0) >= SILENT_PULSES {
                    self.node.events.tell(self.hub.face.name, peer, PeerChange::Returned);
                }
                link.meter.bytes.add(count as u64);
                link.meter.heard(&self.node.meters.clock);
                link.unacknowledged.set(link.unacknowledged.get().saturating_add(count));
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

    /// A tick that took all items it may have is followed by the next at once, so the time between them is what it took.
    fn begin_tick(&mut self) {
        let now = Instant::now();
        if let Some(took) = self.tick_began.map(|began| now - began) {
            if took > LONG_TICK {
                self.tick_records = (self.tick_records / 2).max(LEAST_TICK_RECORDS);
            } else if took < SHORT_TICK {
                self.tick_records = (self.tick_records * 2).min(TICK_RECORDS);
            }
        }
        self.tick_began = Some(now);
        self.records_left = self.tick_records;
    }

    /// Ends the tick's batch. With `all`, there is nothing more for now.
    fn rest(&mut self, all: bool) -> Poll<Option<A::Item>> {
        self.is_tick_over = true;
        if all {
            self.tick_began = None;
        }
        self.bytes_left = TICK_BYTES;
        self.hub.end_tick();
        Poll::Pending
    }
}

impl<T: DeserializeOwned + 'static, A: Tag<T>> Stream for Input<T, A> {
    type Item = A::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<A::Item>> {
        let this = self.get_mut();
        match this.ahead.next() {
            Some(item) => Poll::Ready(Some(item)),
            None => this.poll_others(context),
        }
    }
}

impl<T: DeserializeOwned + 'static, A: Tag<T>> Input<T, A> {
    #[inline(always)]
    fn poll_others(&mut self, context: &mut Context<'_>) -> Poll<Option<A::Item>> {
        match self.next_handed() {
            Some(item) => Poll::Ready(Some(item)),
            None => self.poll_connections(context),
        }
    }

    #[inline(always)]
    fn next_handed(&mut self) -> Option<A::Item> {
        self.handed.as_mut()?.next::<A>()
    }

    #[inline(never)]
    fn poll_connections(&mut self, context: &mut Context<'_>) -> Poll<Option<A::Item>> {
        if let Some(item) = self.next_records() {
            return Poll::Ready(Some(item));
        }
        self.hub.ready.register(context.waker());
        self.settle();
        self.settle_handed();
        if std::mem::take(&mut self.is_tick_over) {
            self.begin_tick();
        }
        self.take_arrivals();
        loop {
            if self.node.gate.is_shut() {
                self.node.gate.wait(context.waker());
                return self.rest(true);
            }
            self.take_woken();
            let Some(number) = self.active.front().copied() else {
                return self.rest(true);
            };
            if self.records_left == 0 || self.bytes_left == 0 && self.has_no_frame(number) {
                self.active.rotate_left(1);
                context.waker().wake_by_ref();
                return self.rest(false);
            }
            if self.begin_batch() {
                if let Some(item) = self.next_records() {
                    return Poll::Ready(Some(item));
                }
                self.settle();
                if self.active.front() != Some(&number) {
                    continue;
                }
            }
            if let Some(item) = self.step(number) {
                return Poll::Ready(Some(item));
            }
        }
    }

    fn has_no_frame(&mut self, number: usize) -> bool {
        let Some(connection) = self.connections.get_mut(number).and_then(Option::as_mut) else { return true };
        if connection.left > 0 {
            return false;
        }
        // What is not a whole frame must wait for the next tick's read; anything else is dealt with in this one.
        let idle = connection.frames.is_incomplete();
        connection.has_read &= !idle;
        idle
    }
}

impl Connection {
    /// Goes on with a newer connection of the sender.
    fn begin(&mut self, arrival: Arrival, node: &Node) {
        node.sender_came(&arrival.peer.process);
        (self.address, self.member) = (arrival.peer.address, arrival.peer.process.member);
        self.arrival = arrival;
    }
}

/// All records of the frames so far are given away; they are worked on when the tick is over.
fn finish_frame(hub: &InputHub, connection: &Connection) {
    let link = &connection.arrival.link;
    link.receiver.borrow_mut().finish();
    hub.owe(link);
}

impl<T, A: Tag<T>> Drop for Input<T, A> {
    fn drop(&mut self) {
        for connection in self.connections.iter().flatten() {
            connection.arrival.link.disconnect(connection.arrival.connection);
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
