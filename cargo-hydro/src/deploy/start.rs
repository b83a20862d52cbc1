//! The steps of one deploy, after all is built: bind, plan, start, wait until all are up.
//!
//! Owns what it starts until the engine takes it over: dropped in between, nothing is left.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hydro_runtime_shim::contract::ADMIN;
use indexmap::IndexMap;
use tokio::task::JoinSet;

use super::authority::Authority;
use super::bind::{Admin, Bound, no_socket};
use super::building::Artifacts;
use super::colocate::{SharedProcess, share};
use super::engine::EngineOptions;
use super::late::{Late, Running};
use super::machines::Machines;
use super::model::{Deployment, Program, Service};
use super::placeholders::{Own, Owns};
use super::plan::{Addresses, Plan, PlannedMember};
use super::sockets::Sockets;
use super::started::Started;
use crate::build::Artifact;
use crate::machine::{Logs, MachineError, Member, MemberSpec, Place, SeatSpec};
use crate::report::{Event, ExitCode, Failure, LinkEvent, PlannedService, Reporter};
use crate::sys::Stop;

/// What was made before anything starts.
struct Given<'a> {
    artifacts: &'a Artifacts,
    authority: Option<&'a Arc<Authority>>,
    build: u64,
}

/// One deploy on its way.
pub(super) struct Starting<'a> {
    pub(super) options: &'a EngineOptions,
    pub(super) reporter: &'a Reporter,
    pub(super) deployment: &'a Deployment,
    /// Members that run already.
    pub(super) running: &'a Running,
    /// Where their Unix sockets go.
    pub(super) sockets: &'a Sockets,
    /// Machines other than this one.
    pub(super) machines: &'a Machines,
    /// How long programs may take until they answer.
    pub(super) patience: Duration,
}

