//! Services that were started: what runs of each, and all that starts its members once more.

use std::path::PathBuf;
use std::sync::Arc;

use super::authority::Authority;
use super::placeholders::Own;
use super::plan::{Address, PlannedMember};
use crate::build::Artifact;
use crate::machine::{Member, MemberSpec};

/// A service that was started, with all its members.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) members: Vec<Member>,
    /// What starts each of them once more.
    pub(super) again: Vec<MemberSpec>,
    /// What each was told by the plan.
    pub(super) planned: Vec<PlannedMember>,
    /// Where its members listen, if they are programs of ours.
    pub(super) addresses: Vec<Option<Address>>,
    /// What each has for itself.
    pub(super) owns: Vec<Own>,
    pub(super) artifact: Option<Artifact>,
    pub(super) build: u64,
    /// Who issues its certificates, where it needs some.
    pub(super) authority: Option<Arc<Authority>>,
}

impl Started {
    pub(super) fn addresses(&self, name: &str) -> Vec<((String, u32), Address)> {
        (0..)
            .zip(&self.addresses)
            .filter_map(|(n, address)| address.clone().map(|address| ((name.to_owned(), n), address)))
            .collect()
    }

    /// Takes the members of another start of the same service in.
    pub(super) fn grow(&mut self, more: Self) {
        self.members.extend(more.members);
        self.again.extend(more.again);
        self.planned.extend(more.planned);
        self.addresses.extend(more.addresses);
        self.owns.extend(more.owns);
        (self.artifact, self.build) = (more.artifact, more.build);
        self.authority = more.authority.or_else(|| self.authority.take());
    }

    /// Forgets all members from this number on; they have ended.
    pub(super) fn shrink(&mut self, count: usize) {
        self.members.truncate(count);
        self.again.truncate(count);
        self.planned.truncate(count);
        self.addresses.truncate(count);
        self.owns.truncate(count);
    }

    /// Returns the Unix sockets of all members.
    pub(super) fn sockets(&self) -> impl Iterator<Item = PathBuf> {
        let listening = self.addresses.iter().flatten().filter_map(|address| address.socket.clone());
        let seats = self.again.iter().flat_map(|again| again.seats.iter().map(|seat| seat.admin.clone()));
        let piped = self.again.iter().filter_map(|again| again.pipes.as_ref()?.socket());
        listening.chain(piped).chain(self.again.iter().filter_map(|again| again.admin.clone())).chain(seats)
    }

    /// Returns the Unix socket at which a member is called from here.
    pub(super) fn socket(&self, member: usize) -> Option<PathBuf> {
        let address = self.addresses.get(member)?.as_ref()?;
        address.near.clone().or_else(|| address.socket.clone())
    }
}
