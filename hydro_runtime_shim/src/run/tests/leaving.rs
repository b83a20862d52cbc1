//! Peers that leave in order, that break off, and that come back.

use futures::{FutureExt, SinkExt, StreamExt};

use super::{Process, input, link_of, local, output, receiver_at, restarted, soon};
use crate::contract::Addressing::Plain;

const ANY: &str = "tcp://127.0.0.1:0";

#[test]
fn a_program_that_leaves_delivers_everything_first() {
    local(async {
        let mut receiver = Process::new("receiver", vec![input::<u64>("i", Plain)], &[("HYDRO_INPUT_I", ANY)]);
        let mut inbound = receiver.bindings().input_plain::<u64>("i");
        receiver.start().await;
        let mut sender =
            Process::new("sender", vec![output::<u64>("o", Plain)], &[("HYDRO_OUTPUT_O", &link_of(&receiver))]);
        let mut outbound = sender.bindings().output_plain::<u64>("o");
        sender.start().await;
        outbound.send(0).await.expect("never fails");
        assert_eq!(soon(inbound.next()).await, Some(0));
        for number in 1..100_000 {
            outbound.feed(number).await.expect("never fails");
        }
        outbound.flush().await.expect("never fails");
        let reading = tokio::task::spawn_local(async move {
            let received: Vec<u64> = inbound.by_ref().take(99_999).collect().await;
            // After the goodbye nothing comes any more, and the sender is forgotten.
            let nothing = tokio::time::timeout(std::time::Duration::from_millis(50), inbound.next()).await;
            assert!(nothing.is_err());
            received
        });
        soon(sender.leave()).await;
        assert!(soon(reading).await.expect("no panic").into_iter().eq(1..100_000));
        assert!(!receiver.node.is_sender(&sender.node.process));
    });
}

#[test]
fn a_dialer_finds_its_peer_again_and_goes_on() {
    local(async {
        let (receiver, mut inbound) = receiver_at(ANY).await;
        let place = link_of(&receiver);
        let mut sender = Process::new("sender", vec![output::<u64>("o", Plain)], &[("HYDRO_OUTPUT_O", &place)]);
        let mut outbound = sender.bindings().output_plain::<u64>("o");
        sender.start().await;
        outbound.send(1).await.expect("never fails");
        assert_eq!(soon(inbound.next()).await, Some(1));
        // The tick is over when the stream has nothing more.
        assert_eq!(inbound.next().now_or_never(), None);
        // It stops listening and breaks its connections off.
        receiver.leave().await;
        drop(inbound);
        let (_receiver, mut inbound) = restarted(&receiver).await;
        let numbers = async {
            for number in 2.. {
                outbound.send(number).await.expect("never fails");
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            item = soon(inbound.next()) => assert!(item.is_some_and(|number| number >= 2)),
            () = numbers => {}
        }
    });
}

#[test]
fn a_caller_of_a_program_that_is_stopping_is_refused_and_calls_again() {
    local(async {
        let mut receiver = Process::new("receiver", vec![input::<u64>("i", Plain)], &[("HYDRO_INPUT_I", ANY)]);
        let mut inbound = receiver.bindings().input_plain::<u64>("i");
        receiver.start().await;
        receiver.node.stopping.set(true);
        let mut sender =
            Process::new("sender", vec![output::<u64>("o", Plain)], &[("HYDRO_OUTPUT_O", &link_of(&receiver))]);
        let mut outbound = sender.bindings().output_plain::<u64>("o");
        sender.start().await;
        outbound.send(5).await.expect("never fails");
        assert!(tokio::time::timeout(std::time::Duration::from_millis(100), inbound.next()).await.is_err());
        receiver.node.stopping.set(false);
        assert_eq!(soon(inbound.next()).await, Some(5));
    });
}
