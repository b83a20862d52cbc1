//! What a script's calls do to the wished-for deployment. Pure: values in, values changed.
//!
//! Finds what can be seen at the script's own line: names, ports, directions. What only the whole shows is checked when it is deployed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hydro_host::words::{Bounds, Services};
use hydro_runtime_shim::contract::{Delivery, Policy};
use hydroflow_standalone::diagnostic::nearest;
use hydroflow_standalone::interface::{Direction, ModuleInterface, PortInterface};
use serde_json::Value;

use super::error::CallError;
use super::protocol::{
    AddMachine, Connect, Disconnect, Expose, GcpOptions, Kind, Limits, OfPort, OfService, Place, PortInfo, ServiceMade,
};
use crate::build::{Target, Wishes};
use crate::deploy::{
    Deployment, Exposure, LOCALHOST, Link, LocalLinks, Machine, MachineKind, PIPES, PortRef, Program, Service, Upkeep,
    Watched, own_ports, topology,
};
use crate::machine::{CloudMachine, Reached, SshTarget};
use crate::report::{ExitCode, Failure};
use crate::workspace::bounds::{not_yours, processors, size};
use crate::workspace::hydro_toml::{self, ListenAt};

/// Adds a machine; with `local`, every kind of machine is this one. Returns its name.
pub(super) fn add_machine(deployment: &mut Deployment, call: AddMachine, local: bool) -> Result<String, CallError> {
    let mut wishes = Wishes::default();
    let (base, kind) = match call.kind {
        Kind::Ssh { host, user, port, key, known_hosts, services, target, libc, builder } if !local => {
            wishes = checked(Wishes { target, libc, builder })?;
            let (key, known_hosts) = (key.map(Into::into), known_hosts.map(Into::into));
            let services = services.map_or(Ok(Services::Auto), |word| {
                let hint = "services are kept up by `systemd`, or `plain` without it; `auto` takes systemd where it is";
                Services::of(&word).ok_or(CallError::MachineOption { word: "services", text: word, hint })
            })?;
            let target = SshTarget { host, user, port, key, known_hosts, services, ..SshTarget::default() };
            ("ssh", MachineKind::Ssh(target))
        }
        Kind::Ssh { .. } => ("ssh", MachineKind::Localhost),
        Kind::Gcp { project, zone, machine_type, options } => {
            let wish =
                cloud_machine(CloudMachine { project, zone, machine_type, ..CloudMachine::default() }, *options)?;
            ("gcp", if local { MachineKind::Localhost } else { MachineKind::Gcp(wish) })
        }
        Kind::Localhost => (LOCALHOST, MachineKind::Localhost),
    };
    let name = unused(base, |name| deployment.machines.contains_key(name));
    let machine = Machine { closed: call.closed, kind, wishes, origin: call.origin.map(Into::into) };
    deployment.machines.insert(name.clone(), machine);
    Ok(name)
}

fn cloud_machine(plain: CloudMachine, options: GcpOptions) -> Result<CloudMachine, CallError> {
    let GcpOptions { image, disk, spot, network, ttl, autostop, address } = options;
    let wrong = |word: &'static str, text: &str, hint: &'static str| CallError::MachineOption {
        word,
        text: text.to_owned(),
        hint,
    };
    let seconds = |word: &'static str, text: Option<String>| match text {
        None => Ok(None),
        Some(text) => match hydro_toml::parse_duration(&text).filter(|time| time.as_secs() >= 30) {
            Some(time) => Ok(Some(time.as_secs())),
            None => Err(wrong(word, &text, "a time is written as in `90s`, `30m` or `8h`, of at least 30 seconds")),
        },
    };
    let address = match address {
        None => Reached::default(),
        Some(text) => Reached::parse(&text).ok_or_else(|| wrong("address", &text, "it is `external` or `internal`"))?,
    };
    if let Some(size) = disk.filter(|size| *size < 10) {
        return Err(wrong("disk", &size.to_string(), "a disk has 10 GB at least"));
    }
    let (ttl, autostop) = (seconds("ttl", ttl)?, seconds("autostop", autostop)?);
    Ok(CloudMachine { image, disk, spot: spot.unwrap_or_default(), network, ttl, autostop, address, ..plain })
}

/// Returns wishes that may go with a machine.
fn checked(wishes: Wishes) -> Result<Wishes, CallError> {
    // What it is only it knows; `libc` and `builder` are words for any of Linux.
    match Target::wished(&wishes, "x86_64-unknown-linux-gnu") {
        Ok(_) => Ok(wishes),
        Err(error) => Err(CallError::Target { error }),
    }
}

/// The program of an `.hf` file, with its parameters as a script gives them.
pub(super) fn hydroflow(source: PathBuf, interface: ModuleInterface, params: BTreeMap<String, Value>) -> Program {
    let params = params.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| match value {
        Value::String(text) => (name, text),
        value => (name, value.to_string()),
    });
    Program::Hydroflow { source, interface, params: params.collect() }
}

