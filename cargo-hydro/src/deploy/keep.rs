//! What becomes of members once they run: ends are told to the supervision, and what it says is done.
//!
//! Knows nothing of building and wiring; a member is started again exactly as it was started first, at the same listening socket.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use indexmap::map::Entry;
use tokio::sync::Notify;

use super::alone::Alone;
use super::authority::Authority;
use super::change::Changes;
use super::engine::{Engine, Inner, State, together};
use super::late::Late;
use super::model::{Deployment, SupervisedGroup, Upkeep};
use super::renewal::{issue_another, renew};
use super::started::Started;
use crate::machine::{Member, Place, Stopper};
use crate::report::{Event, Failure, ServiceState};
use crate::supervision::{Action, Child, End, Group, Restart, Shutdown, Standing, Supervision, Work};
use crate::sys::Exit;

/// How long an orderly stop may take before it is enforced; for one service, and for all of them together.
pub(super) const GRACE: Duration = Duration::from_secs(5);
/// What those are given who were not asked when the time for all was over.
pub(super) const LAST_GRACE: Duration = Duration::from_secs(1);

/// The supervision's time, and what wakes the task that watches it.
#[derive(Debug)]
pub(super) struct Clock {
    begun: Instant,
    changed: Arc<Notify>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { begun: Instant::now(), changed: Arc::default() }
    }
}

impl Clock {
    fn now(&self) -> Duration {
        self.begun.elapsed()
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.changed.notify_one();
    }
}

/// Makes the supervision of a deployment, without children yet.
pub(super) fn supervision(deployment: &Deployment) -> Supervision {
    let mut made = Supervision::new("", &group(&deployment.supervision));
    made.begin(Duration::ZERO);
    made
}

fn group(wish: &SupervisedGroup) -> Group {
    let SupervisedGroup { strategy, intensity, auto_shutdown, .. } = wish;
    Group { strategy: *strategy, intensity: *intensity, auto_shutdown: *auto_shutdown, children: Vec::new() }
}

fn child(deployment: &Deployment, name: &str, upkeep: &Upkeep, work: Work) -> Child {
    let default = match work {
        // A group that gave up has done what its intensity is for; its parent goes on.
        Work::Group(_) => Restart::Transient,
        Work::Member => deployment.default_restart.unwrap_or(Restart::Temporary),
    };
    Child {
        name: name.to_owned(),
        restart: upkeep.restart.unwrap_or(default),
        shutdown: upkeep.shutdown.unwrap_or(Shutdown::After(GRACE)),
        significant: upkeep.significant,
        backoff: upkeep.backoff,
        work,
    }
}

/// The name of a group among those of members: no member is called like that.
fn group_name(group: &str) -> String {
    format!("[{group}]")
}

/// Takes a member in, and the groups around it where they are new.
fn adopt(state: &mut State, service: &str, member: &str, now: Duration) {
    let Some(upkeep) = state.deployment.services.get(service).map(|service| service.upkeep.clone()) else { return };
    let mut chain = Vec::new();
    let mut at = upkeep.group.clone();
    while let Some(name) = at.take_if(|name| !state.supervision.knows(&group_name(name))) {
        at = state.deployment.groups.get(&name).and_then(|group| group.upkeep.group.clone());
        chain.push(name);
    }
    for name in chain.iter().rev() {
        let Some(wish) = state.deployment.groups.get(name) else { continue };
        let parent = wish.upkeep.group.as_ref().map_or(String::new(), |parent| group_name(parent));
        let child = child(&state.deployment, &group_name(name), &wish.upkeep, Work::Group(group(wish)));
        state.supervision.adopt(&parent, &child, now);
    }
    let parent = upkeep.group.as_ref().map_or(String::new(), |parent| group_name(parent));
    let child = child(&state.deployment, member, &upkeep, Work::Member);
    state.supervision.adopt(&parent, &child, now);
}

