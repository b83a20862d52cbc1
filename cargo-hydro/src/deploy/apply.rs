//! One release: checks, build, comparison with what runs, and the steps that make what runs what is wished for.
//!
//! [`Engine::deploy`] only adds, as scripts do; [`Engine::apply`] also stops, starts again and rewires. Nothing is touched before
//! everything has been checked, built and compared. Read [`Engine::apply`] first.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hydro_runtime_shim::contract::AdminRequest;
use hydroflow_standalone::interface::Direction;

use super::bind::Bound;
use super::building::Made;
use super::change::{Change, Changes, Reason, Rewire, Told, compare};
use super::colocate::{check_joining, keep_whole};
use super::engine::{Engine, EngineOptions, State, together, with_lines};
use super::late::{Late, Running};
use super::model::{Deployment, Link, PortRef, Program, Service};
use super::placeholders::Owns;
use super::plan::{Address, Addresses, Plan, PlannedMember};
use super::ready::PATIENCE;
use super::start::Starting;
use super::started::Started;
use super::{cost, keep, piping, placeholders, topology};
use crate::machine::{ExitWatch, Member, MemberSpec, Pipes, Place};
use crate::report::{ExitCode, Failure};

/// How long a command that was started again must live to count as up.
const SETTLE: Duration = Duration::from_millis(100);

/// What is to become of what was prepared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Going {
    /// What is new is started.
    Adds,
    /// What runs becomes what is wished for.
    Changes,
    /// It is only looked at.
    Nowhere,
}

/// A release that was checked and built.
struct Prepared {
    options: EngineOptions,
    deployment: Deployment,
    made: Made,
    /// Members that go on.
    running: Running,
    /// The number of its build.
    build: u64,
}

/// A member that goes on, and what becomes of it.
struct Goer {
    name: String,
    service: String,
    number: usize,
    change: Change,
    /// What starts it from now on.
    again: MemberSpec,
}

impl Engine {
    /// Checks, builds, plans and starts all services that were not started before, and returns when they are up; what runs stays as it is.
    /// Dropping the future at any moment leaves nothing of what it started.
    ///
    /// # Errors
    /// All problems of the topology, or of the links' types; or the one that stopped building or starting.
    pub async fn deploy(&self) -> Result<(), Vec<Failure>> {
        let one_at_a_time = self.inner.deploying.lock().await;
        let result = self.start_new().await;
        self.sweep();
        drop(one_at_a_time);
        self.until_linked(&result?).await;
        Ok(())
    }

    async fn start_new(&self) -> Result<Plan, Vec<Failure>> {
        self.forget_gone().await;
        let (deployment, late_links) = {
            let state = self.state();
            (state.deployment.clone(), late_links(&state))
        };
        let mut prepared = self.prepare((deployment, self.options()), late_links, Going::Adds).await?;
        self.take_into_use(&mut prepared).await?;
        let starting = self.starting(&prepared);
        let bound = starting.bind().await?;
        let late = self.late(&prepared);
        let plan = starting.plan(self.given(), &bound, &late);
        starting.tell(&plan, &prepared.made.artifacts);
        self.inner.machines.admit(&prepared.deployment, &plan).await?;
        let started = starting.start(&prepared.made.artifacts, prepared.build, plan.clone(), bound).await?;
        self.keep(&prepared.deployment, late, started);
        self.repipe_all(&plan)?;
        Ok(plan)
    }

    /// Makes what runs what this deployment says, with the smallest change: starts what is new, stops what is gone, starts again what is different, and tells running
    /// programs of new peers. Returns what was done, when it is up; then the options count for later changes, too.
    ///
    /// # Errors
    /// As [`Engine::deploy`]; or a program that was started again ended at once, or could not be told of its peers.
    pub async fn apply(&self, deployment: Deployment, options: EngineOptions) -> Result<Changes, Vec<Failure>> {
        let one_at_a_time = self.inner.deploying.lock().await;
        let result = self.release(deployment, options).await;
        self.sweep();
        // The next release need not wait for links.
        drop(one_at_a_time);
        let (changes, plan) = result?;
        if !changes.is_empty() {
            self.until_linked(&plan).await;
        }
        Ok(changes)
    }

