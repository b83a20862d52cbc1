//! Items over TLS: all of them, in order, whatever happens to the connection, and nothing of them in plain.

use std::cell::RefCell;
use std::rc::Rc;

use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::super::breaking::cutting_proxy;
use super::super::{Process, input, local, output, soon};
use super::{ANY, Authority, Validity, link_of};
use crate::contract::Addressing::Plain;

/// Starts a receiver of texts.
async fn receiver(authority: &Authority) -> (Process, impl futures::Stream<Item = String> + Unpin + use<>) {
    let files = authority.member("spiffe://local/receiver/0", Validity::Now);
    let mut receiver = files.process("receiver", vec![input::<String>("i", Plain)], &[("HYDRO_INPUT_I", ANY)]);
    let inbound = receiver.bindings().input_plain::<String>("i");
    receiver.start().await;
    (receiver, inbound)
}

/// Starts a sender of texts.
async fn sender(
    authority: &Authority,
    place: &str,
) -> (Process, impl futures::Sink<String, Error = std::convert::Infallible> + Unpin + use<>) {
    let files = authority.member("spiffe://local/sender/0", Validity::Now);
    let mut sender = files.process("sender", vec![output::<String>("o", Plain)], &[("HYDRO_OUTPUT_O", place)]);
    let outbound = sender.bindings().output_plain::<String>("o");
    sender.start().await;
    (sender, outbound)
}

/// Passes bytes on and keeps a copy of all, both ways.
pub(super) async fn recording_proxy(to: std::net::SocketAddr) -> (String, Rc<RefCell<Vec<u8>>>, Rc<RefCell<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let place = format!("tls://{}", listener.local_addr().expect("an address"));
    let (called, answered) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(Vec::new())));
    let records = (Rc::clone(&called), Rc::clone(&answered));
    tokio::task::spawn_local(async move {
        while let Ok((near, _)) = listener.accept().await {
            let Ok(far) = TcpStream::connect(to).await else { return };
            let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
            tokio::task::spawn_local(copy(near_in, far_out, Rc::clone(&records.0)));
            tokio::task::spawn_local(copy(far_in, near_out, Rc::clone(&records.1)));
        }
    });
    (place, called, answered)
}

async fn copy(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin, record: Rc<RefCell<Vec<u8>>>) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        record.borrow_mut().extend_from_slice(&bytes[..count]);
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}

fn holds(record: &Rc<RefCell<Vec<u8>>>, text: &str) -> bool {
    record.borrow().windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn items_small_and_large_arrive_in_order_and_nothing_of_them_is_seen_on_the_way() {
    const SECRET: &str = "the secret item";
    local(async {
        let authority = Authority::new();
        let (receiver, mut inbound) = receiver(&authority).await;
        let (place, called, answered) = recording_proxy(receiver.address()).await;
        let (_sender, mut outbound) = sender(&authority, &place).await;
        let items: Vec<String> = [1, 3, 1000, 5 << 20, 2, 64 << 10, 3 << 20, 1]
            .iter()
            .map(|&count: &usize| SECRET.repeat(count / SECRET.len() + 1))
            .collect();
        // A program without inputs waits when its peer takes nothing, so somebody must.
        let sent = items.clone();
        tokio::task::spawn_local(async move {
            for item in sent {
                outbound.send(item).await.expect("never fails");
            }
            std::future::pending::<()>().await;
        });
        for item in &items {
            assert!(soon(inbound.next()).await.as_deref() == Some(item));
        }
        assert!(called.borrow().len() > 8 << 20, "what was recorded is this link");
        for plain in [SECRET, "HYDR", "sender", "receiver", "String", "deployment"] {
            assert!(!holds(&called, plain) && !holds(&answered, plain), "{plain}");
        }
    });
}

#[test]
fn every_item_arrives_once_and_in_order_however_often_the_connection_breaks() {
    const COUNT: usize = 20_000;
    local(async {
        let authority = Authority::new();
        let (receiver, inbound) = receiver(&authority).await;
        // Each connection's first kilobytes are its handshake: some break within it.
        let lives = (0..40).map(|index| 300 + index * index * 37 % 30_000).collect();
        let place = cutting_proxy(receiver.address(), lives).await.replace("tcp:", "tls:");
        let (_sender, mut outbound) = sender(&authority, &place).await;
        tokio::task::spawn_local(async move {
            for number in 0..COUNT {
                outbound.feed(number.to_string()).await.expect("never fails");
                if number % 100 == 0 {
                    outbound.flush().await.expect("never fails");
                    tokio::task::yield_now().await;
                }
            }
            outbound.flush().await.expect("never fails");
            std::future::pending::<()>().await;
        });
        let received: Vec<String> = soon(inbound.take(COUNT).collect()).await;
        assert!(received.into_iter().eq((0..COUNT).map(|number| number.to_string())));
    });
}

#[test]
fn two_programs_that_flood_each_other_both_get_everything() {
    const KIB: usize = 1 << 10;
    // More than the gate lets wait (8 MiB) and the sockets take, before either reads.
    const ITEMS: usize = 40 * KIB;
    local(async {
        let authority = Authority::new();
        let reserved =
            std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
        let own = format!("tls://{reserved}");
        let ports = || vec![input::<String>("i", Plain), output::<String>("o", Plain)];
        let make = |name: &'static str, inbound: &str, outbound: &str| {
            let files = authority.member(&format!("spiffe://local/{name}/0"), Validity::Now);
            files.process(name, ports(), &[("HYDRO_INPUT_I", inbound), ("HYDRO_OUTPUT_O", outbound)])
        };
        let mut first = make("first", ANY, &own);
        let first_ends = (first.bindings().input_plain::<String>("i"), first.bindings().output_plain::<String>("o"));
        first.start().await;
        let mut second = make("second", &own, &link_of(&first));
        let second_ends = (second.bindings().input_plain::<String>("i"), second.bindings().output_plain::<String>("o"));
        second.start().await;
        let ends = [
            (first_ends.0.left_stream(), first_ends.1.left_sink()),
            (second_ends.0.right_stream(), second_ends.1.right_sink()),
        ];
        let tasks = ends.map(|(inbound, mut outbound)| {
            tokio::task::spawn_local(async move {
                for _ in 0..ITEMS {
                    outbound.feed("x".repeat(KIB)).await.expect("never fails");
                }
                outbound.flush().await.expect("never fails");
                let bytes = inbound.take(ITEMS).fold(0, async |bytes, item| bytes + item.len()).await;
                (bytes, outbound)
            })
        });
        for task in tasks {
            assert_eq!(soon(task).await.expect("no panic").0, ITEMS * KIB);
        }
    });
}

#[test]
fn a_sender_that_leaves_gets_its_last_items_out_first() {
    local(async {
        let authority = Authority::new();
        let (receiver, inbound) = receiver(&authority).await;
        let (sender, mut outbound) = sender(&authority, &link_of(&receiver)).await;
        let received = tokio::task::spawn_local(inbound.take(100).collect::<Vec<String>>());
        for number in 0..100 {
            outbound.send(number.to_string().repeat(64 << 10)).await.expect("never fails");
        }
        soon(sender.leave()).await;
        assert_eq!(soon(received).await.expect("no panic").len(), 100);
    });
}
