//! Follows edits: whenever a file changes that a deployment depends on, what runs is made what the files say.
//!
//! What is different restarts, at the same sockets; what cannot be built is told, and what runs goes on. Read [`stay`] first.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::foreground::{Ending, stop, unless_ended};
use super::{DeployRequest, Host};
use crate::build;
use crate::deploy::{self, Program, Watched};
use crate::report::{ExitCode, Failure, ReportOptions, Reporter};
use crate::sys::FileChanges;
use crate::workspace::Workspace;
use crate::workspace::hydro_toml::FILE_NAME;
use crate::workspace::stamp::Stamps;

/// Changed files that are named; of more, their number says enough.
const NAMED: usize = 3;

/// Deploys, and again at every change, until the user ends it.
pub(super) async fn stay(
    host: &Host,
    workspace: Workspace,
    request: DeployRequest,
    ending: &Ending,
) -> Result<ExitCode, Vec<Failure>> {
    let mut changes = FileChanges::new(&build::SOURCES).map_err(|error| {
        let failure = Failure::new(ExitCode::DeployFailed, "cannot watch files").cause(error);
        vec![failure.hint("on Linux, `fs.inotify.max_user_instances` may be too small")]
    })?;
    let name = deploy::name(&workspace);
    let (watched, hooks, stamps) = Default::default();
    let mut files = Files { workspace, request, name: None, watched, hooks, stamps };
    loop {
        // As they are before anything is read: what changes meanwhile counts as changed.
        files.stamps = Stamps::default();
        files = files.looked_at().await?;
        let began = Instant::now();
        let deployed = match files.name.as_ref().filter(|new| **new != name) {
            Some(new) => Err(vec![renamed(&name, new)]),
            None => match unless_ended(host.deploy(files.request.clone()), ending).await {
                Ok(deployed) => deployed,
                Err(code) => return Ok(end(host, code).await),
            },
        };
        tell(host, deployed, began);
        // A build knows better than anybody before it what it was made of.
        files = files.looked_at().await?;
        changes.count_all_in(files.watched_folders().await?);
        changes.watch(files.near(), files.folders());
        loop {
            let changed;
            (files, changed) = files.changed().await?;
            if !changed.is_empty() {
                // It may be half written: a file that is empty for a moment says something else than its author.
                changes.settled().await;
                host.reporter().status("Changed", shown(&changed));
                break;
            }
            tokio::select! {
                () = changes.next() => {}
                code = ending.wished() => return Ok(end(host, code).await),
            }
        }
    }
}

/// Other shells find it by its name, and a second one could have the new name already.
fn renamed(old: &str, new: &str) -> Failure {
    let message = format!("`{FILE_NAME}` describes `{new}` now, and here `{old}` runs");
    Failure::new(ExitCode::DeployFailed, message).hint("end it and begin again, or give it its name back")
}

async fn end(host: &Host, code: ExitCode) -> ExitCode {
    match host.engine() {
        Some(engine) => stop(host, &engine, code).await,
        None => code,
    }
}

fn tell(host: &Host, deployed: Result<(), Vec<Failure>>, began: Instant) {
    let reporter = host.reporter();
    match deployed {
        Ok(()) => {
            let name = host.engine().map(|engine| engine.deployment().name).unwrap_or_default();
            let seconds = began.elapsed().as_secs_f64();
            reporter.status("Deployed", format!("{name} in {seconds:.1} s; saved changes are applied"));
        }
        Err(failures) => {
            failures.iter().for_each(|failure| reporter.failure(failure));
            reporter.status("Waiting", "for the next change; what runs goes on");
        }
    }
}

fn shown(changed: &[String]) -> String {
    if changed.len() > NAMED { format!("{} files", changed.len()) } else { changed.join(", ") }
}

/// The files that matter, and what they were when they were last looked at.
struct Files {
    /// As it was found last; a `Cargo.toml` may be wrong for a while.
    workspace: Workspace,
    request: DeployRequest,
    /// The name that the deployment has now; none: its file is wrong.
    name: Option<String>,
    /// Files that services say they read.
    watched: Vec<Watched>,
    /// The script of hooks; each deploy begins with it as it is then.
    hooks: Option<PathBuf>,
    stamps: Stamps,
}