/// Whether services are to be kept up in another way than they are.
pub(super) fn is_kept_otherwise(old: &Deployment, new: &Deployment) -> bool {
    let upkeep =
        |deployment: &Deployment, name: &String| deployment.services.get(name).map(|service| service.upkeep.clone());
    let both = new.services.keys().filter(|name| old.services.contains_key(*name));
    // On which lines groups stand is nothing to them.
    let groups = |deployment: &Deployment| -> IndexMap<String, SupervisedGroup> {
        let plain = |group: &SupervisedGroup| SupervisedGroup { origin: None, ..group.clone() };
        deployment.groups.iter().map(|(name, group)| (name.clone(), plain(group))).collect()
    };
    old.supervision != new.supervision
        || groups(old) != groups(new)
        || old.default_restart != new.default_restart
        || both.into_iter().any(|name| upkeep(old, name) != upkeep(new, name))
}

impl Engine {
    /// Has members kept up as the deployment says now, where that is another way than before.
    pub(super) fn keep_otherwise(&self, changes: &Changes) {
        if !changes.supervision {
            return;
        }
        let now = self.inner.clock.now();
        let mut state = self.state();
        let new = supervision(&state.deployment);
        let old = std::mem::replace(&mut state.supervision, new);
        let members: Vec<(String, String)> = state
            .started
            .iter()
            .flat_map(|(service, started)| {
                started.planned.iter().map(|planned| (service.clone(), planned.name.clone()))
            })
            .collect();
        let mut actions = Vec::new();
        for (service, member) in members {
            if state.member(&member).is_some_and(Member::is_led) {
                continue;
            }
            adopt(&mut state, &service, &member, now);
            let standing = old.standing(&member).map_or(Standing::Down, |(standing, _)| standing);
            if matches!(standing, Standing::Down | Standing::Paused(_)) {
                // It does not run, so nothing need be stopped.
                let _ = state.supervision.hold(&member, now);
                let _ = state.supervision.ended(&member, End::Normal, now);
            }
            if matches!(standing, Standing::Paused(_)) {
                actions.extend(state.supervision.release(&member, now));
            }
        }
        self.inner.carry_out_all(&mut state, actions);
    }

    /// Takes over what was started; from here on it outlives the call that started it.
    pub(super) fn keep(&self, deployment: &Deployment, late: Late, started: IndexMap<String, Started>) {
        let now = self.inner.clock.now();
        let mut state = self.state();
        if !std::mem::replace(&mut state.is_timed, true) {
            tokio::spawn(keep_time(Arc::downgrade(&self.inner), Arc::clone(&self.inner.clock.changed)));
        }
        let mut names = Vec::new();
        for (service, started) in &started {
            for (planned, member) in started.planned.iter().zip(&started.members) {
                let number = planned.member;
                // Who shares a process lives and dies with it: one of them stands for all.
                if !member.is_led() {
                    adopt(&mut state, service, member.name(), now);
                }
                let place = self.inner.place_of(&state, service);
                self.inner.watch((service, number), member, started.authority.as_ref(), place);
                names.push(member.name().to_owned());
            }
        }
        state.builds += 1;
        for (service, started) in started {
            match state.started.entry(service) {
                Entry::Occupied(mut there) => there.get_mut().grow(started),
                Entry::Vacant(place) => drop(place.insert(started)),
            }
        }
        for name in names {
            self.inner.begin_rounds(&state, &name);
        }
        state.late = late;
        state.wired = deployment.links.iter().map(|link| (link.from.clone(), link.to.clone())).collect();
    }

    /// Asks a service (or one member, `service.N`) to end, and enforces it after its time; it is not started again.
    ///
    /// # Errors
    /// It was not started.
    pub async fn stop(&self, name: &str) -> Result<Exit, Failure> {
        let (members, exits) = (self.members(name)?, self.pick(name, Member::exit)?);
        for member in &members {
            match self.alone(&member.name, &members) {
                Alone::Process(leader) => self.inner.change(|supervision, now| supervision.hold(&leader, now)),
                Alone::Seat(stopper) => drop(tokio::spawn(async move { stopper.stop(GRACE).await })),
            }
        }
        let exit = together(exits.into_iter().map(|exit| async move { exit.wait().await })).await;
        self.inner.see_ends();
        Ok(exit)
    }

