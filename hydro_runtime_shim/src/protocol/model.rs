//! Every order of events of a small world, checked: the sender and the receiver that programs run, a network that breaks, ends that restart.
//!
//! The world knows nothing of the rules; each property is what a user would call it. The planted mistakes show that the check finds them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use stateright::{Checker, Model, Property};

use super::tests::{frames, push, take};
use super::{Receiver, Sender, Verdict};
use crate::contract::{Expectation, FrameKind, Offer};

/// A mistake that an implementation could make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Planted {
    Nothing,
    /// The receiver acknowledges when records are written to the socket rather than when they are worked on.
    AckOnWrite,
    /// The receiver takes a restarted sender for the old one.
    IgnoreStream,
    /// The receiver takes frames of connections that were replaced, and duplicates.
    NoFence,
}

/// What is under way on one connection.
#[derive(Clone, Debug, Default, Hash, PartialEq, Eq)]
struct Connection {
    to_receiver: VecDeque<ToReceiver>,
    to_sender: VecDeque<ToSender>,
    broken: bool,
    /// The receiver's number of it.
    number: u64,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
enum ToReceiver {
    Hello(OfferKey),
    Data(u64, u32, Vec<u8>),
}

/// An [`Offer`] that can be hashed.
type OfferKey = (u64, u64);

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
enum ToSender {
    Welcome(Option<(u64, u64)>),
    Ack(u64),
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
struct World {
    sender: Sender,
    receiver: Receiver,
    /// The sender's connection, and whether it was welcomed on it.
    dialed: Option<(usize, bool)>,
    connections: Vec<Connection>,
    /// Restarts of the sender, of the receiver.
    starts: (u64, u64),
    pushed: u8,
    /// What programs saw: the receiver's start, the sender's start, the record.
    delivered: Vec<(u64, u64, u8)>,
    /// Of those, how many the receiver had worked on when it last said so; what a dead receiver worked on counts as well.
    worked: BTreeSet<(u64, u8)>,
    open: Vec<(u64, u8)>,
    breaks: u8,
    dials: u8,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
enum Event {
    Push,
    Dial,
    Write,
    ToReceiver(usize),
    ToSender(usize),
    Tick,
    Break(usize),
    Notice,
    RestartSender,
    RestartReceiver,
}

/// How much may happen.
struct Bounds {
    records: u8,
    breaks: u8,
    sender_restarts: u64,
    receiver_restarts: u64,
    planted: Planted,
}

const WINDOW: u32 = 1 << 20;

impl World {
    fn receive(&mut self, index: usize, planted: Planted) {
        let Some(message) = self.connections[index].to_receiver.pop_front() else { return };
        match message {
            ToReceiver::Hello((stream, first)) => {
                let stream = if planted == Planted::IgnoreStream { 1 } else { stream };
                let known = self.receiver.expectation().filter(|known| known.stream == stream);
                match self.receiver.connect(Offer { stream, first, lossy: false }) {
                    Ok(number) => self.connections[index].number = number,
                    Err(_) => return self.cut(index),
                }
                self.say(index, ToSender::Welcome(known.map(|known| (known.stream, known.next))));
            }
            ToReceiver::Data(first, records, payload) => {
                let number = self.connections[index].number;
                let number = if planted == Planted::NoFence { self.receiver.connection() } else { number };
                match self.receiver.accept(number, first, records) {
                    Verdict::Take => self.deliver(&payload),
                    Verdict::Duplicate if planted == Planted::NoFence => self.deliver(&payload),
                    Verdict::Duplicate => {}
                    Verdict::Fenced | Verdict::Gap => return self.cut(index),
                }
                if planted == Planted::AckOnWrite {
                    self.receiver.finish();
                    let ack = self.receiver.ack();
                    self.say(index, ToSender::Ack(ack));
                }
            }
        }
    }

    fn deliver(&mut self, payload: &[u8]) {
        for record in payload {
            let (start, record) = (u64::from(record / 16), record % 16);
            self.delivered.push((self.starts.1, start, record));
            self.open.push((start, record));
        }
    }

