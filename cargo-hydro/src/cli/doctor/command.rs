//! The command: finds out what the workspace needs, and shows what the checks found.

use std::fmt::Write as _;
use std::path::Path;

use super::checks::{self, Needs};
use super::report::{Report, State};
use crate::build::Target;
use crate::cli::options::WorkspaceArgs;
use crate::cli::table::columns;
use crate::deploy::{self, MachineNeed};
use crate::report::{ExitCode, Failure, Reporter};
use crate::workspace::{CargoConfig, Workspace};

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Look also whether programs can be built for a target triple
    #[arg(long, value_name = "TRIPLE")]
    target: Vec<Target>,
    /// Print only the commands that get what is missing, one per line
    #[arg(long, conflicts_with = "json")]
    fix: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

/// Looks at everything; the exit code says whether something is missing.
pub(in crate::cli) fn run(args: &Args, folder: &Path, reporter: &Reporter) -> Result<u8, Failure> {
    // Who has no cargo, or no workspace yet, wants to know what else there is.
    let workspace = args.workspace.workspace(folder).ok();
    let needs = needs(workspace.as_ref(), args.target.clone(), reporter);
    let root = workspace.as_ref().map_or(folder, Workspace::root);
    let config = CargoConfig::read(root, &args.workspace.flags(folder).config);
    let report = checks::all(root, &config, &needs);
    if args.json {
        let text = serde_json::to_string(&report)
            .map_err(|error| Failure::new(ExitCode::Usage, "cannot write the report").cause(error))?;
        reporter.data(&text);
    } else if args.fix {
        fixes(&report).iter().for_each(|line| reporter.data(line));
    } else {
        reporter.data(shown(&report).trim_end());
    }
    Ok(if report.missing == 0 { ExitCode::Ok as u8 } else { ExitCode::Usage as u8 })
}

fn needs(workspace: Option<&Workspace>, targets: Vec<Target>, reporter: &Reporter) -> Needs {
    let Some(workspace) = workspace else { return Needs { targets, ..Needs::default() } };
    let machines = deploy::machine_needs(workspace);
    let target = |machine: &MachineNeed| {
        let told =
            machine.is_told.then(|| deploy::target_of(workspace, &machine.name, &reporter.without_diagnostics()));
        (machine.name.clone(), told)
    };
    let has_scripts = |end: &str| {
        [workspace.root().to_owned(), workspace.root().join("tests")].iter().any(|folder| has_file(folder, end))
    };
    Needs {
        python: has_scripts(".hydro.py"),
        node: [".hydro.mjs", ".hydro.js", ".hydro.mts", ".hydro.ts"].into_iter().any(has_scripts),
        machines: machines.iter().map(target).collect(),
        cloud: !deploy::projects(workspace).is_empty(),
        ssh: machines.iter().any(|machine| machine.by_ssh),
        targets,
    }
}

fn has_file(folder: &Path, end: &str) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| entry.file_name().to_string_lossy().ends_with(end))
}

/// The first command of each thing that is needed; of what is not, none.
fn fixes(report: &Report) -> Vec<&String> {
    let mut lines: Vec<&String> = Vec::new();
    for check in report.checks.iter().filter(|check| check.state == State::Missing) {
        lines.extend(check.fixes.first().filter(|line| !lines.contains(line)));
    }
    lines
}

fn shown(report: &Report) -> String {
    let mut text = String::new();
    let mut rows: Vec<[String; 3]> = Vec::new();
    let mut after: Vec<Vec<String>> = Vec::new();
    let mut groups: Vec<&str> = Vec::new();
    for check in &report.checks {
        groups.push(check.group);
        rows.push([format!("  {}", check.state.word()), check.name.clone(), check.found.clone()]);
        let lines = check.fixes.iter().map(|line| format!("fix: {line}"));
        after.push(lines.chain(check.advice.iter().map(|advice| format!("or: {advice}"))).collect());
    }
    let table = columns(&rows);
    for (at, line) in table.lines().enumerate() {
        if at == 0 || groups[at] != groups[at - 1] {
            let _ = writeln!(text, "{}", groups[at]);
        }
        let _ = writeln!(text, "{line}");
        for line in &after[at] {
            let _ = writeln!(text, "           {line}");
        }
    }
    let _ = match report.missing {
        0 => writeln!(text, "Nothing is missing."),
        1 => writeln!(text, "One thing is missing; `--fix` prints the command that gets it."),
        count => writeln!(text, "{count} things are missing; `--fix` prints the commands that get them."),
    };
    text
}