    /// Starts a service (or one member, `service.N`) that was stopped or has ended. Who runs is left alone.
    ///
    /// # Errors
    /// It was not started before.
    pub fn start(&self, name: &str) -> Result<(), Failure> {
        for leader in self.leaders(name)? {
            self.inner.change(|supervision, now| supervision.release(&leader, now));
        }
        Ok(())
    }

    /// Stops a service (or one member, `service.N`), and starts it again; with all that share its process.
    ///
    /// # Errors
    /// It was not started before.
    pub async fn restart(&self, name: &str) -> Result<(), Failure> {
        let (leaders, exits) = (self.leaders(name)?, self.pick(name, Member::process_exit)?);
        for leader in &leaders {
            self.inner.change(|supervision, now| supervision.renew(leader, now));
        }
        together(exits.into_iter().map(|exit| async move { exit.wait().await })).await;
        self.inner.see_ends();
        Ok(())
    }

    /// Ends a service (or one member, `service.N`) at once, with all that share its process. What follows is its supervisor's affair, as with any other end.
    ///
    /// # Errors
    /// It was not started.
    pub async fn kill(&self, name: &str) -> Result<Exit, Failure> {
        let stoppers = self.pick(name, Member::stopper)?;
        Ok(together(stoppers.into_iter().map(|stopper| async move { stopper.kill().await })).await)
    }

    /// Ends all services, senders first: in the reverse order of their start. Takes a few seconds at most, whatever they do, unless one was given more.
    pub async fn stop_all(&self) {
        let mut waiting: Vec<(Option<Shutdown>, Vec<Stopper>)> = {
            let mut state = self.state();
            // From now on nothing is started again, and the ends that follow are ours; the supervision only hears of them.
            state.is_ending = true;
            let _ = state.supervision.shut_down(self.inner.clock.now());
            let shutdown = |service: &String| state.deployment.services.get(service)?.upkeep.shutdown;
            let started = state.started.iter();
            started
                .map(|(service, started)| {
                    (shutdown(service), started.members.iter().map(|member| member.stopper().clone()).collect())
                })
                .collect()
        };
        self.inner.machines.prepare_end();
        let deadline = Instant::now() + GRACE;
        while let Some((shutdown, members)) = waiting.pop() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                waiting.push((shutdown, members));
                break;
            }
            let shutdown = shutdown.unwrap_or(Shutdown::After(left));
            together(members.into_iter().map(|stopper| async move { end(&stopper, shutdown).await })).await;
        }
        let rest = waiting.into_iter().flat_map(|(shutdown, members)| members.into_iter().map(move |m| (shutdown, m)));
        let last = Shutdown::After(LAST_GRACE);
        together(rest.map(|(shutdown, stopper)| async move { end(&stopper, shutdown.unwrap_or(last)).await })).await;
        self.inner.see_ends();
        let (options, deployment) = (self.options(), self.deployment().name);
        self.inner.machines.down(options.workspace.root(), &deployment, &self.inner.reporter).await;
    }
}

async fn end(stopper: &Stopper, shutdown: Shutdown) -> Exit {
    match shutdown {
        Shutdown::Kill => stopper.kill().await,
        Shutdown::After(time) => stopper.stop(time).await,
        Shutdown::Unlimited => stopper.stop(Duration::MAX).await,
    }
}

impl Inner {
    fn place_of(&self, state: &State, service: &str) -> Place {
        self.machines.place(state.deployment.services.get(service).map_or("", |service| service.machine.as_str()))
    }