impl Files {
    /// Finds out which files matter now. Known ones keep their stamps.
    async fn looked_at(self) -> Result<Self, Vec<Failure>> {
        blocking(move || {
            let workspace = Workspace::discover(&self.request.folder, &self.request.flags).unwrap_or(self.workspace);
            let file = workspace.root().join(FILE_NAME);
            // Before it is read, as all the others: what it says is remembered here.
            let is_first = self.stamps.is_empty();
            let known = if is_first { Stamps::take([file.clone()]) } else { self.stamps };
            let deployment = deploy::from_toml(&workspace, &Reporter::silent(ReportOptions::default()));
            let name = deployment.as_ref().ok().map(|deployment| deployment.name.clone());
            // While its file is wrong, what it said last counts.
            let is_right = deployment.is_ok();
            let hooks = match &deployment {
                Ok(deployment) => deployment.hooks.as_ref().map(|hooks| hooks.script.clone()),
                Err(_) => self.hooks,
            };
            let services = deployment.map(|deployment| deployment.services).unwrap_or_default();
            let watched = match is_right {
                true => services.values().map(|service| service.watched.clone()).collect(),
                false => self.watched,
            };
            let programs: BTreeSet<PathBuf> = services
                .into_values()
                .filter_map(|service| match service.program {
                    Program::Hydroflow { source, .. } => Some(source),
                    Program::Command { .. } => None,
                })
                .collect();
            let programs: Vec<PathBuf> = programs.into_iter().collect();
            let mut inputs = build::inputs(&workspace, &programs);
            inputs.insert(file);
            inputs.extend(hooks.clone());
            inputs.extend(all_files(&watched));
            let mut stamps = known.clone().about(inputs);
            if !is_first {
                // What nobody knew before has come while the others were read and built. Sources are listed once their stamps are
                // taken, so that none can come in between.
                let sources = build::inputs(&workspace, &[]).into_iter().chain(programs).chain(all_files(&watched));
                stamps = stamps.with_news(&known, sources);
            }
            Self { stamps, workspace, name, watched, hooks, request: self.request }
        })
        .await
    }

    /// Returns the files that are not what they were, as users name them.
    async fn changed(self) -> Result<(Self, Vec<String>), Vec<Failure>> {
        blocking(move || {
            let shown = |path: &Path| self.workspace.relative(path).display().to_string();
            // A file that was missing is known to nobody before it is there.
            let sources = build::inputs(&self.workspace, &[]).into_iter().chain(all_files(&self.watched));
            let new: Vec<PathBuf> = sources.filter(|path| path.is_file() && !self.stamps.knows(path)).collect();
            let changed = self.stamps.changed().chain(new.iter().map(PathBuf::as_path)).map(shown).collect();
            (self, changed)
        })
        .await
    }

    /// Returns the folders in which a new file may be one that services read.
    async fn watched_folders(&self) -> Result<BTreeSet<PathBuf>, Vec<Failure>> {
        let watched = self.watched.clone();
        blocking(move || watched.iter().filter_map(|watched| watched.folders().ok()).flatten().collect()).await
    }

    /// Returns the files whose folders are watched: what could come to be above the workspace would wake us for every stranger's file.
    fn near(&self) -> Vec<PathBuf> {
        let root = self.workspace.root();
        let all = self.stamps.clone().into_paths();
        all.filter(|path| path.starts_with(root) || path.is_file()).collect()
    }

    /// Returns folders in which a new file may be a source.
    fn folders(&self) -> Vec<PathBuf> {
        self.workspace.packages().iter().map(|package| package.folder.join("src")).collect()
    }
}

/// Returns all files that services read. What cannot be listed is told when it is deployed.
fn all_files(watched: &[Watched]) -> impl Iterator<Item = PathBuf> {
    watched.iter().filter_map(|watched| watched.files().ok()).flatten()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Vec<Failure>> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| vec![Failure::new(ExitCode::DeployFailed, "looking at files broke off").cause(error)])
}
