//! Wishes that change something, fulfilled on the program's thread between its ticks.

use std::rc::Rc;

use tokio::sync::{mpsc, oneshot};

use crate::contract::{AdminReply, AdminRequest, Direction, Endpoint, FaultKind, Role, Transport};
use crate::link::{Calls, Node, PortHub, note};

/// The longest delay; whoever wants more wants a hold.
const LONGEST_DELAY_MS: u64 = 3_600_000;

/// A wish, and who waits for what comes of it.
#[derive(Debug)]
pub(crate) struct Wish {
    /// What is wished.
    pub(super) request: AdminRequest,
    /// Where the answer goes.
    pub(super) reply: oneshot::Sender<AdminReply>,
}

/// What wishes may change.
#[derive(Debug)]
pub(crate) struct Control {
    /// The process.
    pub(crate) node: Rc<Node>,
    /// Its ports.
    pub(crate) ports: Vec<PortHub>,
    /// What it dials.
    pub(crate) calls: Rc<Calls>,
}

/// Fulfils wishes while the program runs.
pub(crate) async fn obey(control: Control, mut wishes: mpsc::UnboundedReceiver<Wish>) {
    while let Some(Wish { request, reply }) = wishes.recv().await {
        let answer = match control.fulfil(request).await {
            Ok(remark) => AdminReply::Done { remark },
            Err(Other::Reply(reply)) => reply,
            Err(Other::Wrong(reason)) => AdminReply::Error { reason },
        };
        // Who asked may have left.
        let _ = reply.send(answer);
    }
}

/// What is answered instead of a remark.
enum Other {
    Reply(AdminReply),
    Wrong(String),
}

impl From<String> for Other {
    fn from(reason: String) -> Self {
        Self::Wrong(reason)
    }
}

impl Control {
    async fn fulfil(&self, request: AdminRequest) -> Result<String, Other> {
        match request {
            AdminRequest::Connect { port, endpoint } => Ok(self.connect(&port, &endpoint)?),
            AdminRequest::Disconnect { port, endpoint, peer } => match (endpoint, peer) {
                (Some(endpoint), None) => Ok(self.disconnect(&port, &endpoint).await?),
                (None, Some(peer)) => Ok(self.dismiss(&port, &peer).await?),
                _ => Err(Other::Wrong("name either an endpoint or a peer".to_owned())),
            },
            AdminRequest::Heal { peer, port } => {
                let count = self.node.faults.heal(peer.as_deref(), port.as_deref());
                self.calls.apply_faults(&self.ports);
                note(format_args!("{count} faults are healed, {} are left", self.node.faults.list().len()));
                Ok(format!("{count} faults are healed"))
            }
            AdminRequest::Faults {} => Err(Other::Reply(AdminReply::Faults { faults: self.node.faults.list() })),
            other => Ok(self.add_fault(&other)?),
        }
    }

    fn port(&self, name: &str) -> Result<&PortHub, String> {
        self.ports.iter().find(|port| port.face().name == name).ok_or_else(|| {
            let names: Vec<_> = self.ports.iter().map(|port| port.face().name).collect();
            format!("there is no port `{name}`; the ports are: {}", names.join(", "))
        })
    }

    fn add_fault(&self, request: &AdminRequest) -> Result<String, String> {
        let Some(fault) = request.fault() else {
            return Err("this is no wish that a program fulfils".to_owned());
        };
        if let Some(port) = &fault.port {
            self.port(port)?;
        }
        match fault.kind {
            FaultKind::Delay { ms } if ms > LONGEST_DELAY_MS => {
                return Err(format!("a delay of {ms} ms is longer than {LONGEST_DELAY_MS} ms; take `hold`"));
            }
            FaultKind::Drop { ratio } if !(0.0..=1.0).contains(&ratio) => {
                return Err(format!("the ratio {ratio} is not between 0 and 1"));
            }
            _ => {}
        }
        // Said aloud: whoever reads the program's lines later must not take it for the real thing.
        let shown = serde_json::to_string(&fault).unwrap_or_default();
        note(format_args!("a fault on purpose: {shown}"));
        self.node.faults.add(fault);
        self.calls.apply_faults(&self.ports);
        Ok("the fault is on until `heal`".to_owned())
    }

    fn connect(&self, port: &str, text: &str) -> Result<String, String> {
        let (port, endpoint) = (self.port(port)?, dialed(text)?);
        if !self.calls.add(port, endpoint) {
            return Err(format!("`{}` dials `{text}` already", port.face().name));
        }
        if port.face().direction == Direction::Input {
            // The program may be on a cycle now.
            self.node.gate.keep_outputs_going();
        }
        Ok(format!("`{}` dials `{text}`", port.face().name))
    }

    async fn disconnect(&self, port: &str, text: &str) -> Result<String, String> {
        let (port, endpoint) = (self.port(port)?, dialed(text)?);
        match self.calls.remove(port, &endpoint).await {
            Some(lost) => Ok(farewell(1, lost)),
            None => Err(format!("`{}` does not dial `{text}`", port.face().name)),
        }
    }

    async fn dismiss(&self, port: &str, peer: &str) -> Result<String, String> {
        let port = self.port(port)?;
        match self.calls.dismiss_peer(port, peer).await {
            (0, _) => Err(format!("`{}` has no peer called `{peer}`", port.face().name)),
            (links, lost) => Ok(farewell(links, lost)),
        }
    }
}

fn farewell(links: usize, lost: u64) -> String {
    format!("{links} links ended; {lost} items were not worked on")
}

/// Reads an endpoint that is to be dialed, whatever the port's direction.
fn dialed(text: &str) -> Result<Endpoint, String> {
    let endpoint = Endpoint::parse(text, Direction::Output).map_err(|error| error.to_string())?;
    match endpoint {
        Endpoint { transport: Transport::Null, .. } => Err("`null` is nowhere".to_owned()),
        Endpoint { role: Role::Listen, .. } => {
            Err(format!("`{text}`: a running program dials; it listens where it was started to"))
        }
        endpoint => Ok(endpoint),
    }
}