/// Adds a service and tells its name and ports.
pub(super) fn add_service(
    deployment: &mut Deployment,
    program: Program,
    args: Vec<String>,
    place: Place,
) -> Result<ServiceMade, CallError> {
    if place.count == 0 {
        return Err(CallError::NoMembers);
    }
    let name = name_of(deployment, &program, place.name)?;
    check_params(&name, &program)?;
    let machine = match place.on {
        Some(machine) if deployment.machines.contains_key(&machine) => machine,
        Some(machine) => return Err(CallError::Unknown { what: "machine", name: machine }),
        None => LOCALHOST.to_owned(),
    };
    let bounds = bounds(place.limits, place.sandbox, place.systemd)?;
    let service = Service {
        program,
        machine,
        count: place.count,
        args,
        env: place.env,
        listen: None,
        exposed: BTreeMap::new(),
        colocate: None,
        health: None,
        watched: Watched::default(),
        fresh_data: false,
        bounds,
        upkeep: Upkeep::default(),
        origin: place.origin.map(Into::into),
    };
    let made = describe(&name, &service);
    deployment.services.insert(name, service);
    Ok(made)
}

/// Understands what a service may use and do.
fn bounds(limits: Option<Limits>, sandbox: bool, systemd: BTreeMap<String, Value>) -> Result<Bounds, CallError> {
    let bad = |word: &'static str, text: &dyn std::fmt::Display| {
        let hint = match word {
            "limits.memory" => "write `\"512 MiB\"`, or bytes",
            "limits.cpu" => "`0.5` is half of one processor's time",
            _ => "these are properties of units, as `ProtectHome`, but for those that say how a service is kept up",
        };
        CallError::MachineOption { word, text: text.to_string(), hint }
    };
    let mut bounds = Bounds { sandbox, ..Bounds::default() };
    if let Some(Limits { memory, cpu, tasks, files }) = limits {
        bounds.memory = match memory {
            Some(Value::String(text)) => Some(size(&text).ok_or_else(|| bad("limits.memory", &text))?),
            Some(value) => Some(value.as_u64().filter(|bytes| *bytes > 0).ok_or_else(|| bad("limits.memory", &value))?),
            None => None,
        };
        bounds.cpu = cpu.map(|cpu| processors(cpu).ok_or_else(|| bad("limits.cpu", &cpu))).transpose()?;
        (bounds.tasks, bounds.files) = (tasks, files);
    }
    for (name, value) in systemd {
        let text = match value {
            Value::String(text) if !text.contains(['\0', '\n']) => text,
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            value => return Err(bad("systemd", &value)),
        };
        if not_yours(&name).is_some() {
            return Err(bad("systemd", &name));
        }
        bounds.properties.insert(name, text);
    }
    Ok(bounds)
}

/// Tells a service's name, members and ports.
pub(super) fn describe(name: &str, service: &Service) -> ServiceMade {
    let ports = match &service.program {
        Program::Hydroflow { interface, .. } => interface.ports.iter().map(port_info).collect(),
        Program::Command { .. } => Vec::new(),
    };
    ServiceMade { name: name.to_owned(), count: service.count, ports }
}

/// Tells what a port is.
fn port_info(port: &PortInterface) -> PortInfo {
    PortInfo { name: port.name.clone(), direction: port.direction.word(), type_text: port.type_text.clone() }
}

/// Links an output to an input, unless that can be seen to be wrong.
pub(super) fn connect(deployment: &mut Deployment, call: Connect) -> Result<(), Failure> {
    let Connect { output, input, policy, delivery, transport, insecure, origin, .. } = call;
    let policy = match policy {
        Some(text) => Some(Policy::parse(&text).ok_or(CallError::Policy { policy: text })?),
        None => None,
    };
    let delivery = match delivery {
        Some(text) => Some(Delivery::parse(&text).ok_or(CallError::Delivery { delivery: text })?),
        None => None,
    };
    let transport = local_links("transport", transport)?;
    let from = PortRef { service: output.service, port: output.port };
    let to = PortRef { service: input.service, port: input.port };
    let origin = origin.map(Into::into);
    let link = Link { from, to, policy, delivery, transport, insecure, origin, to_origin: None };
    if let Some(mut failure) = topology::check_link(deployment, &link).into_iter().next() {
        // The script's own traceback shows the line.
        failure.origin = None;
        let turned = Link { from: link.to.clone(), to: link.from.clone(), ..link };
        if topology::check_link(deployment, &turned).is_empty() {
            failure.hint =
                Some(format!("outputs connect to inputs: `{}.connect({})`", path(&turned.from), path(&turned.to)));
        }
        return Err(failure);
    }
    if let Some(first) = deployment.links.iter().find(|other| ends(other) == ends(&link)) {
        let message = format!("`{}` is linked to `{}` already", link.from, link.to);
        let failure = Failure::new(ExitCode::Usage, message).hint("leave one of them out");
        return Err(match &first.origin {
            Some(origin) => failure.cause(format!("the first link is at {origin}")),
            None => failure,
        });
    }
    deployment.links.push(link);
    Ok(())
}

