//! Calling peers: again and again until they answer, and again after a connection breaks, so that the order of starting does not matter.

use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::handshake::{HandshakeError, Met, introduce};
use super::writer::{End, write_out};
use super::{InputHub, Node, OutputHub, PortFace, note};
use crate::contract::{Codec, Endpoint, RejectCode};
use crate::transport::{self, Socket};

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A peer that refuses us for what it is will do so again; only a restart of one of us helps.
const REFUSED_PAUSE: Duration = Duration::from_secs(5);
/// After this time the user is told what the program waits for.
const PATIENCE: Duration = Duration::from_secs(3);

/// Keeps an input connected to the endpoint.
pub(crate) async fn dial_input(node: Rc<Node>, hub: Rc<InputHub>, endpoint: Endpoint) {
    loop {
        let (socket, met) = call(&node, &hub.face, &endpoint).await;
        let closed = hub.arrive(Rc::new(socket), met.peer, met.codec);
        closed.notified().await;
        if node.stopping.get() {
            return;
        }
        tokio::time::sleep(FIRST_PAUSE).await;
    }
}

/// Keeps an output connected to the endpoint. Its queue is there at once, so that nothing is lost before the peer is.
pub(crate) fn dial_output(node: Rc<Node>, hub: Rc<OutputHub>, endpoint: Endpoint) -> impl Future<Output = ()> {
    let queue = hub.add(Codec::Binary);
    async move {
        loop {
            let (socket, met) = call(&node, &hub.face, &endpoint).await;
            let (socket, peer) = (Rc::new(socket), met.peer);
            queue.connect(Rc::clone(&socket), Rc::clone(&peer));
            hub.changed();
            let end = write_out(&queue, &socket).await;
            queue.disconnect();
            hub.changed();
            if node.stopping.get() {
                return;
            }
            if let End::Broken(error) = end {
                let name = hub.face.name;
                note(format_args!(
                    "{name}: {peer} is gone: {error}; the last items sent to it may be lost, dialing again"
                ));
            }
            tokio::time::sleep(FIRST_PAUSE).await;
        }
    }
}

/// Calls until a link is made.
async fn call(node: &Node, face: &PortFace, endpoint: &Endpoint) -> (Socket, Met) {
    let mut pause = FIRST_PAUSE;
    let started = Instant::now();
    let mut told = false;
    loop {
        let attempt = attempt(node, face, endpoint).await;
        let error = match attempt {
            Ok(link) => return link,
            Err(error) => error,
        };
        let wait = match &error {
            HandshakeError::Refused(reject) if is_lasting(reject.code) => {
                node.note_once(format!("{}: {endpoint}: {error}", face.name));
                REFUSED_PAUSE
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

async fn attempt(node: &Node, face: &PortFace, endpoint: &Endpoint) -> Result<(Socket, Met), HandshakeError> {
    let socket = transport::connect(&endpoint.transport).await?;
    let met = introduce(node, &socket, face, endpoint.peer_port.as_deref()).await?;
    Ok((socket, met))
}

fn is_lasting(code: RejectCode) -> bool {
    match code {
        RejectCode::Version | RejectCode::Deployment | RejectCode::Port | RejectCode::Type | RejectCode::Malformed => {
            true
        }
        RejectCode::Stopping => false,
    }
}

/// Returns a factor between 0.75 and 1.25, so that many dialers of one peer do not call in step.
fn jitter() -> f64 {
    let random = RandomState::new().hash_one(0) % 512;
    0.75 + random as f64 / 1024.0
}
