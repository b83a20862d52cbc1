//! A member whose process is that of a unit's keeper: what it takes to start and end it, and what its keeper tells.
//!
//! systemd has the unit up and limits it; whether the member is started in it, and when, follows the rules of every member.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::child::{End, Group};
use crate::keepers::{Keeper, News};
use crate::keeping::Run;
use crate::member::{AGAIN, Begun, Host, Member, State, folders, place};
use crate::systemd::{Systemd, UnitWish};
use crate::words::{Answer, Happened, Spec};

/// How long it may take from asking for a unit to the member's start.
const START: Duration = Duration::from_secs(60);

impl Member {
    /// Has the member started in its unit, which is made where it is not there.
    pub(crate) fn launch_unit(&mut self, units: &Systemd, spec: &Spec, host: &Host<'_>) -> Result<Begun, String> {
        self.save(host.store)?;
        self.refused = None;
        self.state = State::Coming(Instant::now() + START);
        match self.keeper.clone() {
            Some(keeper) => self.go(&keeper, spec, host),
            None => self.start_unit(units, spec, host),
        }
        Ok(Begun::Coming)
    }

    fn go(&self, keeper: &Keeper, spec: &Spec, host: &Host<'_>) {
        let directory = place(host.store.folder(), &spec.directory).display().to_string();
        keeper.go(self.kept.run, Spec { directory, ..spec.clone() }, &self.sockets.listeners);
    }

    fn start_unit(&mut self, units: &Systemd, spec: &Spec, host: &Host<'_>) {
        let wish = UnitWish {
            member: self.kept.member.clone(),
            tag: tag(spec),
            keep: spec.keep.clone(),
            bounds: spec.bounds.clone(),
            writes: folders(spec, host.store.folder()),
        };
        self.has_come = Arc::new(AtomicBool::new(false));
        let (units, has_come, run) = (units.clone(), Arc::clone(&self.has_come), self.kept.run);
        let failed = Arc::clone(&host.failed);
        std::thread::spawn(move || {
            if let Err(why) = units.start(&wish, || has_come.load(Ordering::Acquire)) {
                failed(wish.member, run, format!("its unit does not start: {why}"));
            }
        });
    }

    /// Has its unit ended, and with it the member; systemd does not start it again.
    pub(crate) fn stop_unit(&self, units: &Systemd, group: Option<Group>) {
        let (units, member) = (units.clone(), self.kept.member.clone());
        std::thread::spawn(move || {
            if !units.stop(&[&member], false) {
                // Without a unit, or a systemd that answers, the member itself is asked.
                group.into_iter().for_each(|group| group.end(false));
            }
        });
    }

    /// Ends it until the host is started again, which then starts it; what has not begun does not begin.
    pub(crate) fn rest(&mut self, units: &Systemd) {
        if self.is_up() || self.keeper.is_some() {
            self.stop_unit(units, None);
        }
        if !matches!(self.state, State::Up(_)) {
            self.state = State::Down;
        }
    }

