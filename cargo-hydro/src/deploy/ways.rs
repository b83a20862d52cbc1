//! Which way the items of a link go: encrypted over the network, plainly over it, or within this machine.
//!
//! Pure; knows no addresses.

use hydro_runtime_shim::contract::{input_variable, output_variable};

use super::model::{Deployment, Link, LocalLinks, PortRef};

/// What carries a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// TLS over TCP.
    Tls,
    /// TCP.
    Tcp,
    /// The Unix socket of the end that is called.
    Unix,
    /// Memory shared by both ends, set up on that socket.
    SharedMemory,
    /// A queue of the process that both ends share.
    Queue,
}

impl Deployment {
    /// Tells which way a link goes.
    pub(super) fn way(&self, link: &Link) -> Way {
        let by_hand = self.is_bound_by_hand(&link.from) || self.is_bound_by_hand(&link.to);
        match link.transport.unwrap_or(self.local_links) {
            _ if self.is_piped(link) => Way::Unix,
            // It does not leave the process, unless its own line says so.
            _ if !by_hand && link.transport.is_none() && self.share_process(link) => Way::Queue,
            _ if self.is_encrypted(link) => Way::Tls,
            // Where the user bound a port, our socket does not serve it.
            _ if by_hand || self.leaves_the_machine(link) => Way::Tcp,
            LocalLinks::Tcp => Way::Tcp,
            LocalLinks::Unix => Way::Unix,
            LocalLinks::Shm => Way::SharedMemory,
        }
    }

    fn share_process(&self, link: &Link) -> bool {
        self.process_of(&link.from.service).contains(&link.to.service.as_str())
    }

    /// Tells whether the user's own variables say where a port is.
    #[must_use]
    pub fn is_bound_by_hand(&self, port: &PortRef) -> bool {
        let variables = [input_variable(&port.port), output_variable(&port.port)];
        let service = self.services.get(&port.service);
        service.is_some_and(|service| variables.iter().any(|variable| service.env.contains_key(variable)))
    }
}

/// Tells why a link cannot go the way that it asks for; none: it can.
pub(super) fn refusal(deployment: &Deployment, link: &Link) -> Option<(String, &'static str)> {
    if [&link.from, &link.to].iter().all(|end| deployment.is_closed_to(link, &end.service)) {
        let why =
            format!("nobody can call for the link from `{}` to `{}`: both machines are `closed`", link.from, link.to);
        return Some((why, "put one end on a machine that others can call, or a service there between the two"));
    }
    let wish = link.transport.filter(|wish| *wish != LocalLinks::Tcp)?;
    let word = wish.name();
    let refused =
        |why| format!("the link from `{}` to `{}` cannot have the transport `{word}`: {why}", link.from, link.to);
    if deployment.leaves_the_machine(link) {
        return Some((
            refused("its ends are on two machines"),
            "leave `transport` out: links between machines are TCP",
        ));
    }
    deployment.is_encrypted(link).then(|| {
        let hint = "leave `transport` out, or write `insecure = true` at the link, which never leaves this machine";
        (refused("every link is encrypted, since `tls` is `always`"), hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::Wishes;
    use crate::deploy::model::{Machine, MachineKind, Security};
    use crate::deploy::samples::{deployment, link};

    fn pair() -> Deployment {
        let mut pair = deployment(&[("a", "output o"), ("b", "input i")]);
        link(&mut pair, "a.o", "b.i", None);
        pair
    }

    fn way(deployment: &Deployment) -> Way {
        deployment.way(&deployment.links[0])
    }

    #[test]
    fn links_within_a_machine_share_memory_unless_something_else_is_wished() {
        let mut pair = pair();
        assert_eq!(way(&pair), Way::SharedMemory);
        pair.local_links = LocalLinks::Unix;
        assert_eq!(way(&pair), Way::Unix);
        pair.links[0].transport = Some(LocalLinks::Tcp);
        assert_eq!(way(&pair), Way::Tcp);
        pair.links[0].transport = Some(LocalLinks::Shm);
        assert_eq!(way(&pair), Way::SharedMemory);
        assert_eq!(refusal(&pair, &pair.links[0]), None);
    }

    #[test]
    fn what_is_encrypted_or_leaves_the_machine_goes_over_the_network() {
        let mut pair = pair();
        pair.security = Security::Always;
        assert_eq!(way(&pair), Way::Tls);
        pair.links[0].transport = Some(LocalLinks::Shm);
        let (message, hint) = refusal(&pair, &pair.links[0]).expect("it is encrypted");
        assert_eq!(
            message,
            "the link from `a.o` to `b.i` cannot have the transport `shm`: every link is encrypted, since `tls` is `always`"
        );
        assert!(hint.contains("insecure"), "{hint}");
        pair.links[0].insecure = true;
        assert_eq!((way(&pair), refusal(&pair, &pair.links[0])), (Way::SharedMemory, None));
        let kind = MachineKind::Gcp(crate::machine::CloudMachine::default());
        pair.machines.insert("far".into(), Machine { closed: false, kind, wishes: Wishes::default(), origin: None });
        pair.services["b"].machine = "far".into();
        assert_eq!(way(&pair), Way::Tcp);
        let (message, _) = refusal(&pair, &pair.links[0]).expect("it leaves");
        assert!(message.ends_with("its ends are on two machines"), "{message}");
    }

    #[test]
    fn a_port_that_the_user_binds_is_called_over_tcp() {
        let mut pair = pair();
        pair.services["b"].env.insert("HYDRO_INPUT_I".into(), "tcp://127.0.0.1:9".into());
        assert_eq!(way(&pair), Way::Tcp);
    }
}
