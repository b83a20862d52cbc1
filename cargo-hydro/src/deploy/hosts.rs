//! The program that keeps members up on other machines, built for what each of them is.
//!
//! Does not bring it there.

use super::engine::EngineOptions;
use super::fit::{Fit, fit, refusal};
use crate::build::{self, HostProgram, Target};
use crate::machine::{Probe, Upload};
use crate::report::{ExitCode, Failure, Origin, Reporter};

/// Builds it for a target, or finds it built; none: this kind of machine.
pub(super) async fn host_for(
    options: &EngineOptions,
    reporter: &Reporter,
    target: Option<Target>,
) -> Result<HostProgram, Failure> {
    let (workspace, reporter) = (options.workspace.clone(), reporter.clone());
    blocking(move || build::host_program_for(&workspace, target.as_ref(), &reporter)).await
}

/// Builds it for a target, and where the machine's C library is older than what was linked with, for that.
pub(super) async fn fitting_host(
    (options, reporter): (&EngineOptions, &Reporter),
    (machine, origin): (&str, Option<&Origin>),
    target: Option<&Target>,
    probe: &Probe,
) -> Result<Upload, Failure> {
    let host = host_for(options, reporter, target.cloned()).await?;
    let need = host.glibc_need();
    let refused = || {
        let what = "the program that keeps services up on other machines";
        refusal((what, origin), (need, target), (machine, probe))
    };
    let host = match fit(need, target, probe) {
        Fit::Runs => host,
        Fit::Not => return Err(refused()),
        Fit::Older(older) => host_for(options, reporter, Some(older)).await.map_err(|failure| {
            // Who cannot build for it says what is missing.
            Failure { causes: [vec![failure.message], failure.causes].concat(), ..refused() }
        })?,
    };
    Ok(Upload { local: host.executable, hash: host.hash })
}

/// Does what blocks on a thread of its own.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(stopped) if stopped.is_panic() => std::panic::resume_unwind(stopped.into_panic()),
        Err(_) => Err(Failure::new(ExitCode::Interrupted, "interrupted")),
    }
}
