//! `cargo hydro build`: `.hf` files → programs, for this machine and for others.

use std::path::Path;

use super::options::{CompileArgs, ProgramArgs, WorkspaceArgs};
use crate::build::{self, Builder, Sources, Target};
use crate::deploy;
use crate::report::{ExitCode, Failure, Reporter};
use crate::workspace::Workspace;

/// Arguments of `build`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    programs: ProgramArgs,
    /// Build for the target triple; `x86_64-unknown-linux-gnu.2.17` runs with glibc 2.17
    #[arg(long, value_name = "TRIPLE", help_heading = "Compilation Options")]
    target: Vec<Target>,
    /// Build for a machine of Hydro.toml
    #[arg(long = "for", value_name = "MACHINE", help_heading = "Compilation Options")]
    machines: Vec<String>,
    /// What builds for other machines: cargo, zigbuild or cross; none: what is found
    #[arg(long, value_name = "BUILDER", help_heading = "Compilation Options")]
    builder: Option<Builder>,
    #[command(flatten)]
    compile: CompileArgs,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

pub(super) fn run(args: &Args, folder: &Path, reporter: &Reporter) -> Result<(), Failure> {
    let workspace = args.workspace.workspace(folder)?;
    let files = args.programs.files(&workspace, folder)?;
    let files: Vec<_> = files.into_iter().filter(|file| build::is_program(&workspace, file)).collect();
    if files.is_empty() {
        return Err(nothing_to_build(&workspace));
    }
    let targets = targets(args, &workspace, reporter)?;
    let of_target = |target: &Option<Target>| {
        files.iter().map(|file| Sources::one(file.clone()).for_target(target.clone())).collect::<Vec<_>>()
    };
    let binaries: Vec<Sources> = targets.iter().flat_map(of_target).collect();
    build::build_binaries(&workspace, &binaries, &args.compile.options(), reporter).map(|_| ())
}

/// Returns what to build for, each once.
fn targets(args: &Args, workspace: &Workspace, reporter: &Reporter) -> Result<Vec<Option<Target>>, Failure> {
    let mut targets: Vec<Option<Target>> = args.target.iter().cloned().map(Some).collect();
    for machine in &args.machines {
        targets.push(deploy::target_of(workspace, machine, reporter)?);
    }
    if targets.is_empty() {
        targets.push(None);
    }
    if args.builder.is_some() {
        for target in &mut targets {
            let known = match target.take() {
                Some(target) => target,
                None => Target { triple: build::toolchain::host(workspace)?, glibc: None, builder: None },
            };
            *target = Some(Target { builder: args.builder, ..known });
        }
    }
    let mut seen = Vec::new();
    targets.retain(|target| {
        !seen.contains(target) && {
            seen.push(target.clone());
            true
        }
    });
    Ok(targets)
}

/// A workspace without programs is probably the wrong folder.
pub(super) fn nothing_to_build(workspace: &Workspace) -> Failure {
    Failure::new(ExitCode::NothingMatched, format!("there are no `.hf` programs in `{}`", workspace.root().display()))
        .hint("programs are `.hf` files below the `src` folder of a package; `cargo hydro new NAME` makes a workspace with two")
}
