//! Programs of one process: items go from thread to thread as they are, and everything else is as on any link.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

use futures::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};

use super::{Process, input, local, output, soon};
use crate::contract::Addressing::{Plain, Socket};
use crate::contract::{Fault, FaultKind};
use crate::link::{self, PeerChange};

/// An item that encoding would change: what arrives as it was sent was not encoded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Item {
    number: u64,
    #[serde(skip)]
    left_out: u64,
}

fn item(number: u64) -> Item {
    Item { number, left_out: number }
}

fn receiver(name: &'static str) -> Process {
    let place: &str = Box::leak(format!("queue:{name}").into());
    Process::new(name, vec![input::<Item>("i", Plain)], &[("HYDRO_INPUT_I", place), ("HYDRO_SERVICE", name)])
}

fn sender(to: &str) -> Process {
    let place = format!("queue:{to}/i");
    let variables = [("HYDRO_OUTPUT_O", place.as_str()), ("HYDRO_SERVICE", "sender")];
    Process::new("sender", vec![output::<Item>("o", Plain)], &variables)
}

async fn connected(sender: &Process) {
    while !sender.outputs()[0].has_peer() {
        tokio::task::yield_now().await;
    }
}

#[test]
fn items_go_from_thread_to_thread_in_order_and_as_they_are() {
    const COUNT: u64 = 300_000;
    let reading = std::thread::spawn(|| {
        local(async {
            let mut receiver = receiver("order");
            let inbound = receiver.bindings().input_plain::<Item>("i");
            receiver.start().await;
            soon(inbound.take(COUNT as usize).collect::<Vec<_>>()).await
        })
    });
    local(async {
        let mut sender = sender("order");
        let mut outbound = sender.bindings().output_plain::<Item>("o");
        sender.start().await;
        soon(connected(&sender)).await;
        for number in 0..COUNT {
            outbound.feed(item(number)).await.unwrap();
        }
        outbound.flush().await.unwrap();
        let received = soon(tokio::task::spawn_blocking(|| reading.join().unwrap())).await.unwrap();
        assert!(received.into_iter().eq((0..COUNT).map(item)));
    });
}

#[test]
fn what_comes_before_the_peer_and_what_a_second_peer_gets_too_is_encoded_and_stays_in_order() {
    local(async {
        let mut sender = sender("mixed");
        let mut outbound = sender.bindings().output_plain::<Item>("o");
        sender.start().await;
        outbound.send(item(1)).await.unwrap();
        let mut receiver = receiver("mixed");
        let mut inbound = receiver.bindings().input_plain::<Item>("i");
        receiver.start().await;
        assert_eq!(soon(inbound.next()).await, Some(Item { number: 1, left_out: 0 }));
        outbound.send(item(2)).await.unwrap();
        assert_eq!(soon(inbound.next()).await, Some(item(2)));
    });
}

#[test]
fn items_that_cannot_leave_their_thread_are_encoded() {
    local(async {
        let mut port = input::<Item>("i", Plain);
        port.moves = false;
        let mut receiver = Process::new("stays", vec![port], &[("HYDRO_INPUT_I", "queue:stays")]);
        let mut inbound = receiver.bindings().input_plain::<Item>("i");
        receiver.start().await;
        let mut sender = sender("stays");
        let mut outbound = sender.bindings().output_plain::<Item>("o");
        sender.start().await;
        for number in 1..4 {
            outbound.send(item(number)).await.unwrap();
            assert_eq!(soon(inbound.next()).await, Some(Item { number, left_out: 0 }));
        }
    });
}

#[test]
fn a_program_that_floods_waits_for_the_one_that_reads() {
    local(async {
        let mut receiver = receiver("flood");
        let mut inbound = receiver.bindings().input_plain::<Item>("i");
        receiver.start().await;
        let mut sender = sender("flood");
        let mut outbound = sender.bindings().output_plain::<Item>("o");
        sender.start().await;
        outbound.send(item(0)).await.unwrap();
        assert!(soon(inbound.next()).await.is_some());
        // Without inputs outputs wait in the tick: so many items do not go out before anybody takes some.
        const COUNT: u64 = 2_000_000;
        let writing = tokio::task::spawn_local(async move {
            for number in 1..COUNT {
                outbound.feed(item(number)).await.unwrap();
            }
            outbound.flush().await.unwrap();
            std::future::pending::<()>().await;
        });
        let output = Rc::clone(&sender.outputs()[0]);
        for number in 1..COUNT {
            assert_eq!(soon(inbound.next()).await, Some(item(number)));
            assert!(output.held() <= 2 << 20, "{}", output.held());
        }
        writing.abort();
    });
}

