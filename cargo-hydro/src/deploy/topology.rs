//! What is wrong with a wished-for deployment, found before anything is built or started.
//!
//! Pure. Reports all problems, each at the line of the user's text that made it. Read [`check`] first; after the build,
//! [`check_types`] compares what rustc says of both ends of each link.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use hydro_runtime_shim::contract::{
    CONTRACT_VERSION, Delivery, PortDescription, ProgramDescription, input_variable, param_variable,
};
use hydroflow_standalone::interface::{Direction, ModuleInterface};

use super::model::{Deployment, Exposure, LOCALHOST, Link, MachineKind, PortRef, Program, Service};
use super::problem::{problem, with_nearest};
use super::ways;
use super::{colocate, groups, piping, placeholders};
use crate::report::Failure;

/// Checks everything that can be known without building. With `local`, every machine is this one.
#[must_use]
pub fn check(deployment: &Deployment, local: bool) -> Vec<Failure> {
    let mut problems = Vec::new();
    for (name, service) in &deployment.services {
        check_service(deployment, name, service, &mut problems);
        check_machine(deployment, service, local, &mut problems);
    }
    problems.extend(groups::check(deployment));
    problems.extend(colocate::check(deployment));
    for (index, link) in deployment.links.iter().enumerate() {
        problems.extend(check_link(deployment, link));
        problems.extend(piping::check_place(deployment, link).filter(|_| !local));
        problems
            .extend(ways::refusal(deployment, link).map(|(why, hint)| problem(link.origin.as_ref(), why).hint(hint)));
        check_among(&deployment.links[..index], link, &mut problems);
    }
    for (name, service) in &deployment.services {
        check_inputs(deployment, name, service, &mut problems);
    }
    problems
}

/// Checks both ends of one link, which need not be part of the deployment yet.
#[must_use]
pub fn check_link(deployment: &Deployment, link: &Link) -> Vec<Failure> {
    let ends = [(&link.from, &link.to, Direction::Output), (&link.to, &link.from, Direction::Input)];
    let wrong =
        ends.into_iter().filter_map(|(end, other, wanted)| check_end(deployment, link, end, other, wanted).err());
    wrong.chain(piping::check_link(deployment, link)).collect()
}

fn check_service(deployment: &Deployment, name: &str, service: &Service, problems: &mut Vec<Failure>) {
    let origin = service.origin.as_ref();
    if !is_name(name) {
        let hint = "a name has letters, digits, `_` and `-`, and begins with a letter";
        problems.push(problem(origin, format!("`{name}` is no name for a service")).hint(hint));
    }
    if service.count == 0 {
        problems
            .push(problem(origin, format!("`{name}` has no members: its count is 0")).hint("leave the service out"));
    }
    if let Some(listen) = &service.listen {
        if service.count > 1 {
            let message = format!("`{name}` has {} members, but one address to listen at", service.count);
            problems.push(problem(origin, message).hint("leave out `listen`; each member is then given an address"));
        }
        if listen.parse::<SocketAddr>().is_err() {
            let message = format!("`{name}` cannot listen at `{listen}`: that is no address");
            problems.push(problem(origin, message).hint("write an IP address and a port: `127.0.0.1:4000`"));
        }
    }
    problems
        .extend(service.exposed.iter().filter_map(|(port, exposure)| check_exposure(deployment, name, port, exposure)));
    for missing in placeholders::problems(deployment, service) {
        problems.push(problem(origin, missing).hint("a service names its own ports: `{port:NAME}`"));
    }
    match &service.program {
        Program::Hydroflow { interface, params, .. } => check_params(name, service, interface, params, problems),
        Program::Command { argv } if argv.first().is_none_or(String::is_empty) => {
            problems.push(problem(origin, format!("`{name}` has an empty command")));
        }
        Program::Command { .. } => {}
    }
}

