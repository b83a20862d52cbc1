//! `cargo hydro events`: what happens to a deployment from now on: starts, ends, restarts, releases.

use std::path::Path;

use super::held::HeldArgs;
use crate::daemon::Reply;
use crate::report::{Event, Failure, Reporter};

/// Arguments of `events`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Also what services write
    #[arg(long)]
    logs: bool,
    #[command(flatten)]
    held: HeldArgs,
}

/// Tells events until the deployment is taken down; with `--message-format json` one object per line.
pub(super) fn run(args: &Args, folder: &Path, reporter: &Reporter) -> Result<u8, Failure> {
    let client = args.held.client(folder)?;
    client.watch(|reply| {
        match reply {
            // From here on nothing is missed.
            Reply::Watching {} => reporter.status("Watching", "what happens from now on"),
            Reply::Event { event, .. } if args.logs || !matches!(event, Event::Log { .. }) => reporter.emit(&event),
            _ => {}
        }
        true
    })?;
    Ok(0)
}