    /// Hears its keeper.
    pub(crate) fn hear(&mut self, news: News, has_holder: bool, (units, host): (&Systemd, &Host<'_>)) {
        match news {
            News::Here { keeper, tag, run } => self.meet(keeper, (&tag, run), has_holder, (units, host)),
            News::Up { pid } => self.is_there(pid, (units, host)),
            News::Failed { run, why } => self.failed(run, why, host),
            News::Ended { run, nth, end } => {
                self.ended((run, nth), end, has_holder, host);
                // Also where it was known: it is told until that is heard.
                self.keeper.iter().for_each(|keeper| keeper.seen(run, nth));
            }
            News::Gone { keeper } if self.keeper.as_ref() == Some(&keeper) => {
                self.keeper = None;
                match self.state {
                    // Nobody saw how it ended.
                    State::Up(_) => self.ended((self.kept.run, 0), UNSEEN, has_holder, host),
                    State::Coming(_) => self.again(units, host),
                    State::Down | State::Returning(_) | State::Waits(_) => {}
                }
            }
            News::Gone { .. } => {}
        }
    }

    /// A keeper has come, with what it keeps.
    fn meet(
        &mut self,
        keeper: Keeper,
        (tag_there, run): (&str, Option<Run>),
        has_holder: bool,
        (units, host): (&Systemd, &Host<'_>),
    ) {
        if let Some(Run { run, pid, since_ms }) = run.filter(|run| run.run == self.kept.run && self.kept.spec.is_some())
        {
            keeper.seen(run, host.journal.seen(&self.kept.member, run));
            self.keeper = Some(keeper);
            self.has_come.store(true, Ordering::Release);
            match Group::of(pid) {
                Some(_) => {
                    self.is_there(pid, (units, host));
                    self.since_ms = since_ms;
                }
                // It is just being started, which is told next.
                None => self.state = State::Coming(Instant::now() + START),
            }
            return;
        }
        if self.kept.is_up {
            self.ended((self.kept.run, 0), UNSEEN, has_holder, host);
        }
        let is_wished = run.is_none() && self.kept.spec.as_ref().is_some_and(|spec| tag(spec) == tag_there);
        match (&self.state, self.kept.spec.clone()) {
            (State::Waits(_) | State::Coming(_) | State::Returning(_), Some(spec)) if is_wished && !self.kept.held => {
                keeper.seen(0, 0);
                self.has_come.store(true, Ordering::Release);
                match self.state {
                    State::Coming(_) => self.go(&keeper, &spec, host),
                    State::Returning(_) => self.state = State::Waits(Instant::now()),
                    State::Down | State::Up(_) | State::Waits(_) => {}
                }
                self.keeper = Some(keeper);
            }
            (state, _) => {
                // A unit of other limits, or one that is not wished any more.
                let is_held = self.kept.held;
                self.state = match *state {
                    State::Coming(at) if !is_held => State::Coming(at),
                    State::Returning(_) if !is_held => State::Waits(Instant::now()),
                    State::Waits(at) => State::Waits(at),
                    State::Coming(_) | State::Returning(_) | State::Down | State::Up(_) => State::Down,
                };
                self.stop_unit(units, None);
            }
        }
    }

    /// It runs.
    fn is_there(&mut self, pid: u32, (units, host): (&Systemd, &Host<'_>)) {
        let Some(group) = Group::of(pid) else { return };
        self.begin(group);
        self.kept.is_up = true;
        // Where that cannot be written, a host that comes after this one hears of it from the keeper.
        let _ = self.save(host.store);
        if self.kept.held {
            self.asked = true;
            self.stop_unit(units, Some(group));
        }
    }

    /// It cannot be started. Who waits for it is told; else it is tried again.
    pub(crate) fn failed(&mut self, run: u64, why: String, host: &Host<'_>) {
        if run != self.kept.run || !matches!(self.state, State::Coming(_)) {
            return;
        }
        self.state = State::Down;
        if self.is_awaited || self.kept.held {
            self.refused = Some(why);
            host.units.into_iter().for_each(|units| self.stop_unit(units, None));
        } else {
            host.journal.add(&self.kept.member, run, Happened::Err(format!("hydro-host: {why}")));
            self.state = State::Waits(Instant::now() + AGAIN);
        }
    }

    /// Returns what became of a start that somebody waits for, when that is known.
    pub(crate) fn take_start(&mut self) -> Option<Answer> {
        let answer = match self.state {
            State::Coming(_) | State::Returning(_) => return None,
            State::Up(group) => Answer::Started { run: self.kept.run, pid: group.pid() },
            // It has ended already; that is told as an event.
            State::Down | State::Waits(_) if self.refused.is_none() => Answer::Started { run: self.kept.run, pid: 0 },
            State::Down | State::Waits(_) => Answer::Refused { why: self.refused.take().unwrap_or_default() },
        };
        self.is_awaited = false;
        Some(answer)
    }

    /// Asks for its unit once more: the keeper is gone before it has started the member.
    fn again(&mut self, units: &Systemd, host: &Host<'_>) {
        if let Some(spec) = self.kept.spec.clone() {
            self.start_unit(units, &spec, host);
        }
    }

    /// Nobody has come in time.
    pub(crate) fn miss(&mut self, host: &Host<'_>) {
        let Some(units) = host.units else { return };
        if let State::Coming(_) = self.state {
            let unit = units.unit(&self.kept.member);
            return self.failed(
                self.kept.run,
                format!("nothing is heard of its unit: `systemctl status {unit}` there says more"),
                host,
            );
        }
        self.stop_unit(units, None);
        if self.kept.is_up {
            self.ended((self.kept.run, 0), UNSEEN, false, host);
        } else {
            self.state = if self.kept.held { State::Down } else { State::Waits(Instant::now()) };
        }
    }
}

const UNSEEN: End = End { code: None, signal: None };

/// Names a unit's kind: of another one, no member is started in it.
fn tag(spec: &Spec) -> String {
    let mut hasher = DefaultHasher::new();
    // These types can be written in any case.
    serde_json::to_string(&(&spec.bounds, spec.keep.restart, spec.keep.grace_ms, &spec.data, &spec.directory))
        .unwrap_or_default()
        .hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