    async fn release(&self, deployment: Deployment, options: EngineOptions) -> Result<(Changes, Plan), Vec<Failure>> {
        self.forget_gone().await;
        let mut prepared = self.prepare((deployment, options), Vec::new(), Going::Changes).await?;
        let late = self.late(&prepared);
        let foreseen = self.foresee(&prepared, &self.starting(&prepared), &late);
        self.announce(&prepared, &foreseen);
        self.take_into_use(&mut prepared).await?;
        let starting = self.starting(&prepared);
        // Who goes may hold an address that somebody else is to have.
        self.take_down(&prepared.running).await;
        let bound = starting.bind().await?;
        let plan = starting.plan(self.given(), &bound, &late);
        self.inner.machines.admit(&prepared.deployment, &plan).await?;
        let goers = self.goers(&prepared, &starting, &plan);
        let started = starting.start(&prepared.made.artifacts, prepared.build, plan.clone(), bound).await?;
        self.edit(|wished| *wished = prepared.deployment.clone());
        self.inner.set_options(prepared.options.clone());
        self.keep(&prepared.deployment, late, started);
        self.keep_otherwise(&foreseen);
        let result = self.go_on(goers, &prepared, &plan).await;
        self.state().order_as(&prepared.deployment);
        let root = prepared.options.workspace.root();
        self.inner.machines.retire(&prepared.deployment, root, &self.inner.reporter).await;
        result.map(|()| (foreseen, plan))
    }

    /// Takes the machines of a release into use, and brings programs there.
    async fn take_into_use(&self, prepared: &mut Prepared) -> Result<(), Vec<Failure>> {
        let Made { artifacts, reached, hosts } = &mut prepared.made;
        let (reached, hosts) = (std::mem::take(reached), std::mem::take(hosts));
        let artifacts = artifacts.clone();
        let (deployment, options) = (&prepared.deployment, &prepared.options);
        self.inner.machines.connect(deployment, (reached, &hosts), options, &self.inner.reporter).await?;
        let runs = |service: &str| {
            let artifact = self.state().started.get(service)?.artifact.clone();
            artifact.map(|artifact| artifact.executable)
        };
        self.starting(prepared).upload(&artifacts, runs).await
    }

    /// Leaves no socket of those that are gone. Only while nothing is being started.
    fn sweep(&self) {
        let used = self.state().started.values().flat_map(Started::sockets).collect();
        self.inner.sockets.keep_only(&used);
    }

    /// Tells what [`Engine::apply`] would do with these options, and does nothing but build.
    ///
    /// # Errors
    /// All problems of the topology, or of the links' types, or of the build.
    pub async fn plan(&self, deployment: Deployment, options: EngineOptions) -> Result<Changes, Vec<Failure>> {
        let _one_at_a_time = self.inner.deploying.lock().await;
        let prepared = self.prepare((deployment, options), Vec::new(), Going::Nowhere).await?;
        let starting = self.starting(&prepared);
        Ok(self.foresee(&prepared, &starting, &self.late(&prepared)))
    }

