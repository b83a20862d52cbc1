//! `{port:NAME}`, `{host}`, `{data}` and the like in the texts of a service: what is asked for, and the texts with it. Pure.
//!
//! Other braces are left alone: a shell has many.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::model::{Deployment, Program, Service, member_name};
use super::plan::Addresses;
use crate::machine::{Health, HealthCheck};

/// What a text can ask for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wanted {
    /// `{port:NAME}`, of this service or of `{SERVICE.port:NAME}`: a number.
    Port { service: Option<String>, name: String },
    /// `{host}`, `{SERVICE.host}`: an IP address.
    Host { service: Option<String> },
    /// `{SERVICE.address}`: where its peers call it.
    Address { service: String },
    /// `{data}`: a folder of its own.
    Data,
    /// `{member}`: its number.
    Member,
}

/// Returns what a text asks for, in its order.
pub(super) fn wanted(text: &str) -> Vec<Wanted> {
    let mut found = Vec::new();
    // Nothing is filled in; only what is met counts.
    let _ = fill::<()>(text, |wanted| {
        found.push(wanted);
        Ok(String::new())
    });
    found
}

/// Fills a text in.
///
/// # Errors
/// The first that `give` has.
pub(super) fn fill<E>(text: &str, mut give: impl FnMut(Wanted) -> Result<String, E>) -> Result<String, E> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, inside) = rest.split_at(open);
        filled.push_str(before);
        let inside = &inside[1..];
        // `${NAME}` is the shell's.
        let is_ours = !before.ends_with('$');
        match inside.split_once('}').and_then(|(word, after)| Some((parse(word).filter(|_| is_ours)?, after))) {
            Some((wanted, after)) => {
                filled.push_str(&give(wanted)?);
                rest = after;
            }
            None => {
                filled.push('{');
                rest = inside;
            }
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

fn parse(word: &str) -> Option<Wanted> {
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
    let (service, word) = match word.split_once('.') {
        Some((service, word)) if is_name(service) => (Some(service.to_owned()), word),
        Some(_) => return None,
        None => (None, word),
    };
    match (word, service) {
        ("host", service) => Some(Wanted::Host { service }),
        ("address", Some(service)) => Some(Wanted::Address { service }),
        ("data", None) => Some(Wanted::Data),
        ("member", None) => Some(Wanted::Member),
        (word, service) => {
            let name = word.strip_prefix("port:").filter(|name| is_name(name))?.to_owned();
            Some(Wanted::Port { service, name })
        }
    }
}

/// What a member has for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Own {
    /// Ports by name.
    pub(super) ports: BTreeMap<String, u16>,
    /// The address at which its machine is reached from outside; none: here.
    pub(super) outside: Option<IpAddr>,
    /// Where a command's exposed ports are.
    pub(super) exposed: BTreeMap<String, SocketAddr>,
    /// The folder for its data.
    pub(super) data: PathBuf,
    /// The address of its machine, where that is another than this one.
    pub(super) host: Option<IpAddr>,
    /// Where the standard input of a command is called, if something is linked to it.
    pub(super) stdin: Option<PathBuf>,
}

/// What members have, by service and number.
pub(super) type Owns = BTreeMap<(String, u32), Own>;

/// Makes up what members have, for showing.
pub(super) fn example(deployment: &Deployment) -> Owns {
    let mut ports = 5000..;
    let members =
        deployment.services.iter().flat_map(|(name, service)| (0..service.count).map(move |n| (name, service, n)));
    let own = |name: &str, service: &Service, member: u32| {
        let names = own_ports(service).into_iter();
        let ports = names.map(|port| (port, ports.next().unwrap_or(u16::MAX))).collect();
        let data = PathBuf::from(".hydro/data").join(&deployment.name).join(member_name(name, member, service.count));
        let stdin = deployment.is_fed(name).then(|| format!("/run/hydro/{name}.stdin").into());
        Own { ports, outside: None, exposed: BTreeMap::new(), data, host: None, stdin }
    };
    let mut own = own;
    members.map(|(name, service, member)| ((name.clone(), member), own(name, service, member))).collect()
}