/// Checks a port that is to be reached from outside.
#[must_use]
pub fn check_exposure(deployment: &Deployment, name: &str, port: &str, exposure: &Exposure) -> Option<Failure> {
    let origin = exposure.origin.as_ref();
    let Some(service) = deployment.services.get(name) else {
        return Some(problem(origin, format!("there is no service `{name}`")));
    };
    let known: Vec<String> = match &service.program {
        Program::Hydroflow { interface, .. } => interface.ports.iter().map(|port| port.name.clone()).collect(),
        Program::Command { .. } => placeholders::own_ports(service),
    };
    if !known.iter().any(|known| known == port) {
        let failure = problem(origin, format!("`{name}` has no port `{port}`"));
        if matches!(service.program, Program::Command { .. }) && known.is_empty() {
            return Some(failure.hint(format!("let its command say where it listens: `{{port:{port}}}`")));
        }
        return Some(with_nearest(failure, port, known.iter().map(String::as_str), "port"));
    }
    if service.colocate.is_some() {
        let failure = problem(origin, format!("`{name}.{port}` cannot be exposed: `{name}` shares a process"));
        return Some(failure.hint("leave `colocate` out at this service"));
    }
    if let Some(number) = exposure.at.port.filter(|_| service.count > 1) {
        let message =
            format!("`{name}` has {} members, but its port `{port}` only one number, {number}", service.count);
        return Some(problem(origin, message).hint("leave the number out; each member is then given one"));
    }
    None
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '-')
}

fn check_machine(deployment: &Deployment, service: &Service, local: bool, problems: &mut Vec<Failure>) {
    let origin = service.origin.as_ref();
    match deployment.machines.get(&service.machine) {
        None if service.machine == LOCALHOST => {}
        None => {
            let names = deployment.machines.keys().map(String::as_str).chain([LOCALHOST]);
            let message = format!("there is no machine `{}`", service.machine);
            problems.push(with_nearest(problem(origin, message), &service.machine, names, "machine"));
        }
        Some(machine) if !local && machine.kind != MachineKind::Localhost && service.colocate.is_some() => {
            let message = format!("`colocate` is for this machine only, and `{}` is another", service.machine);
            problems.push(problem(origin, message).hint("leave `colocate` out: links within a machine share memory"));
        }
        Some(_) => {}
    }
}

fn check_params(
    name: &str,
    service: &Service,
    interface: &ModuleInterface,
    params: &BTreeMap<String, String>,
    problems: &mut Vec<Failure>,
) {
    let origin = service.origin.as_ref();
    for param in params.keys().filter(|param| !interface.params.iter().any(|known| known.name == **param)) {
        let names = interface.params.iter().map(|known| known.name.as_str());
        let message = format!("`{name}` has no parameter `{param}`");
        problems.push(with_nearest(problem(origin, message), param, names, "parameter"));
    }
    for missing in interface.params.iter().filter(|param| param.default.is_none() && !params.contains_key(&param.name))
    {
        let flag = format!("--{}", missing.name.replace('_', "-"));
        let by_flag = service.args.iter().any(|arg| arg.split('=').next() == Some(&flag));
        if !by_flag && !service.env.contains_key(&param_variable(&missing.name)) {
            let message = format!("`{name}` needs the parameter `{}`: {}", missing.name, missing.type_text);
            let hint = format!("give it a value in `params`, or a default in the `.hf` file (line {})", missing.line);
            problems.push(problem(origin, message).hint(hint));
        }
    }
}

