//! The endpoints that a program dials: those it starts with, and those that are added and taken away while it runs.
//!
//! Knows nothing of who asks for that.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::AbortHandle;

use super::dial::{dial_input, dial_output};
use super::incoming::Incoming;
use super::queue::Queue;
use super::{InputHub, Node, OutputHub, PeerChange, PortHub};
use crate::contract::Endpoint;

/// What a peer that we take leave of may take to work on what it was sent.
const LAST_WORDS_TIME: Duration = Duration::from_secs(2);

/// The dialed endpoints of a process.
#[derive(Debug)]
pub(crate) struct Calls {
    node: Rc<Node>,
    list: RefCell<Vec<Call>>,
}

#[derive(Debug)]
struct Call {
    endpoint: Endpoint,
    link: Link,
    task: AbortHandle,
}

#[derive(Clone, Debug)]
enum Link {
    To(Rc<OutputHub>, Rc<Queue>),
    From(Rc<InputHub>, Rc<Incoming>),
}

impl Link {
    fn port(&self) -> &'static str {
        match self {
            Self::To(hub, _) => hub.face.name,
            Self::From(hub, _) => hub.face.name,
        }
    }
}

impl Calls {
    /// Creates the list of a process that dials nobody yet.
    pub(crate) fn new(node: Rc<Node>) -> Rc<Self> {
        Rc::new(Self { node, list: RefCell::default() })
    }

    /// Begins to dial. False: the port dials that endpoint already.
    pub(crate) fn add(&self, port: &PortHub, endpoint: Endpoint) -> bool {
        if self.list.borrow().iter().any(|call| call.link.port() == port.face().name && call.endpoint == endpoint) {
            return false;
        }
        let (node, shown) = (Rc::clone(&self.node), endpoint.to_string().trim_start_matches("dial:").to_owned());
        let (link, task) = match port {
            PortHub::Output(hub) => {
                let queue = hub.queue(endpoint.codec, None);
                queue.meter.dials(shown);
                hub.adopt(&queue);
                let task = dial_output(node, Rc::clone(hub), Rc::clone(&queue), endpoint.clone());
                (Link::To(Rc::clone(hub), queue), tokio::task::spawn_local(task))
            }
            PortHub::Input(hub) => {
                let link = Incoming::new(hub.face.name, None);
                link.meter.dials(shown);
                self.node.meters.show(&link.meter);
                let task = dial_input(node, Rc::clone(hub), Rc::clone(&link), endpoint.clone());
                (Link::From(Rc::clone(hub), link), tokio::task::spawn_local(task))
            }
        };
        self.list.borrow_mut().push(Call { endpoint, link, task: task.abort_handle() });
        true
    }

    /// Dials the endpoint no longer and takes leave of its peer. Returns how many items the peer did not work on; none: it is not dialed.
    pub(crate) async fn remove(&self, port: &PortHub, endpoint: &Endpoint) -> Option<u64> {
        let fits = |call: &Call| call.link.port() == port.face().name && call.endpoint == *endpoint;
        let position = self.list.borrow().iter().position(fits)?;
        let call = self.list.borrow_mut().remove(position);
        Some(self.end(call).await)
    }

    async fn end(&self, Call { link, task, .. }: Call) -> u64 {
        let lost = self.dismiss(&link).await;
        task.abort();
        self.node.meters.hide(match &link {
            Link::To(_, queue) => &queue.meter,
            Link::From(_, link) => &link.meter,
        });
        lost
    }

    /// Takes leave of all peers of that name at the port. Returns how many links ended, and how many items were not worked on.
    pub(crate) async fn dismiss_peer(&self, port: &PortHub, name: &str) -> (usize, u64) {
        let links: Vec<Link> = match port {
            PortHub::Output(hub) => {
                hub.queues_of(name).into_iter().map(|queue| Link::To(Rc::clone(hub), queue)).collect()
            }
            PortHub::Input(hub) => {
                hub.links_of(name).into_iter().map(|link| Link::From(Rc::clone(hub), link)).collect()
            }
        };
        let mut lost = 0;
        for link in &links {
            let is_it = |call: &Call| match (&call.link, link) {
                (Link::To(_, one), Link::To(_, other)) => Rc::ptr_eq(one, other),
                (Link::From(_, one), Link::From(_, other)) => Rc::ptr_eq(one, other),
                _ => false,
            };
            let position = self.list.borrow().iter().position(is_it);
            let call = position.map(|position| self.list.borrow_mut().remove(position));
            lost += match call {
                Some(call) => self.end(call).await,
                None => self.dismiss(link).await,
            };
        }
        (links.len(), lost)
    }

    async fn dismiss(&self, link: &Link) -> u64 {
        match link {
            Link::To(hub, queue) => {
                queue.dismissed.set(true);
                hub.remove(queue);
                queue.push_goodbye("disconnected");
                let _ = tokio::time::timeout(LAST_WORDS_TIME, queue.drained()).await;
                let lost = queue.pending_records();
                queue.disconnect();
                if let Some(peer) = queue.peer() {
                    self.node.events.tell(hub.face.name, &peer, PeerChange::Left);
                }
                lost
            }
            Link::From(hub, link) => {
                link.dismiss();
                hub.look_at(link);
                0
            }
        }
    }

    /// Makes the faults of the process do what they say to the connections of its ports.
    pub(crate) fn apply_faults(&self, ports: &[PortHub]) {
        for port in ports {
            match port {
                PortHub::Output(hub) => hub.apply_faults(),
                PortHub::Input(hub) => hub.apply_faults(&self.node),
            }
        }
    }
}