/// Fills in the texts of one member.
pub(super) struct Texts<'a> {
    pub(super) deployment: &'a Deployment,
    pub(super) addresses: &'a Addresses,
    pub(super) owns: &'a Owns,
    /// The member.
    pub(super) own: (&'a str, u32),
}

impl Texts<'_> {
    /// Fills a text in. What is not there was told before, and stays as it is written.
    pub(super) fn fill(&self, text: &str) -> String {
        fill(text, |wanted| self.give(&wanted).ok_or(())).unwrap_or_else(|()| text.to_owned())
    }

    fn give(&self, wanted: &Wanted) -> Option<String> {
        let (own, member) = self.own;
        match wanted {
            Wanted::Member => Some(member.to_string()),
            Wanted::Data => Some(self.owns.get(&(own.to_owned(), member))?.data.display().to_string()),
            Wanted::Port { service: None, name } => {
                Some(self.owns.get(&(own.to_owned(), member))?.ports.get(name)?.to_string())
            }
            // Of a service with several members, the first answers.
            Wanted::Port { service: Some(other), name } => {
                Some(self.owns.get(&(other.clone(), 0))?.ports.get(name)?.to_string())
            }
            Wanted::Host { service } => {
                let other = service.as_deref().unwrap_or(own);
                let known = self.addresses.get(&(other.to_owned(), 0)).map(|address| address.advertised);
                let listens = self.deployment.services.get(other).and_then(listen);
                let of_machine = self.owns.get(&(other.to_owned(), 0)).and_then(|own| own.host);
                let ip = known.or(listens).map(|address| address.ip()).or(of_machine);
                Some(ip.unwrap_or(IpAddr::from(Ipv4Addr::LOCALHOST)).to_string())
            }
            Wanted::Address { service } => {
                let known = self.addresses.get(&(service.clone(), 0)).map(|address| address.advertised);
                known.or_else(|| self.known(service, 0)).map(|address| address.to_string())
            }
        }
    }

    /// Returns the folder for the member's data, if one of its texts asks for it.
    pub(super) fn data(&self, service: &Service) -> Option<PathBuf> {
        let asks = texts(service).any(|text| wanted(text).contains(&Wanted::Data));
        let own = (self.own.0.to_owned(), self.own.1);
        self.owns.get(&own).filter(|_| asks).map(|own| own.data.clone())
    }

    /// Fills in how it is found out whether the member is well.
    pub(super) fn health(&self, health: &Health) -> Health {
        let check = match &health.check {
            HealthCheck::Command(argv) => HealthCheck::Command(argv.iter().map(|text| self.fill(text)).collect()),
            HealthCheck::Http(url) => HealthCheck::Http(self.fill(url)),
            HealthCheck::Log(text) => HealthCheck::Log(text.clone()),
            HealthCheck::Connect(address) => HealthCheck::Connect(self.fill(address)),
        };
        Health { check, ..health.clone() }
    }

    /// Returns the address of a command: where it says that it listens, or its only port.
    pub(super) fn known_address(&self, service: &Service) -> Option<SocketAddr> {
        matches!(service.program, Program::Command { .. }).then(|| self.known(self.own.0, self.own.1)).flatten()
    }

    fn known(&self, service: &str, member: u32) -> Option<SocketAddr> {
        if let Some(address) = self.deployment.services.get(service).and_then(listen) {
            return Some(address);
        }
        let own = self.owns.get(&(service.to_owned(), member))?;
        let mut ports = own.ports.values();
        match (ports.next(), ports.next()) {
            (Some(port), None) => Some(SocketAddr::new(own.host.unwrap_or(Ipv4Addr::LOCALHOST.into()), *port)),
            _ => None,
        }
    }
}

fn listen(service: &Service) -> Option<SocketAddr> {
    service.listen.as_ref()?.parse().ok()
}

