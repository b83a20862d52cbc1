//! What happens to peers, told to the program: who joined, fell silent, came back, was restarted, left.
//!
//! Knows no connections; whoever makes and loses them tells. Read [`PeerEvent`] first.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

use futures::Stream;

use super::peer::Peer;
use super::{MemberId, Node};

/// Something that happened to a peer of one port. A peer that is linked to several ports is told of at each.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PeerEvent {
    /// The own port, as the module's header names it.
    pub port: &'static str,
    /// The peer's service.
    pub service: String,
    /// The peer's number in its service.
    pub member: MemberId,
    /// The peer's address, as items show it.
    pub address: SocketAddr,
    /// What happened.
    pub change: PeerChange,
}

/// What can happen to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PeerChange {
    /// Its first connection.
    Joined,
    /// Its connection broke, or nothing was heard of it for 3 s. It may be dead, or cut off, or busy: nobody can tell.
    Suspected,
    /// It is heard again, and is the same process as before: no item is missing.
    Returned,
    /// Another start of it took its place; what the last one had in memory is gone.
    Restarted,
    /// It said goodbye, or did not come back for so long that nothing is kept for it any more.
    Left,
}

/// Events for whoever wants them. They are kept from the start, since the dataflow asks later.
#[derive(Debug, Default)]
pub(crate) struct PeerEvents {
    listeners: RefCell<Vec<Weak<RefCell<Waiting>>>>,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<PeerEvent>,
    waker: Option<Waker>,
}

impl PeerEvents {
    /// Tells all listeners.
    pub(super) fn tell(&self, port: &'static str, peer: &Peer, change: PeerChange) {
        let mut listeners = self.listeners.borrow_mut();
        listeners.retain(|listener| listener.strong_count() > 0);
        for listener in listeners.iter().filter_map(Weak::upgrade) {
            let mut waiting = listener.borrow_mut();
            waiting.events.push_back(PeerEvent {
                port,
                service: peer.process.service.clone(),
                member: peer.process.member,
                address: peer.address,
                change,
            });
            if let Some(waker) = waiting.waker.take() {
                waker.wake();
            }
        }
    }

    fn listen(&self) -> Listener {
        let waiting = Rc::default();
        self.listeners.borrow_mut().push(Rc::downgrade(&waiting));
        Listener(waiting)
    }
}

/// The events of one listener. It never ends.
#[derive(Debug)]
struct Listener(Rc<RefCell<Waiting>>);

impl Stream for Listener {
    type Item = PeerEvent;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<PeerEvent>> {
        let mut waiting = self.0.borrow_mut();
        match waiting.events.pop_front() {
            Some(event) => Poll::Ready(Some(event)),
            None => {
                waiting.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

thread_local! {
    static OWN: RefCell<Option<Rc<Node>>> = const { RefCell::new(None) };
}

/// Makes `node` the process that the functions of this thread's program speak of.
pub(crate) fn be(node: &Rc<Node>) {
    OWN.set(Some(Rc::clone(node)));
}

/// Returns what happens to the peers of this program, from its start on: `source_stream(peers())` in a module's body. Each call has all events.
/// Outside of a running program nothing ever happens.
pub fn peers() -> impl Stream<Item = PeerEvent> + Unpin + 'static {
    OWN.with_borrow(|own| own.as_ref().map_or_else(|| Listener(Rc::default()), |node| node.events.listen()))
}

/// Who a program is among its peers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ThisProcess {
    /// Its deployment.
    pub deployment: String,
    /// Its service.
    pub service: String,
    /// Its number in the service, from 0.
    pub member: MemberId,
    /// How many members the service has.
    pub members: u32,
    /// The address that its peers see in items. None: nobody told it, and it has no listener yet.
    pub address: Option<SocketAddr>,
}

/// Returns who this program is. None outside of a running program.
#[must_use]
pub fn this_process() -> Option<ThisProcess> {
    OWN.with_borrow(|own| {
        own.as_ref().map(|node| ThisProcess {
            deployment: node.deployment.clone(),
            service: node.process.service.clone(),
            member: node.process.member,
            members: node.members,
            address: node.address.get(),
        })
    })
}
