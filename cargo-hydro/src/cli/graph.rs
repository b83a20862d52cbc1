//! `cargo hydro graph`: the deployment, or the dataflow of one program, as a drawing.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use hydroflow_standalone::draw::{self, Scene};
use hydroflow_standalone::graph::Graph;

use super::options::WorkspaceArgs;
use crate::report::{ExitCode, Failure, Reporter};
use crate::workspace::Workspace;
use crate::{build, deploy, sys};

/// Arguments of `graph`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The `.hf` file whose dataflow is drawn; none: the services and links of Hydro.toml
    file: Option<PathBuf>,
    /// The language of the drawing
    #[arg(long, default_value = "mermaid")]
    format: DrawingFormat,
    /// Open the drawing in a browser (as SVG)
    #[arg(long, conflicts_with = "format")]
    open: bool,
    /// The module that is drawn; none: all of the file, with SVG `main`
    #[arg(long, value_name = "NAME", requires = "file")]
    module: Option<String>,
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
    /// A picture for browsers and documents
    Svg,
    /// For programs
    Json,
}

pub(super) fn run(args: &Args, folder: &Path, reporter: &Reporter) -> Result<(), Failure> {
    let workspace = args.workspace.workspace(folder)?;
    let format = if args.open { DrawingFormat::Svg } else { args.format };
    let (name, drawings) = match &args.file {
        None => ("deployment".to_owned(), vec![deployment(&workspace, format, reporter)?]),
        Some(file) => {
            let shown = build::picture(&workspace, &super::absolute(folder, file), reporter)?;
            let graphs = chosen(args, &shown.graphs, format)?;
            (shown.program.name, graphs.into_iter().map(|graph| drawing(graph, format)).collect())
        }
    };
    if !args.open {
        drawings.iter().for_each(|drawing| reporter.data(drawing));
        return Ok(());
    }
    let file = workspace.target().join("hydro").join("doc").join(format!("{name}.svg"));
    let failed = |error| Failure::new(ExitCode::Usage, format!("cannot write `{}`", file.display())).cause(error);
    std::fs::create_dir_all(file.parent().unwrap_or(folder)).map_err(failed)?;
    sys::fs::write_atomic(&file, drawings.concat().as_bytes()).map_err(failed)?;
    reporter.status("Generated", workspace.relative(&file).display().to_string());
    super::doc::open(&file, reporter);
    Ok(())
}

fn deployment(workspace: &Workspace, format: DrawingFormat, reporter: &Reporter) -> Result<String, Failure> {
    let deployment = deploy::from_toml(workspace, reporter)?;
    let drawing = deploy::draw::draw(&deployment);
    Ok(match format {
        DrawingFormat::Mermaid => drawing.mermaid,
        DrawingFormat::Dot => drawing.dot,
        DrawingFormat::Svg => draw::svg(&deploy::draw::scene(&deployment)),
        DrawingFormat::Json => drawing.json,
    })
}

/// A picture shows one module; texts of the other languages may follow each other.
fn chosen<'a>(args: &Args, graphs: &'a [Graph], format: DrawingFormat) -> Result<Vec<&'a Graph>, Failure> {
    let has_main = graphs.iter().any(|graph| graph.module == "main");
    let wanted = match &args.module {
        Some(name) => Some(name.as_str()),
        None if format == DrawingFormat::Svg && has_main => Some("main"),
        None if format == DrawingFormat::Svg => graphs.first().map(|graph| graph.module.as_str()),
        None => None,
    };
    let found: Vec<&Graph> = graphs.iter().filter(|graph| wanted.is_none_or(|name| graph.module == name)).collect();
    if found.is_empty() {
        let names: Vec<String> = graphs.iter().map(|graph| format!("`{}`", graph.module)).collect();
        let message = format!("the file has no module `{}` that could be drawn", wanted.unwrap_or("main"));
        let failure = Failure::new(ExitCode::NothingMatched, message);
        return Err(if names.is_empty() { failure } else { failure.hint(format!("it has {}", names.join(", "))) });
    }
    Ok(found)
}

fn drawing(graph: &Graph, format: DrawingFormat) -> String {
    match format {
        DrawingFormat::Mermaid => graph.mermaid.clone(),
        DrawingFormat::Dot => graph.dot.clone(),
        DrawingFormat::Svg => draw::svg(&Scene::of_graph(graph, |_| String::new())),
        DrawingFormat::Json => graph.json.clone(),
    }
}
