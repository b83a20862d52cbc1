//! Members that are asked whether they are well: after each further start, and again while they run. Who fails too often is ended, and its supervisor decides.
//!
//! How to ask is [`Health`](crate::machine::Health)'s affair.

use std::sync::{Arc, Weak};

use super::engine::{Inner, State};
use crate::machine::{ExitWatch, MemberSpec, Rounds, Stopper};
use crate::report::{Event, ServiceState};

/// A member that runs but does not answer that it is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ill {
    /// How often in a row.
    failures: u32,
    /// How often it may.
    limit: u32,
    /// What was waited for.
    expected: String,
}

impl std::fmt::Display for Ill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "waits for {}: failed {} of {}", self.expected, self.failures, self.limit)
    }
}

/// One start of a member that is asked.
struct Patient {
    name: String,
    spec: MemberSpec,
    rounds: Rounds,
    exit: ExitWatch,
    stopper: Stopper,
}

impl Inner {
    /// Has a member that was started again count as up when it is well, and killed where that takes too long. None: it has no check.
    pub(super) fn waits_until_well(self: &Arc<Self>, state: &State, name: &str) -> bool {
        let Some(again) = state.find(name).and_then(|(service, number)| {
            state.started.get(&service)?.again.get(number as usize).filter(|again| again.health.is_some())?.again().ok()
        }) else {
            return false;
        };
        let Some(member) = state.member(name) else { return false };
        let (stopper, exit) = (member.process_stopper().clone(), member.process_exit().clone());
        let (inner, name) = (Arc::downgrade(self), name.to_owned());
        tokio::spawn(async move {
            let result = tokio::select! {
                result = again.until_well() => result,
                // Whoever watches it tells of its end.
                _ = exit.wait() => return,
            };
            let Some(inner) = inner.upgrade() else { return };
            match result {
                Ok(()) => {
                    inner.change(|supervision, now| supervision.started(&name, now));
                    inner.begin_rounds(&inner.state(), &name);
                }
                Err(ill) => {
                    inner.reporter.warning(format!("`{name}` did not become healthy and is ended: {ill}"));
                    drop(inner);
                    stopper.fail().await;
                }
            }
        });
        true
    }

    /// Has a member that is well asked from now on, until this start of it ends.
    pub(super) fn begin_rounds(self: &Arc<Self>, state: &State, name: &str) {
        let Some((service, number)) = state.find(name) else { return };
        let spec = state.started.get(&service).and_then(|started| started.again.get(number as usize));
        let rounds = spec.and_then(|spec| spec.health.as_ref()?.rounds);
        let (Some(spec), Some(rounds), Some(member)) = (spec, rounds, state.member(name)) else { return };
        // Where no descriptor is left, it is asked after its next start.
        let Ok(spec) = spec.again() else { return };
        let (exit, stopper) = (member.process_exit().clone(), member.process_stopper().clone());
        let patient = Patient {
            name: name.to_owned(),
            spec: MemberSpec { listeners: Vec::new(), ..spec },
            rounds,
            exit,
            stopper,
        };
        tokio::spawn(patient.ask(Arc::downgrade(self)));
    }
}

impl Patient {
    async fn ask(self, inner: Weak<Inner>) {
        let mut failures = 0;
        loop {
            let answer = async {
                tokio::time::sleep(self.rounds.every).await;
                self.spec.is_well().await
            };
            let ill = tokio::select! {
                ill = answer => ill.err(),
                _ = self.exit.wait() => return,
            };
            let Some(inner) = inner.upgrade() else { return };
            failures = if ill.is_some() { failures + 1 } else { 0 };
            inner.tell_health(&self, ill.map(|expected| Ill { failures, limit: self.rounds.failures, expected }));
            if failures >= self.rounds.failures {
                drop(inner);
                self.stopper.fail().await;
                return;
            }
        }
    }
}

impl Inner {
    fn tell_health(&self, patient: &Patient, ill: Option<Ill>) {
        if let Some(Ill { failures, expected, .. }) = ill.as_ref().filter(|ill| ill.failures >= ill.limit) {
            let state = ServiceState::Unhealthy { failures: *failures, expected: expected.clone() };
            self.reporter.emit(&Event::Service { service: patient.name.clone(), state });
        }
        let mut state = self.state();
        let has_changed = match ill {
            Some(ill) => state.ill.insert(patient.name.clone(), ill.clone()) != Some(ill),
            None => state.ill.remove(&patient.name).is_some(),
        };
        drop(state);
        if has_changed {
            self.have_changed();
        }
    }
}