    /// Has the end of a member told, and its certificate renewed until then.
    fn watch(
        self: &Arc<Self>,
        (service, number): (&str, u32),
        member: &Member,
        authority: Option<&Arc<Authority>>,
        place: Place,
    ) {
        let (inner, exit) = (Arc::downgrade(self), member.exit().clone());
        let process = member.shared().filter(|_| !member.is_led()).map(|shared| shared.exit.clone());
        for exit in std::iter::once(exit).chain(process) {
            let inner = Weak::clone(&inner);
            tokio::spawn(async move {
                exit.wait().await;
                if let Some(inner) = inner.upgrade() {
                    inner.see_ends();
                }
            });
        }
        if let Some(authority) = authority {
            let authority = Arc::clone(authority);
            let member = (service.to_owned(), number, member.exit().clone());
            tokio::spawn(renew(authority, member, place, self.reporter.clone()));
        }
    }

    /// Tells the supervision something, and does what it says.
    pub(super) fn change(self: &Arc<Self>, change: impl FnOnce(&mut Supervision, Duration) -> Vec<Action>) {
        let mut state = self.state();
        let actions = change(&mut state.supervision, self.clock.now());
        self.carry_out_all(&mut state, actions);
        drop(state);
        self.have_changed();
    }

    pub(super) fn have_changed(&self) {
        self.clock.changed.notify_one();
        self.changes.send_modify(|count| *count += 1);
    }

    /// Tells the supervision which members have ended. Whoever learns of an end comes here, so that it is seen before anybody looks.
    pub(super) fn see_ends(self: &Arc<Self>) {
        let mut state = self.state();
        let ended: Vec<(String, Exit)> = state
            .started
            .values()
            .flat_map(|started| &started.members)
            // A process of several has ended when each of them has told so.
            .filter(|member| !member.is_led() && state.have_all_ended(member))
            .filter_map(|member| Some((member.name().to_owned(), member.process_exit().now()?)))
            .collect();
        for (name, exit) in ended {
            let end = if exit.success() { End::Normal } else { End::Abnormal };
            // One that is known to be down stays so.
            let actions = state.supervision.ended(&name, end, self.clock.now());
            self.carry_out_all(&mut state, actions);
        }
        drop(state);
        self.have_changed();
    }

    fn carry_out_all(self: &Arc<Self>, state: &mut State, mut actions: Vec<Action>) {
        while !actions.is_empty() && !state.is_ending {
            actions = actions.into_iter().flat_map(|action| self.carry_out(state, action)).collect();
        }
    }

    fn carry_out(self: &Arc<Self>, state: &mut State, action: Action) -> Vec<Action> {
        match action {
            Action::Start(name) => return self.start_again(state, &name),
            Action::Stop(name, shutdown) => {
                if let Some(member) = state.member(&name) {
                    let stopper = member.process_stopper().clone();
                    tokio::spawn(async move { end(&stopper, shutdown).await });
                }
            }
            Action::Paused { name, pause, restarts } => {
                let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                let state = ServiceState::Paused { pause_ms, restarts };
                self.reporter.emit(&Event::Service { service: name, state });
            }
            Action::GaveUp { group, child } => {
                let group = Some(group.trim_matches(['[', ']']).to_owned()).filter(|group| !group.is_empty());
                self.reporter.emit(&Event::GaveUp { group, service: child });
            }
            Action::AllUp | Action::StartFailed(_) | Action::Over => {}
        }
        Vec::new()
    }

