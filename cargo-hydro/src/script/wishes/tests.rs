//! What scripts may add and link.

use hydroflow_standalone::interface::{Addressing, ParamInterface};
use serde_json::json;

use super::*;
use crate::report::Origin;
use crate::script::protocol::{End, Line, OfService};

fn interface(ports: &[(&str, Direction)]) -> ModuleInterface {
    let port = |&(name, direction): &(&str, Direction)| PortInterface {
        name: name.into(),
        direction,
        addressing: Addressing::Plain,
        type_text: "u32".into(),
        doc: String::new(),
        span: 0..0,
        line: 1,
    };
    let period = ParamInterface {
        name: "period_ms".into(),
        type_text: "u64".into(),
        default: None,
        doc: String::new(),
        line: 1,
    };
    ModuleInterface {
        name: "main".into(),
        doc: String::new(),
        ports: ports.iter().map(port).collect(),
        params: vec![period],
    }
}

fn echo() -> Program {
    let ports = [("inbound", Direction::Input), ("outbound", Direction::Output)];
    hydroflow("/w/src/echo.hf".into(), interface(&ports), BTreeMap::new())
}

fn place(name: Option<&str>) -> Place {
    Place {
        deployment: 0,
        name: name.map(str::to_owned),
        on: None,
        count: 1,
        env: BTreeMap::new(),
        origin: Some(Line { file: "a.py".into(), line: 4 }),
    }
}

fn end(service: &str, port: &str) -> End {
    End { service: service.into(), port: port.into() }
}

fn link(output: End, input: End, policy: Option<&str>) -> Connect {
    let policy = policy.map(str::to_owned);
    Connect { deployment: 0, other_deployment: None, output, input, policy, origin: None }
}

#[test]
fn services_get_names_ports_and_a_machine() {
    let mut deployment = Deployment::default();
    let mut add = |name| add_service(&mut deployment, echo(), vec![], place(name)).map(|made| made.name);
    assert_eq!(add(None).as_deref(), Ok("echo"));
    assert_eq!(add(None).as_deref(), Ok("echo_2"));
    assert_eq!(add(Some("mine")).as_deref(), Ok("mine"));
    assert_eq!(add(Some("mine")), Err(CallError::NameTaken { name: "mine".into() }));
    assert_eq!(add(Some("a.b")), Err(CallError::BadName { name: "a.b".into() }));
    let command = Program::Command { argv: vec!["/usr/bin/my tool.sh".into()] };
    let made = add_service(&mut deployment, command, vec![], place(None)).expect("can be added");
    assert_eq!((made.name.as_str(), made.ports.len()), ("my_tool", 0));
    let echo = &deployment.services["echo"];
    assert_eq!((echo.machine.as_str(), echo.origin.clone()), ("localhost", Some(Origin::line("a.py", 4))));
    assert_eq!(describe("echo", echo).ports[1].direction, "output");
}

#[test]
fn places_that_do_not_exist_are_refused() {
    let mut deployment = Deployment::default();
    let elsewhere = Place { on: Some("moon".into()), ..place(None) };
    let error = add_service(&mut deployment, echo(), vec![], elsewhere).expect_err("no such machine");
    assert_eq!(error.to_string(), "there is no machine `moon`");
    let none = Place { count: 0, ..place(None) };
    assert_eq!(add_service(&mut deployment, echo(), vec![], none), Err(CallError::NoMembers));
    let empty = Program::Command { argv: vec![] };
    assert_eq!(add_service(&mut deployment, empty, vec![], place(None)), Err(CallError::EmptyCommand));
    assert!(deployment.services.is_empty());
}

#[test]
fn local_places_every_machine_here() {
    let mut deployment = Deployment::default();
    let gcp = || AddMachine {
        deployment: 0,
        kind: Kind::Gcp { project: "p".into(), zone: "z".into(), machine_type: "t".into() },
        origin: None,
    };
    assert_eq!(add_machine(&mut deployment, gcp(), true), "gcp");
    assert_eq!(add_machine(&mut deployment, gcp(), false), "gcp_2");
    assert_eq!(deployment.machines["gcp"].kind, MachineKind::Localhost);
    assert!(matches!(deployment.machines["gcp_2"].kind, MachineKind::Gcp { .. }));
}

#[test]
fn params_become_text() {
    let params = [("a", json!("plain")), ("b", json!(100)), ("c", json!([1, {"x": null}])), ("d", json!(null))];
    let params = params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let Program::Hydroflow { params, .. } = hydroflow("/a.hf".into(), interface(&[]), params) else { panic!() };
    let expected = [("a", "plain"), ("b", "100"), ("c", r#"[1,{"x":null}]"#)];
    assert!(params.iter().map(|(name, text)| (name.as_str(), text.as_str())).eq(expected), "{params:?}");
    let mut deployment = Deployment::default();
    let params = [("period".to_owned(), json!(1))].into();
    let program = hydroflow("/a.hf".into(), interface(&[]), params);
    let error = add_service(&mut deployment, program, vec![], place(None)).expect_err("no such parameter");
    assert_eq!(error.to_string(), "`a` has no parameter `period`");
}

#[test]
fn links_are_checked_at_their_line() {
    let mut deployment = Deployment::default();
    for name in ["a", "b"] {
        add_service(&mut deployment, echo(), vec![], place(Some(name))).expect("can be added");
    }
    let command = Program::Command { argv: vec!["true".into()] };
    add_service(&mut deployment, command, vec![], place(Some("c"))).expect("can be added");
    let mut failure = |from, to, policy| {
        let failure = connect(&mut deployment, link(from, to, policy)).expect_err("is wrong");
        assert_eq!(failure.origin, None, "the traceback shows it");
        (failure.message, failure.hint.unwrap_or_default())
    };
    assert_eq!(failure(end("a", "outbund"), end("b", "inbound"), None).0, "`a` has no port `outbund`");
    let (message, hint) = failure(end("b", "inbound"), end("a", "outbound"), None);
    assert!(message.starts_with("`b.inbound` is an input"), "{message}");
    assert_eq!(hint, "outputs connect to inputs: `a.ports.outbound.connect(b.ports.inbound)`");
    assert!(failure(end("a", "outbound"), end("b", "outbound"), None).0.starts_with("`b.outbound` is an output"));
    assert!(failure(end("a", "outbound"), end("c", "x"), None).0.contains("is a command"));
    assert_eq!(failure(end("a", "outbound"), end("b", "inbound"), Some("half")).0, "there is no policy `half`");
    assert!(deployment.links.is_empty());
    connect(&mut deployment, link(end("a", "outbound"), end("b", "inbound"), Some("round_robin"))).expect("is right");
    assert_eq!(deployment.links[0].policy, Some(Policy::RoundRobin));
}

#[test]
fn scripts_open_inputs_only() {
    let mut deployment = Deployment::default();
    add_service(&mut deployment, echo(), vec![], place(Some("a"))).expect("can be added");
    let of = |port: &str| OfPort {
        owner: OfService { deployment: 0, service: "a".into(), member: None },
        port: port.into(),
    };
    open(&mut deployment, &of("inbound")).expect("is an input");
    assert_eq!(deployment.open.first().map(ToString::to_string).as_deref(), Some("a.inbound"));
    assert!(matches!(open(&mut deployment, &of("outbound")), Err(CallError::NoInput { .. })));
    let Err(CallError::UnknownPort { nearest, .. }) = open(&mut deployment, &of("inbund")) else {
        panic!("no such port")
    };
    assert_eq!(nearest.as_deref(), Some("inbound"));
}
