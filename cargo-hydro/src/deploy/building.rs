//! What a release is made of: machines that are asked what they are, and programs that are built for each of them.
//!
//! Nothing is done on a machine here; only a connection to it is made. Machines of which `Hydro.toml` says what they are, are connected to while programs are built.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use indexmap::IndexMap;

use super::fit::{Fit, fit, refusal};
use super::hosts::{blocking, fitting_host, host_for};
use super::machines::Reached;
use super::model::Program;
use super::start::Starting;
use super::started::Started;
use super::targets::{Told, told, wished};
use super::topology::{self, Described};
use crate::build::toolchain::toolchain;
use crate::build::{self, Artifact, Sources, Target};
use crate::machine::{Probe, Upload};
use crate::report::Failure;

/// Artifacts by service.
pub(super) type Artifacts = BTreeMap<String, Artifact>;
/// What is built for machines; none: what this machine is.
type Targets = BTreeMap<String, Option<Target>>;
/// The program that keeps members up, by the machine to which it is brought.
pub(super) type Hosts = BTreeMap<String, Upload>;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) artifacts: Artifacts,
    /// Machines that were not in use before.
    pub(super) reached: Reached,
    pub(super) hosts: Hosts,
}

/// What is built in one go: services, with what they are built for.
struct Wanted {
    services: Vec<(String, Option<Target>)>,
    /// Whether any of the release's programs encrypts. All are built alike: the types of two builds can be compared.
    tls: bool,
}

