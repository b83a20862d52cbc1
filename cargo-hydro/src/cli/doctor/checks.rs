//! The checks, in the order in which they are shown.

use std::path::Path;

use super::report::{Check, Report, State};
use super::system::{install, number, numbers, version};
use crate::build::toolchain::{self, Compiler, Missing, Remedy};
use crate::build::{Builder, Target};
use crate::report::Failure;
use crate::sys;
use crate::workspace::{CargoConfig, cargo_program};

/// Python that scripts run with, at least.
const PYTHON: [u32; 2] = [3, 9];
/// Node.js that they run with.
const NODE: [u32; 2] = [18, 19];
/// A cold build of a few programs takes about that much.
const DISK: u64 = 4 << 30;
/// What `--watch` takes of the system for a workspace of some size.
const WATCHES: u64 = 8192;

/// What a machine's programs are built for: none where only a deploy finds out; a target of none is this machine.
type Told = Option<Result<Option<Target>, Failure>>;

/// What the workspace needs.
#[derive(Debug, Default)]
pub(super) struct Needs {
    /// Whether it has scripts in Python.
    pub(super) python: bool,
    /// Whether it has scripts in JavaScript.
    pub(super) node: bool,
    /// Whether machines of its Hydro.toml are reached over ssh.
    pub(super) ssh: bool,
    /// Whether machines of its Hydro.toml are at Google Cloud.
    pub(super) cloud: bool,
    /// Machines of its Hydro.toml.
    pub(super) machines: Vec<(String, Told)>,
    /// Other targets that were asked for.
    pub(super) targets: Vec<Target>,
}

/// Looks at everything. `root` is the workspace's folder, or where the command was called.
pub(super) fn all(root: &Path, config: &CargoConfig, needs: &Needs) -> Report {
    let mut report = Report::default();
    let compilers = toolchain::compilers(root, config);
    rust(&mut report, &compilers);
    let mut shown: Vec<&Target> = Vec::new();
    for (name, target) in &needs.machines {
        match target {
            None => report.ok("Machines", name.clone(), "over ssh; a deploy finds out what it is"),
            Some(Ok(None)) => report.ok("Machines", name.clone(), "this machine"),
            Some(Ok(Some(target))) => of_target(&mut report, ("Machines", name), (root, config, &compilers), target),
            Some(Err(failure)) => report.not(failed("Machines", name, failure)),
        }
    }
    for target in &needs.targets {
        if !shown.contains(&target) {
            of_target(&mut report, ("Targets", &target.to_string()), (root, config, &compilers), target);
            shown.push(target);
        }
    }
    builders(&mut report, root);
    scripts(&mut report, needs);
    ssh(&mut report, needs);
    cloud(&mut report, needs);
    system(&mut report, root);
    report
}

fn rust(report: &mut Report, compilers: &[Compiler]) {
    for (name, found) in [
        ("rustc", compilers.iter().find(|compiler| compiler.is_cargos).map(|compiler| compiler.version.clone())),
        ("cargo", version(&cargo_program().to_string_lossy(), "--version")),
    ] {
        let needed = numbers(env!("CARGO_PKG_RUST_VERSION"));
        match found {
            Some(found) if numbers(&found) >= needed => {
                report.ok("Rust", name, found.trim_start_matches("cargo ").to_owned());
            }
            Some(found) => {
                let found = format!("{found}, and {} is needed", env!("CARGO_PKG_RUST_VERSION"));
                report.not(check("Rust", name, State::Missing, found, vec!["rustup update stable".to_owned()]));
            }
            None => {
                let fixes = vec!["curl --proto '=https' -sSf https://sh.rustup.rs | sh".to_owned()];
                report.not(check("Rust", name, State::Missing, "not found", fixes));
            }
        }
    }
    for other in compilers.iter().filter(|compiler| !compiler.is_cargos) {
        let found = format!("{}, for targets that rustc has no standard library for", other.version);
        report.ok("Rust", other.program.display().to_string(), found);
    }
}

type Here<'a> = (&'a Path, &'a CargoConfig, &'a [Compiler]);

