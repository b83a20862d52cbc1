//! Answering callers: one listener serves all ports that are bound to its address.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};

use super::handshake::{HandshakeError, Met, welcome};
use super::writer::{End, write_out};
use super::{InputHub, Node, OutputHub, PortHub, note};
use crate::transport::{Listener, Socket};

/// Callers that have not said who they are; more wait in the system's queue.
const UNFINISHED_LIMIT: usize = 64;
/// The pause after the system refuses a connection (no descriptors left): trying at once would only heat the room.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections for `ports` until `stop` is notified; the listener is closed then.
pub(crate) async fn serve(node: Rc<Node>, listener: Listener, ports: Vec<PortHub>, stop: Rc<Notify>) {
    let unfinished = Rc::new(Semaphore::new(UNFINISHED_LIMIT));
    let ports: Rc<[PortHub]> = ports.into();
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
                    let met = welcome(&node, &socket, &ports).await;
                    unfinished.add_permits(1);
                    answer(&node, Rc::new(socket), met).await;
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

async fn answer(node: &Rc<Node>, socket: Rc<Socket>, met: Result<(Met, PortHub), HandshakeError>) {
    match met {
        Ok((met, PortHub::Input(hub))) => receive_from(&hub, socket, met),
        Ok((met, PortHub::Output(hub))) => send_to(node, &hub, socket, met).await,
        // Said once: a caller that is refused calls again.
        Err(error @ HandshakeError::Refusing(..)) => node.note_once(error.to_string()),
        // Somebody looked whether we listen, and left.
        Err(HandshakeError::Broken(_) | HandshakeError::Refused(_) | HandshakeError::Silent) => {}
    }
}

fn receive_from(hub: &InputHub, socket: Rc<Socket>, met: Met) {
    drop(hub.arrive(socket, met.peer, met.codec));
}

async fn send_to(node: &Node, hub: &OutputHub, socket: Rc<Socket>, met: Met) {
    let queue = hub.add(met.codec);
    let peer = Rc::clone(&met.peer);
    queue.connect(Rc::clone(&socket), met.peer);
    hub.changed();
    let end = write_out(&queue, &socket).await;
    let lost = queue.pending_records();
    hub.remove(&queue);
    let name = hub.face.name;
    match end {
        _ if lost == 0 && node.stopping.get() => {}
        End::Goodbye if lost == 0 => {}
        End::Goodbye => note(format_args!("{name}: {peer} left; {lost} items for it are dropped")),
        End::Broken(error) => note(format_args!("{name}: {peer} is gone: {error}; {lost} items for it are dropped")),
    }
}
