//! Answering callers: one listener serves all ports that are bound to its address.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};

use super::handshake::{HELLO_TIME, HandshakeError, Manner, Met, refuse_plain, welcome};
use super::incoming::Incoming;
use super::input_hub::Arrival;
use super::output_hub::KEPT_TIME;
use super::peer::LinkKey;
use super::queue::Queue;
use super::wire::Wire;
use super::writer::{End, Listening, write_out};
use super::{InputHub, LinkEnd, Node, OutputHub, PeerChange, PortHub, note};
use crate::contract::{Grant, Hello};
use crate::protocol::Violation;
use crate::transport::{Listener, Socket};

/// Callers that have not said who they are; more wait in the system's queue.
const UNFINISHED_LIMIT: usize = 64;
/// The pause after the system refuses a connection (no descriptors left): trying at once would only heat the room.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// The ports that one listener serves; a port may be among both.
#[derive(Debug, Default)]
pub(crate) struct Served {
    /// For callers as they come.
    plain: Vec<PortHub>,
    /// For callers that encrypt and prove who they are.
    tls: Vec<PortHub>,
}

impl Served {
    /// Adds a port.
    pub(crate) fn add(&mut self, port: PortHub, is_tls: bool) {
        if is_tls { self.tls.push(port) } else { self.plain.push(port) }
    }
}

/// Accepts connections for `ports` until `stop` is notified; the listener is closed then.
pub(crate) async fn serve(node: Rc<Node>, listener: Listener, ports: Served, stop: Rc<Notify>) {
    let unfinished = Rc::new(Semaphore::new(UNFINISHED_LIMIT));
    let ports = Rc::new(ports);
    let mut stopped = std::pin::pin!(stop.notified());
    loop {
        let next = async {
            // Given back when the handshake is over. The semaphore is never closed, so an error cannot be.
            if let Ok(permit) = unfinished.acquire().await {
                permit.forget();
            }
            listener.accept().await
        };
        let accepted = tokio::select! {
            () = stopped.as_mut() => return,
            accepted = next => accepted,
        };
        match accepted {
            Ok(socket) => {
                let (node, ports, unfinished) = (Rc::clone(&node), Rc::clone(&ports), Rc::clone(&unfinished));
                tokio::task::spawn_local(async move {
                    let heard = tokio::time::timeout(HELLO_TIME, hear(&node, socket, &ports)).await;
                    unfinished.add_permits(1);
                    answer(&node, heard.unwrap_or(Err(HandshakeError::Silent))).await;
                });
            }
            Err(error) => {
                unfinished.add_permits(1);
                // A caller that gave up while it waited is no fault of ours.
                if error.kind() != std::io::ErrorKind::ConnectionAborted {
                    node.note_once(format!("{listener}: cannot accept: {error}"));
                    tokio::time::sleep(REFUSED_PAUSE).await;
                }
            }
        }
    }
}

/// Hears who calls, and welcomes it; one that is refused is told why before this returns.
async fn hear(node: &Node, socket: Socket, ports: &Served) -> Result<(Socket, Met, Prepared), HandshakeError> {
    let socket = settle(node, socket, ports).await?;
    let served = if socket.peer_identity().is_some() { &ports.tls } else { &ports.plain };
    match welcome(node, &socket, served, |hello, port, manner| prepare(&socket, hello, port, manner)).await {
        Ok((met, prepared)) => Ok((socket, met, prepared)),
        Err(error) => {
            socket.part().await;
            Err(error)
        }
    }
}

/// Finds out what kind of connection a caller wants, and makes it.
async fn settle(node: &Node, socket: Socket, ports: &Served) -> Result<Socket, HandshakeError> {
    let Some(credentials) = node.credentials.get().filter(|_| !ports.tls.is_empty()) else {
        return Ok(socket.settled().await?);
    };
    match socket.begins_tls().await? {
        false if ports.plain.is_empty() => {
            let refused = refuse_plain(&socket).await;
            socket.part().await;
            refused
        }
        false => Ok(socket),
        true => {
            let from = socket.peer_address().map_or_else(String::new, |from| format!(" from {}", from.ip()));
            socket.accept_secured(credentials).await.map_err(|error| match HandshakeError::from(error) {
                HandshakeError::Insecure(reason) => {
                    HandshakeError::Insecure(format!("refused a caller{from}: {reason}"))
                }
                error => error,
            })
        }
    }
}

