//! Links between real programs at 100,000 items per second: whatever happens to the connection, every item comes once and in order.

use std::time::Duration;

use rustix::process::Signal;

use super::checked::Process;
use super::namespaces::Hosts;
use super::proxy::Proxy;
use super::rounds;
use crate::support::own_address;

/// Items that pass between two faults.
const BETWEEN: u64 = 5_000;

/// Says what this machine does not let us see.
#[expect(clippy::print_stderr, reason = "whoever runs the tests must know what they did not show")]
fn not_covered(why: &str) {
    eprintln!("NOT COVERED: {why}");
}

#[test]
fn connections_that_are_reset_lose_nothing() {
    let address = own_address();
    let receiver = Process::receiver(&format!("tcp://{address}"), &[]);
    let proxy = Proxy::to(&address);
    let _sender = Process::sender(&format!("tcp://{}", proxy.address()), 0, &[]);
    for _ in 0..rounds(30, 1000) {
        receiver.takes(BETWEEN);
        proxy.reset();
    }
    let said = receiver.takes(BETWEEN);
    assert_eq!((said.first, said.starts, said.wrong), (Some((0, 0)), vec![], vec![]));
    assert_eq!(receiver.notes("was restarted"), 0);
}

#[test]
fn a_receiver_that_is_killed_goes_on_where_it_had_worked() {
    let place = format!("tcp://{}", own_address());
    let sender = Process::sender(&place, 0, &[]);
    let mut expected = 0;
    let kills = rounds(5, 200);
    for kill in 0..=kills {
        let receiver = Process::receiver(&place, &[]);
        receiver.takes(1);
        receiver.takes(BETWEEN);
        let said = receiver.kill();
        let first = said.first.expect("items came");
        // It gets again what the last one had not acknowledged, and that is at most what it had printed.
        assert!(first.0 == 0 && first.1 <= expected, "kill {kill}: {first:?} after {expected}");
        assert_eq!((said.starts, said.wrong), (vec![], vec![]));
        expected = said.last.expect("items came").1 + 1;
    }
    assert_eq!(sender.notes("was restarted"), kills);
}

#[test]
fn a_sender_that_is_killed_begins_anew_and_is_told_apart() {
    let place = format!("tcp://{}", own_address());
    let receiver = Process::receiver(&place, &[]);
    let kills = rounds(5, 200) as u64;
    for start in 0..=kills {
        let sender = Process::sender(&place, start, &[]);
        receiver.until("its items come", |said| said.last.is_some_and(|last| last >= (start, BETWEEN)));
        sender.kill();
    }
    let said = receiver.said();
    assert_eq!((said.first, said.wrong), (Some((0, 0)), vec![]));
    assert_eq!(said.starts, (1..=kills).map(|start| (start, 0)).collect::<Vec<_>>());
    assert_eq!(receiver.notes("was restarted"), kills as usize);
}

#[test]
fn programs_that_are_stopped_for_a_while_lose_nothing() {
    let place = format!("tcp://{}", own_address());
    let receiver = Process::receiver(&place, &[]);
    let sender = Process::sender(&place, 0, &[]);
    for round in 0..rounds(4, 100) {
        receiver.takes(BETWEEN);
        let stopped = if round % 2 == 0 { &receiver } else { &sender };
        stopped.signal(Signal::STOP);
        // Every fourth time longer than a peer may be silent.
        std::thread::sleep(Duration::from_millis(if round % 4 < 2 { 4500 } else { 100 }));
        stopped.signal(Signal::CONT);
    }
    let said = receiver.takes(BETWEEN);
    assert_eq!((said.first, said.starts, said.wrong), (Some((0, 0)), vec![], vec![]));
    assert_eq!((receiver.notes("was restarted"), sender.notes("was restarted")), (0, 0));
}

#[test]
fn a_slow_receiver_costs_no_memory() {
    let place = format!("tcp://{}", own_address());
    let receiver = Process::slow_receiver(&place);
    let sender = Process::sender(&place, 0, &[]);
    // By then whatever can fill up is full.
    receiver.takes(4_000);
    let before = (receiver.memory(), sender.memory());
    for _ in 0..rounds(3, 60) {
        receiver.takes(2_000);
    }
    let after = (receiver.memory(), sender.memory());
    for (before, after) in [(before.0, after.0), (before.1, after.1)] {
        assert!(after < before + before / 10 + 512, "from {before} to {after} KiB");
        assert!(after < 32 << 10, "{after} KiB");
    }
    assert_eq!((sender.notes("is silent"), receiver.notes("nothing was heard")), (0, 0));
}

#[test]
fn a_network_that_is_cut_and_healed_loses_nothing() {
    let Some(hosts) = Hosts::new() else {
        return not_covered("no network namespaces here (they need root and `ip`), so no network was cut");
    };
    let (first, second) = (hosts.namespace(1), hosts.namespace(2));
    let place = format!("tcp://{}:4000", hosts.address(2));
    let receiver = Process::receiver(&place, &["ip", "netns", "exec", &second]);
    let _sender = Process::sender(&place, 0, &["ip", "netns", "exec", &first]);
    for round in 0..rounds(2, 50) {
        receiver.takes(BETWEEN);
        hosts.cut(true);
        std::thread::sleep(Duration::from_millis(if round % 2 == 0 { 300 } else { 5000 }));
        hosts.cut(false);
    }
    let said = receiver.takes(BETWEEN);
    assert_eq!((said.first, said.starts, said.wrong), (Some((0, 0)), vec![], vec![]));
    assert_eq!(receiver.notes("was restarted"), 0);
}
