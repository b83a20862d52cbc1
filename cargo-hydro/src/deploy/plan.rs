//! What each member is told before it starts: the environment that wires it, and the order of starting.
//!
//! Pure: addresses come from outside, nothing is bound or started here. Read [`Plan::new`] first.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use hydro_host::words::Bounds;
use hydro_runtime_shim::contract::{
    self, Delivery, Endpoint, Role, Transport, delivery_variable, input_variable, output_variable, param_variable,
    policy_variable,
};
use hydroflow_standalone::interface::{Direction, ModuleInterface};
use serde::{Deserialize, Serialize};

use super::late::Late;
use super::model::{Deployment, Exposure, Link, PortRef, Program, Service, member_name};
use super::piping;
use super::placeholders::{self, Owns, Texts};
use super::ways::Way;
use crate::machine::{Health, Wires};

/// Where a member listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Address {
    /// What its socket is bound to.
    pub listen: SocketAddr,
    /// What peers dial, and see.
    pub advertised: SocketAddr,
    /// The Unix socket at which it listens, too, for callers on its own machine.
    pub socket: Option<PathBuf>,
    /// Where that socket is reached from this machine, if it is another's.
    #[serde(skip)]
    pub near: Option<PathBuf>,
    /// What the sockets of its exposed ports are bound to, by port.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub exposed: BTreeMap<String, SocketAddr>,
}

impl Address {
    /// Makes the address of a socket: peers on this machine cannot dial "everywhere", they dial the loopback address instead.
    #[must_use]
    pub fn of(listen: SocketAddr) -> Self {
        let mut advertised = listen;
        if listen.ip().is_unspecified() {
            advertised.set_ip(match listen {
                SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
                SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
            });
        }
        Self { listen, advertised, socket: None, near: None, exposed: BTreeMap::new() }
    }

    /// Has peers dial another IP address: that of a machine as others see it.
    #[must_use]
    pub fn seen_as(mut self, address: Option<IpAddr>) -> Self {
        if let Some(address) = address {
            self.advertised.set_ip(address);
        }
        self
    }

    /// Adds the Unix socket.
    #[must_use]
    pub fn with_socket(self, path: impl Into<PathBuf>) -> Self {
        Self { socket: Some(path.into()), ..self }
    }
}

/// Addresses by service and member.
pub type Addresses = BTreeMap<(String, u32), Address>;

/// What is going to be started, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Name of the deployment.
    pub deployment: String,
    /// Members in the order of starting.
    pub members: Vec<PlannedMember>,
}

/// Where a port is reached from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Outside {
    /// The port's name.
    pub port: String,
    /// The address.
    pub address: SocketAddr,
}

/// One member that is going to be started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedMember {
    /// `service`, or `service.N`.
    pub name: String,
    /// Its service.
    pub service: String,
    /// Its number.
    pub member: u32,
    /// Its machine.
    pub machine: String,
    /// Where it listens; commands listen on their own account.
    pub address: Option<Address>,
    /// Whether it needs a certificate.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub certificate: bool,
    /// Its command's program; empty: it is one of ours.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub program: String,
    /// Its arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Its variables.
    pub env: BTreeMap<String, String>,
    /// The folder for its data, if it asks for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// What it may use and do, where its machine sees to it.
    #[serde(skip_serializing_if = "Bounds::is_none")]
    pub bounds: Bounds,
    /// How it is found out whether it is well.
    #[serde(skip)]
    pub health: Option<Health>,
    /// Hash of the files that it reads.
    #[serde(skip)]
    pub watched: Option<String>,
    /// What its standard input and output are linked to.
    #[serde(skip)]
    pub wires: Option<Wires>,
    /// Where its exposed ports are reached, by the name of the exposure.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub exposed: BTreeMap<String, Outside>,
    /// The address at which a command is known to listen.
    #[serde(skip)]
    pub known_address: Option<SocketAddr>,
}

impl Plan {
    /// Plans all members, those that run too. `addresses` holds one for every member of every Hydroflow service; `late` says who calls whom.
    #[must_use]
    pub(super) fn new(deployment: &Deployment, (addresses, owns): (&Addresses, &Owns), late: &Late) -> Self {
        let wiring = Wiring { deployment, addresses, owns, late };
        let members = start_order(deployment)
            .into_iter()
            .filter_map(|name| deployment.services.get_key_value(name))
            .flat_map(|(name, service)| (0..service.count).map(move |member| (name, service, member)))
            .map(|(name, service, member)| wiring.member(name, service, member))
            .collect();
        Self { deployment: deployment.name.clone(), members }
    }

