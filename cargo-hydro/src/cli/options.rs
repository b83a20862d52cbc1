//! Arguments that several subcommands share, with cargo's names, letters and headings.

use std::path::{Path, PathBuf};

use clap::builder::Styles;
use clap::builder::styling::{AnsiColor, Effects};
use clap::{Args, ValueEnum};

use crate::build::BuildOptions;
use crate::report::{Color, Failure, Format, ReportOptions, Services, Verbosity};
use crate::sys;
use crate::workspace::{CargoFlags, Workspace};

/// Cargo's colours.
pub(super) const STYLES: Styles = Styles::styled()
    .header(AnsiColor::BrightGreen.on_default().effects(Effects::BOLD))
    .usage(AnsiColor::BrightGreen.on_default().effects(Effects::BOLD))
    .literal(AnsiColor::BrightCyan.on_default().effects(Effects::BOLD))
    .placeholder(AnsiColor::Cyan.on_default());

/// How the command tells.
#[derive(Clone, Debug, Args)]
pub(super) struct OutputArgs {
    /// Tell more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Tell only what went wrong
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Use colours
    #[arg(long, global = true, value_name = "WHEN")]
    color: Option<When>,
    /// How events are written: for people, or one JSON object per line on stdout
    #[arg(long, global = true, value_name = "FMT", default_value = "human")]
    message_format: MessageFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum MessageFormat {
    Human,
    Json,
}

impl OutputArgs {
    /// Flags win over cargo's variables.
    pub(super) fn report_options(&self, script: bool) -> ReportOptions {
        let variable = |name: &str| sys::env::text(name);
        let color = match (self.color, variable("CARGO_TERM_COLOR").as_deref()) {
            (Some(When::Always), _) | (None, Some("always")) => Color::Always,
            (Some(When::Never), _) | (None, Some("never")) => Color::Never,
            _ => Color::Auto,
        };
        let is_true = |name: &str| variable(name).is_some_and(|value| value == "true");
        let verbosity = if self.quiet || (self.verbose == 0 && is_true("CARGO_TERM_QUIET")) {
            Verbosity::Quiet
        } else if self.verbose > 0 || is_true("CARGO_TERM_VERBOSE") {
            Verbosity::Verbose
        } else {
            Verbosity::Normal
        };
        let format = if self.message_format == MessageFormat::Json { Format::Json } else { Format::Human };
        let services = if script { Services::LeftToScript } else { Services::Shown };
        ReportOptions { format, verbosity, color, services }
    }
}

/// Where the workspace is and where its dependencies may come from.
#[derive(Clone, Debug, Args)]
pub(super) struct WorkspaceArgs {
    /// Path to Cargo.toml
    #[arg(long, value_name = "PATH", help_heading = "Manifest Options")]
    manifest_path: Option<PathBuf>,
    /// Assert that `Cargo.lock` will remain unchanged
    #[arg(long, help_heading = "Manifest Options")]
    locked: bool,
    /// Run without accessing the network
    #[arg(long, help_heading = "Manifest Options")]
    offline: bool,
    /// Equivalent to specifying both --locked and --offline
    #[arg(long, help_heading = "Manifest Options")]
    frozen: bool,
    /// Override a configuration value of cargo
    #[arg(long, value_name = "KEY=VALUE|PATH", help_heading = "Manifest Options")]
    config: Vec<String>,
    /// Directory for all generated artifacts
    #[arg(long, value_name = "DIRECTORY", help_heading = "Compilation Options")]
    target_dir: Option<PathBuf>,
    /// Space or comma separated list of features to activate
    #[arg(short = 'F', long, value_name = "FEATURES", help_heading = "Feature Selection")]
    features: Vec<String>,
    /// Activate all available features
    #[arg(long, help_heading = "Feature Selection")]
    all_features: bool,
    /// Do not activate the `default` feature
    #[arg(long, help_heading = "Feature Selection")]
    no_default_features: bool,
}

impl WorkspaceArgs {
    /// Finds the workspace of `folder`, or of `--manifest-path`.
    pub(super) fn workspace(&self, folder: &Path) -> Result<Workspace, Failure> {
        Workspace::discover(folder, &self.flags(folder))
    }

    /// Returns cargo's flags.
    pub(super) fn flags(&self, folder: &Path) -> CargoFlags {
        CargoFlags {
            manifest_path: self.manifest_path.as_ref().map(|path| folder.join(path)),
            target_dir: self.target_dir.as_ref().map(|path| folder.join(path)),
            offline: self.offline,
            locked: self.locked,
            frozen: self.frozen,
            config: self.config.clone(),
            features: self.features.clone(),
            all_features: self.all_features,
            no_default_features: self.no_default_features,
        }
    }
}

/// How programs are compiled.
#[derive(Clone, Debug, Args)]
pub(super) struct CompileArgs {
    /// Build in release mode, with optimizations
    #[arg(short, long, help_heading = "Compilation Options", conflicts_with = "profile")]
    release: bool,
    /// Build with the given profile
    #[arg(long, value_name = "PROFILE-NAME", help_heading = "Compilation Options")]
    profile: Option<String>,
    /// Number of parallel jobs, defaults to # of CPUs
    #[arg(short, long, value_name = "N", help_heading = "Compilation Options")]
    jobs: Option<String>,
}

impl CompileArgs {
    /// Returns how to build.
    pub(super) fn options(&self) -> BuildOptions {
        let profile = if self.release { Some("release".to_owned()) } else { self.profile.clone() };
        BuildOptions { profile, jobs: self.jobs.clone(), tls: false }
    }
}

/// Which programs are meant.
#[derive(Clone, Debug, Args)]
pub(super) struct ProgramArgs {
    /// `.hf` files; none: those of the workspace
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Package whose `.hf` files are meant
    #[arg(short, long, value_name = "SPEC", help_heading = "Package Selection")]
    package: Vec<String>,
}

impl ProgramArgs {
    /// Returns the files that are meant, absolute.
    pub(super) fn files(&self, workspace: &Workspace, folder: &Path) -> Result<Vec<PathBuf>, Failure> {
        if !self.files.is_empty() {
            return Ok(self.files.iter().map(|file| super::absolute(folder, file)).collect());
        }
        let known = |name: &String| workspace.packages().iter().any(|package| package.name == *name);
        if let Some(unknown) = self.package.iter().find(|name| !known(name)) {
            let names = workspace.packages().iter().map(|package| package.name.as_str());
            let failure =
                Failure::new(crate::report::ExitCode::BuildFailed, format!("the workspace has no package `{unknown}`"));
            return Err(match hydroflow_standalone::diagnostic::nearest(unknown, names) {
                Some(near) => failure.hint(format!("a similar name exists: `{near}`")),
                None => failure,
            });
        }
        Ok(crate::build::find_programs(workspace, &self.package))
    }
}
