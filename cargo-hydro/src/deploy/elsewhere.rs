//! What starting a member on another machine takes beyond starting it here: its program brought there, its certificate, and what becomes of it while nobody is
//! connected.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use hydro_host::words::{Keep, Keeper, Restart as Kept};
use tokio::task::JoinSet;

use super::authority::Authority;
use super::building::Artifacts;
use super::keep::GRACE;
use super::machines;
use super::model::{Deployment, Service};
use super::plan::PlannedMember;
use super::renewal::carry;
use super::start::Starting;
use crate::build::Artifact;
use crate::machine::{Away, Place, SshMachine, Upload};
use crate::report::{ExitCode, Failure};
use crate::supervision::{Restart, Shutdown};

impl Starting<'_> {
    /// Returns a built program as a file to be brought to machines.
    pub(super) fn brought(&self, artifact: &Artifact) -> Upload {
        let local = self.options.workspace.root().join(&artifact.executable);
        Upload { local, hash: artifact.hash.clone() }
    }

    /// Brings programs to the machines of their services, to all at once; what is there is not sent. `runs` tells what members run now.
    pub(super) async fn upload(
        &self,
        artifacts: &Artifacts,
        runs: impl Fn(&str) -> Option<PathBuf>,
    ) -> Result<(), Vec<Failure>> {
        let mut wanted: BTreeMap<String, (SshMachine, BTreeSet<Upload>)> = BTreeMap::new();
        for (name, service) in &self.deployment.services {
            let is_there = || artifacts.get(name).map(|artifact| &artifact.executable) == runs(name).as_ref();
            if self.running_of(name) == service.count && is_there() {
                continue;
            }
            if let (Place::Ssh(machine), Some(artifact)) = (self.place(service), artifacts.get(name)) {
                let entry = wanted.entry(service.machine.clone()).or_insert_with(|| (machine, BTreeSet::new()));
                entry.1.insert(self.brought(artifact));
            }
        }
        let problems: Vec<Failure> =
            self.new_services().filter_map(|(name, service)| self.unbound(name, service)).collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut bringing = JoinSet::new();
        for (name, (machine, uploads)) in wanted {
            let reporter = self.reporter.clone();
            bringing.spawn(async move {
                for upload in uploads {
                    let sent = machine.bring(&upload).await?;
                    if sent > 0 {
                        let program = upload.local.file_name().unwrap_or_default().to_string_lossy().into_owned();
                        reporter.status("Uploaded", format!("{program} to {name} ({} KiB)", sent.div_ceil(1024)));
                    }
                }
                Ok(())
            });
        }
        let results = bringing.join_all().await;
        let problems: Vec<Failure> = results.into_iter().filter_map(Result::err).map(machines::failure).collect();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Tells that nobody can see to what bounds a service; where that is this machine, it is only said.
    fn unbound(&self, name: &str, service: &Service) -> Option<Failure> {
        if service.bounds.is_none() {
            return None;
        }
        let Some(machine) = self.place(service).far().cloned() else {
            let what = "`limits`, `sandbox` and `systemd`";
            self.reporter
                .warning(format!("{what} of `{name}` have no effect: it runs on this machine, without systemd"));
            return None;
        };
        let upkeep = machine.upkeep();
        let beyond = service.bounds.beyond_processes();
        let first = beyond.first().filter(|_| upkeep.by == Keeper::Host)?;
        let message = format!(
            "`{first}` of `{name}` is systemd's to see to, and `{}` keeps services up without it",
            service.machine
        );
        let mut failure = Failure::new(ExitCode::DeployFailed, message);
        failure.origin = service.origin.clone();
        failure.causes.extend(upkeep.lacks);
        Some(
            failure
                .hint("leave it out, or place the service on a machine with systemd; `limits.files` counts everywhere"),
        )
    }

    /// Gives a member its certificate, on its own machine; variables of the user's own count.
    pub(super) async fn certify(&self, planned: &mut PlannedMember, authority: &Authority) -> Result<(), Failure> {
        let mut issued = authority.issue(&planned.service, planned.member).map_err(|error| {
            Failure::new(ExitCode::DeployFailed, format!("cannot give `{}` a certificate", planned.name)).cause(error)
        })?;
        if let Place::Ssh(machine) = self.machines.place(&planned.machine) {
            issued = carry(issued, &machine).await.map_err(machines::failure)?;
        }
        for (name, path) in issued {
            planned.env.entry(name).or_insert(path);
        }
        Ok(())
    }

    /// Returns what a member's own machine does for it, where that is another than this one.
    pub(super) fn away(&self, planned: &PlannedMember, service: &Service) -> Option<Away> {
        let machine = self.place(service).far()?.clone();
        let data = planned.data.as_ref().map(|data| data.display().to_string());
        Some(Away {
            machine,
            data,
            fresh: service.fresh_data,
            keep: kept(self.deployment, service),
            bounds: planned.bounds.clone(),
        })
    }
}

/// Says what becomes of a member while nobody is connected. A group's strategy is the deployer's: its members wait for it.
fn kept(deployment: &Deployment, service: &Service) -> Keep {
    let upkeep = &service.upkeep;
    let restart = match upkeep.restart.or(deployment.default_restart).unwrap_or(Restart::Temporary) {
        _ if upkeep.group.is_some() => Kept::Temporary,
        Restart::Permanent => Kept::Permanent,
        Restart::Transient => Kept::Transient,
        Restart::Temporary => Kept::Temporary,
    };
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let grace = match upkeep.shutdown.unwrap_or(Shutdown::After(GRACE)) {
        Shutdown::Kill => Duration::ZERO,
        Shutdown::After(time) => time,
        Shutdown::Unlimited => Duration::MAX,
    };
    Keep {
        restart,
        first_ms: ms(upkeep.backoff.first),
        longest_ms: ms(upkeep.backoff.longest),
        reset_ms: ms(upkeep.backoff.reset),
        grace_ms: ms(grace),
    }
}
