//! One deployment of a session: the engine under the names that scripts use.
//!
//! Scripts speak of services and members by number, the engine of `service.N`. Read [`Live`] first.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::net::SocketAddr;

use hydro_runtime_shim::contract::{AdminReply, AdminRequest, Metrics};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::error::CallError;
use super::events::{Events, Listener};
use super::port_client::PortPlace;
use super::protocol::{Expose, OfPort, OfService, Scale, ServiceMade, What};
use super::session::{LastWords, SessionOptions};
use super::wishes;
use crate::deploy::{Deployment, Engine, EngineOptions, PortRef, member_name};
use crate::machine::LogReader;
use crate::report::{ExitCode, Failure, LogStream, Reporter};

/// Lines of several members that may wait for their reader.
const AHEAD: usize = 256;

/// A deployment that a script made.
#[derive(Debug)]
pub(super) struct Live {
    name: String,
    engine: Engine,
    events: Events,
    /// Links that what runs knows of.
    wired: RefCell<BTreeSet<(PortRef, PortRef)>>,
    releases: Cell<u64>,
}

impl Live {
    /// Makes one of which nothing runs.
    pub(super) fn new(deployment: Deployment, options: &SessionOptions, reporter: Reporter) -> Self {
        let SessionOptions { workspace, build, local, max_cost, .. } = options.clone();
        let name = deployment.name.clone();
        let (events, reporter) = Events::of(&reporter);
        let options = EngineOptions { workspace, build, local, max_cost, keeps_all_lines: true };
        let engine = Engine::new(options, deployment, reporter);
        Self { name, engine, events, wired: RefCell::default(), releases: Cell::new(0) }
    }

