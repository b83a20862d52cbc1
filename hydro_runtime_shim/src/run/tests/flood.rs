//! More than anybody can take at once: nothing stops for ever, and memory stays bounded.

use std::cell::Cell;
use std::rc::Rc;

use futures::{SinkExt, StreamExt};

use super::{Process, input, link_of, local, output, soon};
use crate::contract::Addressing::Plain;

const ANY: &str = "tcp://127.0.0.1:0";
// Items are texts: they are copied as a whole, so that these tests take no time in an unoptimised build.
const KIB: usize = 1 << 10;

#[test]
fn two_programs_that_flood_each_other_both_get_everything() {
    let free = || std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    flood([free(), free()].map(|address| format!("tcp://{}", address.expect("a free port"))));
}

#[test]
fn two_programs_that_flood_each_other_through_shared_memory_both_get_everything() {
    let folder = tempfile::tempdir().expect("a folder");
    flood(["first", "second"].map(|name| format!("shm:{}", folder.path().join(name).display())));
}

/// Two programs with an input at these places each send the other one far more than the gate lets wait (8 MiB) and the sockets take, in the same tick,
/// before either reads.
fn flood([first_place, second_place]: [String; 2]) {
    const ITEMS: usize = 60 * KIB;
    local(async {
        let ports = || vec![input::<String>("i", Plain), output::<String>("o", Plain)];
        let variables = [("HYDRO_INPUT_I", first_place.as_str()), ("HYDRO_OUTPUT_O", &second_place)];
        let mut first = Process::new("first", ports(), &variables);
        let first_ends = (first.bindings().input_plain::<String>("i"), first.bindings().output_plain::<String>("o"));
        first.start().await;
        let variables = [("HYDRO_INPUT_I", second_place.as_str()), ("HYDRO_OUTPUT_O", &first_place)];
        let mut second = Process::new("second", ports(), &variables);
        let second_ends = (second.bindings().input_plain::<String>("i"), second.bindings().output_plain::<String>("o"));
        second.start().await;
        let ends = [
            (first_ends.0.left_stream(), first_ends.1.left_sink()),
            (second_ends.0.right_stream(), second_ends.1.right_sink()),
        ];
        let mut tasks = Vec::new();
        for (inbound, mut outbound) in ends {
            tasks.push(tokio::task::spawn_local(async move {
                for _ in 0..ITEMS {
                    outbound.feed("x".repeat(KIB)).await.expect("never fails");
                }
                outbound.flush().await.expect("never fails");
                let bytes = Cell::new(0);
                inbound
                    .take(ITEMS)
                    .for_each(|item| {
                        bytes.set(bytes.get() + item.len());
                        async {}
                    })
                    .await;
                (bytes.get(), outbound)
            }));
        }
        for task in tasks {
            assert_eq!(soon(task).await.expect("no panic").0, ITEMS * KIB);
        }
    });
}

#[test]
fn a_program_whose_peer_takes_nothing_stops_reading() {
    local(async {
        // Its peer shakes hands and then never reads.
        let mut stuck = Process::new("stuck", vec![input::<String>("i", Plain)], &[("HYDRO_INPUT_I", ANY)]);
        let _unread = stuck.bindings().input_plain::<String>("i");
        stuck.start().await;
        let ports = vec![input::<String>("i", Plain), output::<String>("o", Plain)];
        let place = link_of(&stuck);
        let mut relay = Process::new("relay", ports, &[("HYDRO_INPUT_I", ANY), ("HYDRO_OUTPUT_O", &place)]);
        let mut inbound = relay.bindings().input_plain::<String>("i");
        let mut outbound = relay.bindings().output_plain::<String>("o");
        relay.start().await;
        let mut source =
            Process::new("source", vec![output::<String>("o", Plain)], &[("HYDRO_OUTPUT_O", &link_of(&relay))]);
        let mut items = source.bindings().output_plain::<String>("o");
        source.start().await;
        let relayed = Rc::new(Cell::new(0_usize));
        let count = Rc::clone(&relayed);
        tokio::task::spawn_local(async move {
            while let Some(item) = inbound.next().await {
                count.set(count.get() + item.len());
                outbound.send(item).await.expect("never fails");
            }
        });
        let sent = Rc::new(Cell::new(0_usize));
        let count = Rc::clone(&sent);
        // A source has no input, so its output may wait, and so it comes to a halt as well.
        tokio::task::spawn_local(async move {
            loop {
                items.send("x".repeat(16 * KIB)).await.expect("never fails");
                count.set(count.get() + 16 * KIB);
            }
        });
        let mut last = (usize::MAX, usize::MAX);
        while last != (relayed.get(), sent.get()) {
            last = (relayed.get(), sent.get());
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        }
        // The limit of 64 MiB for peers that may be part of a ring, and what the sockets hold.
        assert!(relayed.get() >= 8 << 20, "{last:?}");
        assert!(relayed.get() < 90 << 20, "{last:?}");
        assert!(sent.get() < 200 << 20, "{last:?}");
    });
}
