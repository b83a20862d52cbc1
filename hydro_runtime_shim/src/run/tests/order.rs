//! Items arrive, all of them, in order, whoever is there first.

use futures::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};

use super::{Process, input, link_of, local, output, soon};
use crate::contract::Addressing::Plain;

fn receiver(place: &str) -> Process {
    Process::new("receiver", vec![input::<u64>("inbound", Plain)], &[("HYDRO_INPUT_INBOUND", place)])
}

fn sender(place: &str) -> Process {
    Process::new("sender", vec![output::<u64>("outbound", Plain)], &[("HYDRO_OUTPUT_OUTBOUND", place)])
}

/// Sends many items over the places and checks their order.
async fn pass(listen: &str, dial: impl Fn(&Process) -> String) {
    const COUNT: u64 = 200_000;
    let mut receiver = receiver(listen);
    let inbound = receiver.bindings().input_plain::<u64>("inbound");
    receiver.start().await;
    let mut sender = sender(&dial(&receiver));
    let mut outbound = sender.bindings().output_plain::<u64>("outbound");
    sender.start().await;
    tokio::task::spawn_local(async move {
        for number in 0..COUNT {
            outbound.feed(number).await.expect("never fails");
        }
        outbound.flush().await.expect("never fails");
        std::future::pending::<()>().await;
    });
    let received: Vec<u64> = soon(inbound.take(COUNT as usize).collect()).await;
    assert!(received.iter().copied().eq(0..COUNT));
}

#[test]
fn items_arrive_in_order_over_tcp() {
    local(pass("tcp://127.0.0.1:0", link_of));
}

#[test]
fn items_arrive_in_order_over_ipv6() {
    local(pass("tcp://[::1]:0", link_of));
}

#[test]
fn items_arrive_in_order_over_unix_sockets_and_the_file_goes_away() {
    let path = std::env::temp_dir().join(format!("hydro-shim-{}.sock", std::process::id()));
    // What a killed program leaves behind is replaced.
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a free path"));
    let place = format!("unix:{}", path.display());
    local(pass(&place, |_| place.clone()));
    assert!(!path.exists());
}

#[test]
fn nothing_is_lost_when_the_receiver_starts_late() {
    local(async {
        let reserved = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let place = format!("tcp://{}", reserved.local_addr().expect("an address"));
        drop(reserved);
        let mut sender = sender(&place);
        let mut outbound = sender.bindings().output_plain::<u64>("outbound");
        sender.start().await;
        for number in 0..1000 {
            outbound.send(number).await.expect("never fails");
        }
        let mut receiver = receiver(&place);
        let inbound = receiver.bindings().input_plain::<u64>("inbound");
        receiver.start().await;
        let received: Vec<u64> = soon(inbound.take(1000).collect()).await;
        assert!(received.into_iter().eq(0..1000));
    });
}

#[test]
fn many_senders_are_merged_and_each_keeps_its_order() {
    const SENDERS: u64 = 150;
    const EACH: u64 = 20;
    local(async {
        let mut receiver = receiver("tcp://127.0.0.1:0");
        let inbound = receiver.bindings().input_plain::<u64>("inbound");
        receiver.start().await;
        let mut senders = Vec::new();
        for number in 0..SENDERS {
            let mut sender = sender(&link_of(&receiver));
            let mut outbound = sender.bindings().output_plain::<u64>("outbound");
            sender.start().await;
            for item in 0..EACH {
                outbound.send(number * EACH + item).await.expect("never fails");
            }
            senders.push((sender, outbound));
        }
        let received: Vec<u64> = soon(inbound.take((SENDERS * EACH) as usize).collect()).await;
        for number in 0..SENDERS {
            let own = received.iter().copied().filter(|item| item / EACH == number);
            assert!(own.eq(number * EACH..(number + 1) * EACH));
        }
    });
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Nothing,
    Text(String),
    Bytes { bytes: Vec<u8> },
}

#[test]
fn items_of_any_size_pass_from_none_to_megabytes() {
    local(async {
        let items = vec![
            Shape::Nothing,
            Shape::Text("é".repeat(40_000)),
            Shape::Bytes { bytes: vec![7; 5 << 20] },
            Shape::Text(String::new()),
            Shape::Bytes { bytes: vec![1; 61_440] },
        ];
        let mut receiver =
            Process::new("receiver", vec![input::<Shape>("i", Plain)], &[("HYDRO_INPUT_I", "tcp://127.0.0.1:0")]);
        let inbound = receiver.bindings().input_plain::<Shape>("i");
        receiver.start().await;
        let mut sender =
            Process::new("sender", vec![output::<Shape>("o", Plain)], &[("HYDRO_OUTPUT_O", &link_of(&receiver))]);
        let mut outbound = sender.bindings().output_plain::<Shape>("o");
        sender.start().await;
        // A program without inputs waits when its peer takes nothing, so somebody must.
        let sent = items.clone();
        tokio::task::spawn_local(async move {
            for item in sent {
                outbound.send(item).await.expect("never fails");
            }
            std::future::pending::<()>().await;
        });
        let received: Vec<Shape> = soon(inbound.take(items.len()).collect()).await;
        assert_eq!(received, items);
    });
}

#[test]
fn items_without_any_content_are_counted() {
    local(async {
        let mut receiver =
            Process::new("receiver", vec![input::<()>("i", Plain)], &[("HYDRO_INPUT_I", "tcp://127.0.0.1:0")]);
        let inbound = receiver.bindings().input_plain::<()>("i");
        receiver.start().await;
        let mut sender =
            Process::new("sender", vec![output::<()>("o", Plain)], &[("HYDRO_OUTPUT_O", &link_of(&receiver))]);
        let mut outbound = sender.bindings().output_plain::<()>("o");
        sender.start().await;
        for _ in 0..1000 {
            outbound.feed(()).await.expect("never fails");
        }
        outbound.flush().await.expect("never fails");
        assert_eq!(soon(inbound.take(1000).count()).await, 1000);
    });
}
