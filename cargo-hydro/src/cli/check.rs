//! `cargo hydro check`: everything that is wrong with the programs and `Hydro.toml`, without building.

use std::path::Path;

use super::options::{CompileArgs, ProgramArgs, WorkspaceArgs};
use crate::build;
use crate::deploy;
use crate::report::{Failure, Reporter};

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    programs: ProgramArgs,
    /// Leave types to a later check: find what is wrong with syntax, names, dataflow and Hydro.toml only
    #[arg(long)]
    no_rustc: bool,
    #[command(flatten)]
    compile: CompileArgs,
    /// Place every machine on this one
    #[arg(long)]
    local: bool,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

pub(super) fn run(args: &Args, folder: &Path, reporter: &Reporter) -> Result<(), Failure> {
    let workspace = args.workspace.workspace(folder)?;
    let files = args.programs.files(&workspace, folder)?;
    if files.is_empty() {
        return Err(super::build::nothing_to_build(&workspace));
    }
    reporter.status("Checking", format!("{} `.hf` {}", files.len(), if files.len() == 1 { "file" } else { "files" }));
    let check = if args.no_rustc { build::check_text } else { build::check };
    check(&workspace, &files, &args.compile.options(), reporter)?;
    if deploy::has_toml(&workspace) {
        super::deploy::checked(&workspace, args.local, reporter)?;
    }
    reporter.status("Finished", "no errors");
    Ok(())
}
