//! `cargo hydro doc`: the modules of the workspace as HTML pages.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hydroflow_standalone::document::{Entry, Page, index, page};

use super::options::{ProgramArgs, WorkspaceArgs};
use crate::build::{self, Shown};
use crate::report::{ExitCode, Failure, Reporter};
use crate::workspace::Workspace;
use crate::{deploy, sys};

/// Arguments of `doc`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    programs: ProgramArgs,
    /// Open the pages in a browser
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

pub(super) fn run(args: &Args, folder: &Path, reporter: &Reporter) -> Result<(), Failure> {
    let workspace = args.workspace.workspace(folder)?;
    let files = args.programs.files(&workspace, folder)?;
    if files.is_empty() {
        return Err(super::build::nothing_to_build(&workspace));
    }
    let what = if files.len() == 1 { "file" } else { "files" };
    reporter.status("Documenting", format!("{} `.hf` {what}", files.len()));
    // All mistakes of all files are told before the first of them ends the command.
    let shown: Vec<_> = files.iter().map(|file| build::picture(&workspace, file, reporter)).collect();
    let shown = shown.into_iter().collect::<Result<Vec<Shown>, Failure>>()?;
    let pages = workspace.target().join("hydro").join("doc");
    let first = write(&workspace, &shown, &pages, reporter)?;
    let start = if shown.len() == 1 { first } else { pages.join("index.html") };
    reporter.status("Generated", workspace.relative(&start).display().to_string());
    if args.open {
        open(&start, reporter);
    }
    Ok(())
}

/// Writes a page for each file and one that leads to them; returns the first file's page.
fn write(workspace: &Workspace, shown: &[Shown], pages: &Path, reporter: &Reporter) -> Result<PathBuf, Failure> {
    let failed = |error| {
        Failure::new(ExitCode::Usage, format!("cannot write to `{}`", pages.display()))
            .cause(error)
            .hint("the pages are written into cargo's target folder; `--target-dir` names another one")
    };
    std::fs::create_dir_all(pages).map_err(failed)?;
    let (mut entries, mut taken, mut first) = (Vec::new(), BTreeSet::from(["index.html".to_owned()]), None);
    for Shown { program, modules, graphs } in shown {
        let link = page_name(program.source.name(), &mut taken);
        let text = page(&Page { name: &program.name, source: &program.source, modules, graphs, home: "index.html" });
        sys::fs::write_atomic(&pages.join(&link), text.as_bytes()).map_err(failed)?;
        first = first.or_else(|| Some(pages.join(&link)));
        let (name, file) = (program.name.clone(), program.source.name().to_owned());
        entries.push(Entry { name, link, file, modules: modules.clone() });
    }
    let title = workspace.root().file_name().map_or_else(|| "Modules".into(), |name| name.to_string_lossy());
    // What is wrong with `Hydro.toml` is not this command's affair; then the deployment is not drawn.
    let quiet = reporter.without_diagnostics();
    let has_toml = deploy::has_toml(workspace);
    let deployment = if has_toml { deploy::from_toml(workspace, &quiet).ok() } else { None };
    let scene = deployment.map(|deployment| deploy::draw::scene(&deployment));
    let text = index(&title, &entries, scene.as_ref());
    sys::fs::write_atomic(&pages.join("index.html"), text.as_bytes()).map_err(failed)?;
    Ok(first.unwrap_or_else(|| pages.join("index.html")))
}

/// `src/a/b.hf` becomes `src.a.b.html`: all pages are in one folder.
fn page_name(file: &str, taken: &mut BTreeSet<String>) -> String {
    let letter = |c: char| if c.is_alphanumeric() || matches!(c, '_' | '-') { c } else { '.' };
    let stem: String = file.trim_end_matches(".hf").chars().map(letter).collect();
    let stem = stem.trim_matches('.');
    let mut name = format!("{stem}.html");
    for number in 2.. {
        if taken.insert(name.clone()) {
            break;
        }
        name = format!("{stem}.{number}.html");
    }
    name
}

/// Opens a file for whoever sits before the screen; where that cannot be, the path is told.
pub(super) fn open(file: &Path, reporter: &Reporter) {
    if let Err(error) = sys::open(file) {
        reporter.warning(format!("cannot open `{}`: {error}", file.display()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_a_page_of_its_own() {
        let mut taken = BTreeSet::new();
        assert_eq!(page_name("src/a/b.hf", &mut taken), "src.a.b.html");
        assert_eq!(page_name("src/a.b.hf", &mut taken), "src.a.b.2.html");
        assert_eq!(page_name("../ä x.hf", &mut taken), "ä.x.html");
    }
}
