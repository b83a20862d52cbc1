//! Faults that are wanted: which ones, between us and whom, at which port.
//!
//! Knows no connections. [`super::wire::Wire`] does to bytes what the faults say; who makes connections asks here first.

use std::cell::{Cell, RefCell};
use std::io;
use std::time::Duration;

use tokio::sync::Notify;

use super::peer::ProcessId;
use crate::contract::{Fault, FaultKind, Way};

/// What all faults together do to one link.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Effect {
    /// No connection may be there.
    pub(super) cut: bool,
    /// No byte may come.
    pub(super) holds_in: bool,
    /// No byte may go.
    pub(super) holds_out: bool,
    /// What goes must wait for so long.
    pub(super) delay: Duration,
    /// How much of what goes is lost, from 0 to 1.
    pub(super) drop: f64,
}

impl Effect {
    /// Tells whether a handshake can be finished.
    fn lets_meet(&self) -> bool {
        !self.cut && !self.holds_in && !self.holds_out
    }
}

/// The faults of a process.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    list: RefCell<Vec<Fault>>,
    any: Cell<bool>,
    changed: Notify,
}

impl Faults {
    /// Adds a fault; one that differs in its amount alone is replaced.
    pub(crate) fn add(&self, fault: Fault) {
        let mut list = self.list.borrow_mut();
        let same = |other: &Fault| {
            (&other.peer, &other.port) == (&fault.peer, &fault.port) && is_same_kind(other.kind, fault.kind)
        };
        list.retain(|other| !same(other));
        list.push(fault);
        self.any.set(true);
        self.changed.notify_waiters();
    }

    /// Removes the faults with that peer and that port, or all where neither is given. Returns how many there were.
    pub(crate) fn heal(&self, peer: Option<&str>, port: Option<&str>) -> usize {
        let mut list = self.list.borrow_mut();
        let before = list.len();
        list.retain(|fault| {
            let fits = |wanted: Option<&str>, own: Option<&str>| wanted.is_none() || wanted == own;
            !(fits(peer, fault.peer.as_deref()) && fits(port, fault.port.as_deref()))
        });
        self.any.set(!list.is_empty());
        self.changed.notify_waiters();
        before - list.len()
    }

    /// Returns the faults that are on.
    pub(crate) fn list(&self) -> Vec<Fault> {
        self.list.borrow().clone()
    }

    /// Returns what the faults do to a link of the port. `peer`: none while nobody knows who it is.
    pub(super) fn effect(&self, port: &str, peer: Option<&ProcessId>) -> Effect {
        let mut effect = Effect::default();
        if !self.any.get() {
            return effect;
        }
        for fault in self.list.borrow().iter().filter(|fault| meets(fault, port, peer)) {
            match fault.kind {
                FaultKind::Partition => effect.cut = true,
                FaultKind::Hold => (effect.holds_in, effect.holds_out) = (true, true),
                FaultKind::OneWay { blocks: Way::In } => effect.holds_in = true,
                FaultKind::OneWay { blocks: Way::Out } => effect.holds_out = true,
                FaultKind::Delay { ms } => effect.delay = effect.delay.max(Duration::from_millis(ms)),
                FaultKind::Drop { ratio } => effect.drop = effect.drop.max(ratio),
            }
        }
        effect
    }

    /// Lets a handshake with the peer go on. Where bytes are held it waits until they are not.
    ///
    /// # Errors
    /// We are cut off from it.
    pub(super) async fn admit(&self, port: &str, peer: Option<&ProcessId>) -> io::Result<()> {
        loop {
            let effect = self.effect(port, peer);
            if effect.cut {
                return Err(cut_off());
            }
            if effect.lets_meet() {
                return Ok(());
            }
            self.changed.notified().await;
        }
    }
}

/// What the program is told of a connection that a partition broke.
pub(super) fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "a partition cuts it off")
}

fn is_same_kind(one: FaultKind, other: FaultKind) -> bool {
    match (one, other) {
        (FaultKind::OneWay { blocks: one }, FaultKind::OneWay { blocks: other }) => one == other,
        _ => std::mem::discriminant(&one) == std::mem::discriminant(&other),
    }
}

fn meets(fault: &Fault, port: &str, peer: Option<&ProcessId>) -> bool {
    let peer_fits = match (&fault.peer, peer) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(name), Some(process)) => is_called(process, name),
    };
    peer_fits && fault.port.as_deref().is_none_or(|wanted| wanted == port)
}

/// Tells whether `name`, as `SERVICE` or `SERVICE.MEMBER`, means the process.
pub(super) fn is_called(process: &ProcessId, name: &str) -> bool {
    let member = name.strip_prefix(process.service.as_str());
    member.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('.') == Some(process.member.to_string().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemberId;

    fn fault(kind: FaultKind, peer: Option<&str>, port: Option<&str>) -> Fault {
        Fault { kind, peer: peer.map(str::to_owned), port: port.map(str::to_owned) }
    }

    fn server(member: u32) -> ProcessId {
        ProcessId { service: "server".to_owned(), member: MemberId(member), epoch: 1 }
    }

    #[test]
    fn a_fault_meets_the_peers_and_ports_it_names() {
        let faults = Faults::default();
        faults.add(fault(FaultKind::Partition, Some("server.1"), None));
        faults.add(fault(FaultKind::Delay { ms: 5 }, Some("server"), Some("o")));
        assert!(faults.effect("i", Some(&server(1))).cut);
        assert_eq!(faults.effect("i", Some(&server(10))), Effect::default());
        assert_eq!(faults.effect("o", None), Effect::default());
        assert_eq!(faults.effect("o", Some(&server(10))).delay, Duration::from_millis(5));
    }

    #[test]
    fn healing_ends_what_it_names() {
        let faults = Faults::default();
        faults.add(fault(FaultKind::Hold, None, None));
        faults.add(fault(FaultKind::Delay { ms: 5 }, Some("server"), None));
        faults.add(fault(FaultKind::Delay { ms: 7 }, Some("server"), None));
        assert_eq!(faults.list().len(), 2);
        assert_eq!(faults.heal(Some("server"), None), 1);
        assert!(faults.effect("o", None).holds_out);
        assert_eq!(faults.heal(None, None), 1);
        assert_eq!(faults.effect("o", Some(&server(0))), Effect::default());
    }
}