    /// The receiver's program finishes a tick.
    fn tick(&mut self) {
        self.receiver.finish();
        self.worked.extend(self.open.drain(..));
        let number = self.receiver.connection();
        let ack = self.receiver.ack();
        if let Some(index) = self.connections.iter().position(|other| other.number == number && !other.broken) {
            self.say(index, ToSender::Ack(ack));
        }
    }

    fn say(&mut self, index: usize, message: ToSender) {
        if !self.connections[index].broken {
            self.connections[index].to_sender.push_back(message);
        }
    }

    fn cut(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        connection.broken = true;
        connection.to_receiver.clear();
        connection.to_sender.clear();
    }

    fn hear(&mut self, index: usize) {
        let Some(message) = self.connections[index].to_sender.pop_front() else { return };
        if self.dialed.is_none_or(|(own, _)| own != index) {
            return;
        }
        let heard = match message {
            ToSender::Welcome(known) => {
                let expects = known.map(|(stream, next)| Expectation { stream, next });
                self.dialed = Some((index, true));
                self.sender.connect(expects, Some(WINDOW), false).map(drop)
            }
            ToSender::Ack(number) => self.sender.acknowledge(number, WINDOW),
        };
        if heard.is_err() {
            self.cut(index);
        }
    }

    fn write(&mut self, index: usize) {
        let mut bytes = take(&mut self.sender, usize::MAX);
        for (header, payload) in frames(&mut bytes) {
            assert_eq!(header.kind, FrameKind::Data);
            // Who writes to a broken connection learns of it later.
            if !self.connections[index].broken {
                self.connections[index].to_receiver.push_back(ToReceiver::Data(header.number, header.amount, payload));
            }
        }
    }
}

impl Model for Bounds {
    type State = World;
    type Action = Event;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            sender: Sender::new(1, false),
            receiver: Receiver::new(),
            dialed: None,
            connections: Vec::new(),
            starts: (1, 1),
            pushed: 0,
            delivered: Vec::new(),
            worked: BTreeSet::new(),
            open: Vec::new(),
            breaks: self.breaks,
            dials: 1 + self.breaks + (self.sender_restarts + self.receiver_restarts) as u8,
        }]
    }

    fn actions(&self, world: &World, events: &mut Vec<Event>) {
        let mut may = |event, allowed| {
            if allowed {
                events.push(event);
            }
        };
        may(Event::Push, world.pushed < self.records);
        may(Event::Dial, world.dialed.is_none() && world.dials > 0);
        may(Event::Write, world.dialed.is_some_and(|(_, welcomed)| welcomed) && world.sender.backlog() > 0);
        may(Event::Tick, world.receiver.expectation().is_some() && !world.open.is_empty());
        may(Event::Notice, world.dialed.is_some_and(|(index, _)| world.connections[index].broken));
        may(Event::RestartSender, world.starts.0 <= self.sender_restarts);
        may(Event::RestartReceiver, world.starts.1 <= self.receiver_restarts);
        for (index, connection) in world.connections.iter().enumerate() {
            may(Event::ToReceiver(index), !connection.to_receiver.is_empty());
            may(Event::ToSender(index), !connection.to_sender.is_empty());
            may(Event::Break(index), !connection.broken && world.breaks > 0);
        }
    }