    /// Starts a member as it was started before, with all that share its process.
    fn start_again(self: &Arc<Self>, state: &mut State, name: &str) -> Vec<Action> {
        let Some((service, number)) = state.find(name) else { return Vec::new() };
        let Some(started) = state.started.get(&service) else { return Vec::new() };
        let Some(again) = started.again.get(number as usize) else { return Vec::new() };
        let seats = again.seats.clone();
        let names = if seats.is_empty() { vec![name] } else { seats.iter().map(|seat| seat.name.as_str()).collect() };
        // A member that is started again and again is never there when its certificate would be renewed.
        for (service, number) in names.into_iter().filter_map(|name| state.find(name)) {
            if let Some(authority) = state.started.get(&service).and_then(|started| started.authority.as_ref()) {
                issue_another(authority, (&service, number), &self.place_of(state, &service), &self.reporter);
            }
        }
        let place = self.place_of(state, &service);
        let result = again.again().map_err(|error| error.to_string()).and_then(|spec| {
            place.start(spec, &self.reporter).map_err(|error| match error.reason() {
                Some(reason) => format!("{error}: {reason}"),
                None => error.to_string(),
            })
        });
        match result {
            Ok(member) => {
                let members = if seats.is_empty() { vec![member] } else { member.seated(seats, &self.reporter) };
                members.into_iter().for_each(|member| self.replace(state, member));
                if self.waits_until_well(state, name) {
                    return Vec::new();
                }
                state.supervision.started(name, self.clock.now())
            }
            Err(reason) => {
                self.reporter.warning(format!("`{name}` could not be started again: {reason}"));
                state.supervision.ended(name, End::Abnormal, self.clock.now())
            }
        }
    }
}

impl Inner {
    /// Puts a member in the place of the one that it was before.
    fn replace(self: &Arc<Self>, state: &mut State, member: Member) {
        let name = member.name().to_owned();
        let Some((service, number)) = state.find(&name) else { return };
        let place = self.place_of(state, &service);
        let Some(started) = state.started.get_mut(&service) else { return };
        self.watch((&service, number), &member, started.authority.as_ref(), place);
        started.members[number as usize] = member;
        state.ill.remove(&name);
    }
}

impl State {
    fn have_all_ended(&self, member: &Member) -> bool {
        let names = member.shared().into_iter().flat_map(|shared| &shared.names);
        names.filter_map(|name| self.member(name)).all(|member| !member.is_running())
    }

    pub(super) fn find(&self, name: &str) -> Option<(String, u32)> {
        self.started.iter().find_map(|(service, started)| {
            let number = (0..).zip(&started.members).find(|(_, member)| member.name() == name)?.0;
            Some((service.clone(), number))
        })
    }

    pub(super) fn member(&self, name: &str) -> Option<&Member> {
        self.started.values().flat_map(|started| &started.members).find(|member| member.name() == name)
    }
}