fn check_end(
    deployment: &Deployment,
    link: &Link,
    end: &PortRef,
    other: &PortRef,
    wanted: Direction,
) -> Result<(), Failure> {
    let own = if wanted == Direction::Input { link.to_origin.as_ref() } else { None };
    let origin = own.or(link.origin.as_ref());
    let Some(service) = deployment.services.get(&end.service) else {
        let names = deployment.services.keys().map(String::as_str);
        let failure = problem(origin, format!("there is no service `{}`", end.service));
        return Err(with_nearest(failure, &end.service, names, "service"));
    };
    let Program::Hydroflow { interface, .. } = &service.program else {
        return piping::check_end(link, end, service, wanted);
    };
    let Some(port) = interface.port(&end.port) else {
        let fitting = interface.ports.iter().filter(|port| port.direction == wanted).map(|port| port.name.as_str());
        let failure = problem(origin, format!("`{}` has no port `{}`", end.service, end.port));
        return Err(with_nearest(failure, &end.port, fitting, wanted.word()));
    };
    if port.direction == wanted {
        return Ok(());
    }
    let (verb, article) = match wanted {
        Direction::Output => ("begins", "an output"),
        Direction::Input => ("ends", "an input"),
    };
    let failure = problem(origin, format!("`{end}` is an {}; a link {verb} at {article}", port.direction.word()));
    let other_fits = deployment.services.get(&other.service).is_some_and(|service| match &service.program {
        Program::Hydroflow { interface, .. } => {
            interface.port(&other.port).is_some_and(|port| port.direction == wanted)
        }
        Program::Command { .. } => false,
    });
    Err(if other_fits {
        failure.hint(format!("turn it round: from `{}` to `{}`", link.to, link.from))
    } else {
        let fitting = interface.ports.iter().filter(|port| port.direction == wanted).map(|port| port.name.as_str());
        with_nearest(failure, &end.port, fitting, wanted.word())
    })
}

/// What only shows beside the links before this one.
fn check_among(earlier: &[Link], link: &Link, problems: &mut Vec<Failure>) {
    let origin = link.origin.as_ref();
    let mut same_output = earlier.iter().filter(|other| other.from == link.from);
    if let Some(twin) = earlier.iter().find(|other| other.from == link.from && other.to == link.to) {
        let mut failure = problem(origin, format!("`{}` is linked to `{}` already", link.from, link.to));
        failure.causes.extend(twin.origin.as_ref().map(|origin| format!("the first link is at {origin}")));
        problems.push(failure.hint("leave one of them out"));
    } else if let Some(other) = same_output.clone().find(|other| other.policy != link.policy) {
        let mut failure = problem(origin, format!("the links of `{}` do not agree on a policy", link.from));
        failure.causes.extend(other.origin.as_ref().map(|origin| format!("the other one is at {origin}")));
        problems
            .push(failure.hint("a policy says how an output divides its items: write the same one at all its links"));
    } else if let Some(other) = same_output.find(|other| is_lossy(other) != is_lossy(link)) {
        let mut failure = problem(origin, format!("the links of `{}` do not agree on a delivery", link.from));
        failure.causes.extend(other.origin.as_ref().map(|origin| format!("the other one is at {origin}")));
        let hint = "a delivery says what an output does with items that are not taken fast enough: write the same one at all its links";
        problems.push(failure.hint(hint));
    }
}

fn is_lossy(link: &Link) -> bool {
    link.delivery == Some(Delivery::Lossy)
}

fn check_inputs(deployment: &Deployment, name: &str, service: &Service, problems: &mut Vec<Failure>) {
    let Program::Hydroflow { interface, .. } = &service.program else { return };
    for port in interface.ports.iter().filter(|port| port.direction == Direction::Input) {
        let end = PortRef { service: name.to_owned(), port: port.name.clone() };
        let variable = input_variable(&port.name);
        let linked = deployment.links.iter().any(|link| link.to == end);
        let exposed = service.exposed.contains_key(&port.name);
        if !linked && !exposed && !deployment.open.contains(&end) && !service.env.contains_key(&variable) {
            let message = format!("nothing is linked to the input `{end}`");
            let from_script =
                service.origin.as_ref().is_some_and(|origin| origin.file.extension().is_some_and(|kind| kind == "py"));
            let hint = if from_script {
                format!("link an output to it, or let the script send to it: `{name}.ports.{}.open()`", port.name)
            } else {
                format!("link an output to it, or say that nothing comes with the variable `{variable}=null`")
            };
            problems.push(problem(service.origin.as_ref(), message).hint(hint));
        }
    }
}

/// What a built program says of itself, and which build it came from.
#[derive(Clone, Copy, Debug)]
pub struct Described<'a> {
    /// The program's own words.
    pub program: &'a ProgramDescription,
    /// Number of the build: type ids can be compared within one only.
    pub build: u64,
}

