//! `cargo hydro orphans`: what of ours is at Google Cloud, also where no state knows of it any more.

use std::path::Path;

use super::options::WorkspaceArgs;
use crate::report::{Failure, Reporter};

/// Arguments of `orphans`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Look in this project; none: those of Hydro.toml's machines
    #[arg(long, value_name = "PROJECT")]
    project: Vec<String>,
    /// Only what belongs to this deployment
    #[arg(long, value_name = "ID")]
    deployment: Option<String>,
    /// Delete what has expired, or with `--deployment` all that belongs to it
    #[arg(long)]
    delete: bool,
    /// Print one JSON object for each
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    workspace: WorkspaceArgs,
}

#[cfg(not(feature = "gcp"))]
pub(super) fn run(_args: &Args, _folder: &Path, _reporter: &Reporter) -> Result<(), Failure> {
    use crate::report::ExitCode;

    Err(Failure::new(ExitCode::DeployFailed, "this cargo hydro was built without Google Cloud")
        .hint("`cargo install cargo-hydro --features gcp` builds one with it"))
}

#[cfg(feature = "gcp")]
pub(super) fn run(args: &Args, folder: &Path, reporter: &Reporter) -> Result<(), Failure> {
    found::run(args, folder, reporter)
}

/// What the command does where it can.
#[cfg(feature = "gcp")]
mod found {
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::time::{SystemTime, UNIX_EPOCH};

    use tokio::task::JoinSet;

    use super::Args;
    use crate::cli::table::columns;
    use crate::deploy;
    use crate::machine::gcp::{Account, Left, What};
    use crate::report::{ExitCode, Failure, Reporter};

    pub(super) fn run(args: &Args, folder: &Path, reporter: &Reporter) -> Result<(), Failure> {
        let projects = projects(args, folder)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::new(ExitCode::DeployFailed, "cannot start").cause(error))?;
        runtime.block_on(each(args, &projects, reporter))
    }

    fn projects(args: &Args, folder: &Path) -> Result<BTreeSet<String>, Failure> {
        let mut projects: BTreeSet<String> = args.project.iter().cloned().collect();
        if projects.is_empty() {
            projects.extend(deploy::projects(&args.workspace.workspace(folder)?));
        }
        if projects.is_empty() {
            return Err(Failure::new(ExitCode::NothingMatched, "no machine of `Hydro.toml` is at Google Cloud")
                .hint("`--project` names a project to look in"));
        }
        Ok(projects)
    }

    async fn each(args: &Args, projects: &BTreeSet<String>, reporter: &Reporter) -> Result<(), Failure> {
        let account = Account::find().await?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let (mut all, mut deleting, mut wrong) = (Vec::new(), JoinSet::new(), None);
        for project in projects {
            let client = account.client(project)?;
            for left in Left::find(&client, args.deployment.as_deref()).await? {
                if args.delete && (args.deployment.is_some() || left.has_expired(now)) {
                    reporter.status("Deleting", format!("{} of {}", left.name, left.deployment));
                    let client = client.clone();
                    deleting.spawn(async move { (left.delete(&client).await, left) });
                } else {
                    all.push(left);
                }
            }
        }
        while let Some(deleted) = deleting.join_next().await {
            // What cannot be deleted does not keep the others.
            if let Ok((Err(failure), left)) = deleted {
                all.push(left);
                if let Some(other) = wrong.replace(failure) {
                    reporter.failure(&other);
                }
            }
        }
        show(args, &all, now, reporter)?;
        wrong.map_or(Ok(()), Err)
    }

    fn show(args: &Args, all: &[Left], now: u64, reporter: &Reporter) -> Result<(), Failure> {
        if args.json {
            for left in all {
                let text = serde_json::to_string(left)
                    .map_err(|error| Failure::new(ExitCode::DeployFailed, "cannot write the list").cause(error))?;
                reporter.data(&text);
            }
            return Ok(());
        }
        if all.is_empty() {
            reporter.status("Found", if args.delete { "nothing else" } else { "nothing" });
            return Ok(());
        }
        let mut rows = vec![["NAME", "WHAT", "DEPLOYMENT", "STATE", "EXPIRES", "PLACE"].map(str::to_owned)];
        for left in all {
            let what = if left.what == What::Machine { "machine" } else { "firewall rule" };
            let place = left.zone.as_ref().map_or(left.project.clone(), |zone| format!("{}/{zone}", left.project));
            let state = left.status.clone().unwrap_or("-".to_owned()).to_lowercase();
            let expires = left.expires.map_or("never".to_owned(), |at| when(at, now));
            rows.push([left.name.clone(), what.to_owned(), left.deployment.clone(), state, expires, place]);
        }
        reporter.data(&columns(&rows));
        Ok(())
    }

    /// How far off a time is, in its largest unit.
    fn when(at: u64, now: u64) -> String {
        let seconds = at.abs_diff(now);
        let (count, unit) = match seconds {
            0..60 => (seconds, "s"),
            60..3_600 => (seconds / 60, "m"),
            3_600..172_800 => (seconds / 3_600, "h"),
            _ => (seconds / 86_400, "d"),
        };
        if at > now { format!("in {count}{unit}") } else { format!("{count}{unit} ago") }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn times_are_told_from_now() {
            for (at, expected) in [
                (1_000_030, "in 30s"),
                (1_007_200, "in 2h"),
                (999_940, "1m ago"),
                (1_259_200, "in 3d"),
                (1_000_000, "0s ago"),
            ] {
                assert_eq!(when(at, 1_000_000), expected);
            }
        }
    }
}