/// Tells how one target is built for.
fn of_target(
    report: &mut Report,
    (group, name): (&'static str, &str),
    (root, config, compilers): Here<'_>,
    target: &Target,
) {
    let facts = match toolchain::facts(root, config, compilers, target) {
        Ok(facts) => facts,
        Err(failure) => return report.not(failed(group, name, &failure)),
    };
    let shown = if target.to_string() == name { String::new() } else { format!("{target}, ") };
    match facts.choose(target) {
        Ok(made) if made.target.is_none() => report.ok(group, name, format!("{shown}as this machine")),
        Ok(made) => report.ok(group, name, format!("{shown}built with {}", made.shown)),
        Err(lacking) => {
            let told: Vec<String> =
                lacking.iter().map(|(builder, missing)| format!("{}: {}", builder.name(), missing.what)).collect();
            let mut found = check(group, name, State::Missing, format!("{shown}{}", told.join("; ")), Vec::new());
            for remedy in toolchain::remedies(&lacking) {
                match remedy {
                    Remedy::Command(line) => found.fixes.push(line.clone()),
                    Remedy::Advice(text) => found.advice = Some(text.clone()),
                }
            }
            report.not(found);
        }
    }
}

fn builders(report: &mut Report, root: &Path) {
    let absent = |report: &mut Report, builder: Builder, missing: Missing| {
        let name = if builder == Builder::Zigbuild { "cargo-zigbuild" } else { builder.name() };
        let (fixes, advice) = match missing.remedy {
            Remedy::Command(line) => (vec![line], None),
            Remedy::Advice(text) => (Vec::new(), Some(text)),
        };
        report.not(Check { advice, ..check("Builders", name, State::Absent, missing.what, fixes) });
    };
    match toolchain::zig(root) {
        Ok(zig) => report.ok("Builders", "cargo-zigbuild", zig.shown),
        Err(missing) => absent(report, Builder::Zigbuild, missing),
    }
    match toolchain::cross() {
        Ok(cross) => report.ok("Builders", "cross", format!("with {}", cross.engine)),
        Err(missing) => absent(report, Builder::Cross, missing),
    }
}

fn scripts(report: &mut Report, needs: &Needs) {
    match version("python3", "--version") {
        Some(found) if numbers(&found).as_slice() >= PYTHON.as_slice() => report.ok("Scripts", "python3", found),
        found => {
            let found = found.map_or("not found".to_owned(), |found| format!("{found}, and 3.9 is needed"));
            let state = State::not_there(needs.python);
            report.not(check("Scripts", "python3", state, found, install("python3", "python3", "python")));
        }
    }
    match version("node", "--version") {
        Some(found) if numbers(&found).as_slice() >= NODE.as_slice() => report.ok("Scripts", "node", found),
        found => {
            let found = found.map_or("not found".to_owned(), |found| format!("{found}, and 18.19 is needed"));
            let fixes = install("nodejs", "nodejs", "node");
            report.not(check("Scripts", "node", State::not_there(needs.node), found, fixes));
        }
    }
}

fn ssh(report: &mut Report, needs: &Needs) {
    match version("ssh", "-V") {
        Some(found) => report.ok("Remote", "ssh", found),
        None => {
            let fixes = install("openssh-client", "openssh-clients", "openssh");
            report.not(check("Remote", "ssh", State::not_there(needs.ssh), "not found", fixes));
        }
    }
    let server = ["sshd", "/usr/sbin/sshd"].into_iter().find_map(|name| sys::env::find_program(name, Path::new("/")));
    match server {
        Some(found) => report.ok("Remote", "sshd", format!("{}, for tests of cargo hydro itself", found.display())),
        None => {
            let found = "not found; only tests of cargo hydro itself use it";
            report.not(check("Remote", "sshd", State::Absent, found, install("openssh-server", "openssh-server", "")));
        }
    }
}

/// Looks for credentials where they are found later; whether they are good only Google knows.
fn cloud(report: &mut Report, needs: &Needs) {
    let (group, name) = ("Google Cloud", "credentials");
    if cfg!(not(feature = "gcp")) {
        let found = "this cargo hydro was built without Google Cloud";
        let fixes = vec!["cargo install cargo-hydro --features gcp".to_owned()];
        return report.not(check(group, "feature gcp", State::not_there(needs.cloud), found, fixes));
    }
    let named = sys::env::path("GOOGLE_APPLICATION_CREDENTIALS");
    let home = sys::env::path("HOME").map(|home| home.join(".config/gcloud/application_default_credentials.json"));
    if sys::env::text("GOOGLE_OAUTH_ACCESS_TOKEN").is_some() {
        return report.ok(group, name, "a token in `GOOGLE_OAUTH_ACCESS_TOKEN`");
    }
    match named.clone().or(home).filter(|file| file.is_file()) {
        Some(file) => report.ok(group, name, file.display().to_string()),
        None => {
            let found = match named {
                Some(file) => format!("`GOOGLE_APPLICATION_CREDENTIALS` names `{}`, which is no file", file.display()),
                None => "not found; a machine of Google Cloud has its own".to_owned(),
            };
            let fixes = vec!["gcloud auth application-default login".to_owned()];
            report.not(check(group, name, State::not_there(needs.cloud), found, fixes));
        }
    }
}

fn system(report: &mut Report, root: &Path) {
    if let Some(free) = sys::fs::free_space(root) {
        let found = format!("{:.1} GiB free", free as f64 / f64::from(1 << 30));
        if free >= DISK {
            report.ok("System", "disk", found);
        } else {
            let found = format!("{found}, and a build takes up to {} GiB", DISK >> 30);
            report.not(Check {
                advice: Some("`cargo clean` empties the target folder".to_owned()),
                ..check("System", "disk", State::Missing, found, Vec::new())
            });
        }
    }
    for (file, least) in [("max_user_watches", WATCHES), ("max_user_instances", 16)] {
        let Some(limit) = number(&format!("/proc/sys/fs/inotify/{file}")) else { continue };
        let name = format!("inotify {file}");
        if limit >= least {
            report.ok("System", name, limit.to_string());
        } else {
            let found = format!("{limit}; `--watch` may not see all files");
            let fixes = vec![format!("sysctl -w fs.inotify.{file}={}", least * 8)];
            report.not(check("System", &name, State::Absent, found, fixes));
        }
    }
}

fn check(group: &'static str, name: &str, state: State, found: impl Into<String>, fixes: Vec<String>) -> Check {
    Check { group, name: name.to_owned(), state, found: found.into(), fixes, advice: None }
}

fn failed(group: &'static str, name: &str, failure: &Failure) -> Check {
    let causes: Vec<&str> = std::iter::once(&failure.message).chain(&failure.causes).map(String::as_str).collect();
    Check { advice: failure.hint.clone(), ..check(group, name, State::Missing, causes.join(": "), Vec::new()) }
}