/// Takes a link away. An input that nobody else feeds is then the script's own.
pub(super) fn disconnect(deployment: &mut Deployment, call: Disconnect) -> Result<(), CallError> {
    let from = PortRef { service: call.output.service, port: call.output.port };
    let to = PortRef { service: call.input.service, port: call.input.port };
    for end in [&from, &to] {
        port(deployment, &end.service, &end.port)?;
    }
    let before = deployment.links.len();
    deployment.links.retain(|link| (&link.from, &link.to) != (&from, &to));
    if deployment.links.len() == before {
        return Err(CallError::NoLink { from: from.to_string(), to: to.to_string() });
    }
    if !is_command(deployment, &to.service) && !deployment.links.iter().any(|link| link.to == to) {
        deployment.open.insert(to);
    }
    Ok(())
}

/// Returns both ends of a link.
pub(super) fn ends(link: &Link) -> (PortRef, PortRef) {
    (link.from.clone(), link.to.clone())
}

/// Reads what carries links within a machine; `of` is what the script calls it.
pub(super) fn local_links(of: &'static str, word: Option<String>) -> Result<Option<LocalLinks>, CallError> {
    word.map(|word| LocalLinks::parse(&word).ok_or(CallError::LocalLinks { of, word })).transpose()
}

/// Says that the script will send to an input, which then needs no link.
pub(super) fn open(deployment: &mut Deployment, of: &OfPort) -> Result<(), CallError> {
    let found = port(deployment, &of.owner.service, &of.port)?;
    // Nobody has to feed a command, and a notebook opens all there is.
    if is_command(deployment, &of.owner.service) {
        return Ok(());
    }
    if found.direction != Direction::Input.word() {
        return Err(CallError::NoInput { port: format!("{}.{}", of.owner.service, of.port) });
    }
    deployment.open.insert(PortRef { service: of.owner.service.clone(), port: of.port.clone() });
    Ok(())
}

/// Has a port reached from outside.
pub(super) fn expose(deployment: &mut Deployment, call: Expose) -> Result<(), Failure> {
    let OfPort { owner: OfService { service, .. }, port } = call.of;
    let at = match call.listen.as_deref() {
        Some(text) => ListenAt::parse(text).ok_or_else(|| CallError::Listen { listen: text.to_owned() })?,
        None => ListenAt::default(),
    };
    let exposure = Exposure { name: String::new(), at, origin: call.origin.map(Into::into) };
    if let Some(mut failure) = topology::check_exposure(deployment, &service, &port, &exposure) {
        // The script's own traceback shows the line.
        failure.origin = None;
        return Err(failure);
    }
    if let Some(service) = deployment.services.get_mut(&service) {
        service.exposed.insert(port, exposure);
    }
    Ok(())
}

/// Finds a port of a service; those of a command are its pipes, and those where it listens.
pub(super) fn port(deployment: &Deployment, service: &str, port: &str) -> Result<PortInfo, CallError> {
    let found = find_service(deployment, service)?;
    let ports: Vec<PortInfo> = match &found.program {
        Program::Hydroflow { interface, .. } => interface.ports.iter().map(port_info).collect(),
        Program::Command { .. } => {
            PIPES.iter().map(pipe_info).chain(own_ports(found).into_iter().map(listening)).collect()
        }
    };
    let known: Vec<String> = ports.iter().map(|port| port.name.clone()).collect();
    ports.into_iter().find(|other| other.name == port).ok_or_else(|| {
        let nearest = nearest(port, known.iter().map(String::as_str)).map(str::to_owned);
        CallError::UnknownPort { service: service.to_owned(), port: port.to_owned(), nearest, known }
    })
}

/// Asserts that a script itself may send to a port or receive from it.
///
/// # Errors
/// There is no such port, or it is a pipe of a command, which is there for links alone.
pub(super) fn meets_scripts(deployment: &Deployment, service: &str, name: &str) -> Result<(), CallError> {
    port(deployment, service, name)?;
    match is_command(deployment, service) {
        true => Err(CallError::Pipe { service: service.to_owned(), port: name.to_owned() }),
        false => Ok(()),
    }
}

fn pipe_info(&(name, direction): &(&str, Direction)) -> PortInfo {
    PortInfo { name: name.to_owned(), direction: direction.word(), type_text: "JSON".to_owned() }
}

