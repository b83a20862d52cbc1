//! Entrances for the fuzzer (`fuzz/`), compiled for it alone: bytes of a stranger meet the code that programs run, over real sockets.
//!
//! Nothing here judges; a crash, a hang or too much memory is what the fuzzer looks for.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use futures::StreamExt as _;
use serde::{Deserialize, Serialize};

use crate::contract::{Codec, Direction, Grant, Hello};
use crate::link::{self, Input, InputHub, MemberId, Node, OutputHub, PortFace, PortHub, ProcessId, WithMember};
use crate::transport::Socket;

/// Items with all that an encoding has: texts, lists, options, variants, numbers.
#[derive(Debug, Serialize, Deserialize)]
enum Item {
    Nothing,
    Number(u64, i8),
    Text(String),
    Nested { items: Vec<Item>, pair: Option<(char, f32)> },
}

/// A sender that was welcomed says `bytes` and hangs up. The first byte chooses the encoding.
pub fn sender(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let codec = if choice % 2 == 0 { Codec::Binary } else { Codec::Json };
    in_a_program(|node| async move {
        let hub = InputHub::new(face(Direction::Input));
        let mut items = Input::<Item, WithMember>::new(Rc::clone(&node), Rc::clone(&hub));
        let Some(socket) = said(bytes) else { return };
        let Some(over) = link::arrive_for_fuzzing(&node, &hub, socket, &hello(codec, true)) else { return };
        loop {
            tokio::select! {
                biased;
                item = items.next() => drop(item),
                () = over.notified() => return,
            }
        }
    });
}

/// A receiver that was welcomed says `bytes` and hangs up, while we send.
pub fn receiver(bytes: &[u8]) {
    in_a_program(|node| async move {
        let hub = OutputHub::new(Rc::clone(&node), face(Direction::Output), false);
        let Some(socket) = said(bytes) else { return };
        link::send_for_fuzzing(&hub, socket, &hello(Codec::Binary, false)).await;
    });
}

/// A caller says `bytes` and hangs up.
pub fn caller(bytes: &[u8]) {
    in_a_program(|node| async move {
        let ports = [
            PortHub::Input(InputHub::new(face(Direction::Input))),
            PortHub::Output(OutputHub::new(Rc::clone(&node), face(Direction::Output), false)),
        ];
        let Some(socket) = said(bytes) else { return };
        link::welcome_for_fuzzing(&node, &socket, &ports).await;
    });
}

fn in_a_program<Run: Future<Output = ()>>(run: impl FnOnce(Rc<Node>) -> Run) {
    thread_local! {
        static RUNTIME: Option<tokio::runtime::Runtime> =
            tokio::runtime::Builder::new_current_thread().enable_all().build().ok();
    }
    let process = ProcessId { service: "fuzzed".to_owned(), member: MemberId(0), epoch: 1 };
    let node = Node::new("local".to_owned(), process, false, 1, None);
    RUNTIME.with(|runtime| {
        if let Some(runtime) = runtime {
            tokio::task::LocalSet::new().block_on(runtime, run(node));
        }
    });
}

/// Returns our end of a connection whose other end said so and hung up.
fn said(bytes: &[u8]) -> Option<Socket> {
    let (ours, mut theirs) = UnixStream::pair().ok()?;
    theirs.set_nonblocking(true).ok()?;
    // More than the system holds on the way is cut off.
    let _ = theirs.write_all(bytes);
    ours.set_nonblocking(true).ok()?;
    Some(Socket::Unix(tokio::net::UnixStream::from_std(ours).ok()?))
}

fn face(direction: Direction) -> PortFace {
    PortFace::new("port", direction, "Item")
}

fn hello(codec: Codec, sends: bool) -> Hello {
    Hello {
        deployment: "local".to_owned(),
        service: "stranger".to_owned(),
        member: 0,
        address: None,
        epoch: 7,
        port: "port".to_owned(),
        peer_port: None,
        sends,
        type_name: "Item".to_owned(),
        fingerprint: crate::contract::fingerprint("Item"),
        codec,
        named: false,
        offers: None,
        grants: (!sends).then_some(Grant { window: 1 << 20, expects: None }),
    }
}
