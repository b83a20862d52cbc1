//! `hydro session`: an engine for a script that is run by others, and `hydro sdk`: where the package for it lies.

use std::path::{Path, PathBuf};

use super::options::{CompileArgs, WorkspaceArgs};
use crate::report::{Failure, Reporter};
use crate::script::{self, Node, Python, ServeRequest};

/// Arguments of `session`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The script, whose folder says which workspace is meant; none: this folder
    #[arg(long)]
    script: Option<PathBuf>,
    /// Place every machine on this one
    #[arg(long)]
    local: bool,
    #[command(flatten)]
    compile: CompileArgs,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

pub(super) fn run(args: Args, folder: &Path, reporter: &Reporter) -> Result<u8, Failure> {
    let script = super::absolute(folder, args.script.as_deref().unwrap_or(Path::new("notebook")));
    let home = script.parent().filter(|home| home.is_dir()).unwrap_or(folder);
    let workspace = args.workspace.workspace(home)?;
    let build = args.compile.options();
    script::serve(&ServeRequest { workspace, script, local: args.local, build }, reporter)
}

/// Arguments of `sdk`.
#[derive(Debug, clap::Args)]
pub(super) struct SdkArgs {
    /// The language
    #[arg(value_enum)]
    language: Language,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

/// A language of scripts.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Language {
    /// The package `hydro`, for `PYTHONPATH`
    Python,
    /// The package `hydro`, for `npm install`
    #[value(name = "javascript")]
    JavaScript,
}

pub(super) fn sdk(args: &SdkArgs, folder: &Path, reporter: &Reporter) -> Result<u8, Failure> {
    let workspace = args.workspace.workspace(folder)?;
    let package = match args.language {
        Language::Python => Python::package(&workspace)?,
        Language::JavaScript => Node::package(&workspace)?,
    };
    reporter.data(&package.display().to_string());
    Ok(0)
}
