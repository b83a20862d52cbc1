//! Faults on purpose, and that programs get over them, whatever carries their links.

use hydro_runtime_shim::contract::{AdminReply, AdminRequest, Fault, FaultKind, Way};

use crate::chain::over_every_transport;
use crate::support::{Folder, Running, free_place, until};

fn to(peer: &str) -> Option<String> {
    Some(peer.to_owned())
}

fn heal() -> AdminRequest {
    AdminRequest::Heal { peer: None, port: None }
}

#[test]
fn a_partition_breaks_the_link_and_healing_brings_everything_once_and_in_order() {
    over_every_transport("partition", |chain| {
        chain.middle.wish(&AdminRequest::Partition { peer: to("sink"), port: None });
        chain.middle.await_ready(false);
        until(|| !chain.sink.link("inbound").connected);
        let _feed = chain.feed("feed", "5000");
        chain.middle.expect(0..5000);
        until(|| chain.middle.metrics().links.iter().any(|link| link.queue_messages == 5000));
        assert_eq!(chain.sink.line_now(), None);
        chain.middle.wish(&heal());
        chain.sink.expect(0..5000);
        chain.middle.await_ready(true);
        assert_eq!(chain.sink.link("inbound").reconnects, 1);
    });
}

#[test]
fn a_receiver_can_cut_itself_off_too() {
    over_every_transport("receiver", |chain| {
        chain.sink.wish(&AdminRequest::Partition { peer: to("middle.0"), port: to("inbound") });
        chain.middle.await_ready(false);
        let _feed = chain.feed("feed", "100");
        chain.middle.expect(0..100);
        chain.sink.wish(&heal());
        chain.sink.expect(0..100);
    });
}

#[test]
fn a_partition_between_others_is_none_of_ours() {
    over_every_transport("others", |chain| {
        chain.middle.wish(&AdminRequest::Partition { peer: to("sinker"), port: None });
        chain.middle.wish(&AdminRequest::Partition { peer: to("sink"), port: to("inbound") });
        let _feed = chain.feed("feed", "10");
        chain.sink.expect(0..10);
        let partition = |peer: &str, port: Option<&str>| Fault {
            kind: FaultKind::Partition,
            peer: to(peer),
            port: port.map(str::to_owned),
        };
        let faults = vec![partition("sinker", None), partition("sink", Some("inbound"))];
        assert_eq!(chain.middle.ask(&AdminRequest::Faults {}), AdminReply::Faults { faults });
        let remark = chain.middle.wish(&AdminRequest::Heal { peer: to("sinker"), port: None });
        assert_eq!(remark, "1 faults are healed");
    });
}

#[test]
fn held_bytes_wait_and_come_when_they_are_let_go() {
    over_every_transport("hold", |chain| {
        chain.middle.wish(&AdminRequest::Hold { peer: to("sink"), port: None });
        let _feed = chain.feed("feed", "1000");
        chain.middle.expect(0..1000);
        // The connection falls silent for so long that the sender calls again, which is held, too.
        until(|| !chain.middle.health().ready);
        assert_eq!(chain.sink.line_now(), None);
        chain.middle.wish(&heal());
        chain.sink.expect(0..1000);
    });
}

#[test]
fn one_way_lets_the_other_way_through() {
    over_every_transport("one-way", |chain| {
        // What comes from the sink is acknowledgements: items arrive, and stay in the sender's hands.
        chain.middle.wish(&AdminRequest::OneWay { blocks: Way::In, peer: to("sink"), port: None });
        let _feed = chain.feed("feed", "10");
        chain.sink.expect(0..10);
        until(|| chain.middle.metrics().links.iter().any(|link| link.port == "outbound" && link.queue_messages == 10));
        chain.middle.wish(&heal());
        until(|| chain.middle.metrics().links.iter().all(|link| link.queue_messages == 0));
        assert_eq!(chain.sink.line_now(), None);
    });
}

#[test]
fn delayed_items_keep_their_order() {
    over_every_transport("delay", |chain| {
        chain.middle.wish(&AdminRequest::Delay { ms: 200, peer: None, port: to("outbound") });
        let _first = chain.feed("first", "1000");
        chain.sink.expect(0..1000);
        let fast = |limit: f64| {
            let buckets =
                chain.middle.metrics().links.iter().flat_map(|link| link.latency.buckets.clone()).collect::<Vec<_>>();
            buckets.iter().filter(|bucket| bucket.0 <= limit).map(|bucket| bucket.1).max()
        };
        until(|| chain.middle.metrics().links.iter().any(|link| link.latency.count > 0));
        // Nothing was faster than the delay.
        assert_eq!(fast(0.1), Some(0));
        // What is sent after the delay ends does not overtake what is still on its way.
        let _second = chain.feed("second", "1000");
        chain.middle.expect(0..1000);
        chain.middle.expect(0..1000);
        chain.middle.wish(&heal());
        chain.sink.expect(0..1000);
        until(|| chain.middle.metrics().links.iter().all(|link| link.queue_messages == 0));
    });
}

#[test]
fn frames_that_are_dropped_are_sent_again() {
    over_every_transport("drop", |chain| {
        chain.middle.wish(&AdminRequest::Drop { ratio: 0.5, peer: to("sink"), port: None });
        let feeds: Vec<Running> = (0..10)
            .map(|index| {
                let feed = chain.feed(&format!("feed{index}"), "10");
                chain.sink.expect(0..10);
                feed
            })
            .collect();
        chain.middle.wish(&heal());
        let out = chain.middle.metrics().links.into_iter().find(|link| link.port == "outbound").expect("it is there");
        assert_eq!(out.messages, 100);
        assert!(out.reconnects > 0, "{out:?}");
        drop(feeds);
    });
}

#[test]
fn a_lossy_link_loses_items_and_says_how_many() {
    let (folder, place) = (Folder::new("lossy"), free_place());
    let receiver = Running::relay(&folder, "receiver", &place, "null", &[]);
    let entry = free_place();
    let variables = [
        ("HYDRO_INPUT_INBOUND", entry.as_str()),
        ("HYDRO_OUTPUT_OUTBOUND", place.as_str()),
        ("HYDRO_DELIVERY_OUTBOUND", "lossy"),
    ];
    let sender = Running::start(&folder, "sender", "relay", &[], &variables);
    sender.await_ready(true);
    sender.wish(&AdminRequest::Drop { ratio: 1.0, peer: None, port: to("outbound") });
    let _feed = Running::relay(&folder, "feed", "null", &entry, &["--start-with", "7"]);
    sender.expect(0..7);
    until(|| sender.metrics().links.iter().any(|link| link.left_out == 7));
    sender.wish(&heal());
    let _more = Running::relay(&folder, "more", "null", &entry, &["--start-with", "3"]);
    receiver.expect(0..3);
    until(|| receiver.link("inbound").left_out == 7);
    assert!(receiver.link("inbound").connected);
}
