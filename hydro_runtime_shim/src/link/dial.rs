//! Calling peers: again and again until they answer, and again after a connection breaks, so that the order of starting does not matter.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::handshake::{ANSWER_TIME, HandshakeError, Met, introduce};
use super::incoming::Incoming;
use super::input_hub::Arrival;
use super::peer::Peer;
use super::queue::Queue;
use super::writer::{End, Listening, write_out};
use super::{InputHub, LinkEnd, Node, OutputHub, PeerChange, PortFace, note};
use crate::contract::{Endpoint, Hello, RejectCode, Transport};
use crate::transport::{self, Dialed, Socket};

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A machine that does not answer a call within this time is called again: it may be reachable again long before the system tries.
const CONNECT_TIME: Duration = Duration::from_secs(2);
/// A peer that refuses us for what it is will do so again; only a restart of one of us helps.
const REFUSED_PAUSE: Duration = Duration::from_secs(5);
/// After this time the user is told what the program waits for.
const PATIENCE: Duration = Duration::from_secs(3);

/// Keeps an input connected to the endpoint.
pub(super) async fn dial_input(node: Rc<Node>, hub: Rc<InputHub>, link: Rc<Incoming>, endpoint: Endpoint) {
    loop {
        let hello =
            || node.hello(&hub.face, endpoint.peer_port.clone(), endpoint.codec, LinkEnd::Receives(Some(link.grant())));
        let (socket, met) = call(&node, &hub.face, &endpoint, link.peer(), hello).await;
        match link.begin(&met.hello) {
            Ok((connection, _)) => {
                let wire = node.wire(socket, hub.face.name, &met.peer);
                let closed = hub.arrive(&node, Arrival::new(&link, connection, wire, met));
                closed.notified().await;
            }
            Err(violation) => {
                node.note_once(format!("{}: {}: {violation}", hub.face.name, met.peer));
                tokio::time::sleep(REFUSED_PAUSE).await;
            }
        }
        if node.stopping.get() {
            return;
        }
        tokio::time::sleep(FIRST_PAUSE).await;
    }
}

/// Keeps an output connected to the endpoint. Its queue is there already, so that nothing is lost before the peer is.
pub(super) async fn dial_output(node: Rc<Node>, hub: Rc<OutputHub>, queue: Rc<Queue>, endpoint: Endpoint) {
    loop {
        let hello =
            || node.hello(&hub.face, endpoint.peer_port.clone(), endpoint.codec, LinkEnd::Sends(Some(queue.offer())));
        let (socket, Met { peer, hello, .. }) = call(&node, &hub.face, &endpoint, queue.peer(), hello).await;
        let again = match queue.begin(hello.grants, socket.is_exposed()) {
            Ok(again) => again,
            Err(violation) => {
                node.note_once(format!("{}: {peer}: {violation}", hub.face.name));
                tokio::time::sleep(REFUSED_PAUSE).await;
                continue;
            }
        };
        hub.tell_again(&queue, &peer, again);
        let socket = node.wire(socket, hub.face.name, &peer);
        let connection = queue.connect(Rc::clone(&socket), Rc::clone(&peer));
        hub.changed();
        let end = write_out(&queue, &socket, connection, Listening::of(&hello, false)).await;
        drop(socket);
        queue.disconnect();
        queue.left.set(matches!(end, End::Goodbye(_)));
        hub.changed();
        if node.stopping.get() || queue.dismissed.get() {
            return;
        }
        let change = if matches!(end, End::Goodbye(_)) { PeerChange::Left } else { PeerChange::Suspected };
        node.events.tell(hub.face.name, &peer, change);
        if change == PeerChange::Suspected {
            let kept = if hello.grants.is_some() { "" } else { "; the last items sent to it may be lost" };
            note(format_args!("{}: {peer} {end}{kept}; dialing again", hub.face.name));
        }
        tokio::time::sleep(FIRST_PAUSE).await;
    }
}

/// Calls until a link is made. `known` is who was there last.
async fn call(
    node: &Node,
    face: &PortFace,
    endpoint: &Endpoint,
    mut known: Option<Rc<Peer>>,
    hello: impl Fn() -> Hello,
) -> (Socket, Met) {
    let mut pause = FIRST_PAUSE;
    let started = Instant::now();
    let mut told = false;
    loop {
        let attempt = attempt(node, face, endpoint, &mut known, &hello()).await;
        let error = match attempt {
            Ok(link) => return link,
            Err(error) => error,
        };
        let wait = match &error {
            HandshakeError::Refused(reject) | HandshakeError::Refusing(reject, _) if is_lasting(reject.code) => {
                node.note_once(format!("{}: {endpoint}: {error}", face.name));
                REFUSED_PAUSE
            }
            // Another certificate may lie in the file soon.
            HandshakeError::Insecure(_) => {
                node.note_once(format!("{}: {endpoint}: {error}", face.name));
                LONGEST_PAUSE
            }
            HandshakeError::Refused(_) => {
                node.note_once(format!("{}: {endpoint}: {error}", face.name));
                LONGEST_PAUSE
            }
            _ => {
                if !told && started.elapsed() >= PATIENCE {
                    told = true;
                    note(format_args!("{}: waiting for {endpoint}: {error}", face.name));
                }
                pause
            }
        };
        tokio::time::sleep(wait.mul_f64(jitter())).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn attempt(
    node: &Node,
    face: &PortFace,
    endpoint: &Endpoint,
    known: &mut Option<Rc<Peer>>,
    hello: &Hello,
) -> Result<(Socket, Met), HandshakeError> {
    let timed_out = |_| io::Error::from(io::ErrorKind::TimedOut);
    let admitted = node.faults.admit(face.name, known.as_ref().map(|peer| &peer.process));
    tokio::time::timeout(CONNECT_TIME, admitted).await.map_err(timed_out)??;
    let connect = tokio::time::timeout(CONNECT_TIME, transport::connect(&endpoint.transport));
    let Dialed { socket, remark } = connect.await.map_err(timed_out)??;
    remark.into_iter().for_each(|remark| node.note_once(format!("{}: {endpoint}: {remark}", face.name)));
    let socket = match &endpoint.transport {
        Transport::Tls { .. } => {
            let secured = tokio::time::timeout(ANSWER_TIME, socket.secured(node.credentials.get())).await;
            secured.map_err(|_| HandshakeError::Silent)??
        }
        _ => socket,
    };
    socket.carries(face.items);
    let met = introduce(node, &socket, face, hello).await?;
    // Only now it is sure who that is.
    let peer = known.insert(Rc::clone(&met.peer));
    let admitted = node.faults.admit(face.name, Some(&peer.process));
    tokio::time::timeout(CONNECT_TIME, admitted).await.map_err(timed_out)??;
    Ok((socket, met))
}

fn is_lasting(code: RejectCode) -> bool {
    match code {
        RejectCode::Version
        | RejectCode::Deployment
        | RejectCode::Port
        | RejectCode::Type
        | RejectCode::Identity
        | RejectCode::Malformed => true,
        RejectCode::Stopping | RejectCode::Superseded => false,
    }
}

/// Returns a factor between 0.75 and 1.25, so that many dialers of one peer do not call in step.
fn jitter() -> f64 {
    let random = RandomState::new().hash_one(0) % 512;
    0.75 + random as f64 / 1024.0
}
