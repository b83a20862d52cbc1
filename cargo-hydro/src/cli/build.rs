//! `cargo hydro build`: `.hf` files → programs.

use std::path::Path;

use super::options::{CompileArgs, ProgramArgs, WorkspaceArgs};
use crate::build;
use crate::report::{ExitCode, Failure, Reporter};

/// Arguments of `build`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    programs: ProgramArgs,
    /// Build for the target triple
    #[arg(long, value_name = "TRIPLE", help_heading = "Compilation Options")]
    target: Option<String>,
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
    build::build(&workspace, &files, &args.compile.options(args.target.clone()), reporter).map(|_| ())
}

/// A workspace without programs is probably the wrong folder.
pub(super) fn nothing_to_build(workspace: &crate::workspace::Workspace) -> Failure {
    Failure::new(ExitCode::NothingMatched, format!("there are no `.hf` programs in `{}`", workspace.root().display()))
        .hint("programs are `.hf` files below the `src` folder of a package; `cargo hydro new NAME` makes a workspace with two")
}
