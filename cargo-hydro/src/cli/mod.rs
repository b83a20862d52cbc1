//! The command line: parse, load, call. A file per subcommand; nothing here knows how anything is done.
//!
//! The only room that knows of arguments, and with [`main`] the only one that ends the process.

mod build;
mod check;
mod deploy;
mod doc;
mod doctor;
mod events;
mod exec;
mod expand;
mod explain;
mod graph;
mod held;
mod logs;
mod metrics;
mod new;
mod options;
mod orphans;
mod plan;
mod ps;
mod run;
mod schema;
mod services;
mod session;
mod status;
mod table;
mod test;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode as ProcessExit;

use clap::{Parser, Subcommand};

use crate::daemon;
use crate::report::{ExitCode, Failure, Reporter};
use crate::sys;
use options::OutputArgs;

/// Standalone Hydroflow: build, wire, deploy and test `.hf` programs.
#[derive(Debug, Parser)]
#[command(name = "hydro", version, styles = options::STYLES, disable_help_subcommand = true, arg_required_else_help = true, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    output: OutputArgs,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 wrong arguments, a failed script, or what `doctor` misses, 2 a plan that changes something, 4 nothing matched, 96 a wrong Hydro.toml, 100 failed tests, \
101 a program does not compile, 102 no cargo package, 110 a failed deployment, 130 interrupted";

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a new workspace from a template
    New(new::Args),
    /// Find everything that is wrong, without building
    #[command(visible_alias = "c")]
    Check(check::Args),
    /// Build programs
    #[command(visible_alias = "b")]
    Build(build::Args),
    /// Run a script, or without one what Hydro.toml describes
    #[command(visible_alias = "r")]
    Run(run::Args),
    /// Build, start and wire what Hydro.toml describes, here or in the background
    Deploy(deploy::Args),
    /// Tell what a deploy would change of what runs
    Plan(plan::Args),
    /// List what runs
    Ps(ps::Args),
    /// Show what services wrote
    Logs(logs::Args),
    /// Tell what happens from now on: starts, ends, restarts, releases
    Events(events::Args),
    /// Show what running programs count, link by link
    Metrics(metrics::Args),
    /// List the workspace's deployments
    Status(status::Args),
    /// Print the addresses of a service that runs
    Resolve(status::ResolveArgs),
    /// Start services that were stopped or have ended
    Start(services::Args),
    /// Stop services; they stay stopped
    Stop(services::Args),
    /// Stop services and start them again
    Restart(services::Args),
    /// Run a command with the variables of a service that runs
    Exec(exec::Args),
    /// Give a service another number of members
    Scale(services::ScaleArgs),
    /// Stop everything and end the deployment
    Down(services::DownArgs),
    /// Run the scripts' tests, each in its own deployment
    #[command(visible_alias = "t")]
    Test(test::Args),
    /// Draw the deployment, or the dataflow of a program
    Graph(graph::Args),
    /// List what deployments have left at Google Cloud, or delete it
    Orphans(orphans::Args),
    /// Write pages about the modules: ports, parameters, dataflow
    #[command(visible_alias = "d")]
    Doc(doc::Args),
    /// Tell what this machine has of what is needed, and how to get the rest
    Doctor(doctor::Args),
    /// Explain the code of an error or warning
    Explain(explain::Args),
    /// Show what a stage makes of a program
    Expand(expand::Args),
    /// Print the JSON schema of an output, or of Hydro.toml
    Schema(schema::Args),
    /// Print the folder of the package for scripts, for `PYTHONPATH` or `npm install`: to run them with plain python3 or node, or in a notebook
    Sdk(session::SdkArgs),
    /// Serve a script that others run; the packages for scripts call this
    #[command(hide = true)]
    Session(session::Args),
}

/// Is the command: `cargo hydro …`, `cargo-hydro …` and `hydro …`.
#[must_use]
pub fn main() -> ProcessExit {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some(line) = crate::build::wrapper::called_as_wrapper(&arguments) {
        return sys::become_program(line);
    }
    if arguments.get(1).is_some_and(|first| first == sys::guard::ARGUMENT) {
        sys::guard::serve();
        return ProcessExit::SUCCESS;
    }
    if let [_, first, workspace, name] = arguments.as_slice()
        && first == daemon::ARGUMENT
    {
        let code = daemon::serve(Path::new(workspace), &name.to_string_lossy(), crate::script::hooks);
        sys::guard::finish();
        return ProcessExit::from(code);
    }
    let parsed = match Arguments::try_parse_from(without_cargos_word(arguments)) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Nobody is left to tell if even this cannot be printed.
            let _ = error.print();
            return ProcessExit::from(if error.use_stderr() { ExitCode::Usage as u8 } else { 0 });
        }
    };
    let code = run(parsed);
    sys::guard::finish();
    ProcessExit::from(code)
}