/// Compares the types at both ends of each link, as rustc named them; and the programs' contract with ours.
#[must_use]
pub fn check_types(deployment: &Deployment, described: &BTreeMap<String, Described<'_>>) -> Vec<Failure> {
    let mut problems = Vec::new();
    for (name, Described { program, .. }) in described {
        if program.contract != CONTRACT_VERSION {
            let origin = deployment.services.get(name).and_then(|service| service.origin.as_ref());
            let message = format!(
                "`{name}` speaks version {} of the contract with its deployer, this command speaks version {CONTRACT_VERSION}",
                program.contract
            );
            problems.push(problem(origin, message).hint("build it again with `cargo hydro build`"));
        }
    }
    problems.extend(deployment.links.iter().filter_map(|link| check_type(link, described)));
    problems
}

fn check_type(link: &Link, described: &BTreeMap<String, Described<'_>>) -> Option<Failure> {
    let find = |end: &PortRef| {
        let described = described.get(&end.service)?;
        described.program.ports.iter().find(|port| port.name == end.port).map(|port| (*described, port))
    };
    let ((from, output), (to, input)) = (find(&link.from)?, find(&link.to)?);
    let declared = |end: &PortRef, described: Described<'_>, port: &PortDescription| {
        format!("`{end}` carries `{}` ({}:{})", port.type_name, described.program.source, port.line)
    };
    let message = if output.type_name != input.type_name {
        format!("`{}` and `{}` carry different types", link.from, link.to)
    } else if from.build == to.build && are_two_types(&output.type_id, &input.type_id) {
        format!("`{}` and `{}` carry two different versions of the same type", link.from, link.to)
    } else {
        return None;
    };
    let failure = problem(link.origin.as_ref(), message)
        .cause(declared(&link.from, from, output))
        .cause(declared(&link.to, to, input));
    Some(if output.type_name == input.type_name {
        failure.hint(
            "let both programs depend on the same version of the crate that defines it: see `cargo tree --duplicates`",
        )
    } else {
        failure.hint("give both ports the same type, or put a `map` in front of one of them")
    })
}

/// Identities in builds for two targets say nothing of each other; which targets stands in front of a colon.
fn are_two_types(one: &str, other: &str) -> bool {
    let build = |identity: &str| identity.rsplit_once(':').map(|(build, _)| build.to_owned());
    one != other && build(one) == build(other)
}

#[cfg(test)]
mod tests {
    use hydro_runtime_shim::contract::{self, Addressing, Policy};

    use super::*;
    use crate::build::Wishes;
    use crate::deploy::model::{LocalLinks, Machine, Security};
    use crate::deploy::samples::{command, deployment, link, port};
    use crate::report::{ExitCode, Origin};

    fn told(problems: &[Failure]) -> Vec<String> {
        problems
            .iter()
            .map(|problem| {
                let origin = problem.origin.as_ref().map_or(String::new(), |origin| format!("{} ", origin.line));
                format!("{origin}{} [{}]", problem.message, problem.hint.as_deref().unwrap_or_default())
            })
            .collect()
    }

    fn echo() -> Deployment {
        let mut echo =
            deployment(&[("client", "output outbound, input inbound"), ("server", "input inbound, output outbound")]);
        link(&mut echo, "client.outbound", "server.inbound", None);
        link(&mut echo, "server.outbound", "client.inbound", None);
        echo
    }

    #[test]
    fn nothing_is_wrong_with_a_right_deployment() {
        assert_eq!(check(&echo(), false), []);
    }

    #[test]
    fn both_ends_of_a_link_are_checked_and_all_is_told() {
        let mut wrong = echo();
        command(&mut wrong, "db", &["postgres"]);
        for (from, to) in [
            ("client.outbund", "server.inbound"),
            ("clent.outbound", "moon.inbound"),
            ("server.inbound", "client.outbound"),
            ("client.inbound", "server.inbound"),
            ("db.rows", "server.inbound"),
        ] {
            link(&mut wrong, from, to, None);
        }
        let expected = [
            "102 `client` has no port `outbund` [there is an output with a similar name: `outbound`]",
            "103 there is no service `clent` [there is a service with a similar name: `client`]",
            "103 there is no service `moon` [the services are `client`, `server`, `db`]",
            "104 `server.inbound` is an input; a link begins at an output [turn it round: from `client.outbound` to `server.inbound`]",
            "104 `client.outbound` is an output; a link ends at an input [turn it round: from `client.outbound` to `server.inbound`]",
            "105 `client.inbound` is an input; a link begins at an output [the only output is `outbound`]",
            "106 `db` has no port `rows`: it is a command [the only output is `stdout`]",
        ];
        let problems = check(&wrong, false);
        assert_eq!(told(&problems), expected);
        assert!(problems.iter().all(|problem| problem.code == ExitCode::Config));
    }