    /// Plans everything with made-up addresses, for showing.
    #[must_use]
    pub fn example(deployment: &Deployment) -> Self {
        let mut ports = 4000..;
        let members =
            deployment.services.iter().flat_map(|(name, service)| (0..service.count).map(move |n| (name, service, n)));
        let addresses = members
            .filter(|(_, service, _)| matches!(service.program, Program::Hydroflow { .. }))
            .map(|(name, service, member)| {
                let fixed = service.listen.as_ref().and_then(|listen| listen.parse().ok());
                let listen =
                    fixed.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, ports.next().unwrap_or(u16::MAX))));
                let socket = format!("/run/hydro/{}.sock", listen.port());
                ((name.clone(), member), Address::of(listen).with_socket(socket))
            })
            .collect();
        Self::new(deployment, (&addresses, &placeholders::example(deployment)), &Late::default())
    }
}

/// Receivers before senders, so that the first dial succeeds; within a cycle, and where it does not matter, as written.
fn start_order(deployment: &Deployment) -> Vec<&str> {
    let mut waiting: Vec<&str> = deployment.services.keys().map(String::as_str).collect();
    let mut receivers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for link in deployment.links.iter().filter(|link| link.from.service != link.to.service) {
        receivers.entry(&link.from.service).or_default().insert(&link.to.service);
    }
    let mut order = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let is_free =
            |name: &&str| receivers.get(*name).is_none_or(|to| !waiting.iter().any(|other| to.contains(other)));
        let next = waiting.iter().position(is_free).unwrap_or(0);
        order.push(waiting.remove(next));
    }
    order
}

struct Wiring<'a> {
    deployment: &'a Deployment,
    addresses: &'a Addresses,
    owns: &'a Owns,
    late: &'a Late,
}

