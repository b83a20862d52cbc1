//! `cargo hydro expand`: what a stage makes of a program, printed.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::options::{CompileArgs, WorkspaceArgs};
use crate::report::{ExitCode, Failure, Reporter};
use crate::{build, deploy, sys};

/// Arguments of `expand`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The `.hf` file; for the stage `plan` none is needed
    file: Option<PathBuf>,
    /// The stage whose product is shown
    #[arg(long, default_value = "crate")]
    stage: Stage,
    /// Write the crate into this folder instead of printing it (stage `crate`)
    #[arg(short, long, value_name = "DIRECTORY")]
    out_dir: Option<PathBuf>,
    #[command(flatten)]
    compile: CompileArgs,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// The syntax tree
    Ast,
    /// The dataflow graph, as JSON
    Graph,
    /// The Rust crate, as plain Rust
    Crate,
    /// What a deployment would start, as JSON
    Plan,
}

pub(super) fn run(args: &Args, folder: &Path, reporter: &Reporter) -> Result<(), Failure> {
    let workspace = args.workspace.workspace(folder)?;
    if args.stage == Stage::Plan {
        let deployment = super::deploy::checked(&workspace, true, reporter)?;
        let plan = serde_json::to_string_pretty(&deploy::Plan::example(&deployment)).unwrap_or_default();
        reporter.data(&plan);
        return Ok(());
    }
    let file = args.file.as_ref().ok_or_else(|| {
        Failure::new(ExitCode::Usage, "which program?").hint("name the `.hf` file: `cargo hydro expand src/server.hf`")
    })?;
    let (program, compilation) = build::show(&workspace, &super::absolute(folder, file), reporter)?;
    match args.stage {
        Stage::Ast => reporter.data(compilation.outline.as_deref().unwrap_or_default()),
        Stage::Graph => {
            for graph in &compilation.graphs {
                reporter.data(&graph.json);
            }
        }
        Stage::Crate => {
            let crate_text = build::plain_crate(&workspace, &program, &compilation)?;
            match &args.out_dir {
                None => reporter.data(&crate_text.as_one_text()),
                Some(folder_name) => write(&super::absolute(folder, folder_name), &crate_text, reporter)?,
            }
        }
        Stage::Plan => {}
    }
    Ok(())
}

fn write(folder: &Path, text: &build::PlainCrate, reporter: &Reporter) -> Result<(), Failure> {
    let failed = |error| Failure::new(ExitCode::Usage, format!("cannot write to `{}`", folder.display())).cause(error);
    std::fs::create_dir_all(folder.join("src")).map_err(failed)?;
    sys::fs::write_atomic(&folder.join("Cargo.toml"), text.manifest.as_bytes()).map_err(failed)?;
    sys::fs::write_atomic(&folder.join("src/main.rs"), text.main.as_bytes()).map_err(failed)?;
    reporter.status("Wrote", format!("a crate to `{}`", folder.display()));
    Ok(())
}