    #[test]
    fn an_input_that_nothing_feeds_is_told_unless_that_is_meant() {
        let mut alone = deployment(&[("server", "input inbound, output outbound")]);
        assert_eq!(
            told(&check(&alone, false)),
            [
                "1 nothing is linked to the input `server.inbound` [link an output to it, or say that nothing comes with the \
              variable `HYDRO_INPUT_INBOUND=null`]"
            ]
        );
        alone.open.insert(port("server.inbound"));
        assert_eq!(check(&alone, false), []);
        alone.open.clear();
        alone.services["server"].env.insert("HYDRO_INPUT_INBOUND".into(), "null".into());
        assert_eq!(check(&alone, false), []);
    }

    #[test]
    fn parameters_are_compared_with_the_header() {
        let mut wrong = deployment(&[("a", "param period_ms = 1, param size")]);
        if let Program::Hydroflow { params, .. } = &mut wrong.services["a"].program {
            params.insert("period".into(), "1".into());
            params.insert("periodms".into(), "1".into());
        }
        let expected = [
            "1 `a` has no parameter `period` [the parameters are `period_ms`, `size`]",
            "1 `a` has no parameter `periodms` [there is a parameter with a similar name: `period_ms`]",
            "1 `a` needs the parameter `size`: u64 [give it a value in `params`, or a default in the `.hf` file (line 3)]",
        ];
        assert_eq!(told(&check(&wrong, false)), expected);
        let mut by_flag = deployment(&[("a", "param a_b")]);
        by_flag.services["a"].args.push("--a-b=3".into());
        assert_eq!(check(&by_flag, false), []);
    }

    #[test]
    fn machines_exist_and_others_share_no_process() {
        let mut wrong = deployment(&[("a", ""), ("b", ""), ("c", "")]);
        let kind = MachineKind::Gcp(crate::machine::CloudMachine::default());
        wrong.machines.insert(
            "cloud".into(),
            Machine { closed: false, kind, wishes: Wishes::default(), origin: Some(Origin::line("Hydro.toml", 9)) },
        );
        wrong.services["a"].machine = "clod".into();
        wrong.services["b"].machine = "cloud".into();
        wrong.services["c"].machine = "cloud".into();
        wrong.services["c"].colocate = Some("p".into());
        let expected = [
            "1 there is no machine `clod` [there is a machine with a similar name: `cloud`]",
            "3 `colocate` is for this machine only, and `cloud` is another [leave `colocate` out: links within a machine share memory]",
        ];
        assert_eq!(told(&check(&wrong, false)), expected);
        assert_eq!(told(&check(&wrong, true)).len(), 1);
    }

    #[test]
    fn what_contradicts_itself_is_told() {
        let mut wrong = deployment(&[("a", "output x"), ("b", "input y"), ("c.d", "input y")]);
        link(&mut wrong, "a.x", "b.y", None);
        link(&mut wrong, "a.x", "b.y", None);
        link(&mut wrong, "a.x", "c.d.y", Some(Policy::RoundRobin));
        wrong.links[2].to = PortRef { service: "c.d".into(), port: "y".into() };
        wrong.services["a"].count = 2;
        wrong.services["a"].listen = Some("127.0.0.1".into());
        command(&mut wrong, "e", &[]);
        let expected = [
            "1 `a` has 2 members, but one address to listen at [leave out `listen`; each member is then given an address]",
            "1 `a` cannot listen at `127.0.0.1`: that is no address [write an IP address and a port: `127.0.0.1:4000`]",
            "3 `c.d` is no name for a service [a name has letters, digits, `_` and `-`, and begins with a letter]",
            "50 `e` has an empty command []",
            "101 `a.x` is linked to `b.y` already [leave one of them out]",
            "102 the links of `a.x` do not agree on a policy [a policy says how an output divides its items: write the same one at all its links]",
        ];
        assert_eq!(told(&check(&wrong, false)), expected);
    }