/// A link whose other end has called, before it is welcomed.
enum Prepared {
    /// Items come from the caller.
    From(Rc<InputHub>, Rc<Incoming>, u64),
    /// Items go to it.
    To(Rc<OutputHub>, Rc<Queue>, u64),
}

fn prepare(socket: &Socket, hello: &Hello, port: &PortHub, manner: Manner) -> Result<(LinkEnd, Prepared), Violation> {
    socket.carries(port.face().items);
    match port {
        PortHub::Input(hub) => {
            let link = hub.link_of(hello);
            let (connection, expects) = link.begin(hello)?;
            let grant = link.acknowledges().then(|| Grant { expects, ..link.grant() });
            Ok((LinkEnd::Receives(grant), Prepared::From(Rc::clone(hub), link, connection)))
        }
        PortHub::Output(hub) => {
            if manner == Manner::Lines {
                let queue = hub.queue_of_lines();
                queue.begin(None, false)?;
                return Ok((LinkEnd::Sends(None), Prepared::To(Rc::clone(hub), queue, 0)));
            }
            let key = hello.grants.map(|_| LinkKey::of(hello));
            let known = key.as_ref().and_then(|key| hub.queue_of(key));
            let queue = known.unwrap_or_else(|| hub.queue(hello.codec, key));
            let again = queue.begin(hello.grants, socket.is_exposed())?;
            let offer = hello.grants.map(|_| queue.offer());
            Ok((LinkEnd::Sends(offer), Prepared::To(Rc::clone(hub), queue, again)))
        }
    }
}

async fn answer(node: &Rc<Node>, heard: Result<(Socket, Met, Prepared), HandshakeError>) {
    match heard {
        Ok((socket, met, Prepared::From(hub, link, connection))) => {
            let wire = node.wire(socket, hub.face.name, &met.peer);
            drop(hub.arrive(node, Arrival::new(&link, connection, wire, met)));
        }
        Ok((socket, met, Prepared::To(hub, queue, again))) => {
            hub.adopt(&queue);
            let wire = node.wire(socket, hub.face.name, &met.peer);
            send_to(&hub, &queue, wire, met, again).await;
        }
        // Said once: a caller that is refused calls again.
        Err(error @ (HandshakeError::Refusing(..) | HandshakeError::Insecure(_))) => node.note_once(error.to_string()),
        // Somebody looked whether we listen, and left.
        Err(HandshakeError::Broken(_) | HandshakeError::Refused(_) | HandshakeError::Silent) => {}
    }
}

async fn send_to(hub: &OutputHub, queue: &Rc<Queue>, socket: Rc<Wire>, met: Met, again: u64) {
    let Met { peer, hello, lines } = met;
    hub.tell_again(queue, &peer, again);
    let connection = queue.connect(Rc::clone(&socket), Rc::clone(&peer));
    hub.changed();
    let end = write_out(queue, &socket, connection, Listening::of(&hello, lines.is_some())).await;
    let (node, name) = (&hub.node, hub.face.name);
    match end {
        End::Replaced => {}
        _ if queue.dismissed.get() => {}
        // It may come back; the hub waits a while for it.
        End::Broken(_) | End::Silent if queue.key.is_some() && !node.stopping.get() => {
            queue.disconnect();
            hub.changed();
            node.events.tell(name, &peer, PeerChange::Suspected);
            note(format_args!("{name}: {peer} {end}; what it has not worked on is kept for {} s", KEPT_TIME.as_secs()));
        }
        End::Goodbye(_) | End::Broken(_) | End::Silent => {
            let lost = queue.pending_records();
            hub.remove(queue);
            node.events.tell(name, &peer, PeerChange::Left);
            if lost > 0 {
                note(format_args!("{name}: {peer} {end}; {lost} items for it are dropped"));
            }
        }
    }
}