impl Starting<'_> {
    pub(super) fn running_of(&self, service: &str) -> u32 {
        self.running.get(service).copied().unwrap_or(0)
    }

    /// Services that have members to be started.
    pub(super) fn new_services(&self) -> impl Iterator<Item = (&String, &Service)> {
        self.deployment.services.iter().filter(|(name, service)| self.running_of(name) < service.count)
    }

    /// Plans all members: those that run where they are, the new ones at their sockets.
    pub(super) fn plan(&self, (mut addresses, mut owns): (Addresses, Owns), bound: &Bound, late: &Late) -> Plan {
        addresses.extend(bound.sockets.iter().map(|(member, (_, address))| (member.clone(), address.clone())));
        owns.extend(bound.owns.clone());
        for (member, path) in &bound.stdins {
            owns.entry(member.clone()).or_default().stdin.get_or_insert_with(|| path.clone());
        }
        Plan::new(self.deployment, (&addresses, &owns), late)
    }

    /// Starts the new members of a plan and waits until all are up.
    pub(super) async fn start(
        &self,
        artifacts: &Artifacts,
        build: u64,
        plan: Plan,
        mut bound: Bound,
    ) -> Result<IndexMap<String, Started>, Vec<Failure>> {
        let authority = self.authority(&plan).map_err(|failure| vec![failure])?;
        let mut started: IndexMap<String, Started> = IndexMap::new();
        let is_new = |planned: &PlannedMember| planned.member >= self.running_of(&planned.service);
        for process in self.processes(plan.members.into_iter().filter(is_new)) {
            let given = Given { artifacts, authority: authority.as_ref(), build };
            let names: Vec<String> = process.iter().map(|planned| planned.name.clone()).collect();
            let result = match self.start_process(process, &given, &mut bound, &mut started).await {
                // Who starts after it may need it.
                Ok(()) => self.until_well(&names, &started).await,
                Err(failure) => Err(failure),
            };
            if let Err(failure) = result {
                give_up(&started).await;
                return Err(vec![failure]);
            }
        }
        if let Err(failure) = self.until_up(&started).await {
            give_up(&started).await;
            return Err(vec![failure]);
        }
        self.tell_exposed(&started);
        Ok(started)
    }

    fn tell_exposed(&self, started: &IndexMap<String, Started>) {
        for planned in started.values().flat_map(|started| &started.planned) {
            for (name, outside) in &planned.exposed {
                let (name, member, port) = (name.clone(), planned.name.clone(), outside.port.clone());
                self.reporter.emit(&Event::Exposed { name, member, port, address: outside.address.to_string() });
            }
        }
    }

    /// Puts members together that share a process; it starts with the first of them.
    fn processes(&self, members: impl Iterator<Item = PlannedMember>) -> Vec<Vec<PlannedMember>> {
        let mut processes: IndexMap<String, Vec<PlannedMember>> = IndexMap::new();
        for member in members {
            let together = self.deployment.process_of(&member.service);
            let key = if together.is_empty() { member.name.clone() } else { format!("+{}", together.join("+")) };
            processes.entry(key).or_default().push(member);
        }
        processes.into_values().collect()
    }

    /// Starts one process, of one member or of several, and adds its members to what is started.
    async fn start_process(
        &self,
        mut process: Vec<PlannedMember>,
        given: &Given<'_>,
        bound: &mut Bound,
        started: &mut IndexMap<String, Started>,
    ) -> Result<(), Failure> {
        let as_planned = process.clone();
        let mut sockets = Vec::new();
        for planned in &mut process {
            if let Some(authority) = given.authority.filter(|_| planned.certificate) {
                self.certify(planned, authority).await?;
            }
            let key = (planned.service.clone(), planned.member);
            let own = bound.sockets.remove(&key);
            sockets.extend(own.into_iter().flat_map(|(listeners, _)| listeners));
            // From here on it is theirs.
            drop(bound.held.remove(&key));
        }
        let is_shared = process.iter().any(|one| !self.deployment.process_of(&one.service).is_empty());
        let (members, again) = match process.pop() {
            Some(only) if !is_shared => {
                let artifact = given.artifacts.get(&only.service);
                let admin = bound.admins.remove(&(only.service.clone(), only.member));
                let (member, again) = self.start_member(only, artifact, sockets, admin)?;
                (vec![member], again)
            }
            last => self.start_together(process.into_iter().chain(last).collect(), given.artifacts, sockets)?,
        };
        // Who stands for the process starts it again.
        let mut again = Some(again);
        for (planned, member) in as_planned.into_iter().zip(members) {
            let entry = started.entry(planned.service.clone()).or_insert_with(|| Started {
                members: Vec::new(),
                again: Vec::new(),
                planned: Vec::new(),
                addresses: Vec::new(),
                owns: Vec::new(),
                artifact: given.artifacts.get(&planned.service).cloned(),
                build: given.build,
                authority: given.authority.filter(|_| planned.certificate).cloned(),
            });
            entry.members.push(member);
            entry.again.extend(again.take());
            entry.addresses.push(planned.address.clone());
            let stdin = planned.wires.as_ref().and_then(|wires| wires.stdin.clone());
            let own = bound.owns.remove(&(planned.service.clone(), planned.member));
            entry.owns.extend(own.map(|own| Own { stdin, ..own }));
            entry.planned.push(planned);
        }
        Ok(())
    }

    /// Starts members on the threads of one process.
    fn start_together(
        &self,
        mut process: Vec<PlannedMember>,
        artifacts: &Artifacts,
        listeners: Vec<OwnedFd>,
    ) -> Result<(Vec<Member>, MemberSpec), Failure> {
        let mut seats = Vec::new();
        for planned in &mut process {
            let admin = self.admin_socket(planned)?;
            let address = planned.address.as_ref().map(|address| address.advertised);
            seats.push(SeatSpec { name: planned.name.clone(), address, admin });
        }
        let mut given = Vec::new();
        let mut program = None;
        for planned in &process {
            let service = self.deployment.services.get(&planned.service);
            let (Some(artifact), Some(service)) = (artifacts.get(&planned.service), service) else {
                return Err(Failure::new(ExitCode::BuildFailed, format!("`{}` was not built", planned.name)));
            };
            program.get_or_insert((service, artifact));
            given.push((planned, artifact.description.source.as_str(), planned.args.as_slice()));
        }
        let Some((service, artifact)) = program else {
            return Err(Failure::new(ExitCode::DeployFailed, "a process without members"));
        };
        let SharedProcess { name, env } = share(&given, listeners.len());
        let directory = self.options.workspace.root().to_owned();
        let spec = MemberSpec {
            name,
            program: directory.join(&artifact.executable).into_os_string(),
            args: Vec::new(),
            env,
            directory,
            listeners,
            address: None,
            health: None,
            admin: None,
            pipes: None,
            logs: Logs::new(self.options.keeps_all_lines),
            seats,
            away: None,
        };
        let (member, again) = self.launch(spec, service)?;
        Ok((member.seated(again.seats.clone(), self.reporter), again))
    }

    /// Opens the authority that issues the certificates of the plan, if it needs any.
    fn authority(&self, plan: &Plan) -> Result<Option<Arc<Authority>>, Failure> {
        if !plan.members.iter().any(|member| member.certificate) {
            return Ok(None);
        }
        let lifetime = self.deployment.certificate_lifetime;
        Authority::open(self.options.workspace.root(), &plan.deployment, lifetime)
            .map(|authority| Some(Arc::new(authority)))
    }

    fn start_member(
        &self,
        mut planned: PlannedMember,
        artifact: Option<&Artifact>,
        listeners: Vec<OwnedFd>,
        admin_there: Option<Admin>,
    ) -> Result<(Member, MemberSpec), Failure> {
        let Some(service) = self.deployment.services.get(&planned.service) else {
            return Err(Failure::new(ExitCode::DeployFailed, format!("there is no service `{}`", planned.service)));
        };
        let program = self.program(&planned, artifact);
        let away = self.away(&planned, service);
        let directory = match &away {
            Some(_) => PathBuf::from("work").join(&planned.name),
            None => self.options.workspace.root().to_owned(),
        };
        if away.is_none() {
            self.make_data_folder(&planned, service)?;
        }
        let admin = match (admin_there, artifact) {
            (Some(admin), _) => {
                planned.env.insert(ADMIN.to_owned(), format!("unix:{}", admin.there));
                Some(admin.here)
            }
            (None, Some(_)) => Some(self.admin_socket(&mut planned)?),
            (None, None) => None,
        };
        let pipes = self.pipes(&planned)?;
        let spec = MemberSpec {
            name: planned.name.clone(),
            program,
            args: planned.args,
            env: planned.env,
            directory,
            listeners,
            address: planned.address.map(|address| address.advertised).or(planned.known_address),
            health: planned.health,
            admin,
            pipes,
            logs: Logs::new(self.options.keeps_all_lines),
            seats: Vec::new(),
            away,
        };
        self.launch(spec, service)
    }

    /// Starts a process; also returns what starts it once more.
    fn launch(&self, spec: MemberSpec, service: &Service) -> Result<(Member, MemberSpec), Failure> {
        let name = spec.name.clone();
        let again = spec.again().map_err(|error| {
            Failure::new(ExitCode::DeployFailed, format!("cannot keep the socket of `{name}`")).cause(error)
        })?;
        let start = self.place(service).start(spec, self.reporter);
        start.map(|member| (member, again)).map_err(|error| {
            let failure = failure(service, &format!("starting `{name}` failed"), &error);
            failure.hint("look at the service's command and the files it needs")
        })
    }

    /// Returns the program of a member.
    pub(super) fn program(&self, planned: &PlannedMember, artifact: Option<&Artifact>) -> OsString {
        let machine = self.machines.place(&planned.machine);
        match (artifact, &planned.program) {
            (Some(artifact), _) if let Some(machine) = machine.far() => {
                self.brought(artifact).place(&machine.probe().home).into()
            }
            (Some(artifact), _) => self.options.workspace.root().join(&artifact.executable).into_os_string(),
            (None, command) => command.into(),
        }
    }

    /// Makes the folder that a member asks for, and empties it where it is to begin without data.
    fn make_data_folder(&self, planned: &PlannedMember, service: &Service) -> Result<(), Failure> {
        let Some(folder) = &planned.data else { return Ok(()) };
        let made = match service.fresh_data && folder.exists() {
            true => std::fs::remove_dir_all(folder),
            false => Ok(()),
        };
        made.and_then(|()| std::fs::create_dir_all(folder)).map_err(|error| {
            let message = format!("cannot make the folder `{}` for the data of `{}`", folder.display(), planned.name);
            let mut failure = Failure::new(ExitCode::DeployFailed, message).cause(error);
            failure.origin = service.origin.clone();
            failure.hint("the workspace's folder `.hydro` must be writable")
        })
    }

    /// Gives a program its admin socket, unless the user gave it one.
    fn admin_socket(&self, planned: &mut PlannedMember) -> Result<PathBuf, Failure> {
        if let Some(path) = planned.env.get(ADMIN).and_then(|place| place.strip_prefix("unix:")) {
            return Ok(path.into());
        }
        let path = self.sockets.next("admin").map_err(|error| no_socket(&planned.name, error))?;
        planned.env.insert(ADMIN.to_owned(), format!("unix:{}", path.display()));
        Ok(path)
    }

    /// Returns where a service runs.
    pub(super) fn place(&self, service: &Service) -> Place {
        self.machines.place(&service.machine)
    }

    pub(super) fn tell(&self, plan: &Plan, artifacts: &Artifacts) {
        let planned = plan.members.iter().filter(|member| member.member == self.running_of(&member.service));
        let start: Vec<PlannedService> = planned
            .filter_map(|member| {
                let service = self.deployment.services.get(&member.service)?;
                Some(PlannedService {
                    service: member.service.clone(),
                    members: service.count - member.member,
                    machine: member.machine.clone(),
                    program: self.describe(service),
                    target: artifacts.get(&member.service).and_then(|made| Some(made.target.as_ref()?.to_string())),
                })
            })
            .collect();
        if start.is_empty() {
            return;
        }
        let is_new = |name: &str| start.iter().any(|planned| planned.service == name);
        let links = self.deployment.links.iter().filter(|link| is_new(&link.from.service) || is_new(&link.to.service));
        let links = links.map(|link| LinkEvent { from: link.from.to_string(), to: link.to.to_string() }).collect();
        self.reporter.emit(&Event::Plan { deployment: self.deployment.name.clone(), start, links });
    }

    fn describe(&self, service: &Service) -> String {
        match &service.program {
            Program::Hydroflow { source, .. } => {
                source.strip_prefix(self.options.workspace.root()).unwrap_or(source).display().to_string()
            }
            Program::Command { argv } => argv.join(" "),
        }
    }
}

