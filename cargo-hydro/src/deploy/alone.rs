//! What ends with a member: its process, or one thread of a process that it shares.

use std::collections::BTreeSet;

use super::engine::{Engine, MemberStatus};
use crate::machine::{Member, Stopper};
use crate::report::Failure;

/// What ends when a member is stopped.
pub(super) enum Alone {
    /// The process that this member stands for.
    Process(String),
    /// One thread of it.
    Seat(Stopper),
}

impl Engine {
    /// Returns the members that stand for the processes of a service or of one member.
    pub(super) fn leaders(&self, name: &str) -> Result<BTreeSet<String>, Failure> {
        let members = self.members(name)?;
        let state = self.state();
        let leader = |member: &MemberStatus| state.member(&member.name).map(|member| member.leader().to_owned());
        Ok(members.iter().filter_map(leader).collect())
    }

    /// Tells what must end so that a member does, `ending` being those that end with it: its process, unless others in there go on.
    pub(super) fn alone(&self, name: &str, ending: &[MemberStatus]) -> Alone {
        let state = self.state();
        let Some(member) = state.member(name) else { return Alone::Process(name.to_owned()) };
        let goes_on = |other: &String| {
            let is_ending = ending.iter().any(|member| member.name == *other);
            !is_ending && state.member(other).is_some_and(Member::is_running)
        };
        match member.shared() {
            Some(shared) if shared.names.iter().any(goes_on) => Alone::Seat(member.stopper().clone()),
            _ => Alone::Process(member.leader().to_owned()),
        }
    }
}
