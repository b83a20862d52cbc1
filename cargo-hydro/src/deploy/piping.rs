//! Links to the standard input and output of commands: what is wrong with them, who is told what, and the pipes themselves.
//!
//! A command has two ports, `stdin` and `stdout`, which carry lines of JSON. The process that holds the deployment passes them on.

use hydro_runtime_shim::contract::{Codec, Delivery, Endpoint, Role, Transport};
use hydroflow_standalone::interface::{Addressing, Direction};

use super::bind::no_socket;
use super::model::{Deployment, Link, PortRef, Program, Service, member_name};
use super::placeholders::Owns;
use super::plan::{Addresses, PlannedMember};
use super::problem::{problem, with_nearest};
use super::start::Starting;
use crate::machine::{Identity, Pipes, Target, Wires};
use crate::report::Failure;

const STDIN: &str = "stdin";
const STDOUT: &str = "stdout";
/// The ports of a command.
pub const PIPES: [(&str, Direction); 2] = [(STDIN, Direction::Input), (STDOUT, Direction::Output)];

impl Service {
    /// Whether it is any executable, not a program of an `.hf` file.
    #[must_use]
    pub(super) fn is_command(&self) -> bool {
        matches!(self.program, Program::Command { .. })
    }
}

impl Deployment {
    /// Whether a link has a command at one of its ends.
    pub(super) fn is_piped(&self, link: &Link) -> bool {
        let is_command = |end: &PortRef| self.services.get(&end.service).is_some_and(Service::is_command);
        is_command(&link.from) || is_command(&link.to)
    }

    /// Whether something is linked to the standard input of a service.
    pub(super) fn is_fed(&self, service: &str) -> bool {
        let is_command = self.services.get(service).is_some_and(Service::is_command);
        is_command && self.links.iter().any(|link| link.to.service == service)
    }

    /// Returns what is linked to the pipes of a command's member; none: nothing.
    pub(super) fn wires(&self, (name, member): (&str, u32), addresses: &Addresses, owns: &Owns) -> Option<Wires> {
        self.services.get(name).filter(|service| service.is_command())?;
        let mut wires = Wires { stdin: None, stdout: None };
        if self.is_fed(name) {
            wires.stdin = owns.get(&(name.to_owned(), member)).and_then(|own| own.stdin.clone());
        }
        for link in self.links.iter().filter(|link| link.from.service == name) {
            let output = wires.stdout.get_or_insert_default();
            output.policy = link.policy.unwrap_or_default();
            output.targets.extend(self.targets(link, addresses, owns));
        }
        (wires != Wires::default()).then_some(wires)
    }

    /// Returns the members that get what a command writes.
    fn targets(&self, link: &Link, addresses: &Addresses, owns: &Owns) -> Vec<Target> {
        let PortRef { service, port } = &link.to;
        let count = self.services.get(service).map_or(0, |service| service.count);
        let socket = |member: u32| {
            let key = (service.clone(), member);
            let listens = addresses.get(&key).and_then(|address| address.socket.clone());
            listens.or_else(|| owns.get(&key)?.stdin.clone())
        };
        let target = |member: u32| {
            let name = format!("{}.{port}", member_name(service, member, count));
            Some(Target { name, socket: socket(member)?, port: port.clone() })
        };
        (0..count).filter_map(target).collect()
    }
}

/// Returns where an output calls the standard input that it is linked to.
pub(super) fn call(link: &Link, owns: &Owns) -> Option<Endpoint> {
    let path = owns.get(&(link.to.service.clone(), 0))?.stdin.clone()?;
    let endpoint = Endpoint::new(Role::Dial, Transport::Unix { path }, Some(STDIN.to_owned()));
    Some(Endpoint { codec: Codec::Json, ..endpoint })
}

