//! A program's ports without its dataflow: the tests read streams and fill sinks themselves.

use std::any::{TypeId, type_name};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use futures::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use super::super::attach::{Attached, attach};
use crate::bind::{Bindings, Configuration, Environment, Port, Program};
use crate::contract::{
    Addressing, Answer, Codec, Direction, Hello, PREAMBLE_BYTES, fingerprint, parse_preamble, preamble,
};
use crate::link::{self, MemberId, Node, OutputHub, PortHub, ProcessId};

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// Describes an input.
pub(crate) fn input<T: 'static>(name: &'static str, addressing: Addressing) -> Port {
    port::<T>(name, Direction::Input, addressing)
}

/// Describes an output.
pub(crate) fn output<T: 'static>(name: &'static str, addressing: Addressing) -> Port {
    port::<T>(name, Direction::Output, addressing)
}

fn port<T: 'static>(name: &'static str, direction: Direction, addressing: Addressing) -> Port {
    Port {
        name,
        direction,
        addressing,
        type_text: "T",
        doc: "",
        line: 1,
        type_name: type_name::<T>,
        type_id: TypeId::of::<T>,
        moves: true,
    }
}

/// Runs a test on one thread, with a limit.
pub(crate) fn local<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    LocalSet::new().block_on(&runtime, async { soon(test).await })
}

/// Waits for what must happen soon.
pub(crate) async fn soon<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, event).await.expect("it happens in time")
}

/// One process.
pub(crate) struct Process {
    /// Its identity.
    pub(crate) node: Rc<Node>,
    /// Its ports, until it is started.
    pub(crate) bindings: Option<Bindings>,
    attached: Option<Attached>,
}

impl Process {
    /// Prepares a process of these ports and variables.
    pub(crate) fn new(name: &'static str, ports: Vec<Port>, variables: &[(&str, &str)]) -> Self {
        let program: &'static Program =
            Box::leak(Box::new(Program { name, source: "test", doc: "", ports: Vec::leak(ports), params: &[] }));
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let environment = Environment { arguments: Vec::new(), variables };
        let mut configuration =
            Configuration::read(program, &environment, Default::default()).expect("a right environment");
        let process = ProcessId {
            service: configuration.service.clone(),
            member: MemberId(configuration.member),
            epoch: std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), name),
        };
        let node = Node::new(
            configuration.deployment.clone(),
            process,
            configuration.named,
            configuration.members,
            configuration.address,
        );
        if let Some(credentials) = configuration.credentials.take() {
            node.credentials.set(credentials).expect("a new node");
        }
        let bindings = Some(Bindings::new(program, Rc::clone(&node), configuration));
        Self { node, bindings, attached: None }
    }

    /// Returns its ports.
    pub(crate) fn bindings(&mut self) -> &mut Bindings {
        self.bindings.as_mut().expect("not started yet")
    }

    /// Opens its sockets.
    pub(crate) async fn start(&mut self) {
        let bindings = self.bindings.take().expect("started once");
        self.attached = Some(attach(&self.node, bindings, Vec::new()).await.expect("free addresses"));
    }

    /// Returns its first listener's address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.node.address.get().expect("it listens")
    }

    /// Returns its outputs.
    pub(crate) fn outputs(&self) -> Vec<Rc<OutputHub>> {
        let ports = self.attached.iter().flat_map(|attached| &attached.ports);
        ports.filter_map(|port| if let PortHub::Output(hub) = port { Some(Rc::clone(hub)) } else { None }).collect()
    }

    /// Stops listening and nothing else, as if it were killed; its connections break when its streams are dropped.
    pub(crate) fn break_off(&self) {
        self.attached.as_ref().expect("started").stop_accepting();
    }

    /// Leaves in order.
    pub(crate) async fn leave(&self) {
        let attached = self.attached.as_ref().expect("started");
        attached.stop_accepting();
        link::leave(&self.node, &attached.ports, Duration::from_secs(5)).await;
    }
}

/// Starts a process whose input `i` listens there.
pub(crate) async fn receiver_at(place: &str) -> (Process, impl Stream<Item = u64> + Unpin + 'static + use<>) {
    let mut receiver =
        Process::new("receiver", vec![input::<u64>("i", Addressing::Plain)], &[("HYDRO_INPUT_I", place)]);
    let inbound = receiver.bindings().input_plain::<u64>("i");
    receiver.start().await;
    (receiver, inbound)
}

/// Starts it anew, at its old address, as soon as the one before is off it.
pub(crate) async fn restarted(before: &Process) -> (Process, impl Stream<Item = u64> + Unpin + 'static + use<>) {
    loop {
        // The listener's task needs a turn to close its socket.
        tokio::task::yield_now().await;
        if std::net::TcpListener::bind(before.address()).is_ok() {
            return receiver_at(&link_of(before)).await;
        }
    }
}

/// Returns the variable's value that dials the process.
pub(crate) fn link_of(process: &Process) -> String {
    format!("tcp://{}", process.address())
}

/// Returns a hello as a program of another language would say it.
pub(crate) fn raw_hello<T>(sends: bool, codec: Codec) -> Hello {
    Hello {
        deployment: "local".to_owned(),
        service: "raw".to_owned(),
        member: 0,
        address: None,
        epoch: 7,
        port: "raw".to_owned(),
        peer_port: None,
        sends,
        type_name: type_name::<T>().to_owned(),
        fingerprint: fingerprint(type_name::<T>()),
        codec,
        named: false,
        offers: None,
        grants: None,
    }
}

/// Says the hello and reads the answer.
pub(crate) async fn read_answer(socket: &mut TcpStream, hello: &Hello) -> io::Result<Answer> {
    let json = serde_json::to_vec(hello)?;
    socket.write_all(&preamble(json.len())).await?;
    socket.write_all(&json).await?;
    let mut head = [0; PREAMBLE_BYTES];
    socket.read_exact(&mut head).await?;
    let (_, length) = parse_preamble(head).expect("a preamble");
    let mut json = vec![0; length];
    socket.read_exact(&mut json).await?;
    Ok(serde_json::from_slice(&json)?)
}