impl Wiring<'_> {
    fn member(&self, name: &str, service: &Service, member: u32) -> PlannedMember {
        let mut env = BTreeMap::from([
            (contract::DEPLOYMENT.to_owned(), self.deployment.name.clone()),
            (contract::SERVICE.to_owned(), name.to_owned()),
            (contract::MEMBER.to_owned(), member.to_string()),
            (contract::MEMBERS.to_owned(), service.count.to_string()),
        ]);
        let address = self.addresses.get(&(name.to_owned(), member));
        let is_ours = matches!(service.program, Program::Hydroflow { .. });
        if let (Program::Hydroflow { interface, params, .. }, Some(address)) = (&service.program, address) {
            env.insert(contract::ADDRESS.to_owned(), address.advertised.to_string());
            let sockets = 1 + usize::from(address.socket.is_some()) + address.exposed.len();
            env.insert(contract::LISTEN_FDS.to_owned(), sockets.to_string());
            env.extend(params.iter().map(|(param, value)| (param_variable(param), value.clone())));
            env.extend(self.ports(name, member, interface, address));
        }
        let texts =
            Texts { deployment: self.deployment, addresses: self.addresses, owns: self.owns, own: (name, member) };
        env.extend(service.env.iter().map(|(name, value)| (name.clone(), texts.fill(value))));
        let (program, mut args) = match &service.program {
            Program::Command { argv } => (
                argv.first().map(|program| texts.fill(program)).unwrap_or_default(),
                argv.iter().skip(1).map(|text| texts.fill(text)).collect(),
            ),
            Program::Hydroflow { .. } => (String::new(), Vec::new()),
        };
        args.extend(service.args.iter().map(|text| texts.fill(text)));
        PlannedMember {
            name: member_name(name, member, service.count),
            service: name.to_owned(),
            member,
            machine: service.machine.clone(),
            address: address.cloned(),
            certificate: is_ours && self.deployment.needs_certificates(name),
            program,
            args,
            env,
            data: texts.data(service),
            bounds: service.bounds.clone(),
            health: service.health.as_ref().map(|health| texts.health(health)),
            watched: service.watched.content.clone(),
            wires: self.deployment.wires((name, member), self.addresses, self.owns),
            exposed: self.exposed(name, member, service),
            known_address: texts.known_address(service),
        }
    }

    /// Returns where the exposed ports of a member are reached.
    fn exposed(&self, name: &str, member: u32, service: &Service) -> BTreeMap<String, Outside> {
        let key = (name.to_owned(), member);
        let own = self.owns.get(&key);
        let bound = |port: &String| match self.addresses.get(&key) {
            Some(address) => address.exposed.get(port).copied(),
            None => own?.exposed.get(port).copied(),
        };
        let outside = |(port, exposure): (&String, &Exposure)| {
            let mut address = bound(port)?;
            if let Some(ip) = own.and_then(|own| own.outside).filter(|_| address.ip().is_unspecified()) {
                address.set_ip(ip);
            }
            let name = if exposure.name.is_empty() { format!("{name}.{port}") } else { exposure.name.clone() };
            Some((name, Outside { port: port.clone(), address }))
        };
        service.exposed.iter().filter_map(outside).collect()
    }

    fn ports(&self, name: &str, member: u32, interface: &ModuleInterface, own: &Address) -> Vec<(String, String)> {
        let mut variables = Vec::new();
        for port in &interface.ports {
            let end = PortRef { service: name.to_owned(), port: port.name.clone() };
            match port.direction {
                Direction::Input => {
                    let mut endpoints: Vec<String> = self.queue(&end, member).into_iter().collect();
                    endpoints.extend(self.listens(Direction::Input, &end, own));
                    for link in self.deployment.links.iter().filter(|link| link.to == end) {
                        endpoints.extend(self.calls(Direction::Input, member, link));
                    }
                    variables.push((input_variable(&port.name), endpoints.join(",")));
                }
                Direction::Output => {
                    let links = self.deployment.links.iter().filter(|link| link.from == end);
                    let mut endpoints = Vec::new();
                    for link in links.clone() {
                        endpoints.extend(self.calls(Direction::Output, member, link));
                    }
                    // Latecomers and scripts may still attach to it.
                    endpoints.extend(self.listens(Direction::Output, &end, own));
                    variables.push((output_variable(&port.name), endpoints.join(",")));
                    if let Some(policy) = links.clone().find_map(|link| link.policy) {
                        variables.push((policy_variable(&port.name), policy.name().to_owned()));
                    }
                    if let Some(Delivery::Lossy) = links.filter_map(|link| link.delivery).next() {
                        variables.push((delivery_variable(&port.name), Delivery::Lossy.name().to_owned()));
                    }
                }
            }
        }
        variables
    }

    /// Returns the endpoints at which a port waits for callers. Scripts call at the Unix socket, also where all links are encrypted.
    fn listens(&self, direction: Direction, end: &PortRef, own: &Address) -> Vec<String> {
        let served = self.deployment.served(end);
        let plain = served.plain.then(|| tcp(own.listen));
        let tls = served.tls.then(|| tls(own.listen));
        let unix = own.socket.as_ref().map(|path| Transport::Unix { path: path.clone() });
        // Nothing else is served there.
        let exposed = own.exposed.get(&end.port).copied().map(tcp);
        let places = [plain, tls, unix, exposed].into_iter().flatten();
        places.map(|transport| write(direction, Role::Listen, transport, None)).collect()
    }

    /// Returns the endpoints at which one end of a link calls its peers: all those that do not call it.
    fn calls(&self, direction: Direction, member: u32, link: &Link) -> Vec<String> {
        if direction == Direction::Output && self.deployment.is_fed(&link.to.service) {
            return piping::call(link, self.owns).map(|endpoint| brief(direction, &endpoint)).into_iter().collect();
        }
        let way = self.deployment.way(link);
        let (own, peer) = match direction {
            Direction::Output => (&link.from, &link.to),
            Direction::Input => (&link.to, &link.from),
        };
        let calls = |other: u32| match direction {
            Direction::Output => !self.late.has(link, member, other),
            Direction::Input => self.late.has(link, other, member),
        };
        // No member is its own peer.
        let is_other = |other: u32| own.service != peer.service || other != member;
        self.addresses
            .range((peer.service.clone(), 0)..=(peer.service.clone(), u32::MAX))
            .filter(|((_, other), _)| is_other(*other) && calls(*other))
            .map(|((_, other), address)| {
                let transport = match way {
                    Way::Queue => Transport::Queue { name: self.name(&peer.service, *other) },
                    _ => place(address, way),
                };
                write(direction, Role::Dial, transport, Some(&peer.port))
            })
            .collect()
    }

    /// Returns the name at which an input waits for those that share its process.
    fn queue(&self, end: &PortRef, member: u32) -> Option<String> {
        let mut links = self.deployment.links.iter().filter(|link| link.to == *end);
        let has_near = links.any(|link| self.deployment.way(link) == Way::Queue);
        let transport = || Transport::Queue { name: self.name(&end.service, member) };
        has_near.then(|| write(Direction::Input, Role::Listen, transport(), None))
    }

    fn name(&self, service: &str, member: u32) -> String {
        let count = self.deployment.services.get(service).map_or(1, |service| service.count);
        member_name(service, member, count)
    }
}