#[test]
fn answers_go_back_to_the_address_that_a_program_advertises() {
    local(async {
        let ports = vec![input::<Item>("i", Socket), output::<Item>("o", Socket)];
        let variables = [
            ("HYDRO_INPUT_I", "queue:back"),
            ("HYDRO_OUTPUT_O", "queue:ask/i"),
            ("HYDRO_ADDRESS", "127.0.0.1:1"),
            ("HYDRO_SERVICE", "back"),
        ];
        let mut server = Process::new("back", ports, &variables);
        let requests = server.bindings().input_socket::<Item>("i");
        let answers = server.bindings().output_socket::<Item>("o");
        server.start().await;
        let ports = vec![input::<Item>("i", Socket), output::<Item>("o", Plain)];
        let variables = [
            ("HYDRO_INPUT_I", "queue:ask"),
            ("HYDRO_OUTPUT_O", "queue:back/i"),
            ("HYDRO_ADDRESS", "127.0.0.1:2"),
            ("HYDRO_SERVICE", "ask"),
        ];
        let mut client = Process::new("ask", ports, &variables);
        let mut inbound = client.bindings().input_socket::<Item>("i");
        let mut outbound = client.bindings().output_plain::<Item>("o");
        client.start().await;
        tokio::task::spawn_local(requests.map(Ok).forward(answers));
        for number in 0..100 {
            outbound.send(item(number)).await.unwrap();
            let (answer, from) = soon(inbound.next()).await.unwrap();
            assert_eq!((answer.number, from), (number, SocketAddr::from(([127, 0, 0, 1], 1))));
        }
        outbound.send(item(7)).await.unwrap();
        assert_eq!(soon(inbound.next()).await.unwrap().0, item(7), "by then both ways know each other");
    });
}

#[test]
fn a_partition_holds_items_back_and_loses_none() {
    local(async {
        let mut receiver = receiver("cut");
        let mut inbound = receiver.bindings().input_plain::<Item>("i");
        receiver.start().await;
        let mut sender = sender("cut");
        let mut outbound = sender.bindings().output_plain::<Item>("o");
        sender.start().await;
        outbound.send(item(0)).await.unwrap();
        assert!(soon(inbound.next()).await.is_some());
        let output = Rc::clone(&sender.outputs()[0]);
        sender.node.faults.add(Fault { kind: FaultKind::Partition, peer: Some("cut".to_owned()), port: None });
        output.apply_faults();
        soon(async {
            while output.has_peer() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        for number in 1..5_000 {
            outbound.feed(item(number)).await.unwrap();
        }
        outbound.flush().await.unwrap();
        sender.node.faults.heal(None, None);
        for number in 1..5_000 {
            assert_eq!(soon(inbound.next()).await, Some(item(number)));
        }
    });
}

#[test]
fn who_leaves_is_told_of_and_everything_before_arrives() {
    local(async {
        let mut receiver = receiver("leave");
        let mut inbound = receiver.bindings().input_plain::<Item>("i");
        link::be(&receiver.node);
        let mut events = crate::peers();
        receiver.start().await;
        let mut sender = sender("leave");
        let mut outbound = sender.bindings().output_plain::<Item>("o");
        sender.start().await;
        let count = Rc::new(Cell::new(0));
        let counting = Rc::clone(&count);
        tokio::task::spawn_local(async move {
            while inbound.next().await.is_some() {
                counting.set(counting.get() + 1);
            }
        });
        soon(connected(&sender)).await;
        for number in 0..5_000 {
            outbound.feed(item(number)).await.unwrap();
        }
        outbound.flush().await.unwrap();
        soon(sender.leave()).await;
        let changes = [soon(events.next()).await.unwrap().change, soon(events.next()).await.unwrap().change];
        assert_eq!((changes, count.get()), ([PeerChange::Joined, PeerChange::Left], 5_000));
    });
}
