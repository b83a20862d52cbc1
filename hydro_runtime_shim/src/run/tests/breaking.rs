//! Connections that break under items: nothing is lost, nothing comes twice, and restarts are told apart from breaks.

use std::cell::RefCell;
use std::rc::Rc;

use futures::{FutureExt, SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Process, input, link_of, local, output, receiver_at, restarted, soon};
use crate::contract::Addressing::Plain;
use crate::{MemberId, PeerChange};

const ANY: &str = "tcp://127.0.0.1:0";

/// Passes bytes on to `to` and cuts each connection after as many bytes as `lives` says, one after the other; then no more.
pub(super) async fn cutting_proxy(to: std::net::SocketAddr, lives: Vec<usize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let place = format!("tcp://{}", listener.local_addr().expect("an address"));
    let lives = Rc::new(RefCell::new(lives));
    tokio::task::spawn_local(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let life = lives.borrow_mut().pop();
            let Ok(mut far) = TcpStream::connect(to).await else { return };
            tokio::task::spawn_local(async move {
                let Some(mut life) = life else {
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                    return;
                };
                let (mut from_far, mut from_near) = ([0; 4096], [0; 4096]);
                while life > 0 {
                    tokio::select! {
                        count = near.read(&mut from_near) => {
                            let count = count.unwrap_or(0).min(life);
                            life -= count;
                            if count == 0 || far.write_all(&from_near[..count]).await.is_err() {
                                return;
                            }
                        }
                        count = far.read(&mut from_far) => match count {
                            Ok(0) | Err(_) => return,
                            Ok(count) => drop(near.write_all(&from_far[..count]).await),
                        },
                    }
                }
                // A reset: what either side has not read is gone.
                let _ = near.set_zero_linger();
                let _ = far.set_zero_linger();
            });
        }
    });
    place
}

fn sender(place: &str) -> Process {
    Process::new("sender", vec![output::<u64>("o", Plain)], &[("HYDRO_OUTPUT_O", place)])
}

#[test]
fn every_item_arrives_once_and_in_order_however_often_the_connection_breaks() {
    const COUNT: u64 = 100_000;
    local(async {
        let mut receiver = Process::new("receiver", vec![input::<u64>("i", Plain)], &[("HYDRO_INPUT_I", ANY)]);
        let inbound = receiver.bindings().input_plain::<u64>("i");
        receiver.start().await;
        let lives = (0..60).map(|index| 400 + index * index * 37 % 30_000).collect();
        let place = cutting_proxy(receiver.address(), lives).await;
        let mut sender = sender(&place);
        let mut outbound = sender.bindings().output_plain::<u64>("o");
        sender.start().await;
        tokio::task::spawn_local(async move {
            for number in 0..COUNT {
                outbound.feed(number).await.expect("never fails");
                if number % 100 == 0 {
                    outbound.flush().await.expect("never fails");
                    tokio::task::yield_now().await;
                }
            }
            outbound.flush().await.expect("never fails");
            std::future::pending::<()>().await;
        });
        let received: Vec<u64> = soon(inbound.take(COUNT as usize).collect()).await;
        assert!(received.iter().copied().eq(0..COUNT));
    });
}