/// Checks the end of a link that is a command.
pub(super) fn check_end(link: &Link, end: &PortRef, service: &Service, wanted: Direction) -> Result<(), Failure> {
    let own = if wanted == Direction::Input { link.to_origin.as_ref() } else { None };
    let origin = own.or(link.origin.as_ref());
    let (fitting, other, verb, article) = match wanted {
        Direction::Output => (STDOUT, STDIN, "begins", "an output"),
        Direction::Input => (STDIN, STDOUT, "ends", "an input"),
    };
    if end.port == other {
        let is = if wanted == Direction::Output { "an input" } else { "an output" };
        let message = format!("`{end}` is {is}; a link {verb} at {article}");
        return Err(problem(origin, message).hint(format!("write `{}.{fitting}`", end.service)));
    }
    if end.port != fitting {
        let message = format!("`{}` has no port `{}`: it is a command", end.service, end.port);
        return Err(with_nearest(problem(origin, message), &end.port, [fitting].into_iter(), wanted.word()));
    }
    if service.count > 1 {
        let message = format!("`{end}` cannot be linked: `{}` has {} members", end.service, service.count);
        return Err(problem(origin, message).hint("lines are for one process: write a service for each"));
    }
    Ok(())
}

/// Tells what else a link to a command cannot have.
pub(super) fn check_link(deployment: &Deployment, link: &Link) -> Vec<Failure> {
    if !deployment.is_piped(link) {
        return Vec::new();
    }
    let mut problems = Vec::new();
    let mut refuse = |message: String, hint: &str| problems.push(problem(link.origin.as_ref(), message).hint(hint));
    let between = format!("the link from `{}` to `{}`", link.from, link.to);
    for end in [&link.from, &link.to] {
        let Some(Program::Hydroflow { interface, .. }) = deployment.services.get(&end.service).map(|s| &s.program)
        else {
            continue;
        };
        if interface.port(&end.port).is_some_and(|port| port.addressing != Addressing::Plain) {
            let hint = "give the port its payload alone, without the address beside it";
            refuse(format!("`{end}` is addressed, and lines of a command come from no address"), hint);
        }
    }
    if let Some(transport) = link.transport {
        let message =
            format!("{between} cannot have the transport `{}`: a command is linked by its pipes", transport.name());
        refuse(message, "leave `transport` out");
    }
    let is_from_command = deployment.services.get(&link.from.service).is_some_and(Service::is_command);
    if is_from_command && link.delivery == Some(Delivery::Lossy) {
        let hint = "leave `delivery` out: who is not read from fast enough waits";
        refuse(format!("{between} cannot be `lossy`: a command's lines are all delivered"), hint);
    }
    problems
}

/// Tells of a link to a command that is not on this machine with both its ends.
pub(super) fn check_place(deployment: &Deployment, link: &Link) -> Option<Failure> {
    let away = [&link.from, &link.to].into_iter().find(|end| !deployment.is_here(&end.service));
    let away = away.filter(|_| deployment.is_piped(link))?;
    let message =
        format!("the link from `{}` to `{}` cannot be: `{}` is not on this machine", link.from, link.to, away.service);
    let hint = "pipes of commands are linked within this machine; elsewhere let the command open a port, and call that";
    Some(problem(link.origin.as_ref(), message).hint(hint))
}

impl Starting<'_> {
    /// Makes the pipes of a member that is linked by them.
    pub(super) fn pipes(&self, planned: &PlannedMember) -> Result<Option<Pipes>, Failure> {
        let Some(wires) = &planned.wires else { return Ok(None) };
        let pipes = Pipes::new(Identity::new(&self.deployment.name, &planned.service, planned.member), self.reporter);
        wire(&pipes, wires, &planned.name)?;
        Ok(Some(pipes))
    }
}

/// Makes the links of pipes what the plan says.
pub(super) fn wire(pipes: &Pipes, wires: &Wires, member: &str) -> Result<(), Failure> {
    pipes.wire(wires).map_err(|error| no_socket(member, error))
}

/// Tells in words how the pipes of a command differ; none: they do not, as far as the process notices.
pub(super) fn difference(old: Option<&Wires>, new: Option<&Wires>) -> Option<&'static str> {
    let is_fed = |wires: Option<&Wires>| wires.is_some_and(|wires| wires.stdin.is_some());
    let is_read = |wires: Option<&Wires>| wires.is_some_and(|wires| wires.stdout.is_some());
    match (is_fed(old) != is_fed(new), is_read(old) != is_read(new)) {
        (false, false) => None,
        (true, false) => Some("its standard input"),
        (false, true) => Some("its standard output"),
        (true, true) => Some("its standard input and output"),
    }
}
