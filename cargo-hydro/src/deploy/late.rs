//! Who calls whom: the sender, as a rule; the receiver where it came when the sender ran already; and whoever is on a machine that cannot be called. Pure.
//!
//! A program learns whom to call when it starts. Who comes later calls everybody, so that nobody need be told of it. Links of machines that cannot be called
//! may need that: whoever runs there is told.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Deployment, Link, PortRef};

/// How many members of each service run.
pub(super) type Running = BTreeMap<String, u32>;

/// The pairs of members whose receiver calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Late(BTreeSet<(PortRef, PortRef, u32, u32)>);

impl Late {
    /// Adds those that come now, to those of `running` who go on.
    #[must_use]
    pub(super) fn grown(&self, deployment: &Deployment, running: &Running) -> Self {
        let runs = |service: &str, member: u32| running.get(service).is_some_and(|members| member < *members);
        let mut pairs = BTreeSet::new();
        for link in &deployment.links {
            let Link { from, to, .. } = link;
            let closed = |end: &PortRef| deployment.is_closed_to(link, &end.service);
            let receiver_calls = closed(to) && !closed(from);
            let sender_calls = closed(from) && !closed(to);
            let count = |end: &PortRef| deployment.services.get(&end.service).map_or(0, |service| service.count);
            if sender_calls {
                continue;
            }
            for sender in (0..count(from)).filter(|sender| receiver_calls || runs(&from.service, *sender)) {
                for receiver in 0..count(to) {
                    let pair = (from.clone(), to.clone(), sender, receiver);
                    if receiver_calls || !runs(&to.service, receiver) || self.0.contains(&pair) {
                        pairs.insert(pair);
                    }
                }
            }
        }
        Self(pairs)
    }

    /// Whether the receiver calls.
    pub(super) fn has(&self, link: &Link, sender: u32, receiver: u32) -> bool {
        self.0.contains(&(link.from.clone(), link.to.clone(), sender, receiver))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::Wishes;
    use crate::deploy::model::{Machine, MachineKind};
    use crate::deploy::samples::{deployment, link};
    use crate::machine::SshTarget;

    #[test]
    fn who_is_on_a_closed_machine_calls() {
        let mut pair = deployment(&[("a", "output o"), ("b", "input i")]);
        link(&mut pair, "a.o", "b.i", None);
        let kind = || MachineKind::Ssh(SshTarget::default());
        for (name, closed) in [("open", false), ("closed", true)] {
            let machine = Machine { closed, kind: kind(), wishes: Wishes::default(), origin: None };
            pair.machines.insert(name.into(), machine);
        }
        let late =
            |pair: &Deployment, running: &Running| Late::default().grown(pair, running).has(&pair.links[0], 0, 0);
        pair.services["b"].machine = "closed".into();
        assert!(late(&pair, &Running::new()), "the receiver cannot be called");
        assert!(late(&pair, &[("b".into(), 1)].into()), "also where it runs already");
        pair.services["a"].machine = "closed".into();
        assert!(!late(&pair, &Running::new()), "within a machine nothing is in the way");
        pair.services["b"].machine = "open".into();
        assert!(!late(&pair, &[("a".into(), 1)].into()), "the sender calls, though it came first");
    }

    #[test]
    fn who_comes_later_calls_and_goes_on_calling() {
        let mut pair = deployment(&[("a", "output o"), ("b", "input i")]);
        link(&mut pair, "a.o", "b.i", None);
        let none = Late::default();
        assert_eq!(none.grown(&pair, &Running::new()), none, "all begin together: senders call");
        assert_eq!(none.grown(&pair, &[("b".into(), 1)].into()), none, "the sender comes later");
        let late = none.grown(&pair, &[("a".into(), 1)].into());
        assert!(late.has(&pair.links[0], 0, 0));
        pair.services["b"].count = 2;
        let both = Running::from([("a".into(), 1), ("b".into(), 1)]);
        let grown = late.grown(&pair, &both);
        assert!(grown.has(&pair.links[0], 0, 0) && grown.has(&pair.links[0], 0, 1));
        assert_eq!(none.grown(&pair, &both).0.len(), 1, "the first was there from the beginning");
        assert_eq!(late.grown(&pair, &[("b".into(), 1)].into()), none, "a sender that comes anew calls");
    }
}
