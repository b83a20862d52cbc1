//! What programs for a machine of `Hydro.toml` are built for: what the file says, else what the kind of machine tells.
//!
//! Builds nothing, and asks no machine.

use std::collections::{BTreeMap, BTreeSet};

use hydroflow_standalone::diagnostic::nearest;
use serde_spanned::Spanned;

use super::from_toml::from_toml;
use super::model::{Deployment, LOCALHOST, Machine, MachineKind, Program};
use crate::build::toolchain::host;
use crate::build::{Target, Wishes};
use crate::report::{ExitCode, Failure, Origin, Reporter};
use crate::workspace::Workspace;
use crate::workspace::hydro_toml::{self, FILE_NAME, RawKind, RawMachine};

/// Families of Google Cloud's machine types with ARM processors.
const ARM_FAMILIES: [&str; 4] = ["t2a", "c4a", "n4a", "a4x"];

/// What is known of the target of programs for a machine before it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// What they are built for; none: what this machine is.
    Target(Option<Target>),
    /// Only the machine knows.
    Nothing,
}

/// Returns what programs for a machine of the workspace's `Hydro.toml` are built for; none: this machine.
///
/// # Errors
/// The file is wrong, has no such machine, or wishes for what does not go together; or only the machine itself knows.
pub fn target_of(workspace: &Workspace, name: &str, reporter: &Reporter) -> Result<Option<Target>, Failure> {
    let machines = from_toml(workspace, reporter)?.machines;
    match machines.get(name) {
        Some(machine) => match told(workspace, name, machine)? {
            Told::Target(target) => Ok(target),
            Told::Nothing => {
                let message = format!("what `{name}` is, only a deploy finds out");
                let hint = "say it in its table: `target = \"aarch64-unknown-linux-gnu\"`";
                Err(Failure::new(ExitCode::Config, message).hint(hint))
            }
        },
        None if name == LOCALHOST => Ok(None),
        None => {
            let failure = Failure::new(ExitCode::NothingMatched, format!("`{FILE_NAME}` has no machine `{name}`"));
            let names: Vec<&str> = machines.keys().map(String::as_str).collect();
            Err(match (nearest(name, names.iter().copied()), names.is_empty()) {
                (Some(near), _) => failure.hint(format!("a similar name exists: `{near}`")),
                (None, true) => failure.hint("it names no machine; `--target` takes a target triple"),
                (None, false) => failure.hint(format!("its machines are `{}`", names.join("`, `"))),
            })
        }
    }
}

/// Returns what the programs of services are built for that are for other machines, as far as that is known without asking one.
///
/// # Errors
/// As [`told`].
pub(super) fn told_targets(
    workspace: &Workspace,
    deployment: &Deployment,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut found = BTreeMap::new();
    for (service, of) in &deployment.services {
        let machine = deployment.machines.get(&of.machine);
        let (Program::Hydroflow { .. }, Some(machine)) = (&of.program, machine) else { continue };
        if let Told::Target(Some(target)) = told(workspace, &of.machine, machine)? {
            found.insert(service.clone(), target.to_string());
        }
    }
    Ok(found)
}

/// Returns what programs for a machine are built for, as far as that is known without asking it.
///
/// # Errors
/// What is wished for does not go together, or there is no compiler.
pub(super) fn told(workspace: &Workspace, name: &str, machine: &Machine) -> Result<Told, Failure> {
    let triple = match (&machine.kind, &machine.wishes.target) {
        (MachineKind::Localhost, _) if machine.wishes.is_none() => return Ok(Told::Target(None)),
        (_, Some(target)) => target.clone(),
        (MachineKind::Localhost, None) => host(workspace)?,
        (MachineKind::Ssh(_), None) => return Ok(Told::Nothing),
        (MachineKind::Gcp(cloud), None) => triple_of(&cloud.machine_type).to_owned(),
    };
    wished((name, machine.origin.as_ref()), &machine.wishes, &triple).map(Told::Target)
}

/// Returns what programs for a machine are built for that is of this triple; none: this machine's own.
///
/// # Errors
/// What is wished for does not go with it.
pub(super) fn wished(
    (name, origin): (&str, Option<&Origin>),
    wishes: &Wishes,
    triple: &str,
) -> Result<Option<Target>, Failure> {
    Target::wished(wishes, triple).map_err(|error| {
        let mut failure = Failure::new(ExitCode::Config, format!("cannot build for the machine `{name}`")).cause(error);
        failure.origin = origin.cloned();
        failure
    })
}

/// A machine, as far as the file tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineNeed {
    /// Its name.
    pub name: String,
    /// Whether it is reached over ssh.
    pub by_ssh: bool,
    /// Whether the file tells what programs for it are built for; otherwise a deploy finds it out.
    pub is_told: bool,
}

/// Returns the machines of the workspace's `Hydro.toml`, in its order; none where it cannot be read.
#[must_use]
pub fn machine_needs(workspace: &Workspace) -> Vec<MachineNeed> {
    let text = std::fs::read_to_string(workspace.root().join(FILE_NAME)).unwrap_or_default();
    let need = |(name, machine): (Spanned<String>, RawMachine)| {
        let by_ssh = matches!(machine.kind, RawKind::Ssh(_));
        MachineNeed { name: name.into_inner(), by_ssh, is_told: !by_ssh || machine.target.target.is_some() }
    };
    hydro_toml::read(&text).0.machines.into_iter().map(need).collect()
}

/// Returns the projects at Google Cloud in which machines of the workspace's `Hydro.toml` are.
#[must_use]
pub fn projects(workspace: &Workspace) -> BTreeSet<String> {
    let text = std::fs::read_to_string(workspace.root().join(FILE_NAME)).unwrap_or_default();
    let project = |(_, machine): (Spanned<String>, RawMachine)| match machine.kind {
        RawKind::Gcp(cloud) => Some(cloud.project),
        _ => None,
    };
    hydro_toml::read(&text).0.machines.into_iter().filter_map(project).collect()
}

/// Returns the triple of a machine type's images.
fn triple_of(machine_type: &str) -> &'static str {
    let family = machine_type.split('-').next().unwrap_or_default();
    if ARM_FAMILIES.contains(&family) { "aarch64-unknown-linux-gnu" } else { "x86_64-unknown-linux-gnu" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_type_tells_its_processor() {
        for (machine_type, start) in
            [("e2-micro", "x86_64"), ("t2a-standard-1", "aarch64"), ("c4a-highcpu-4", "aarch64")]
        {
            assert!(triple_of(machine_type).starts_with(start), "{machine_type}");
        }
    }
}