#[test]
fn a_receiver_that_calls_gets_every_item_once_however_often_the_connection_breaks() {
    const COUNT: u64 = 50_000;
    local(async {
        let listen = format!("listen:{ANY}");
        let mut sender = sender(&listen);
        let mut outbound = sender.bindings().output_plain::<u64>("o");
        sender.start().await;
        // Bytes of the other direction count here: the receiver's acknowledgements, so each connection lives for a few of them.
        let place = cutting_proxy(sender.address(), (0..20).map(|index| 700 + index * 24).collect()).await;
        let mut receiver =
            Process::new("receiver", vec![input::<u64>("i", Plain)], &[("HYDRO_INPUT_I", &format!("dial:{place}"))]);
        let inbound = receiver.bindings().input_plain::<u64>("i");
        receiver.start().await;
        let hub = sender.outputs().remove(0);
        while !hub.has_peer() {
            tokio::task::yield_now().await;
        }
        tokio::task::spawn_local(async move {
            for number in 0..COUNT {
                outbound.send(number).await.expect("never fails");
                if number % 50 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            std::future::pending::<()>().await;
        });
        let received: Vec<u64> = soon(inbound.take(COUNT as usize).collect()).await;
        assert!(received.iter().copied().eq(0..COUNT));
    });
}

#[test]
fn a_restarted_receiver_continues_where_the_last_one_had_worked() {
    local(async {
        let (receiver, mut inbound) = receiver_at(ANY).await;
        let place = link_of(&receiver);
        let mut sender = sender(&place);
        let mut outbound = sender.bindings().output_plain::<u64>("o");
        sender.start().await;
        for number in 0..10 {
            outbound.send(number).await.expect("never fails");
        }
        for number in 0..10 {
            assert_eq!(soon(inbound.next()).await, Some(number));
        }
        // The tick in which all ten were given away is over, and the sender knows.
        assert_eq!(inbound.next().now_or_never(), None);
        let hub = sender.outputs().remove(0);
        while hub.pending_records() > 0 {
            tokio::task::yield_now().await;
        }
        for number in 10..20 {
            outbound.send(number).await.expect("never fails");
        }
        assert_eq!(soon(inbound.next()).await, Some(10));
        // It dies in the middle of a tick.
        receiver.break_off();
        drop(inbound);
        let (_receiver, inbound) = restarted(&receiver).await;
        let received: Vec<u64> = soon(inbound.take(10).collect()).await;
        assert_eq!(received, (10..20).collect::<Vec<_>>());
    });
}

#[test]
fn a_newer_start_of_a_named_program_takes_the_place_of_an_older_one() {
    local(async {
        let mut receiver = Process::new("receiver", vec![input::<u64>("i", Plain)], &[("HYDRO_INPUT_I", ANY)]);
        let mut inbound = receiver.bindings().input_plain::<u64>("i");
        receiver.start().await;
        let place = link_of(&receiver);
        let start = async |number: u64| {
            let variables = [("HYDRO_OUTPUT_O", place.as_str()), ("HYDRO_SERVICE", "named")];
            let mut sender = Process::new("sender", vec![output::<u64>("o", Plain)], &variables);
            let mut outbound = sender.bindings().output_plain::<u64>("o");
            sender.start().await;
            outbound.send(number).await.expect("never fails");
            (sender, outbound)
        };
        let mut old = start(1).await;
        assert_eq!(soon(inbound.next()).await, Some(1));
        let mut new = start(2).await;
        assert_eq!(soon(inbound.next()).await, Some(2));
        // The older one is refused from now on, so none of its items comes between those of the newer one.
        old.1.send(3).await.expect("never fails");
        new.1.send(4).await.expect("never fails");
        assert_eq!(soon(inbound.next()).await, Some(4));
        let quiet = tokio::time::timeout(std::time::Duration::from_millis(200), inbound.next()).await;
        assert!(quiet.is_err(), "{quiet:?}");
    });
}

#[test]
fn a_lossy_output_leaves_the_oldest_out_and_says_how_many() {
    local(async {
        // Its peer shakes hands and then never reads.
        let mut stuck = Process::new("stuck", vec![input::<String>("i", Plain)], &[("HYDRO_INPUT_I", ANY)]);
        let mut inbound = stuck.bindings().input_plain::<String>("i");
        stuck.start().await;
        let place = link_of(&stuck);
        let variables = [("HYDRO_OUTPUT_O", place.as_str()), ("HYDRO_DELIVERY_O", "lossy")];
        let mut source = Process::new("source", vec![output::<String>("o", Plain)], &variables);
        let mut outbound = source.bindings().output_plain::<String>("o");
        source.start().await;
        let hub = source.outputs().remove(0);
        while !hub.has_peer() {
            tokio::task::yield_now().await;
        }
        for number in 0..4000_u32 {
            outbound.send(format!("{number:016384}")).await.expect("never fails");
        }
        assert!(hub.left_out() > 0);
        assert!(hub.held() < 20 << 20, "{}", hub.held());
        // The newest arrives, and what arrives keeps its order.
        let mut last = None;
        loop {
            let item: u32 = soon(inbound.next()).await.expect("never ends").parse().expect("a number");
            assert!(last < Some(item));
            last = Some(item);
            if item == 3999 {
                break;
            }
        }
    });
}

#[test]
fn a_program_is_told_of_its_peers() {
    local(async {
        let mut receiver = Process::new("receiver", vec![input::<u64>("i", Plain)], &[("HYDRO_INPUT_I", ANY)]);
        crate::link::be(&receiver.node);
        let mut events = crate::peers();
        let mut inbound = receiver.bindings().input_plain::<u64>("i");
        receiver.start().await;
        let place = cutting_proxy(receiver.address(), vec![700]).await;
        let mut sender = Process::new(
            "sender",
            vec![output::<u64>("o", Plain)],
            &[("HYDRO_OUTPUT_O", &place), ("HYDRO_SERVICE", "client"), ("HYDRO_MEMBER", "3")],
        );
        let mut outbound = sender.bindings().output_plain::<u64>("o");
        sender.start().await;
        let numbers = tokio::task::spawn_local(async move {
            for number in 0..100 {
                outbound.send(number).await.expect("never fails");
                tokio::task::yield_now().await;
            }
            outbound
        });
        for _ in 0..100 {
            soon(inbound.next()).await;
        }
        let _outbound = soon(numbers).await.expect("no panic");
        tokio::task::spawn_local(async move { while inbound.next().await.is_some() {} });
        soon(sender.leave()).await;
        let mut changes = Vec::new();
        while changes.last() != Some(&PeerChange::Left) {
            let event = soon(events.next()).await.expect("never ends");
            assert_eq!((event.port, event.service.as_str(), event.member), ("i", "client", MemberId(3)));
            changes.push(event.change);
        }
        use PeerChange::{Joined, Left, Returned, Suspected};
        assert_eq!(changes, [Joined, Suspected, Returned, Left]);
        assert_eq!(crate::this_process().map(|own| own.service), Some("receiver".to_owned()));
    });
}
