//! What programs for a machine of `Hydro.toml` are built for: what the file says, else what the kind of machine tells.
//!
//! Builds nothing, and asks no machine.

use std::collections::BTreeSet;

use hydroflow_standalone::diagnostic::nearest;
use serde_spanned::Spanned;

use super::from_toml::from_toml;
use crate::build::Target;
use crate::build::toolchain::host;
use crate::report::{ExitCode, Failure, Reporter};
use crate::workspace::Workspace;
use crate::workspace::hydro_toml::{self, FILE_NAME, RawKind, RawMachine};

/// Families of Google Cloud's machine types with ARM processors.
const ARM_FAMILIES: [&str; 4] = ["t2a", "c4a", "n4a", "a4x"];

/// Returns what programs for a machine of the workspace's `Hydro.toml` are built for; none: this machine.
///
/// # Errors
/// The file is wrong, has no such machine, or wishes for what does not go together.
pub fn target_of(workspace: &Workspace, name: &str, reporter: &Reporter) -> Result<Option<Target>, Failure> {
    from_toml(workspace, reporter)?;
    let file = workspace.root().join(FILE_NAME);
    let text = std::fs::read_to_string(&file)
        .map_err(|error| Failure::new(ExitCode::Config, format!("cannot read `{}`", file.display())).cause(error))?;
    let machines = hydro_toml::read(&text).0.machines;
    let names = || machines.iter().map(|(name, _)| Spanned::get_ref(name).as_str());
    match machines.iter().find(|(known, _)| known.get_ref() == name) {
        Some((_, machine)) => target(workspace, name, machine),
        None if name == super::model::LOCALHOST => Ok(None),
        None => {
            let failure = Failure::new(ExitCode::NothingMatched, format!("`{FILE_NAME}` has no machine `{name}`"));
            Err(match (nearest(name, names()), machines.is_empty()) {
                (Some(near), _) => failure.hint(format!("a similar name exists: `{near}`")),
                (None, true) => failure.hint("it names no machine; `--target` takes a target triple"),
                (None, false) => {
                    failure.hint(format!("its machines are `{}`", names().collect::<Vec<_>>().join("`, `")))
                }
            })
        }
    }
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

fn target(workspace: &Workspace, name: &str, machine: &RawMachine) -> Result<Option<Target>, Failure> {
    let wishes = &machine.target;
    let is_plain = wishes.target.is_none() && wishes.libc.is_none() && wishes.builder.is_none();
    let own = match &machine.kind {
        RawKind::Localhost if is_plain => return Ok(None),
        RawKind::Localhost => host(workspace)?,
        RawKind::Ssh(_) if wishes.target.is_none() => {
            let message = format!("what `{name}` is, only a deploy finds out");
            let hint = "say it in its table: `target = \"aarch64-unknown-linux-gnu\"`";
            return Err(Failure::new(ExitCode::Config, message).hint(hint));
        }
        RawKind::Ssh(_) => String::new(),
        RawKind::Gcp(cloud) => triple_of(&cloud.machine_type).to_owned(),
    };
    Target::wished(wishes, Some(&own))
        .map_err(|error| Failure::new(ExitCode::Config, format!("cannot build for the machine `{name}`")).cause(error))
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
