//! `cargo hydro graph`: the deployment, or the dataflow of one program, as a drawing.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::options::WorkspaceArgs;
use crate::report::{Failure, Reporter};
use crate::{build, deploy};

/// Arguments of `graph`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The `.hf` file whose dataflow is drawn; none: the services and links of Hydro.toml
    file: Option<PathBuf>,
    /// The language of the drawing
    #[arg(long, default_value = "mermaid")]
    format: DrawingFormat,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

/// Languages of drawings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DrawingFormat {
    /// For Markdown files and mermaid.live
    Mermaid,
    /// For graphviz: `cargo hydro graph --format dot | dot -Tsvg`
    Dot,
    /// For programs
    Json,
}

pub(super) fn run(args: &Args, folder: &Path, reporter: &Reporter) -> Result<(), Failure> {
    let workspace = args.workspace.workspace(folder)?;
    let Some(file) = &args.file else {
        let drawing = deploy::draw::draw(&deploy::from_toml(&workspace, reporter)?);
        reporter.data(match args.format {
            DrawingFormat::Mermaid => &drawing.mermaid,
            DrawingFormat::Dot => &drawing.dot,
            DrawingFormat::Json => &drawing.json,
        });
        return Ok(());
    };
    let (_, compilation) = build::show(&workspace, &super::absolute(folder, file), reporter)?;
    for graph in &compilation.graphs {
        reporter.data(match args.format {
            DrawingFormat::Mermaid => &graph.mermaid,
            DrawingFormat::Dot => &graph.dot,
            DrawingFormat::Json => &graph.json,
        });
    }
    Ok(())
}