/// Returns where to call a peer.
fn place(address: &Address, way: Way) -> Transport {
    match (way, address.socket.as_deref()) {
        (Way::Tls, _) => tls(address.advertised),
        (Way::SharedMemory, Some(path)) => Transport::Shm { path: path.to_owned() },
        (Way::Unix, Some(path)) => Transport::Unix { path: path.to_owned() },
        (Way::Tcp | Way::Queue, _) | (_, None) => tcp(address.advertised),
    }
}

fn tcp(address: SocketAddr) -> Transport {
    Transport::Tcp { host: address.ip().to_string(), port: address.port() }
}

fn tls(address: SocketAddr) -> Transport {
    Transport::Tls { host: address.ip().to_string(), port: address.port() }
}

/// Writes an endpoint as short as its direction allows.
fn write(direction: Direction, role: Role, transport: Transport, peer_port: Option<&str>) -> String {
    brief(direction, &Endpoint::new(role, transport, peer_port.map(str::to_owned)))
}

fn brief(direction: Direction, endpoint: &Endpoint) -> String {
    let text = endpoint.to_string();
    let implied = match direction {
        Direction::Input => "listen:",
        Direction::Output => "dial:",
    };
    text.strip_prefix(implied).map_or_else(|| text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use hydro_runtime_shim::contract::{Policy, parse_endpoints};

    use super::*;
    use crate::deploy::model::{LocalLinks, Security};
    use crate::deploy::samples::{command, deployment, link};

    fn variables(plan: &Plan, member: &str) -> Vec<String> {
        let member = plan.members.iter().find(|planned| planned.name == member).expect(member);
        let wiring = ["HYDRO_INPUT", "HYDRO_OUTPUT", "HYDRO_POLICY"];
        let env = member.env.iter().filter(|(name, _)| wiring.iter().any(|start| name.starts_with(start)));
        env.map(|(name, value)| format!("{}={value}", name.strip_prefix("HYDRO_").unwrap_or(name))).collect()
    }

    fn order(plan: &Plan) -> Vec<&str> {
        plan.members.iter().map(|member| member.name.as_str()).collect()
    }

    #[test]
    fn a_pair_is_wired_and_receivers_start_first() {
        let mut pair = deployment(&[
            ("client", "output outbound, input answers"),
            ("server", "input inbound, output out, param n"),
        ]);
        link(&mut pair, "client.outbound", "server.inbound", None);
        pair.services["client"].count = 2;
        pair.services["server"].env.insert("LEVEL".into(), "debug".into());
        if let Program::Hydroflow { params, .. } = &mut pair.services["server"].program {
            params.insert("n".into(), "3".into());
        }
        let plan = Plan::example(&pair);
        assert_eq!(order(&plan), ["server", "client.0", "client.1"]);
        let expected = r#"{
  "HYDRO_ADDRESS": "127.0.0.1:4002",
  "HYDRO_DEPLOYMENT": "test",
  "HYDRO_INPUT_INBOUND": "tcp://127.0.0.1:4002,unix:/run/hydro/4002.sock",
  "HYDRO_MEMBER": "0",
  "HYDRO_MEMBERS": "1",
  "HYDRO_OUTPUT_OUT": "listen:tcp://127.0.0.1:4002,listen:unix:/run/hydro/4002.sock",
  "HYDRO_PARAM_N": "3",
  "HYDRO_SERVICE": "server",
  "LEVEL": "debug",
  "LISTEN_FDS": "2"
}"#;
        assert_eq!(serde_json::to_string_pretty(&plan.members[0].env).unwrap(), expected);
        let client = [
            "INPUT_ANSWERS=tcp://127.0.0.1:4001,unix:/run/hydro/4001.sock",
            "OUTPUT_OUTBOUND=shm:/run/hydro/4002.sock#inbound,listen:tcp://127.0.0.1:4001,listen:unix:/run/hydro/4001.sock",
        ];
        assert_eq!(variables(&plan, "client.1"), client);
    }

    #[test]
    fn links_within_the_machine_go_as_the_deployment_or_the_link_says() {
        let mut pair = deployment(&[("a", "output o, output p"), ("b", "input i")]);
        link(&mut pair, "a.o", "b.i", None);
        link(&mut pair, "a.p", "b.i", None);
        pair.local_links = LocalLinks::Unix;
        pair.links[1].transport = Some(LocalLinks::Tcp);
        let starts = variables(&Plan::example(&pair), "a");
        let starts: Vec<&str> = starts.iter().filter_map(|variable| variable.split(',').next()).collect();
        assert_eq!(starts, ["OUTPUT_O=unix:/run/hydro/4001.sock#i", "OUTPUT_P=tcp://127.0.0.1:4001/i"]);
    }

    #[test]
    fn an_output_that_may_leave_items_out_is_told_so() {
        let mut pair = deployment(&[("a", "output o, output p"), ("b", "input i")]);
        link(&mut pair, "a.o", "b.i", None);
        link(&mut pair, "a.p", "b.i", None);
        pair.links[0].delivery = Some(Delivery::Lossy);
        pair.links[1].delivery = Some(Delivery::Reliable);
        let env = Plan::example(&pair).members.remove(1).env;
        let told: Vec<_> = env.iter().filter(|(name, _)| name.starts_with("HYDRO_DELIVERY")).collect();
        assert_eq!(told, [(&"HYDRO_DELIVERY_O".to_owned(), &"lossy".to_owned())]);
    }

    #[test]
    fn links_are_encrypted_where_the_deployment_says_so() {
        let mut pair = deployment(&[("client", "output outbound"), ("server", "input inbound, input other")]);
        link(&mut pair, "client.outbound", "server.inbound", None);
        pair.security = Security::Always;
        let plan = Plan::example(&pair);
        let server =
            ["INBOUND", "OTHER"].map(|port| format!("INPUT_{port}=tls://127.0.0.1:4001,unix:/run/hydro/4001.sock"));
        assert_eq!(variables(&plan, "server"), server);
        let client =
            "OUTPUT_OUTBOUND=tls://127.0.0.1:4001/inbound,listen:tls://127.0.0.1:4000,listen:unix:/run/hydro/4000.sock";
        assert_eq!(variables(&plan, "client"), [client]);
        assert!(plan.members.iter().all(|member| member.certificate));
        pair.links[0].insecure = true;
        let plan = Plan::example(&pair);
        let inbound = "INPUT_INBOUND=tcp://127.0.0.1:4001,tls://127.0.0.1:4001,unix:/run/hydro/4001.sock";
        assert_eq!(variables(&plan, "server"), [inbound, &server[1]]);
        assert!(variables(&plan, "client")[0].starts_with("OUTPUT_OUTBOUND=shm:/run/hydro/4001.sock#inbound,"));
    }

    #[test]
    fn members_of_one_service_meet_each_other_but_not_themselves() {
        let mut gossip = deployment(&[("node", "input heard, output said")]);
        link(&mut gossip, "node.said", "node.heard", Some(Policy::RoundRobin));
        gossip.services["node"].count = 3;
        let expected = [
            "INPUT_HEARD=tcp://127.0.0.1:4001,unix:/run/hydro/4001.sock",
            "OUTPUT_SAID=shm:/run/hydro/4000.sock#heard,shm:/run/hydro/4002.sock#heard,listen:tcp://127.0.0.1:4001,listen:unix:/run/hydro/4001.sock",
            "POLICY_SAID=round_robin",
        ];
        assert_eq!(variables(&Plan::example(&gossip), "node.1"), expected);
    }

    #[test]
    fn a_latecomer_dials_the_senders_that_run() {
        let mut grown = deployment(&[("a", "output out"), ("b", "input y")]);
        link(&mut grown, "a.out", "b.y", None);
        let at = |port| Address::of(SocketAddr::from(([127, 0, 0, 1], port)));
        let addresses = [(("a".to_owned(), 0), at(1)), (("b".to_owned(), 0), at(2))].into();
        let late = Late::default().grown(&grown, &[("a".to_owned(), 1)].into());
        let plan = Plan::new(&grown, (&addresses, &Owns::default()), &late);
        assert_eq!(variables(&plan, "a"), ["OUTPUT_OUT=listen:tcp://127.0.0.1:1"], "it is called");
        assert_eq!(variables(&plan, "b"), ["INPUT_Y=tcp://127.0.0.1:2,dial:tcp://127.0.0.1:1/out"]);
        let addresses = [(("a".to_owned(), 0), at(1).with_socket("/a")), (("b".to_owned(), 0), at(2))].into();
        let plan = Plan::new(&grown, (&addresses, &Owns::default()), &late);
        assert_eq!(variables(&plan, "b"), ["INPUT_Y=tcp://127.0.0.1:2,dial:shm:/a#out"]);
    }

    #[test]
    fn cycles_and_strangers_start_as_written() {
        let mut ring =
            deployment(&[("z", "input i, output o"), ("y", "input i, output o"), ("x", "output o"), ("w", "")]);
        link(&mut ring, "z.o", "y.i", None);
        link(&mut ring, "y.o", "z.i", None);
        link(&mut ring, "x.o", "y.i", None);
        command(&mut ring, "v", &["true"]);
        assert_eq!(order(&Plan::example(&ring)), ["w", "v", "z", "y", "x"]);
    }

    #[test]
    fn a_command_learns_who_it_is_and_no_more() {
        let mut one = Deployment { name: "d".into(), ..Default::default() };
        command(&mut one, "db", &["postgres"]);
        let plan = Plan::example(&one);
        let names: Vec<&String> = plan.members[0].env.keys().collect();
        assert_eq!(names, ["HYDRO_DEPLOYMENT", "HYDRO_MEMBER", "HYDRO_MEMBERS", "HYDRO_SERVICE"]);
        assert_eq!(plan.members[0].address, None);
    }

    #[test]
    fn pipes_of_commands_are_linked_in_json_and_never_leave_their_socket() {
        let mut piped = deployment(&[("client", "output out"), ("server", "input in")]);
        piped.services["server"].count = 2;
        piped.security = Security::Always;
        command(&mut piped, "filter", &["cat"]);
        command(&mut piped, "alone", &["cat"]);
        link(&mut piped, "client.out", "filter.stdin", None);
        link(&mut piped, "filter.stdout", "server.in", Some(Policy::RoundRobin));
        let plan = Plan::example(&piped);
        let out = "OUTPUT_OUT=json:unix:/run/hydro/filter.stdin#stdin,listen:tls://127.0.0.1:4000,listen:unix:/run/hydro/4000.sock";
        assert_eq!(variables(&plan, "client")[0], out);
        assert_eq!(variables(&plan, "server.0"), ["INPUT_IN=tls://127.0.0.1:4001,unix:/run/hydro/4001.sock"]);
        assert_eq!(order(&plan), ["server.0", "server.1", "filter", "client", "alone"], "readers first");
        let wires = |name: &str| plan.members.iter().find(|planned| planned.name == name).and_then(|p| p.wires.clone());
        let filter = wires("filter").expect("it is linked");
        let output = filter.stdout.expect("it is read from");
        let targets: Vec<_> =
            output.targets.iter().map(|to| (to.name.as_str(), to.socket.display().to_string())).collect();
        assert_eq!(filter.stdin.as_deref(), Some(std::path::Path::new("/run/hydro/filter.stdin")));
        let expected = [("server.0.in", "/run/hydro/4001.sock".into()), ("server.1.in", "/run/hydro/4002.sock".into())];
        assert_eq!((targets, output.policy), (expected.to_vec(), Policy::RoundRobin));
        assert_eq!(wires("alone"), None);
    }

    #[test]
    fn who_listens_everywhere_is_dialed_here() {
        let mut open = deployment(&[("a", "output out"), ("b", "input y")]);
        link(&mut open, "a.out", "b.y", None);
        open.services["b"].listen = Some("[::]:9".into());
        open.local_links = LocalLinks::Tcp;
        let plan = Plan::example(&open);
        assert_eq!(variables(&plan, "b"), ["INPUT_Y=tcp://[::]:9,unix:/run/hydro/9.sock"]);
        assert!(variables(&plan, "a")[0].starts_with("OUTPUT_OUT=tcp://[::1]:9/y,listen:tcp://127.0.0.1:4000,"));
        for value in ["tcp://[::1]:9/y,listen:tcp://127.0.0.1:4000", "tcp://[::]:9"] {
            assert!(parse_endpoints(value, contract::Direction::Output).is_ok());
        }
    }
}
