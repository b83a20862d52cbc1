//! What can be asked, over both protocols.

use hydro_runtime_shim::contract::{AdminReply, AdminRequest, Direction};

use crate::support::{Folder, Running, free_place, http, until};

#[test]
fn a_program_is_ready_when_all_it_dials_is_there_and_says_what_is_missing() {
    let (folder, place) = (Folder::new("ready"), free_place());
    let sender = Running::relay(&folder, "sender", "null", &place, &[]);
    let health = sender.health();
    assert!(!health.ready && !health.stopping);
    assert_eq!(health.missing.len(), 1);
    assert_eq!((health.missing[0].port.as_str(), &health.missing[0].endpoint), ("outbound", &place));
    let (head, body) = sender.get("/health");
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    assert!(body.contains(&format!("\"endpoint\":\"{place}\"")), "{body}");
    let _receiver = Running::relay(&folder, "receiver", &place, "null", &[]);
    sender.await_ready(true);
    let (head, body) = sender.get("/health");
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(body.contains("\"ready\":true"), "{body}");
}

#[test]
fn both_ends_of_a_link_count_the_same_messages() {
    let (folder, place) = (Folder::new("count"), free_place());
    let receiver = Running::relay(&folder, "receiver", &place, "null", &[]);
    let sender = Running::relay(&folder, "sender", "null", &place, &["--start-with", "1000"]);
    receiver.expect(0..1000);
    until(|| sender.link("outbound").queue_messages == 0);
    let (out, into) = (sender.link("outbound"), receiver.link("inbound"));
    assert_eq!((out.messages, into.messages), (1000, 1000));
    assert_eq!((out.direction, into.direction), (Some(Direction::Output), Some(Direction::Input)));
    assert_eq!((out.peer.as_deref(), into.peer.as_deref()), (Some("receiver.0"), Some("sender.0")));
    assert_eq!((out.endpoint.as_deref(), into.endpoint.as_deref()), (Some(place.as_str()), None));
    assert!(out.connected && into.connected);
    assert_eq!((out.connections, out.reconnects, out.restarts, out.resent), (1, 0, 0, 0));
    assert_eq!((out.queue_bytes, out.in_flight_bytes), (0, 0));
    assert!(out.window_bytes > 0);
    assert!(out.latency.count > 0 && out.latency.sum_seconds > 0.0, "{:?}", out.latency);
    assert!(out.last_heard_seconds.is_some() && into.last_heard_seconds.is_some());
    let metrics = receiver.metrics();
    assert_eq!((metrics.service.as_str(), metrics.program.as_str(), metrics.member), ("receiver", "relay", 0));
    assert!(metrics.ticks > 0 && metrics.busy_seconds > 0.0 && metrics.busy_ratio() < 1.0, "{metrics:?}");
}

#[test]
fn metrics_are_there_for_prometheus() {
    let (folder, place) = (Folder::new("prometheus"), free_place());
    let receiver = Running::relay(&folder, "receiver", &place, "null", &[]);
    let sender = Running::relay(&folder, "sender", "null", &place, &["--start-with", "10"]);
    receiver.expect(0..10);
    let (head, body) = sender.get("/metrics");
    assert!(head.contains("Content-Type: text/plain; version=0.0.4"), "{head}");
    assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
    let wanted = r#"hydro_link_messages_total{port="outbound",peer="receiver.0",direction="out"} 10"#;
    assert!(body.lines().any(|line| line == wanted), "{body}");
    for line in body.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').expect("a series and a value");
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let name = series.split('{').next().expect("a name");
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        assert!([name, base].iter().any(|name| body.contains(&format!("# TYPE {name} "))), "{line}");
    }
    // Two paths more, and answers to what is not there.
    assert!(sender.get("/peers").1.contains("\"peer\":\"receiver.0\""));
    assert!(sender.get("/other").0.starts_with("HTTP/1.1 404 "));
    let path = folder.path("sender.admin");
    assert!(http(&path, "POST /metrics HTTP/1.1\r\n\r\n").0.starts_with("HTTP/1.1 405 "));
    let (head, body) = http(&path, "HEAD /metrics HTTP/1.0\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 ") && body.is_empty(), "{head}");
}

