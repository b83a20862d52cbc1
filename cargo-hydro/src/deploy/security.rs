//! Which links are encrypted, and who needs a certificate for that.
//!
//! Pure; [`authority`](super::authority) makes the certificates.

use super::model::{Deployment, Exposure, LOCALHOST, Link, MachineKind, PortRef, Program, Security};
use crate::build::Wishes;
use crate::report::Origin;

/// How a port may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Served {
    /// By callers that do not encrypt.
    pub(super) plain: bool,
    /// By callers that do, and prove who they are.
    pub(super) tls: bool,
}

impl Deployment {
    /// Places every machine here.
    pub fn place_here(&mut self) {
        for machine in self.machines.values_mut() {
            (machine.kind, machine.wishes) = (MachineKind::Localhost, Wishes::default());
        }
    }

    /// Tells whether a link is encrypted.
    pub(super) fn is_encrypted(&self, link: &Link) -> bool {
        // Pipes are this process's own, and so is the socket behind them.
        !link.insecure && !self.is_piped(link) && (self.security == Security::Always || self.leaves_the_machine(link))
    }

    /// Tells how a port is served: as its links need, and where it has none as the deployment wants it.
    pub(super) fn served(&self, port: &PortRef) -> Served {
        let is_end = |link: &&Link| (link.from == *port || link.to == *port) && !self.is_piped(link);
        let mut links = self.links.iter().filter(is_end);
        let tls = self.security == Security::Always || links.clone().any(|link| self.is_encrypted(link));
        Served { tls, plain: !tls || links.any(|link| !self.is_encrypted(link)) }
    }

    /// Tells whether a service needs certificates for its members.
    pub(super) fn needs_certificates(&self, service: &str) -> bool {
        let is_end = |link: &&Link| link.from.service == service || link.to.service == service;
        self.security == Security::Always || self.links.iter().filter(is_end).any(|link| self.is_encrypted(link))
    }

    /// Returns what to tell the user on every run: that somebody on the way may read and change what goes over these links.
    pub(super) fn warnings(&self) -> Vec<String> {
        let place = |origin: &Option<Origin>| origin.as_ref().map_or_else(String::new, |origin| format!(" ({origin})"));
        let leaving = self.links.iter().filter(|link| link.insecure && self.leaves_the_machine(link)).map(|link| {
            format!(
                "the link from `{}` to `{}`{} leaves its machine unencrypted, since it is `insecure`: whoever is on the way can read and change it",
                link.from, link.to, place(&link.origin)
            )
        });
        leaving
            .chain(self.open_ports().map(|(port, exposure)| {
                format!(
                    "the port `{port}`{} is exposed unencrypted and to everybody who reaches its machine",
                    place(&exposure.origin)
                )
            }))
            .collect()
    }

    /// Returns the exposed ports of our own programs that can be called from other machines; commands know themselves what they serve.
    fn open_ports(&self) -> impl Iterator<Item = (PortRef, &Exposure)> {
        let programs = self.services.iter().filter(|(_, service)| matches!(service.program, Program::Hydroflow { .. }));
        programs.flat_map(|(name, service)| {
            let open = |exposure: &Exposure| !exposure.listen(self.is_here(name)).ip().is_loopback();
            service
                .exposed
                .iter()
                .filter(move |(_, exposure)| open(exposure))
                .map(|(port, exposure)| (PortRef { service: name.clone(), port: port.clone() }, exposure))
        })
    }

    /// Tells whether a link's ends are on two machines.
    pub(super) fn leaves_the_machine(&self, link: &Link) -> bool {
        self.place(&link.from.service) != self.place(&link.to.service)
    }

    /// Tells whether an end of a link is on a machine that the other end cannot call.
    pub(super) fn is_closed_to(&self, link: &Link, service: &str) -> bool {
        let machine = self.services.get(service).and_then(|service| self.machines.get(&service.machine));
        self.leaves_the_machine(link) && machine.is_some_and(|machine| machine.closed)
    }