pub(super) fn service_of(member: &Member) -> &str {
    member.name().split('.').next().unwrap_or_default()
}

/// Ends what was started before something failed, and waits until it is gone.
async fn give_up(started: &IndexMap<String, Started>) {
    let mut ends = JoinSet::new();
    for member in started.values().flat_map(|started| &started.members) {
        let stopper = member.stopper().clone();
        // Its own machine must not start it again.
        stopper.send(Stop::Asked);
        ends.spawn(async move { stopper.kill().await });
    }
    ends.join_all().await;
}

pub(super) fn failure(service: &Service, what: &str, error: &MachineError) -> Failure {
    let mut failure = Failure::new(ExitCode::DeployFailed, format!("{what}: {error}"));
    failure.origin = service.origin.clone();
    failure.causes.extend(error.reason());
    failure
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};

    use hydro_runtime_shim::contract::{CONTRACT_VERSION, ProgramDescription};

    use super::*;
    use crate::deploy::plan::Address;
    use crate::deploy::samples::{deployment, link, options};
    use crate::report::{Captured, LogStream, ReportOptions};

    /// Starts a deployment whose programs are shell scripts.
    async fn start(
        deployment: &Deployment,
        script: &str,
        running: &Running,
        addresses: Addresses,
    ) -> (Result<IndexMap<String, Started>, Vec<Failure>>, Captured) {
        let description = ProgramDescription {
            contract: CONTRACT_VERSION,
            program: "program".into(),
            source: "program.hf".into(),
            doc: String::new(),
            ports: Vec::new(),
            params: Vec::new(),
        };
        let artifact = Artifact {
            source: "program.hf".into(),
            executable: "/bin/sh".into(),
            hash: String::new(),
            target: None,
            glibc: None,
            description,
        };
        let mut deployment = deployment.clone();
        for service in deployment.services.values_mut() {
            service.args = vec!["-c".into(), script.into()];
        }
        let artifacts = deployment.services.keys().map(|name| (name.clone(), artifact.clone())).collect();
        let (reporter, captured) = Reporter::captured(ReportOptions::default());
        let options = options();
        let sockets = Sockets::default();
        let starting = Starting {
            options: &options,
            reporter: &reporter,
            deployment: &deployment,
            running,
            sockets: &sockets,
            machines: &Machines::default(),
            // Shell scripts do not answer.
            patience: Duration::from_millis(300),
        };
        let late = Late::default().grown(&deployment, running);
        let started = match starting.bind().await {
            Ok(bound) => {
                let plan = starting.plan((addresses, Owns::new()), &bound, &late);
                starting.start(&artifacts, 0, plan, bound).await
            }
            Err(failures) => Err(failures),
        };
        (started, captured)
    }

    async fn line(started: &IndexMap<String, Started>, service: &str, member: usize) -> String {
        started[service].members[member].logs().read(LogStream::Stdout).next().await.unwrap()
    }

    #[tokio::test]
    async fn every_member_listens_before_the_first_starts_and_knows_its_peers() {
        let mut pair = deployment(&[("a", "output out"), ("b", "input in")]);
        link(&mut pair, "a.out", "b.in", None);
        pair.services["b"].count = 2;
        let script = "echo \"$HYDRO_OUTPUT_OUT|$HYDRO_INPUT_IN|$HYDRO_ADDRESS|$LISTEN_FDS|$(readlink /proc/self/fd/3)|$(readlink /proc/self/fd/4)\"; sleep 60";
        let (started, _) = start(&pair, script, &Running::new(), Addresses::new()).await;
        let started = started.unwrap();
        let at = |name: &str, member: usize| started[name].members[member].address().unwrap();
        let fields = |line: String| line.split('|').map(str::to_owned).collect::<Vec<_>>();
        let a = fields(line(&started, "a", 0).await);
        let socket = |name: &str, member: usize| started[name].socket(member).unwrap();
        let path = |name: &str, member: usize| socket(name, member).display().to_string();
        let dials = format!("shm:{}#in,shm:{}#in", path("b", 0), path("b", 1));
        let expected = format!("{dials},listen:tcp://{},listen:unix:{}", at("a", 0), path("a", 0));
        assert_eq!((&a[0], &a[2], &a[3]), (&expected, &at("a", 0).to_string(), &"2".to_owned()));
        assert!(a[4].starts_with("socket:") && a[5].starts_with("socket:") && a[4] != a[5], "{a:?}");
        let b = fields(line(&started, "b", 1).await);
        assert_eq!(b[1], format!("tcp://{},unix:{}", at("b", 1), path("b", 1)));
        assert!(std::net::TcpStream::connect(at("b", 1)).is_ok(), "the member holds the socket that was bound for it");
    }

    #[tokio::test]
    async fn a_latecomer_calls_who_runs() {
        let mut grown = deployment(&[("a", "output out"), ("b", "input in")]);
        link(&mut grown, "a.out", "b.in", None);
        let running = [("a".to_owned(), 1)].into();
        let addresses = [(("a".to_owned(), 0), Address::of(SocketAddr::from(([127, 0, 0, 1], 9))))].into();
        let (started, _) = start(&grown, "echo $HYDRO_INPUT_IN; sleep 60", &running, addresses).await;
        let started = started.unwrap();
        assert_eq!(started.len(), 1);
        assert!(line(&started, "b", 0).await.ends_with(",dial:tcp://127.0.0.1:9/out"));
    }

    #[tokio::test]
    async fn a_program_that_fails_at_once_fails_the_deploy_and_takes_the_others_along() {
        let two = deployment(&[("a", ""), ("b", "")]);
        let script = "if [ $HYDRO_SERVICE = b ]; then echo broken >&2; exit 2; fi; sleep 60";
        let (result, captured) = start(&two, script, &Running::new(), Addresses::new()).await;
        let failures = result.unwrap_err();
        assert_eq!(failures[0].message, "starting `b` failed: it exited with code 2");
        assert_eq!(failures[0].causes, ["the last lines of `b`:\n  broken"]);
        assert_eq!(failures[0].origin.as_ref().map(|origin| origin.line), Some(2));
        assert!(captured.stderr().contains("Stopped a"), "{}", captured.stderr());
    }

    #[tokio::test]
    async fn an_address_in_use_is_told_at_the_service() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let mut two = deployment(&[("a", ""), ("b", "")]);
        two.services["a"].listen = Some(address.clone());
        two.services["b"].listen = Some("203.0.113.7:1".into());
        let (result, captured) = start(&two, "sleep 60", &Running::new(), Addresses::new()).await;
        let failures = result.unwrap_err();
        assert_eq!(failures[0].message, format!("`a` cannot listen: the address {address} is in use"));
        assert_eq!(failures[1].message, "`b` cannot listen: the address 203.0.113.7:1 cannot be used");
        assert_eq!(failures[1].causes.len(), 1);
        assert_eq!(captured.stderr(), "", "nothing was started");
    }
}