#[test]
fn peers_are_listed_with_their_state() {
    let (folder, place) = (Folder::new("peers"), free_place());
    let mut receiver = Running::relay(&folder, "receiver", &place, "null", &[]);
    let sender = Running::relay(&folder, "sender", "null", &place, &["--start-with", "1"]);
    receiver.expect(0..1);
    let peers = || match sender.ask(&AdminRequest::Peers {}) {
        AdminReply::Peers { peers } => peers,
        other => panic!("{other:?}"),
    };
    let [peer] = peers().try_into().expect("one link");
    assert_eq!((peer.port.as_str(), peer.peer.as_deref()), ("outbound", Some("receiver.0")));
    assert_eq!(peer.address.map(|address| format!("tcp://{address}")), Some(place));
    assert!(peer.connected);
    receiver.child.kill().expect("it runs");
    receiver.end();
    until(|| peers().iter().all(|peer| !peer.connected));
    assert_eq!(sender.health().missing[0].peer.as_deref(), Some("receiver.0"));
}

#[test]
fn stop_ends_a_program_in_order() {
    let (folder, place) = (Folder::new("stop"), free_place());
    let receiver = Running::relay(&folder, "receiver", &place, "null", &[]);
    let mut sender = Running::relay(&folder, "sender", "null", &place, &["--start-with", "1"]);
    receiver.expect(0..1);
    assert_eq!(sender.wish(&AdminRequest::Stop {}), "stopping");
    assert_eq!(sender.end(), (Some(0), String::new()));
    assert!(!folder.path("sender.admin").exists());
}

#[test]
fn what_cannot_be_read_is_answered_and_the_talk_goes_on() {
    let folder = Folder::new("wrong");
    let program = Running::relay(&folder, "program", "null", "null", &[]);
    let mut caller = program.call();
    for (line, part) in [
        ("hello", "cannot read `hello`"),
        ("{}", "missing field `request`"),
        (r#"{"request":"dance"}"#, "unknown variant `dance`"),
        (r#"{"request":"partition","pear":"x"}"#, "unknown field `pear`"),
        (r#"{"request":"hold","port":"x"}"#, "there is no port `x`; the ports are: inbound, outbound"),
        (r#"{"request":"drop","ratio":1.5}"#, "is not between 0 and 1"),
        (r#"{"request":"delay","ms":99999999999}"#, "take `hold`"),
        (r#"{"request":"connect","port":"outbound","endpoint":"here"}"#, "must start with"),
        (r#"{"request":"connect","port":"outbound","endpoint":"listen:tcp://127.0.0.1:0"}"#, "a running program dials"),
        (r#"{"request":"disconnect","port":"outbound"}"#, "name either an endpoint or a peer"),
        (r#"{"request":"disconnect","port":"outbound","peer":"x"}"#, "has no peer called `x`"),
        (r#"{"request":"disconnect","port":"outbound","endpoint":"tcp://127.0.0.1:1"}"#, "does not dial"),
    ] {
        match caller.say(line) {
            AdminReply::Error { reason } => assert!(reason.contains(part), "{line}: {reason}"),
            other => panic!("{line}: {other:?}"),
        }
    }
    assert!(matches!(caller.say(r#"{"request":"health"}"#), AdminReply::Health(health) if health.ready));
    match caller.say(&"x".repeat(100_000)) {
        AdminReply::Error { reason } => assert!(reason.contains("a line has more than"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_program_in_an_endless_tick_still_answers() {
    let folder = Folder::new("busy");
    let program = Running::start(&folder, "busy", "busy", &[], &[]);
    until(|| program.health().tick_running_seconds > 0.0);
    assert!(program.health().ready);
    let metrics = program.metrics();
    assert_eq!(metrics.ticks, 0);
    assert!(metrics.busy_seconds > 0.0);
    assert!(program.get("/metrics").1.contains("hydro_tick_running_seconds "));
    match program.ask(&AdminRequest::Hold { peer: None, port: None }) {
        AdminReply::Error { reason } => assert!(reason.contains("the present tick has been running for"), "{reason}"),
        other => panic!("{other:?}"),
    }
}
