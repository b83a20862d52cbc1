//! What the fuzzer needs of this room's inside; compiled for it alone.

use std::rc::Rc;

use tokio::sync::Notify;

use super::faults::Effect;
use super::handshake::{Met, welcome};
use super::incoming::Incoming;
use super::input_hub::Arrival;
use super::wire::Wire;
use super::writer::{Listening, write_out};
use super::{InputHub, LinkEnd, Node, OutputHub, PortHub};
use crate::contract::Hello;
use crate::transport::Socket;

/// Hands the connection of a sender over; returns what is notified when it is over.
pub(crate) fn arrive_for_fuzzing(node: &Node, hub: &InputHub, socket: Socket, hello: &Hello) -> Option<Rc<Notify>> {
    let link = Incoming::new(hub.face.name, None);
    let (connection, _) = link.begin(hello).ok()?;
    let wire = Wire::new(socket, Effect::default());
    let met = Met { peer: node.peer(hello, None), hello: hello.clone(), lines: None };
    Some(hub.arrive(node, Arrival::new(&link, connection, wire, met)))
}

/// Sends a few items over the connection of a receiver until it ends.
pub(crate) async fn send_for_fuzzing(hub: &OutputHub, socket: Socket, hello: &Hello) {
    let queue = hub.queue(hello.codec, None);
    hub.adopt(&queue);
    for number in 0..3_u64 {
        let _ = queue.push(&number);
        queue.flush();
    }
    if queue.begin(hello.grants, true).is_ok() {
        let socket = Wire::new(socket, Effect::default());
        let connection = queue.connect(Rc::clone(&socket), hub.node.peer(hello, None));
        write_out(&queue, &socket, connection, Listening::Frames).await;
    }
}

/// Answers a caller.
pub(crate) async fn welcome_for_fuzzing(node: &Node, socket: &Socket, ports: &[PortHub]) {
    let _ = welcome(node, socket, ports, |_, _, _| Ok((LinkEnd::Receives(None), ()))).await;
}