    #[test]
    fn an_output_delivers_in_one_way_and_a_transport_fits_its_link() {
        let mut wrong = deployment(&[("a", "output x"), ("b", "input y"), ("c", "input y")]);
        wrong.security = Security::Always;
        link(&mut wrong, "a.x", "b.y", None);
        link(&mut wrong, "a.x", "c.y", None);
        wrong.links[0].delivery = Some(Delivery::Lossy);
        wrong.links[1].transport = Some(LocalLinks::Unix);
        let expected = [
            "101 the link from `a.x` to `c.y` cannot have the transport `unix`: every link is encrypted, since `tls` is `always` \
             [leave `transport` out, or write `insecure = true` at the link, which never leaves this machine]",
            "101 the links of `a.x` do not agree on a delivery [a delivery says what an output does with items that are not taken \
             fast enough: write the same one at all its links]",
        ];
        assert_eq!(told(&check(&wrong, false)), expected);
        wrong.links[1] = Link { delivery: Some(Delivery::Lossy), transport: None, ..wrong.links[1].clone() };
        assert_eq!(check(&wrong, false), []);
    }

    fn described(program: &str, port: &str, type_name: &str, type_id: &str) -> ProgramDescription {
        let direction = if port.starts_with("in") { contract::Direction::Input } else { contract::Direction::Output };
        let port = PortDescription {
            name: port.into(),
            direction,
            addressing: Addressing::Plain,
            type_text: "T".into(),
            type_name: type_name.into(),
            type_id: type_id.into(),
            doc: String::new(),
            line: 7,
        };
        ProgramDescription {
            contract: CONTRACT_VERSION,
            program: program.into(),
            source: format!("src/{program}.hf"),
            doc: String::new(),
            ports: vec![port],
            params: Vec::new(),
        }
    }

    #[test]
    fn types_of_both_ends_must_be_the_same() {
        let mut linked = deployment(&[("a", "output out"), ("b", "input in")]);
        link(&mut linked, "a.out", "b.in", None);
        let check_with = |type_name: &str, type_id: &str, build: u64| {
            let (a, b) = (described("a", "out", "data::Msg", "1"), described("b", "in", type_name, type_id));
            let programs = [("a", Described { program: &a, build: 0 }), ("b", Described { program: &b, build })];
            check_types(&linked, &programs.map(|(name, described)| (name.to_owned(), described)).into())
        };
        assert_eq!(check_with("data::Msg", "1", 0), []);
        assert_eq!(check_with("data::Msg", "2", 1), [], "ids of two builds cannot be compared");
        assert_eq!(check_with("data::Msg", "arm:2", 0), [], "nor those of two targets");
        let different = check_with("u64", "1", 0).remove(0);
        assert_eq!(
            different.to_string(),
            "Hydro.toml:100: `a.out` and `b.in` carry different types\n  cause: `a.out` carries `data::Msg` (src/a.hf:7)\n  cause: `b.in` carries `u64` (src/b.hf:7)"
        );
        assert_eq!(
            check_with("data::Msg", "2", 0).remove(0).message,
            "`a.out` and `b.in` carry two different versions of the same type"
        );
    }

    #[test]
    fn a_program_of_another_contract_is_refused() {
        let one = deployment(&[("a", "")]);
        let mut program = described("a", "out", "u64", "1");
        program.contract = CONTRACT_VERSION + 1;
        let problems = check_types(&one, &[("a".to_owned(), Described { program: &program, build: 0 })].into());
        assert_eq!(problems.len(), 1);
        assert!(problems[0].message.contains("contract"), "{}", problems[0]);
    }
}