/// Cargo calls `cargo-hydro hydro ARGUMENTS`.
fn without_cargos_word(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let called =
        arguments.first().and_then(|program| Path::new(program).file_name().map(OsString::from)).unwrap_or_default();
    if called != "hydro" && arguments.get(1).is_some_and(|word| word == "hydro") {
        arguments.remove(1);
    }
    arguments
}

fn run(arguments: Arguments) -> u8 {
    let script = match &arguments.command {
        Command::Run(run) => run.has_script(),
        command => matches!(command, Command::Session(_)),
    };
    let reporter = Reporter::new(arguments.output.report_options(script));
    let folder = match std::env::current_dir() {
        Ok(folder) => folder,
        Err(error) => {
            reporter.failure(&Failure::new(ExitCode::Usage, "cannot tell the current folder").cause(error));
            return ExitCode::Usage as u8;
        }
    };
    let result = match arguments.command {
        Command::New(args) => new::run(&args, &folder, &reporter).map(|()| 0),
        Command::Check(args) => blocking(move |reporter| check::run(&args, &folder, reporter), &reporter),
        Command::Build(args) => blocking(move |reporter| build::run(&args, &folder, reporter), &reporter),
        Command::Run(args) => run::run(args, &folder, &reporter),
        Command::Deploy(args) => deploy::run(&args, &folder, &reporter),
        Command::Plan(args) => plan::run(&args, &folder, &reporter),
        Command::Exec(args) => exec::run(args, &folder, &reporter),
        Command::Scale(args) => services::scale(args, &folder, &reporter),
        Command::Ps(args) => ps::run(&args, &folder, &reporter),
        Command::Logs(args) => logs::run(&args, &folder, &reporter),
        Command::Events(args) => events::run(&args, &folder, &reporter),
        Command::Metrics(args) => metrics::run(&args, &folder, &reporter),
        Command::Status(args) => status::run(&args, &folder, &reporter),
        Command::Resolve(args) => status::resolve(&args, &folder, &reporter),
        Command::Start(args) => services::run(services::Wish::Start, args, &folder, &reporter),
        Command::Stop(args) => services::run(services::Wish::Stop, args, &folder, &reporter),
        Command::Restart(args) => services::run(services::Wish::Restart, args, &folder, &reporter),
        Command::Down(args) => services::down(&args, &folder, &reporter),
        Command::Test(args) => test::run(args, &folder, &reporter),
        Command::Graph(args) => graph::run(&args, &folder, &reporter).map(|()| 0),
        Command::Doc(args) => blocking(move |reporter| doc::run(&args, &folder, reporter), &reporter),
        Command::Doctor(args) => doctor::run(&args, &folder, &reporter),
        Command::Orphans(args) => blocking(move |reporter| orphans::run(&args, &folder, reporter), &reporter),
        Command::Explain(args) => explain::run(&args, &reporter).map(|()| 0),
        Command::Expand(args) => expand::run(&args, &folder, &reporter).map(|()| 0),
        Command::Schema(args) => schema::run(&args, &reporter).map(|()| 0),
        Command::Sdk(args) => session::sdk(&args, &folder, &reporter),
        Command::Session(args) => session::run(args, &folder, &reporter),
    };
    result.unwrap_or_else(|failure| {
        reporter.failure(&failure);
        failure.code as u8
    })
}

/// Does work that blocks, so that Ctrl-C ends it and what it runs.
fn blocking(
    work: impl FnOnce(&Reporter) -> Result<(), Failure> + Send + 'static,
    reporter: &Reporter,
) -> Result<u8, Failure> {
    let inside = reporter.clone();
    match sys::signal::interruptible(move || work(&inside)) {
        Ok(result) => result.map(|()| 0),
        Err(interrupt) => Ok(interrupt.code()),
    }
}

/// Paths on the command line are relative to where the command was called.
fn absolute(folder: &Path, path: &Path) -> PathBuf {
    folder.join(path)
}