/// Tells the supervision of the time when it wants to know, as long as there is an engine.
async fn keep_time(inner: Weak<Inner>, changed: Arc<Notify>) {
    loop {
        let Some(engine) = inner.upgrade() else { return };
        let next = engine.state().supervision.next();
        let now = engine.clock.now();
        drop(engine);
        match next {
            None => changed.notified().await,
            Some(next) => {
                let is_due = tokio::time::timeout(next.saturating_sub(now), changed.notified()).await.is_err();
                if let Some(engine) = inner.upgrade().filter(|_| is_due) {
                    engine.change(|supervision, now| supervision.tick(now));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::samples::{command, engine};
    use crate::report::LogStream;
    use crate::supervision::otp::{self, Death};
    use crate::supervision::{Intensity, Standing, Strategy};

    /// Waits until what is asked for is so, looking at each change.
    async fn until<T>(engine: &Engine, mut look: impl FnMut(&Engine) -> Option<T>) -> T {
        let mut changes = engine.changes();
        loop {
            if let Some(found) = look(engine) {
                return found;
            }
            changes.changed().await.unwrap();
        }
    }

    fn pids(engine: &Engine) -> Vec<u32> {
        engine.status().iter().map(|member| member.pid).collect()
    }

    fn sleepers(names: &[&str], restart: impl Fn(&str) -> Restart) -> Deployment {
        let mut made = Deployment { name: "test".into(), ..Default::default() };
        for name in names {
            command(&mut made, name, &["sh", "-c", "echo up; exec sleep 60"]);
            made.services[*name].upkeep.restart = Some(restart(name));
        }
        made
    }

    #[tokio::test]
    async fn real_processes_are_started_again_as_the_manual_says() {
        let names = ["a", "b", "c"];
        for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
            for sibling in [Restart::Permanent, Restart::Temporary] {
                for dead in [0, 1] {
                    let kinds: [Restart; 3] =
                        std::array::from_fn(|n| if n == dead { Restart::Transient } else { sibling });
                    let kind = |name: &str| kinds[names.iter().position(|other| *other == name).unwrap()];
                    let mut wished = sleepers(&names, kind);
                    wished.supervision.strategy = strategy;
                    let (engine, _) = engine(wished);
                    engine.deploy().await.unwrap();
                    let before = pids(&engine);
                    // Commands start in the order they were written, as the model has it.
                    engine.kill(names[dead]).await.unwrap();
                    let expected = otp::expected(strategy, kinds, dead, Death::Killed);
                    let as_expected = |engine: &Engine| {
                        let now = engine.status();
                        let is = |n: usize| {
                            let started = expected.contains(&format!("+{}", names[n]));
                            let stopped = expected.contains(&format!("-{}", names[n]));
                            let standing = if stopped && !started { Standing::Down } else { Standing::Up };
                            (now[n].pid != before[n]) == started && now[n].standing == standing
                        };
                        (0..3).all(is).then_some(())
                    };
                    until(&engine, as_expected).await;
                    engine.stop_all().await;
                    assert!(engine.is_over());
                }
            }
        }
    }

    #[tokio::test]
    async fn one_that_was_started_again_goes_on_in_its_logs_and_is_told() {
        let (engine, captured) = engine(sleepers(&["a"], |_| Restart::Permanent));
        engine.deploy().await.unwrap();
        let before = pids(&engine);
        let mut lines = engine.logs("a", LogStream::Stdout).unwrap();
        assert_eq!(lines.next().await.as_deref(), Some("up"));
        engine.kill("a").await.unwrap();
        until(&engine, |engine| (pids(engine) != before).then_some(())).await;
        assert_eq!(engine.status()[0].restarts, 1);
        let mut lines = engine.logs("a", LogStream::Stdout).unwrap();
        assert_eq!((lines.next().await.as_deref(), lines.next().await.as_deref()), (Some("up"), Some("up")));
        assert_eq!(captured.stderr().matches("Started a").count(), 2, "{}", captured.stderr());

        assert_eq!(engine.stop("a").await.unwrap().signal, Some(15));
        assert_eq!(engine.status()[0].standing, Standing::Down, "who is stopped stays so");
    }

    #[tokio::test]
    async fn a_group_that_gives_up_leaves_the_others_alone() {
        let mut wished = sleepers(&["good"], |_| Restart::Permanent);
        command(&mut wished, "bad", &["sh", "-c", "exit 7"]);
        let upkeep = Upkeep { restart: Some(Restart::Permanent), group: Some("shaky".into()), ..Upkeep::default() };
        wished.services["bad"].upkeep = upkeep;
        let intensity = Some(Intensity { restarts: 2, period: Duration::from_secs(60) });
        wished.groups.insert("shaky".into(), SupervisedGroup { intensity, ..SupervisedGroup::default() });
        let (engine, captured) = engine(wished);
        engine.deploy().await.unwrap();
        let before = pids(&engine)[0];
        until(&engine, |engine| (engine.status()[1].standing == Standing::Down).then_some(())).await;
        let stderr = captured.stderr();
        assert!(stderr.contains("warning: the group `shaky` stops: `bad` ended once more than"), "{stderr}");
        assert!(stderr.contains("warning: `bad` ends again and again (2 times in a row)"), "{stderr}");
        assert_eq!(stderr.matches("Started bad").count(), 3, "{stderr}");
        let good = &engine.status()[0];
        assert_eq!((good.pid, good.standing), (before, Standing::Up));
        assert!(!engine.is_over());
    }
}
