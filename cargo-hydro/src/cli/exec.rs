//! `cargo hydro exec`: a command of one's own with the variables of a service that runs, where it works.

use std::ffi::OsString;
use std::path::Path;

use super::held::HeldArgs;
use super::services::ended;
use crate::daemon::{Reply, Request};
use crate::report::{ExitCode, Failure, Reporter};
use crate::sys::become_program_in;

/// Arguments of `exec`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The service, or one member (`service.0`)
    service: String,
    #[command(flatten)]
    held: HeldArgs,
    /// What to run, behind `--`
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Becomes the command; returns only where that cannot be.
pub(super) fn run(args: Args, folder: &Path, reporter: &Reporter) -> Result<u8, Failure> {
    let client = args.held.client(folder)?;
    match client.ask(&Request::Surroundings { name: args.service }, |_| ())? {
        Reply::Surroundings { mut env, directory } => {
            // Sockets are not handed on.
            env.remove("LISTEN_FDS");
            let program = args.command.first().cloned().unwrap_or_default();
            let code = become_program_in(args.command, &env, &directory);
            let message = format!("cannot run `{}`", program.display());
            reporter.failure(&Failure::new(ExitCode::Usage, message).hint("it is looked for on `PATH`"));
            Ok(code)
        }
        other => {
            ended(other, reporter)?;
            Err(Failure::new(ExitCode::DeployFailed, "the deployment's process told no variables"))
        }
    }
}