    /// Tells whether a service has peers on other machines.
    pub(super) fn has_far_peers(&self, service: &str) -> bool {
        let is_end = |link: &&Link| link.from.service == service || link.to.service == service;
        self.links.iter().filter(is_end).any(|link| self.leaves_the_machine(link))
    }

    /// Tells whether a service runs on this machine.
    pub(super) fn is_here(&self, service: &str) -> bool {
        self.place(service) == LOCALHOST
    }

    /// Where a service really runs: machines of the kind `localhost` are all this one.
    fn place(&self, service: &str) -> &str {
        let machine = self.services.get(service).map_or(LOCALHOST, |service| service.machine.as_str());
        match self.machines.get(machine) {
            Some(known) if known.kind != MachineKind::Localhost => machine,
            _ => LOCALHOST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::model::Machine;
    use crate::deploy::samples::{deployment, link, port};
    use crate::workspace::hydro_toml::ListenAt;

    /// `a` here, `b` and `c` on a machine elsewhere, all linked.
    fn spread() -> Deployment {
        let mut made = deployment(&[("a", "output o"), ("b", "input i, output o"), ("c", "input i, input j")]);
        let kind = MachineKind::Gcp(crate::machine::CloudMachine::default());
        made.machines.insert("far".into(), Machine { closed: false, kind, wishes: Wishes::default(), origin: None });
        for name in ["b", "c"] {
            made.services[name].machine = "far".into();
        }
        link(&mut made, "a.o", "b.i", None);
        link(&mut made, "b.o", "c.i", None);
        made
    }

    fn encrypted(deployment: &Deployment) -> Vec<bool> {
        deployment.links.iter().map(|link| deployment.is_encrypted(link)).collect()
    }

    #[test]
    fn links_between_machines_are_encrypted_and_others_where_that_is_wished() {
        let mut spread = spread();
        assert_eq!(encrypted(&spread), [true, false]);
        assert_eq!(["a", "b", "c"].map(|name| spread.needs_certificates(name)), [true, true, false]);
        assert_eq!(spread.served(&port("b.i")), Served { plain: false, tls: true });
        assert_eq!(spread.served(&port("c.i")), Served { plain: true, tls: false });
        spread.security = Security::Always;
        assert_eq!(encrypted(&spread), [true, true]);
        assert_eq!(spread.served(&port("c.j")), Served { plain: false, tls: true });
        spread.links[1].insecure = true;
        assert_eq!(encrypted(&spread), [true, false]);
        assert_eq!(spread.served(&port("c.i")), Served { plain: true, tls: true });
        spread.security = Security::Machines;
        spread.links[1].insecure = false;
        spread.place_here();
        assert_eq!(encrypted(&spread), [false, false]);
    }

    #[test]
    fn ports_that_others_can_call_are_told_each_time() {
        let mut spread = spread();
        let open = |ip: Option<&str>| {
            let ip = ip.map(|ip| ip.parse().expect("an address"));
            [("i".to_owned(), Exposure { at: ListenAt { ip, port: None }, ..Exposure::default() })].into()
        };
        spread.services["b"].exposed = open(None);
        let told = ["the port `b.i` is exposed unencrypted and to everybody who reaches its machine"];
        assert_eq!(spread.warnings(), told);
        spread.place_here();
        assert_eq!(spread.warnings(), Vec::<String>::new(), "nobody else reaches the loopback address");
        spread.services["b"].exposed = open(Some("0.0.0.0"));
        assert_eq!(spread.warnings(), told);
    }

    #[test]
    fn what_leaves_its_machine_unencrypted_is_told_each_time() {
        let mut spread = spread();
        spread.links[1].insecure = true;
        assert_eq!(spread.warnings(), Vec::<String>::new());
        spread.links[0].insecure = true;
        let told = spread.warnings();
        assert_eq!(told.len(), 1);
        let start =
            "the link from `a.o` to `b.i` (Hydro.toml:100) leaves its machine unencrypted, since it is `insecure`: ";
        assert!(told[0].starts_with(start), "{told:?}");
    }
}
