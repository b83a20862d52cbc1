//! Asks built programs what they are: their ports, with the types as rustc names them.
//!
//! The names are only known while a program runs. One for another architecture runs in an emulator, where there is one.

use std::path::Path;

use hydro_runtime_shim::contract::{CONTRACT_VERSION, ProgramDescription};

use super::target::Target;
use super::toolchain::{Way, ways};
use crate::report::{ExitCode, Failure};
use crate::sys::{self, Launch, SpawnError, Stream};
use crate::workspace::Workspace;

/// Asks the programs of a binary what they are. There are no descriptions where it was built for another machine and does not run here.
pub(super) fn describe(
    workspace: &Workspace,
    executable: &Path,
    shown: &str,
    target: Option<&Target>,
) -> Result<Vec<ProgramDescription>, Failure> {
    let failed = || Failure::new(ExitCode::BuildFailed, format!("the program of `{shown}` cannot tell its ports"));
    let Some(target) = target else {
        return ask(executable, &Way::default()).map_err(|cause| failed().cause(cause));
    };
    for way in ways(workspace, target) {
        match ask(executable, &way) {
            Ok(descriptions) => return Ok(as_built_for(descriptions, &target.to_string())),
            Err(cause) if cause == SpawnError::Interrupted.to_string() => {
                return Err(Failure::new(ExitCode::Interrupted, "interrupted"));
            }
            // Its loader may not be here; the build for this machine can be asked.
            Err(_) => {}
        }
    }
    Ok(Vec::new())
}

/// Marks rustc's identities of types as those of one target's builds: others cannot be compared with them.
pub(super) fn as_built_for(mut descriptions: Vec<ProgramDescription>, build: &str) -> Vec<ProgramDescription> {
    for port in descriptions.iter_mut().flat_map(|program| &mut program.ports) {
        port.type_id = format!("{build}:{}", port.type_id);
    }
    descriptions
}

fn ask(executable: &Path, way: &Way) -> Result<Vec<ProgramDescription>, String> {
    let mut line: Vec<_> = way.line.iter().map(Into::into).collect();
    line.extend([executable.into(), "--describe".into()]);
    let launch = Launch { program: line.remove(0), args: line, ..Launch::default() };
    let mut text = String::new();
    let exit = sys::run(launch, &mut |stream, line| {
        if stream == Stream::Stdout {
            text.push_str(line);
            text.push('\n');
        }
    });
    let exit = exit.map_err(|error| error.to_string())?;
    if !exit.success() {
        return Err(exit.to_string());
    }
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let descriptions: Vec<ProgramDescription> =
        lines.map(serde_json::from_str).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    if let Some(other) = descriptions.iter().find(|description| description.contract != CONTRACT_VERSION) {
        return Err(format!("it speaks contract {}, this command {CONTRACT_VERSION}", other.contract));
    }
    Ok(descriptions)
}