/// Returns the texts of a service in which something may be asked for.
pub(super) fn texts(service: &Service) -> impl Iterator<Item = &String> {
    let argv: &[String] = match &service.program {
        Program::Command { argv } => argv,
        Program::Hydroflow { .. } => &[],
    };
    let asked: Vec<&String> = match service.health.as_ref().map(|health| &health.check) {
        Some(HealthCheck::Command(argv)) => argv.iter().collect(),
        Some(HealthCheck::Http(text) | HealthCheck::Connect(text)) => vec![text],
        Some(HealthCheck::Log(_)) | None => Vec::new(),
    };
    argv.iter().chain(&service.args).chain(service.env.values()).chain(asked)
}

/// Returns the names of the ports that a service has for itself, each once; programs of `.hf` files have theirs in the header, too.
#[must_use]
pub fn own_ports(service: &Service) -> Vec<String> {
    let mut names: Vec<String> = texts(service)
        .flat_map(|text| wanted(text))
        .filter_map(|wanted| match wanted {
            Wanted::Port { service: None, name } => Some(name),
            _ => None,
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Returns the problems of a service's texts: services and ports that are not there.
pub(super) fn problems(deployment: &Deployment, service: &Service) -> Vec<String> {
    let ports: BTreeMap<&String, Vec<String>> =
        deployment.services.iter().map(|(name, service)| (name, own_ports(service))).collect();
    let mut problems = Vec::new();
    for wanted in texts(service).flat_map(|text| wanted(text)) {
        let (other, port) = match &wanted {
            Wanted::Port { service: Some(other), name } => (other, Some(name)),
            Wanted::Host { service: Some(other) } | Wanted::Address { service: other } => (other, None),
            _ => continue,
        };
        match (ports.get(other), port) {
            (None, _) => problems.push(format!("there is no service `{other}`, of which `{{{other}.…}}` asks")),
            (Some(has), Some(port)) if !has.contains(port) => {
                problems.push(format!("`{other}` has no port `{port}`: nothing of it says `{{port:{port}}}`"));
            }
            _ => {}
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::samples::command;

    #[test]
    fn words_in_braces_are_filled_in_and_other_braces_stay() {
        let give = |wanted: Wanted| -> Result<String, ()> {
            Ok(match wanted {
                Wanted::Port { service, name } => format!("<{}{name}>", service.unwrap_or_default()),
                Wanted::Host { service } => format!("<host{}>", service.unwrap_or_default()),
                Wanted::Address { service } => format!("<address {service}>"),
                Wanted::Data => "<data>".into(),
                Wanted::Member => "<member>".into(),
            })
        };
        for (text, expected) in [
            ("--port={port:web} {host}", "--port=<web> <host>"),
            ("{data}/x {db.port:pg}{db.host}", "<data>/x <dbpg><hostdb>"),
            ("tcp://{server.address} {member}", "tcp://<address server> <member>"),
            (
                "${data} {x} {} {port:} {port:a b} {{data}} { {unclosed",
                "${data} {x} {} {port:} {port:a b} {<data>} { {unclosed",
            ),
            ("ü{host}ü", "ü<host>ü"),
            ("{.host} {a.data} {address}", "{.host} {a.data} {address}"),
        ] {
            assert_eq!(fill(text, give).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_there_is_told() {
        let mut wrong = Deployment::default();
        command(&mut wrong, "db", &["pg", "{port:pg}", "{port:pg}", "{data}"]);
        command(&mut wrong, "web", &["web", "{db.port:pq}", "{db.port:pg}", "{bd.host}", "{port:http}"]);
        assert_eq!(own_ports(&wrong.services["db"]), ["pg"]);
        let told = problems(&wrong, &wrong.services["web"]);
        let expected = [
            "`db` has no port `pq`: nothing of it says `{port:pq}`",
            "there is no service `bd`, of which `{bd.…}` asks",
        ];
        assert_eq!(told, expected);
    }
}