    async fn prepare(
        &self,
        (mut deployment, options): (Deployment, EngineOptions),
        mut problems: Vec<Failure>,
        going: Going,
    ) -> Result<Prepared, Vec<Failure>> {
        let exact = going != Going::Adds;
        problems.splice(0..0, topology::check(&deployment, options.local));
        if !exact {
            problems.extend(check_joining(&deployment, &self.state().running()));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        if options.local {
            deployment.place_here();
        }
        cost::check(&deployment, options.max_cost).map_err(|failure| vec![failure])?;
        for warning in deployment.warnings() {
            self.inner.reporter.warning(warning);
        }
        let (running, build) = {
            let state = self.state();
            let running = match exact {
                true => state.staying(&deployment),
                false => state.running(),
            };
            (running, state.builds)
        };
        let mut prepared = Prepared { options, deployment, made: Made::default(), running, build };
        let made = {
            let starting = self.starting(&prepared);
            let made = starting.make(exact, going == Going::Nowhere).await?;
            starting.check_types(&made.artifacts, build, &self.state().started)?;
            made
        };
        if exact {
            let state = self.state();
            let is_rebuilt = |name: &str| {
                let before = state.started.get(name).and_then(|started| started.artifact.as_ref());
                let now = made.artifacts.get(name).map(|artifact| &artifact.executable);
                before.map(|artifact| &artifact.executable) != now
            };
            keep_whole(&state.deployment, &prepared.deployment, &mut prepared.running, is_rebuilt);
        }
        prepared.made = made;
        Ok(prepared)
    }

    fn starting<'a>(&'a self, prepared: &'a Prepared) -> Starting<'a> {
        Starting {
            options: &prepared.options,
            reporter: &self.inner.reporter,
            deployment: &prepared.deployment,
            running: &prepared.running,
            sockets: &self.inner.sockets,
            machines: &self.inner.machines,
            patience: PATIENCE,
        }
    }

    fn late(&self, prepared: &Prepared) -> Late {
        self.state().late.grown(&prepared.deployment, &prepared.running)
    }

    /// Returns where members are that run, and what they have.
    fn given(&self) -> (Addresses, Owns) {
        let state = self.state();
        let addresses = state.started.iter().flat_map(|(name, started)| started.addresses(name)).collect();
        let owns = state.started.iter().flat_map(|(name, started)| {
            (0..).zip(&started.owns).map(|(member, own)| ((name.clone(), member), own.clone()))
        });
        (addresses, owns.collect())
    }

    /// Compares without touching anything; new members have no addresses yet, and so have made-up ones.
    fn foresee(&self, prepared: &Prepared, starting: &Starting<'_>, late: &Late) -> Changes {
        let (mut addresses, owns) = self.given();
        let mut made_up = owns;
        for (member, example) in placeholders::example(&prepared.deployment) {
            let own = made_up.entry(member).or_insert_with(|| example.clone());
            own.stdin = own.stdin.take().or(example.stdin);
        }
        addresses.retain(|(service, member), _| prepared.running.get(service).is_some_and(|count| member < count));
        for (name, service) in &prepared.deployment.services {
            if matches!(service.program, Program::Hydroflow { .. }) {
                for member in 0..service.count {
                    let somewhere = || Address::of(([127, 0, 0, 1], 0).into()).with_socket(format!("{name}.{member}"));
                    addresses.entry((name.clone(), member)).or_insert_with(somewhere);
                }
            }
        }
        let plan = starting.plan((addresses, made_up), &Bound::default(), late);
        let mut changes = Changes::default();
        for goer in self.goers(prepared, starting, &plan) {
            match goer.change {
                Change::Keep => {}
                Change::Rewire(_) => changes.rewire.push(goer.name),
                Change::Restart(because) => changes.restart.push(Reason { member: goer.name, because }),
            }
        }
        let stays = |service: &str, member: u32| prepared.running.get(service).is_some_and(|count| member < *count);
        let new = plan.members.iter().filter(|planned| !stays(&planned.service, planned.member));
        changes.start = new.map(|planned| planned.name.clone()).collect();
        let begins = changes.restart.iter().map(|reason| &reason.member).chain(&changes.start);
        for service in begins.map(|member| member.split('.').next().unwrap_or_default()) {
            let artifact = prepared.made.artifacts.get(service);
            let target = artifact.and_then(|artifact| artifact.target.as_ref());
            changes.targets.extend(target.map(|target| (service.to_owned(), target.to_string())));
        }
        let state = self.state();
        for (service, started) in &state.started {
            let gone = started.planned.iter().filter(|planned| !stays(service, planned.member));
            changes.stop.extend(gone.map(|planned| planned.name.clone()));
        }
        let wished: BTreeSet<(PortRef, PortRef)> = prepared.deployment.links.iter().map(ends).collect();
        let text = |(from, to): &(PortRef, PortRef)| format!("{from} → {to}");
        changes.link = wished.difference(&state.wired).map(text).collect();
        changes.unlink = state.wired.difference(&wished).map(text).collect();
        changes.supervision =
            !state.started.is_empty() && keep::is_kept_otherwise(&state.deployment, &prepared.deployment);
        changes
    }

    fn announce(&self, prepared: &Prepared, changes: &Changes) {
        if !self.state().started.is_empty() {
            self.inner.reporter.emit(&changes.event(&prepared.deployment.name));
            return;
        }
        let starting = self.starting(prepared);
        let plan = Plan::example(&prepared.deployment);
        starting.tell(&plan, &prepared.made.artifacts);
    }

    /// Stops all members that are not to stay, the last started first, and forgets them.
    async fn take_down(&self, staying: &Running) {
        let leaving: Vec<(String, u32, String)> = {
            let state = self.state();
            let all =
                state.started.iter().flat_map(|(service, started)| started.planned.iter().map(move |p| (service, p)));
            let leaves = |service: &str, member: u32| member >= staying.get(service).copied().unwrap_or(0);
            let mut leaving: Vec<_> = all
                .filter(|(service, planned)| leaves(service, planned.member))
                .map(|(service, planned)| (service.clone(), planned.member, planned.name.clone()))
                .collect();
            leaving.reverse();
            leaving
        };
        for (service, number, member) in leaving {
            // One that ended before needs no stop; it is forgotten all the same.
            let _ = self.stop(&member).await;
            let machine = self.state().deployment.services.get(&service).map(|service| service.machine.clone());
            if let Place::Ssh(machine) = self.inner.machines.place(machine.as_deref().unwrap_or_default()) {
                // What cannot be forgotten now goes with the whole deployment.
                let _ = machine.forget(&member).await;
            }
            let mut state = self.state();
            state.supervision.forget(&member);
            if let Some(started) = state.started.get_mut(&service) {
                started.shrink(number as usize);
            }
            if number == 0 {
                state.started.shift_remove(&service);
            }
        }
    }

    /// Compares each member that stays with what it would be started with now.
    fn goers(&self, prepared: &Prepared, starting: &Starting<'_>, plan: &Plan) -> Vec<Goer> {
        let state = self.state();
        let mut goers = Vec::new();
        for planned in &plan.members {
            let stays = prepared.running.get(&planned.service).is_some_and(|count| planned.member < *count);
            let Some(service) = prepared.deployment.services.get(&planned.service).filter(|_| stays) else { continue };
            // A process of several goes on as it is, or not at all.
            if !prepared.deployment.process_of(&planned.service).is_empty() {
                continue;
            }
            let number = planned.member as usize;
            let Some(started) = state.started.get(&planned.service) else { continue };
            let (Some(old), Some(again)) = (started.planned.get(number), started.again.get(number)) else { continue };
            let program = starting.program(planned, prepared.made.artifacts.get(&planned.service));
            let wires = planned.wires.as_ref();
            let watched = planned.watched.as_deref();
            let new = Told {
                program: &program,
                args: &planned.args,
                env: &planned.env,
                watched,
                wires,
                bounds: &planned.bounds,
            };
            let (watched, wires) = (old.watched.as_deref(), old.wires.as_ref());
            // Here, nobody sees to them.
            let bounds = if again.away.is_some() { &old.bounds } else { &planned.bounds };
            let before = Told { program: &again.program, args: &again.args, env: &old.env, watched, wires, bounds };
            let change = compare(before, new, &ports(service));
            let Ok(mut again) = again.again() else { continue };
            // What it was given when it started (sockets, certificates) it keeps.
            let given: BTreeMap<String, String> =
                again.env.into_iter().filter(|(name, _)| !old.env.contains_key(name)).collect();
            again.env = planned.env.clone();
            for (name, value) in given {
                again.env.entry(name).or_insert(value);
            }
            again.away.iter_mut().for_each(|away| away.bounds.clone_from(&planned.bounds));
            (again.program, again.args, again.health) = (program, planned.args.clone(), planned.health.clone());
            goers.push(Goer { name: planned.name.clone(), service: planned.service.clone(), number, change, again });
        }
        goers
    }

    /// Starts again what is different, and tells the others of their peers.
    async fn go_on(&self, goers: Vec<Goer>, prepared: &Prepared, plan: &Plan) -> Result<(), Vec<Failure>> {
        let mut problems = Vec::new();
        let mut wires: Vec<(String, Vec<Rewire>)> = Vec::new();
        let mut restarts = Vec::new();
        {
            let mut state = self.state();
            for goer in goers {
                let planned = plan.members.iter().find(|planned| planned.name == goer.name).cloned();
                let Some(started) = state.started.get_mut(&goer.service) else { continue };
                started.artifact = prepared.made.artifacts.get(&goer.service).cloned().or(started.artifact.take());
                started.build = prepared.build;
                if let (Some(again), Some(old), Some(planned)) =
                    (started.again.get_mut(goer.number), started.planned.get_mut(goer.number), planned)
                {
                    // Their links go on whatever becomes of the process.
                    let pipes = again.pipes.take();
                    (*again, *old) = (goer.again, planned);
                    problems.extend(self.repipe(pipes, again, old, prepared).err());
                    if let Some(own) = started.owns.get_mut(goer.number) {
                        own.stdin = again.pipes.as_ref().and_then(Pipes::socket).or(own.stdin.take());
                    }
                }
                match goer.change {
                    Change::Keep => {}
                    Change::Rewire(rewires) => wires.push((goer.name, rewires)),
                    Change::Restart(_) => restarts.push(goer.name),
                }
            }
        }
        for (member, rewires) in wires {
            for rewire in rewires {
                problems.extend(self.rewire(&member, rewire).await.err());
            }
        }
        for member in &restarts {
            problems.extend(self.restart(member).await.err());
        }
        problems.extend(self.ended_at_once(&restarts).await);
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Tells the pipes of members that run of new peers.
    fn repipe_all(&self, plan: &Plan) -> Result<(), Vec<Failure>> {
        let mut state = self.state();
        let mut problems = Vec::new();
        for planned in &plan.members {
            let Some(started) = state.started.get_mut(&planned.service) else { continue };
            let number = planned.member as usize;
            let pipes = started.again.get(number).and_then(|again| again.pipes.as_ref());
            if let (Some(pipes), Some(wires), Some(old)) = (pipes, &planned.wires, started.planned.get_mut(number)) {
                problems.extend(piping::wire(pipes, wires, &planned.name).err());
                old.wires = Some(wires.clone());
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Links the pipes of a member that goes on as the plan says.
    fn repipe(
        &self,
        pipes: Option<Pipes>,
        again: &mut MemberSpec,
        planned: &PlannedMember,
        prepared: &Prepared,
    ) -> Result<(), Failure> {
        again.pipes = match (pipes, &planned.wires) {
            (_, None) => None,
            (None, Some(_)) => self.starting(prepared).pipes(planned)?,
            (Some(pipes), Some(wires)) => {
                piping::wire(&pipes, wires, &planned.name)?;
                Some(pipes)
            }
        };
        Ok(())
    }

    async fn rewire(&self, member: &str, rewire: Rewire) -> Result<(), Failure> {
        let Rewire { port, endpoint, connects } = rewire;
        let request = match connects {
            true => AdminRequest::Connect { port, endpoint },
            false => AdminRequest::Disconnect { port, endpoint: Some(endpoint), peer: None },
        };
        self.ask(member, &request).await.map(drop)
    }

    /// Waits for a moment, and tells of those that ended in it.
    async fn ended_at_once(&self, members: &[String]) -> Vec<Failure> {
        self.until_up(members).await;
        let commands: Vec<ExitWatch> = {
            let state = self.state();
            let of_command = |name: &String| state.member(name).filter(|member| member.admin().is_none());
            members.iter().filter_map(of_command).map(|member| member.exit().clone()).collect()
        };
        if !commands.is_empty() {
            let ends = together(commands.into_iter().map(|exit| async move { exit.wait().await }));
            let _ = tokio::time::timeout(SETTLE, ends).await;
        }
        let state = self.state();
        let all = state.started.values().flat_map(|started| &started.members);
        all.filter(|member| members.iter().any(|name| name == member.name()))
            .filter_map(|member| {
                let exit = member.exit().now().filter(|exit| !exit.success())?;
                let message = format!("`{}` was started again with its changes and failed: it {exit}", member.name());
                Some(with_lines(Failure::new(ExitCode::DeployFailed, message), member))
            })
            .collect()
    }
}

impl State {
    /// Returns how many members of each service there are.
    fn running(&self) -> Running {
        self.started.iter().map(|(name, started)| (name.clone(), count(&started.members))).collect()
    }

    /// Returns how many members of each service can stay where they are.
    fn staying(&self, wished: &Deployment) -> Running {
        let stays = |name: &String, old: &Service, new: &Service| {
            let is_ours = |service: &Service| matches!(service.program, Program::Hydroflow { .. });
            let same = old.machine == new.machine && old.listens_as(new) && is_ours(old) == is_ours(new);
            // The only member of a service is called otherwise than one of several.
            let running = self.started.get(name).map_or(0, |started| count(&started.members));
            (same && (running == 1) == (new.count == 1)).then_some(running.min(new.count))
        };
        let services = wished.services.iter();
        services
            .filter_map(|(name, new)| Some((name.clone(), stays(name, self.deployment.services.get(name)?, new)?)))
            .filter(|(_, members)| *members > 0)
            .collect()
    }

    /// Lists what runs in the order in which it would be started.
    fn order_as(&mut self, deployment: &Deployment) {
        let order: Vec<String> = Plan::example(deployment).members.into_iter().map(|planned| planned.service).collect();
        self.started.sort_by_cached_key(|service, _| order.iter().position(|other| other == service));
    }
}

fn count(members: &[Member]) -> u32 {
    u32::try_from(members.len()).unwrap_or(u32::MAX)
}

fn ends(link: &Link) -> (PortRef, PortRef) {
    (link.from.clone(), link.to.clone())
}

/// Returns the ports of a service, with whether each is an output.
fn ports(service: &Service) -> Vec<(String, bool)> {
    match &service.program {
        Program::Hydroflow { interface, .. } => {
            interface.ports.iter().map(|port| (port.name.clone(), port.direction == Direction::Output)).collect()
        }
        Program::Command { .. } => Vec::new(),
    }
}

/// A running program learns its peers when it starts, and what its outputs do with items: between two that run, no link can be made, and none that changes an
/// output that runs.
fn late_links(state: &State) -> Vec<Failure> {
    let runs = |end: &PortRef| state.started.contains_key(&end.service);
    let is_late =
        |from: &PortRef, to: &PortRef| runs(from) && runs(to) && !state.wired.contains(&(from.clone(), to.clone()));
    let is_alone = |from: &PortRef| !state.wired.iter().any(|(other, _)| other == from);
    let refused = |link: &Link, message: String, hint: &str| {
        let mut failure = Failure::new(ExitCode::DeployFailed, message);
        failure.origin = link.origin.clone();
        failure.hint(hint)
    };
    let is_new = |link: &Link| !state.wired.contains(&ends(link));
    let late = state.deployment.links.iter().filter_map(|link| {
        if state.deployment.is_piped(link) && is_new(link) && (runs(&link.from) || runs(&link.to)) {
            let message =
                format!("`{}` cannot be linked to `{}` any more: one of them runs already", link.from, link.to);
            return Some(refused(link, message, "link a command before the deployment that starts either of them"));
        }
        if is_late(&link.from, &link.to) {
            let message = format!("`{}` cannot be linked to `{}`: both run already", link.from, link.to);
            return Some(refused(link, message, "link them before the deployment that starts one of them"));
        }
        // Where it has links, this one says the same as they do.
        let change = link.changes_its_output().filter(|_| runs(&link.from) && is_alone(&link.from))?;
        let message = format!("`{}` cannot become `{change}`: it runs already", link.from);
        Some(refused(link, message, "link it so before the deployment that starts it"))
    });
    late.collect()
}