fn listening(name: String) -> PortInfo {
    PortInfo { name, direction: "listen", type_text: String::new() }
}

fn is_command(deployment: &Deployment, service: &str) -> bool {
    deployment.services.get(service).is_some_and(|service| matches!(service.program, Program::Command { .. }))
}

/// Finds a service.
pub(super) fn find_service<'a>(deployment: &'a Deployment, name: &str) -> Result<&'a Service, CallError> {
    deployment.services.get(name).ok_or_else(|| CallError::Unknown { what: "service", name: name.to_owned() })
}

fn path(end: &PortRef) -> String {
    format!("{}.ports.{}", end.service, end.port)
}

fn check_params(service: &str, program: &Program) -> Result<(), CallError> {
    let Program::Hydroflow { interface, params, .. } = program else { return Ok(()) };
    let known = || interface.params.iter().map(|param| param.name.as_str());
    match params.keys().find(|name| !known().any(|other| other == name.as_str())) {
        Some(param) => {
            let nearest = nearest(param, known()).map(str::to_owned);
            Err(CallError::UnknownParam { service: service.to_owned(), param: param.clone(), nearest })
        }
        None => Ok(()),
    }
}

fn name_of(deployment: &Deployment, program: &Program, wanted: Option<String>) -> Result<String, CallError> {
    let taken = |name: &str| deployment.services.contains_key(name);
    let Some(name) = wanted else {
        let program = match program {
            Program::Hydroflow { source, .. } => source.as_path(),
            Program::Command { argv } => argv.first().ok_or(CallError::EmptyCommand)?.as_ref(),
        };
        let stem = program.file_stem().unwrap_or_default().to_string_lossy();
        let base: String = stem.chars().map(|c| if may_stand_in_name(c) { c } else { '_' }).collect();
        let base = if is_name(&base) { base } else { format!("service_{base}") };
        return Ok(unused(&base, taken));
    };
    if !is_name(&name) {
        return Err(CallError::BadName { name });
    }
    if taken(&name) { Err(CallError::NameTaken { name }) } else { Ok(name) }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_') && text.chars().all(may_stand_in_name)
}

fn may_stand_in_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

/// `base`, or `base_2`, `base_3`, … whichever is free.
pub(super) fn unused(base: &str, taken: impl Fn(&str) -> bool) -> String {
    if !taken(base) {
        return base.to_owned();
    }
    (2_u32..).map(|number| format!("{base}_{number}")).find(|name| !taken(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
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
            limits: None,
            sandbox: false,
            systemd: BTreeMap::new(),
            origin: Some(Line { file: "a.py".into(), line: 4 }),
        }
    }

    fn end(service: &str, port: &str) -> End {
        End { service: service.into(), port: port.into() }
    }

    fn link(output: End, input: End, policy: Option<&str>) -> Connect {
        let policy = policy.map(str::to_owned);
        let (delivery, transport) = (None, None);
        Connect {
            deployment: 0,
            other_deployment: None,
            output,
            input,
            policy,
            delivery,
            transport,
            insecure: false,
            origin: None,
        }
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
            closed: false,
            kind: Kind::Gcp {
                project: "p".into(),
                zone: "z".into(),
                machine_type: "t".into(),
                options: Box::default(),
            },
            origin: None,
        };
        assert_eq!(add_machine(&mut deployment, gcp(), true).as_deref(), Ok("gcp"));
        assert_eq!(add_machine(&mut deployment, gcp(), false).as_deref(), Ok("gcp_2"));
        assert_eq!(deployment.machines["gcp"].kind, MachineKind::Localhost);
        assert!(matches!(deployment.machines["gcp_2"].kind, MachineKind::Gcp { .. }));
        let ssh = || AddMachine {
            deployment: 0,
            closed: false,
            kind: Kind::Ssh {
                host: "h".into(),
                user: None,
                port: None,
                key: None,
                known_hosts: None,
                services: None,
                target: None,
                libc: Some("musl".into()),
                builder: None,
            },
            origin: None,
        };
        assert_eq!(add_machine(&mut deployment, ssh(), true).as_deref(), Ok("ssh"));
        assert_eq!(add_machine(&mut deployment, ssh(), false).as_deref(), Ok("ssh_2"));
        assert!(matches!(deployment.machines["ssh_2"].kind, MachineKind::Ssh(_)));
        assert_eq!(deployment.machines["ssh"].wishes, Wishes::default());
        assert_eq!(deployment.machines["ssh_2"].wishes.libc.as_deref(), Some("musl"));
        let wrong = checked(Wishes { libc: Some("new".into()), ..Wishes::default() }).unwrap_err();
        assert!(wrong.to_string().contains("not `new`"), "{wrong}");
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
        connect(&mut deployment, link(end("a", "outbound"), end("b", "inbound"), Some("round_robin")))
            .expect("is right");
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
}