    fn next_state(&self, world: &World, event: Event) -> Option<World> {
        let mut world = world.clone();
        match event {
            Event::Push => {
                push(&mut world.sender, &[world.starts.0 as u8 * 16 + world.pushed], true);
                world.pushed += 1;
            }
            Event::Dial => {
                world.dials -= 1;
                let offer = world.sender.offer();
                let hello = ToReceiver::Hello((offer.stream, offer.first));
                world.connections.push(Connection { to_receiver: [hello].into(), ..Connection::default() });
                world.dialed = Some((world.connections.len() - 1, false));
            }
            Event::Write => {
                let (index, _) = world.dialed?;
                world.write(index);
            }
            Event::ToReceiver(index) => world.receive(index, self.planted),
            Event::ToSender(index) => world.hear(index),
            Event::Tick => world.tick(),
            // What is on its way may still arrive; answers do not.
            Event::Break(index) => {
                world.breaks -= 1;
                world.connections[index].broken = true;
                world.connections[index].to_sender.clear();
            }
            Event::Notice => world.dialed = None,
            Event::RestartSender => {
                world.starts.0 += 1;
                world.sender = Sender::new(world.starts.0, false);
                (world.dialed, world.pushed) = (None, 0);
                for connection in &mut world.connections {
                    connection.broken = true;
                    connection.to_sender.clear();
                }
            }
            Event::RestartReceiver => {
                world.starts.1 += 1;
                world.receiver = Receiver::new();
                world.open.clear();
                for index in 0..world.connections.len() {
                    world.cut(index);
                    world.connections[index].number = 0;
                }
            }
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("in order, once, without gaps", |_, world: &World| {
                let mut last: BTreeMap<(u64, u64), u8> = BTreeMap::new();
                world.delivered.iter().all(|&(receiver, sender, record)| {
                    let before = last.insert((receiver, sender), record);
                    before.is_none_or(|before| record == before + 1)
                })
            }),
            Property::always("what is acknowledged was worked on", |_, world: &World| {
                let first = world.sender.offer().first as u8;
                (0..first).all(|record| world.worked.contains(&(world.starts.0, record)))
            }),
            Property::always("nothing is left out while the receiver lives", |bounds: &Bounds, world: &World| {
                let mut seen = BTreeSet::new();
                bounds.receiver_restarts > 0
                    || world.delivered.iter().all(|&(_, sender, record)| !seen.insert(sender) || record == 0)
            }),
            Property::sometimes("all arrives", |bounds: &Bounds, world: &World| {
                let arrived = |record| world.delivered.iter().any(|&(_, _, other)| other == record);
                world.breaks == 0 && (0..bounds.records).all(arrived)
            }),
        ]
    }
}

/// Returns the names of the properties that do not hold, and how many states there are.
fn violations(bounds: Bounds) -> (Vec<&'static str>, usize) {
    let checker = bounds.checker().spawn_bfs().join();
    assert!(checker.discovery("all arrives").is_some(), "the world is too small");
    let broken = checker.discoveries().into_keys().filter(|name| *name != "all arrives").collect();
    (broken, checker.unique_state_count())
}

const SMALL: Bounds =
    Bounds { records: 2, breaks: 1, sender_restarts: 0, receiver_restarts: 0, planted: Planted::Nothing };

#[test]
fn breaks_lose_nothing_and_repeat_nothing() {
    assert_eq!(violations(Bounds { records: 3, breaks: 2, ..SMALL }).0, Vec::<&str>::new());
}

/// With `HYDRO_MODEL=full` in the environment the world is as large as the protocol was designed for; that takes minutes.
#[test]
fn restarts_of_either_end_keep_the_rules() {
    let (records, breaks) =
        if std::env::var_os("HYDRO_MODEL").is_some_and(|size| size == "full") { (3, 2) } else { (2, 1) };
    let bounds = Bounds { records, breaks, sender_restarts: 1, receiver_restarts: 1, ..SMALL };
    let (broken, states) = violations(bounds);
    assert_eq!(broken, Vec::<&str>::new(), "{records} records, {breaks} breaks: {states} states");
    assert!(states > 50_000, "{states}");
}

#[test]
fn planted_mistakes_are_found() {
    let worked = "what is acknowledged was worked on";
    let order = "in order, once, without gaps";
    for (planted, restarts, property) in
        [(Planted::AckOnWrite, 0, worked), (Planted::IgnoreStream, 1, worked), (Planted::NoFence, 0, order)]
    {
        let (broken, _) = violations(Bounds { sender_restarts: restarts, planted, ..SMALL });
        assert!(broken.contains(&property), "{planted:?}: {broken:?}");
    }
}
