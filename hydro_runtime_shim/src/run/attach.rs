//! From bindings to sockets: every port is opened, dialed or both.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::bind::{BindError, Bindings};
use crate::contract::{Endpoint, Role, Transport};
use crate::link::{self, Calls, Copying, Node, PortHub, Served};
use crate::transport::{Inherited, Listener, watch};

/// How often links are asked for memory that they do not need; a second is what they are quiet for then.
const GIVE_BACK_EVERY: Duration = Duration::from_secs(1);

/// A program's open ports.
#[derive(Debug)]
pub(super) struct Attached {
    /// All ports.
    pub(super) ports: Vec<PortHub>,
    /// What still has to be said on standard output at the end.
    pub(super) copying: Vec<Copying>,
    /// What it dials.
    pub(super) calls: Rc<Calls>,
    stops: Vec<Rc<Notify>>,
}

impl Attached {
    /// Closes all listeners; connections stay.
    pub(super) fn stop_accepting(&self) {
        for stop in &self.stops {
            stop.notify_one();
        }
    }
}

/// One address with the ports that are bound to it.
struct Place {
    transport: Transport,
    variable: String,
    ports: Served,
}

/// Opens all listeners, or none, then starts the tasks that answer and call.
///
/// # Errors
/// An address that cannot be listened on.
pub(super) async fn attach(
    node: &Rc<Node>,
    bindings: Bindings,
    mut inherited: Vec<Inherited>,
) -> Result<Attached, BindError> {
    let mut places: Vec<Place> = Vec::new();
    let mut dialed: Vec<(PortHub, Endpoint)> = Vec::new();
    let (mut ports, mut pipes) = (Vec::new(), Vec::new());
    let mut has_input = false;
    for (binding, hub) in bindings.into_ports() {
        has_input |= matches!(hub, PortHub::Input(_)) && !binding.endpoints.is_empty();
        for endpoint in binding.endpoints {
            match endpoint.role {
                _ if endpoint.transport == Transport::Stdio => pipes.push((hub.clone(), binding.port.variable())),
                Role::Dial => dialed.push((hub.clone(), endpoint)),
                Role::Listen => {
                    let is_tls = endpoint.transport.is_tls();
                    let known = places.iter().position(|place| place.transport.shares_listener(&endpoint.transport));
                    let place = known.unwrap_or_else(|| {
                        let (transport, variable) = (endpoint.transport, binding.port.variable());
                        places.push(Place { transport, variable, ports: Served::default() });
                        places.len() - 1
                    });
                    places[place].ports.add(hub.clone(), is_tls);
                }
            }
        }
        ports.push(hub);
    }
    if !has_input {
        node.gate.let_outputs_wait();
    }
    let mut listeners = Vec::new();
    for place in places {
        listeners.push((listen(&place, &mut inherited).await?, place.ports));
    }
    if node.address.get().is_none() {
        node.address.set(listeners.iter().find_map(|(listener, _)| listener.address()));
    }
    let mut stops = Vec::new();
    for (listener, ports) in listeners {
        let stop = Rc::new(Notify::new());
        stops.push(Rc::clone(&stop));
        tokio::task::spawn_local(link::serve(Rc::clone(node), listener, ports, stop));
    }
    let calls = serve_links(node, &ports, dialed);
    let mut copying = Vec::new();
    for (hub, variable) in pipes {
        let attached = link::attach_stdio(node, &hub).map_err(|error| BindError::Listen {
            variable,
            address: "stdio:json".to_owned(),
            reason: error.to_string(),
        })?;
        copying.extend(attached);
    }
    Ok(Attached { ports, copying, calls, stops })
}

/// Starts the tasks beside the ports, and those that call peers.
fn serve_links(node: &Rc<Node>, ports: &[PortHub], dialed: Vec<(PortHub, Endpoint)>) -> Rc<Calls> {
    for port in ports {
        drop(match port {
            PortHub::Input(hub) => tokio::task::spawn_local(link::acknowledge(Rc::clone(node), Rc::clone(hub))),
            PortHub::Output(hub) => tokio::task::spawn_local(link::sweep(Rc::clone(hub))),
        });
    }
    tokio::task::spawn_local(give_back());
    let calls = Calls::new(Rc::clone(node));
    for (hub, endpoint) in dialed {
        calls.add(&hub, endpoint);
    }
    calls
}

/// Gives memory back that quiet links do not need, for ever.
async fn give_back() {
    let mut pulse = tokio::time::interval(GIVE_BACK_EVERY);
    loop {
        pulse.tick().await;
        watch::give_back();
    }
}

async fn listen(place: &Place, inherited: &mut Vec<Inherited>) -> Result<Listener, BindError> {
    Listener::open(&place.transport, inherited).await.map_err(|error| {
        let endpoint = Endpoint::new(Role::Listen, place.transport.clone(), None);
        BindError::Listen {
            variable: place.variable.clone(),
            address: endpoint.to_string().trim_start_matches("listen:").to_owned(),
            reason: error.to_string(),
        }
    })
}