    /// Looks at one that somebody else runs.
    pub(super) fn of(engine: &Engine, reporter: &Reporter) -> Self {
        let (events, _) = Events::of(reporter);
        let wired = engine.deployment().links.iter().map(wishes::ends).collect();
        let name = engine.deployment().name;
        Self { name, engine: engine.clone(), events, wired: RefCell::new(wired), releases: Cell::new(0) }
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Counts what happened to members.
    pub(super) fn changes(&self) -> u64 {
        *self.engine.changes().borrow()
    }

    /// Listens to what happens from now on.
    pub(super) fn listen(&self) -> Listener {
        self.events.listen()
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Looks at what is wished for, or changes it.
    pub(super) fn wishes<T>(&self, change: impl FnOnce(&mut Deployment) -> T) -> T {
        self.engine.edit(change)
    }

    /// Starts what does not run yet, and tells what runs of links that were made or unmade since.
    pub(super) async fn deploy(&self) -> Result<(), Failure> {
        let wished = self.engine.deployment();
        match self.is_wired_otherwise(&wished) {
            true => self.rewire(wished).await?,
            false => self.engine.deploy().await.map_err(as_one)?,
        }
        self.have_released();
        Ok(())
    }

    fn have_released(&self) {
        let links = self.wishes(|wishes| wishes.links.iter().map(wishes::ends).collect());
        *self.wired.borrow_mut() = links;
        self.releases.set(self.releases.get() + 1);
        self.events.tell(What::Released { release: self.releases.get() });
    }

    /// Whether links between services that run already are others than they know of.
    fn is_wired_otherwise(&self, wished: &Deployment) -> bool {
        let running: BTreeSet<String> = self.engine.status().into_iter().map(|member| member.service).collect();
        let run = |(from, to): &&(PortRef, PortRef)| running.contains(&from.service) && running.contains(&to.service);
        let links: BTreeSet<(PortRef, PortRef)> = wished.links.iter().map(wishes::ends).collect();
        links.symmetric_difference(&self.wired.borrow()).any(|link| run(&link))
    }

    /// Makes what runs what is wished for, unless that would start something again: a script's `deploy()` never does.
    async fn rewire(&self, wished: Deployment) -> Result<(), Failure> {
        let options = self.engine.options();
        let changes = self.engine.plan(wished.clone(), options.clone()).await.map_err(as_one)?;
        if let Some(again) = changes.restart.first() {
            let because = again.because.join(", ");
            let message = format!("`{}` would have to be started again: {because} would be different", again.member);
            let mut failure = Failure::new(ExitCode::DeployFailed, message);
            let is_new = |link: &&crate::deploy::Link| !self.wired.borrow().contains(&wishes::ends(link));
            failure.origin = wished.links.iter().find(is_new).and_then(|link| link.origin.clone());
            return Err(failure.hint("make such links before the deployment that starts it"));
        }
        self.engine.apply(wished, options).await.map(drop).map_err(as_one)
    }

    /// Gives a service another number of members; where it runs, at once.
    pub(super) async fn scale(&self, call: &Scale) -> Result<ServiceMade, Failure> {
        let Scale { service, count, .. } = call;
        if *count == 0 {
            return Err(CallError::NoMembers.into());
        }
        let mut wished = self.engine.deployment();
        wishes::find_service(&wished, service)?;
        let is_running = self.engine.members(service).is_ok();
        if let Some(found) = wished.services.get_mut(service) {
            found.count = *count;
        }
        if is_running {
            self.engine.apply(wished, self.engine.options()).await.map_err(as_one)?;
            self.have_released();
        } else {
            self.wishes(|wishes| *wishes = wished);
        }
        Ok(self.wishes(|wishes| wishes::find_service(wishes, service).map(|found| wishes::describe(service, found)))?)
    }

    /// Stops everything.
    pub(super) async fn stop_all(&self) {
        self.engine.stop_all().await;
        self.events.tell(What::Stopped);
    }

    pub(super) fn start(&self, of: &OfService) -> Result<(), Failure> {
        self.engine.start(&self.member(of)?)
    }

    pub(super) async fn restart(&self, of: &OfService) -> Result<(), Failure> {
        self.engine.restart(&self.member(of)?).await
    }

    pub(super) async fn stop(&self, of: &OfService) -> Result<(), Failure> {
        self.engine.stop(&self.member(of)?).await.map(drop)
    }

    pub(super) async fn kill(&self, of: &OfService) -> Result<(), Failure> {
        self.engine.kill(&self.member(of)?).await.map(drop)
    }

    /// Asks each running member for what it counts.
    pub(super) async fn metrics(&self, of: &OfService) -> Result<Vec<Metrics>, Failure> {
        let replies = self.engine.ask(&self.member(of)?, &AdminRequest::Metrics {}).await?;
        let metrics = |(_, reply)| if let AdminReply::Metrics(metrics) = reply { Some(metrics) } else { None };
        Ok(replies.into_iter().filter_map(metrics).collect())
    }

    /// Stops all services of a machine, those that started last first, and deletes it if it was made for the deployment.
    pub(super) async fn terminate(&self, machine: &str) -> Result<(), Failure> {
        let services = self.wishes(|wishes| {
            let placed = wishes.services.iter().filter(|(_, service)| service.machine == machine);
            placed.map(|(name, _)| name.clone()).collect::<Vec<_>>()
        });
        let mut started: Vec<String> = self.engine.status().into_iter().map(|member| member.service).collect();
        started.dedup();
        for service in started.iter().rev().filter(|service| services.contains(service)) {
            self.engine.stop(service).await?;
        }
        self.engine.terminate(machine).await
    }

    /// Waits for the end; a signal's number is negative.
    pub(super) async fn exit_code(&self, of: &OfService) -> Result<i32, Failure> {
        let exit = self.engine.exit(&self.member(of)?)?.await;
        Ok(exit.code.or(exit.signal.map(|signal| -signal)).unwrap_or(1))
    }

    /// Returns the address of a member; none: it does not run, or is a command.
    pub(super) fn address(&self, of: &OfService) -> Result<Option<SocketAddr>, Failure> {
        let members = self.engine.members(&self.member(of)?);
        Ok(members.ok().and_then(|members| members.into_iter().find(|member| member.exit.is_none())?.address))
    }

    /// Has a port reached from outside, from its service's start on.
    pub(super) fn expose(&self, call: Expose) -> Result<(), Failure> {
        let service = &call.of.owner.service;
        if self.engine.members(service).is_ok() {
            let message = format!("`{service}` runs already, and `{}` of it was not exposed", call.of.port);
            return Err(
                Failure::new(ExitCode::Usage, message).hint("expose ports before the deployment that starts it")
            );
        }
        self.wishes(|wishes| wishes::expose(wishes, call))
    }

    /// Returns where an exposed port of a member is reached; none: it is not exposed, or was not started.
    pub(super) fn outside(&self, of: &OfPort) -> Result<Option<SocketAddr>, Failure> {
        let members = self.engine.members(&self.member(&of.owner)?).unwrap_or_default();
        let outside =
            members.first().and_then(|member| member.exposed.values().find(|outside| outside.port == of.port));
        Ok(outside.map(|outside| outside.address))
    }

    /// Returns where a script calls a port of a member; none: it does not run, or is a command.
    pub(super) fn place(&self, of: &OfService, port: &str) -> Result<Option<PortPlace>, Failure> {
        let end = PortRef { service: of.service.clone(), port: port.to_owned() };
        // Our socket does not serve what the user bound.
        let by_hand = self.wishes(|wishes| wishes.is_bound_by_hand(&end));
        let members = self.engine.members(&self.member(of)?).unwrap_or_default();
        let running = members.into_iter().find(|member| member.exit.is_none());
        Ok(running.and_then(|member| match member.socket.filter(|_| !by_hand) {
            Some(path) => Some(PortPlace::Unix(path)),
            None => member.address.map(PortPlace::Tcp),
        }))
    }

    /// Reads what a member wrote from its start, or all members side by side. Needs a tokio `LocalSet`.
    pub(super) fn logs(&self, of: &OfService, stream: LogStream) -> Result<Lines, Failure> {
        let name = self.member(of)?;
        let members = self.engine.members(&name)?;
        let readers = members.iter().map(|member| self.engine.logs(&member.name, stream));
        let mut readers = readers.collect::<Result<Vec<_>, _>>()?;
        match (readers.pop(), readers.is_empty()) {
            (Some(only), true) => Ok(Lines::Of(only)),
            (last, _) => Ok(Lines::merge(readers.into_iter().chain(last))),
        }
    }

    /// Returns what each member wrote last.
    pub(super) fn last_words(&self, count: usize) -> Vec<LastWords> {
        let members = self.engine.status().into_iter();
        members
            .map(|member| LastWords {
                lines: self.engine.last_lines(&member.name, count).unwrap_or_default(),
                ended: member.exit.map(|exit| exit.to_string()),
                failed: !member.stopped && member.exit.is_some_and(|exit| !exit.success()),
                service: member.name,
            })
            .collect()
    }

    /// Returns the engine's name for a service or one of its members.
    pub(super) fn member(&self, of: &OfService) -> Result<String, CallError> {
        let count = self.wishes(|wishes| wishes.services.get(&of.service).map(|service| service.count));
        let unknown = |what, name| CallError::Unknown { what, name };
        match (count, of.member) {
            (None, _) => Err(unknown("service", of.service.clone())),
            (Some(_), None) => Ok(of.service.clone()),
            (Some(count), Some(member)) if member < count => Ok(member_name(&of.service, member, count)),
            (Some(_), Some(member)) => Err(unknown("member", format!("{}[{member}]", of.service))),
        }
    }
}

/// Lines as they are written.
#[derive(Debug)]
pub(super) enum Lines {
    /// Of one member.
    Of(LogReader),
    /// Of several, in the order they come.
    Merged {
        /// Their lines.
        lines: mpsc::Receiver<String>,
        /// Read each of them; end with this value.
        _readers: JoinSet<()>,
    },
}

impl Lines {
    fn merge(readers: impl Iterator<Item = LogReader>) -> Self {
        let (lines, merged) = mpsc::channel(AHEAD);
        let mut tasks = JoinSet::new();
        for mut reader in readers {
            let lines = lines.clone();
            tasks.spawn_local(async move {
                while let Some(line) = reader.next().await {
                    if lines.send(line).await.is_err() {
                        return;
                    }
                }
            });
        }
        Self::Merged { lines: merged, _readers: tasks }
    }

    /// Waits for the next line; none: all have ended.
    pub(super) async fn next(&mut self) -> Option<String> {
        match self {
            Self::Of(reader) => reader.next().await,
            Self::Merged { lines, .. } => lines.recv().await,
        }
    }
}

/// Makes one failure of several problems; a script gets one exception.
pub(super) fn as_one(mut problems: Vec<Failure>) -> Failure {
    if problems.len() == 1
        && let Some(only) = problems.pop()
    {
        return only;
    }
    let code = problems.first().map_or(ExitCode::DeployFailed, |first| first.code);
    let mut all = Failure::new(code, format!("{} problems", problems.len()));
    for problem in problems {
        let hint = problem.hint.as_ref().map(|hint| format!("\n  hint: {hint}"));
        all.causes.push(format!("{problem}{}", hint.unwrap_or_default()));
        all.rendered.extend(problem.rendered);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Origin;

    #[test]
    fn several_problems_become_one_with_all_their_lines_and_hints() {
        let problem =
            |text: &str, line| Failure::new(ExitCode::DeployFailed, text).at(Origin::line("a.py", line)).hint("do");
        assert_eq!(as_one(vec![problem("one", 1)]), problem("one", 1));
        let all = as_one(vec![problem("one", 1), problem("two", 2)]);
        assert_eq!(all.message, "2 problems");
        assert_eq!(all.causes, ["a.py:1: one\n  hint: do", "a.py:2: two\n  hint: do"]);
    }
}