impl Starting<'_> {
    /// Builds the programs of services, of all or of those that have members to be started, each for its machine; and connects to machines that are not in use. With
    /// `looks`, only to those that must be asked what they are.
    pub(super) async fn make(&self, all: bool, looks: bool) -> Result<Made, Vec<Failure>> {
        let mut targets = Targets::new();
        let mut unknown = BTreeSet::new();
        for (name, machine) in self.deployment.machines.iter().filter(|(name, _)| self.is_used(name)) {
            let workspace = &self.options.workspace;
            match told(workspace, name, machine).map_err(|failure| vec![failure])? {
                Told::Target(target) => drop(targets.insert(name.clone(), target)),
                Told::Nothing => drop(unknown.insert(name.clone())),
            }
        }
        let asked = self.machines.reach(self.deployment, &unknown, self.options, self.reporter).await?;
        let mut made = Made { reached: asked, ..Made::default() };
        for name in unknown {
            let Some(probe) = self.probe(&name, &made.reached) else { continue };
            let triple = probe.target().triple;
            let Some(machine) = self.deployment.machines.get(&name) else { continue };
            let target = wished((&name, machine.origin.as_ref()), &machine.wishes, &triple);
            targets.insert(name, target.map_err(|failure| vec![failure])?);
        }
        let told = targets.keys().filter(|name| !looks && !made.reached.contains_key(*name));
        let known: BTreeSet<String> = told.cloned().collect();
        let wanted = self.wanted(all, &targets);
        let (built, reached) = tokio::join!(
            self.build_all(&wanted, &targets, looks),
            self.machines.reach(self.deployment, &known, self.options, self.reporter)
        );
        match (built, reached) {
            (Ok(artifacts), Ok(reached)) => {
                made.artifacts = artifacts;
                made.reached.extend(reached);
            }
            (Err(mut problems), reached) => {
                problems.extend(reached.err().into_iter().flatten());
                return Err(problems);
            }
            (_, Err(problems)) => return Err(problems),
        }
        self.fit(&mut made, &wanted).await?;
        if !looks {
            self.find_hosts(&mut made, &targets).await?;
        }
        Ok(made)
    }

    /// Whether a service is on this machine.
    fn is_used(&self, machine: &str) -> bool {
        self.deployment.services.values().any(|service| service.machine == machine)
    }

    /// Returns what a machine has told of itself, if it was asked.
    fn probe(&self, machine: &str, reached: &Reached) -> Option<Probe> {
        let used = || self.machines.place(machine).far().map(|machine| machine.probe().clone());
        reached.get(machine).map(|reached| reached.probe().clone()).or_else(used)
    }

    fn wanted(&self, all: bool, targets: &Targets) -> Wanted {
        let services = self.deployment.services.iter();
        let services: Vec<(String, Option<Target>)> = services
            .filter(|(name, service)| all || self.running_of(name) < service.count)
            .filter(|(_, service)| matches!(service.program, Program::Hydroflow { .. }))
            .map(|(name, service)| (name.clone(), targets.get(&service.machine).cloned().flatten()))
            .collect();
        let tls = services.iter().any(|(name, _)| self.deployment.needs_certificates(name));
        Wanted { services, tls }
    }

    /// Builds services, and unless nothing is to happen the program that keeps members up on other machines.
    async fn build_all(&self, wanted: &Wanted, targets: &Targets, looks: bool) -> Result<Artifacts, Vec<Failure>> {
        let artifacts = self.build(wanted).await?;
        let far = targets.iter().filter(|(name, _)| !looks && self.machines.is_wanted(self.deployment, name));
        for target in far.map(|(_, target)| target).collect::<BTreeSet<_>>() {
            host_for(self.options, self.reporter, target.clone()).await.map_err(|failure| vec![failure])?;
        }
        Ok(artifacts)
    }

    /// Builds the programs of services in one go.
    async fn build(&self, Wanted { services, tls }: &Wanted) -> Result<Artifacts, Vec<Failure>> {
        if services.is_empty() {
            return Ok(Artifacts::new());
        }
        let of_service = |(name, target): &(String, Option<Target>)| self.binary_of(name, target.clone());
        let binaries: Vec<Sources> = services.iter().map(of_service).collect::<BTreeSet<_>>().into_iter().collect();
        let (mut options, reporter, to_build) = (self.options.clone(), self.reporter.clone(), binaries.clone());
        options.build.tls |= tls;
        let built = blocking(move || build::build_binaries(&options.workspace, &to_build, &options.build, &reporter));
        let artifacts = built.await.map_err(|failure| vec![failure])?;
        let made: BTreeMap<Sources, Vec<Artifact>> = binaries.into_iter().zip(artifacts).collect();
        let of_service = |(name, target): &(String, Option<Target>)| {
            let binary = self.binary_of(name, target.clone());
            let source = self.source_of(name)?;
            let at = binary.programs.iter().position(|other| *other == source)?;
            Some((name.clone(), made.get(&binary)?.get(at)?.clone()))
        };
        Ok(services.iter().filter_map(of_service).collect())
    }

    /// Returns what the binary of a service is made of.
    fn binary_of(&self, name: &str, target: Option<Target>) -> Sources {
        let together = self.deployment.process_of(name);
        let shared = !together.is_empty();
        let together = if together.is_empty() { vec![name] } else { together };
        let programs: BTreeSet<PathBuf> = together.into_iter().filter_map(|name| self.source_of(name)).collect();
        Sources { programs: programs.into_iter().collect(), shared, target }
    }

    fn source_of(&self, name: &str) -> Option<PathBuf> {
        match &self.deployment.services.get(name)?.program {
            Program::Hydroflow { source, .. } => Some(source.clone()),
            Program::Command { .. } => None,
        }
    }

    /// Compares what was built with what machines told; what is linked with too new a C library is built once more.
    async fn fit(&self, made: &mut Made, wanted: &Wanted) -> Result<(), Vec<Failure>> {
        let mut older = Vec::new();
        let mut problems = Vec::new();
        for (name, target) in &wanted.services {
            let (Some(artifact), Some(service)) = (made.artifacts.get(name), self.deployment.services.get(name)) else {
                continue;
            };
            let Some(probe) = self.probe(&service.machine, &made.reached) else { continue };
            let (what, need) = ((format!("`{name}`"), service.origin.as_ref()), (artifact.glibc, target.as_ref()));
            let refused = || refusal((&what.0, what.1), need, (&service.machine, &probe));
            match fit(artifact.glibc, target.as_ref(), &probe) {
                Fit::Runs => {}
                Fit::Older(target) => older.push((name.clone(), target, refused())),
                Fit::Not => problems.push(refused()),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let services = older.iter().map(|(name, target, _)| (name.clone(), Some(target.clone()))).collect();
        match self.build(&Wanted { services, tls: wanted.tls }).await {
            Ok(artifacts) => made.artifacts.extend(artifacts),
            Err(failures) => return Err(self.older_failed(older, failures).await),
        }
        Ok(())
    }

    /// Builds the program that keeps members up for each machine that is to be taken into use.
    async fn find_hosts(&self, made: &mut Made, targets: &Targets) -> Result<(), Vec<Failure>> {
        for name in made.reached.keys() {
            let (Some(probe), Some(target)) = (self.probe(name, &made.reached), targets.get(name)) else { continue };
            let origin = self.deployment.machines.get(name).and_then(|machine| machine.origin.as_ref());
            let host = fitting_host((self.options, self.reporter), (name, origin), target.as_ref(), &probe).await;
            made.hosts.insert(name.clone(), host.map_err(|failure| vec![failure])?);
        }
        Ok(())
    }

    /// Tells why nothing was built for an older C library: nothing here builds for it, or what went wrong.
    async fn older_failed(&self, older: Vec<(String, Target, Failure)>, failures: Vec<Failure>) -> Vec<Failure> {
        let workspace = self.options.workspace.clone();
        let cannot = blocking(move || {
            let refused = |(_, target, failure): (String, Target, Failure)| {
                let lacking = toolchain(&workspace, &target).err()?;
                Some(Failure { causes: lacking.causes, ..failure })
            };
            Ok(older.into_iter().filter_map(refused).collect::<Vec<_>>())
        });
        cannot.await.ok().filter(|problems| !problems.is_empty()).unwrap_or(failures)
    }

    /// Compares the types at both ends of each link, also where one end runs already.
    pub(super) fn check_types(
        &self,
        artifacts: &Artifacts,
        build: u64,
        running: &IndexMap<String, Started>,
    ) -> Result<(), Vec<Failure>> {
        let mut described: BTreeMap<String, Described<'_>> = running
            .iter()
            .filter_map(|(name, started)| Some((name, started.artifact.as_ref()?, started.build)))
            .map(|(name, artifact, build)| (name.clone(), Described { program: &artifact.description, build }))
            .collect();
        for (name, artifact) in artifacts {
            described.insert(name.clone(), Described { program: &artifact.description, build });
        }
        let problems = topology::check_types(self.deployment, &described);
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}
