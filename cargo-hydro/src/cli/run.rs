//! `hydro run SCRIPT`: a script that describes, deploys and drives; without a script, what `Hydro.toml` describes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::deploy;
use super::options::{CompileArgs, WorkspaceArgs};
use crate::deploy::Price;
use crate::report::{ExitCode, Failure, Reporter};
use crate::script::{self, Language, RunRequest};

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The script, `*.hydro.py` or `*.hydro.mjs`; none: what Hydro.toml describes
    script: Option<PathBuf>,
    /// Place every machine on this one
    #[arg(long)]
    local: bool,
    /// Refuse machines at Google Cloud that cost more, in US dollars, by an estimate
    #[arg(long, value_name = "USD", conflicts_with = "local")]
    max_cost_per_hour: Option<Price>,
    /// Apply changes of Hydro.toml and sources as they are saved; without a script
    #[arg(short, long, conflicts_with = "script")]
    watch: bool,
    #[command(flatten)]
    compile: CompileArgs,
    #[command(flatten)]
    workspace: WorkspaceArgs,
    /// Arguments for the script; those that begin with `-` stand behind `--`
    #[arg(trailing_var_arg = true, value_name = "ARGS")]
    args: Vec<OsString>,
}

impl Args {
    /// Whether a script runs; then its output is what the user wants to see.
    pub(super) fn has_script(&self) -> bool {
        self.script.is_some()
    }
}

pub(super) fn run(args: Args, folder: &Path, reporter: &Reporter) -> Result<u8, Failure> {
    let Some(script) = args.script else {
        let workspace = args.workspace.workspace(folder)?;
        let request = deploy::request(folder, &args.workspace, &args.compile, (args.local, args.max_cost_per_hour));
        return deploy::foreground(workspace, request, args.watch, reporter);
    };
    let place = super::absolute(folder, &script);
    // The script's own folder says which workspace is meant, wherever the command was called.
    let home = place.parent().filter(|home| home.is_dir()).unwrap_or(folder);
    let language = Language::of(&script).ok_or_else(|| no_script(&script))?;
    let workspace = args.workspace.workspace(home)?;
    let build = args.compile.options();
    let Args { args, local, max_cost_per_hour: max_cost, .. } = args;
    script::run(&RunRequest { workspace, script, language, args, local, max_cost, build }, reporter)
}

fn no_script(script: &Path) -> Failure {
    Failure::new(ExitCode::Usage, format!("`{}` is no script", script.display()))
        .hint("scripts end in `.hydro.py`, or in `.hydro.mjs`, `.hydro.js` or `.hydro.ts`")
}
