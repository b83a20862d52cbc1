//! `cargo hydro test`: each test function of `tests/*.hydro.py` and `tests/*.hydro.mjs` against a deployment of its own.

use std::path::Path;
use std::time::Duration;

use super::options::{CompileArgs, WorkspaceArgs};
use crate::report::{Failure, Reporter};
use crate::test::{self, Filter, TestRequest};

/// Arguments of `test`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Run only the tests whose name holds one of these
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,
    /// The names are meant whole
    #[arg(long)]
    exact: bool,
    /// List the tests, run none
    #[arg(long)]
    list: bool,
    /// How many tests run at a time
    #[arg(long, value_name = "N")]
    test_threads: Option<usize>,
    /// How long a test may take, in seconds
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
    #[command(flatten)]
    compile: CompileArgs,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

pub(super) fn run(args: Args, folder: &Path, reporter: &Reporter) -> Result<u8, Failure> {
    let request = TestRequest {
        workspace: args.workspace.workspace(folder)?,
        build: args.compile.options(),
        filter: Filter { words: args.filters, exact: args.exact },
        list: args.list,
        jobs: args.test_threads,
        limit: args.timeout.map(Duration::from_secs),
    };
    test::run(&request, reporter)
}
