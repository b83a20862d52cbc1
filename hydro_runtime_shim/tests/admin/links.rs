//! Links that are made and ended while the program runs.

use hydro_runtime_shim::contract::AdminRequest;

use crate::support::{Folder, Running, free_place, until};

fn connect(port: &str, endpoint: &str) -> AdminRequest {
    AdminRequest::Connect { port: port.to_owned(), endpoint: endpoint.to_owned() }
}

fn disconnect(port: &str, endpoint: Option<&str>, peer: Option<&str>) -> AdminRequest {
    AdminRequest::Disconnect {
        port: port.to_owned(),
        endpoint: endpoint.map(str::to_owned),
        peer: peer.map(str::to_owned),
    }
}

#[test]
fn a_running_output_gets_another_peer_and_loses_it_again() {
    let folder = Folder::new("output");
    let (source_place, first_place, second_place) = (free_place(), free_place(), free_place());
    let first = Running::relay(&folder, "first", &first_place, "null", &[]);
    let second = Running::relay(&folder, "second", &second_place, "null", &[]);
    let middle = Running::relay(&folder, "middle", &source_place, &first_place, &[]);
    middle.await_ready(true);
    middle.wish(&connect("outbound", &second_place));
    until(|| middle.metrics().links.iter().filter(|link| link.port == "outbound" && link.connected).count() == 2);
    let _source = Running::relay(&folder, "source", "null", &source_place, &["--start-with", "100"]);
    first.expect(0..100);
    second.expect(0..100);
    let remark = middle.wish(&disconnect("outbound", Some(&second_place), None));
    assert!(remark.contains("0 items were not worked on"), "{remark}");
    assert_eq!(middle.link("outbound").peer.as_deref(), Some("first.0"));
    let _more = Running::relay(&folder, "more", "null", &source_place, &["--start-with", "3"]);
    first.expect(0..3);
    assert_eq!(second.line_now(), None);
    // It said goodbye: nobody is missed.
    assert!(second.metrics().links.iter().all(|link| !link.connected));
}

#[test]
fn an_input_can_be_told_to_fetch_from_an_output() {
    let folder = Folder::new("input");
    let place = free_place();
    let target = Running::relay(&folder, "target", &free_place(), "null", &[]);
    target.wish(&connect("inbound", &place));
    assert!(!target.health().ready);
    let variables = [("HYDRO_INPUT_INBOUND", free_place()), ("HYDRO_OUTPUT_OUTBOUND", format!("listen:{place}"))];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let source = Running::start(&folder, "source", "relay", &[], &variables);
    target.await_ready(true);
    let _feed = Running::relay(&folder, "feed", "null", variables[0].1, &["--start-with", "5"]);
    target.expect(0..5);
    target.wish(&disconnect("inbound", None, Some("source.0")));
    assert!(target.health().ready);
    until(|| source.metrics().links.iter().all(|link| link.port != "outbound"));
}

#[test]
fn a_peer_that_dials_us_calls_again_after_we_took_leave() {
    let (folder, place) = (Folder::new("kick"), free_place());
    let receiver = Running::relay(&folder, "receiver", &place, "null", &[]);
    let sender = Running::relay(&folder, "sender", "null", &place, &["--start-with", "3"]);
    receiver.expect(0..3);
    receiver.wish(&disconnect("inbound", None, Some("sender")));
    until(|| sender.link("outbound").connections == 2);
    until(|| receiver.link("inbound").connected);
    assert_eq!(receiver.line_now(), None);
}
