//! `Hydro.toml` → [`Deployment`]: reads the file and the headers of the programs it names, and gives every part its line.
//!
//! Whether the parts fit together is [`topology`](super::topology)'s affair.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use hydroflow_standalone::diagnostic::{Diagnostic, Level, has_errors, nearest};
use hydroflow_standalone::source::{SourceFile, SourceMap};
use serde_spanned::Spanned;

use super::model::{
    Deployment, Exposure, Hooks, LOCALHOST, Link, LocalLinks, Machine, MachineKind, PortRef, Program, Security,
    Service, SupervisedGroup, Upkeep, Watched,
};
use crate::build::{self, Wishes};
use crate::machine::{CloudMachine, Health, HealthCheck, Reached, Rounds, SshTarget};
use crate::report::{ExitCode, Failure, Origin, Reporter, diagnostic_event, diagnostic_rendered};
use crate::workspace::hydro_toml::{
    self, FILE_NAME, HydroToml, RawCheck, RawCloud, RawExposure, RawGroup, RawHealth, RawKind, RawLink, RawPort,
    RawProgram, RawService, RawSsh, RawUpkeep,
};
use crate::workspace::{Pattern, Workspace};

/// Reads the workspace's `Hydro.toml`.
///
/// # Errors
/// There is none, or it is wrong (then with everything that is wrong), or a program it names is.
pub fn from_toml(workspace: &Workspace, reporter: &Reporter) -> Result<Deployment, Failure> {
    from_toml_at(workspace, &workspace.root().join(FILE_NAME), reporter)
}

/// Reads a `Hydro.toml` elsewhere; the programs it names lie relative to it.
///
/// # Errors
/// As [`from_toml`].
pub fn from_toml_at(workspace: &Workspace, file: &Path, reporter: &Reporter) -> Result<Deployment, Failure> {
    let shown = file.strip_prefix(workspace.root()).unwrap_or(file);
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(shown, &error))?;
    let source = SourceFile::new(shown.display().to_string(), text);
    let (raw, diagnostics) = hydro_toml::read(source.text());
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut resolver = Resolver { workspace, folder, source: &source, wrong: Vec::new(), failures: Vec::new() };
    let deployment = resolver.deployment(&raw);
    let Resolver { wrong, failures, .. } = resolver;
    let all: Vec<Diagnostic> = diagnostics.into_iter().chain(wrong).collect();
    let is_wrong = has_errors(&all);
    let sources = SourceMap::new(source.clone());
    let mut failure = Failure::new(ExitCode::Config, format!("`{}` is wrong", shown.display()));
    for diagnostic in &all {
        match diagnostic.level {
            Level::Error => failure.rendered.push(diagnostic_rendered(diagnostic, &sources, reporter.color())),
            Level::Warning => reporter.emit(&diagnostic_event(diagnostic, &sources, reporter.color())),
        }
    }
    if is_wrong {
        failure.rendered.extend(failures.into_iter().flat_map(|other| other.rendered));
        return Err(failure);
    }
    match failures.into_iter().reduce(joined) {
        Some(failure) => Err(failure),
        None => Ok(deployment),
    }
}

/// Returns the name of the workspace's deployment: what `Hydro.toml` says, or its folder's.
#[must_use]
pub fn name(workspace: &Workspace) -> String {
    let text = std::fs::read_to_string(workspace.root().join(FILE_NAME)).unwrap_or_default();
    let name = hydro_toml::read(&text).0.name.map(Spanned::into_inner);
    name.unwrap_or_else(|| default_name(workspace.root()))
}

fn default_name(folder: &Path) -> String {
    folder.file_name().map_or("local".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Whether the workspace has a `Hydro.toml`.
#[must_use]
pub fn has_toml(workspace: &Workspace) -> bool {
    workspace.root().join(FILE_NAME).is_file()
}

fn unreadable(shown: &Path, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::NotFound {
        let failure = Failure::new(ExitCode::Config, format!("there is no `{}`", shown.display()));
        return failure.hint("write one that names your services, or begin with `cargo hydro new`");
    }
    Failure::new(ExitCode::Config, format!("cannot read `{}`", shown.display())).cause(error)
}

/// Two programs that cannot be read: one failure with the diagnostics of both.
fn joined(mut first: Failure, second: Failure) -> Failure {
    if second.rendered.is_empty() {
        first.causes.push(second.to_string());
    }
    first.rendered.extend(second.rendered);
    first
}

impl Watched {
    /// Returns the files that are there, and those without a star that may come.
    ///
    /// # Errors
    /// A folder cannot be read, or there are too many.
    pub fn files(&self) -> io::Result<BTreeSet<PathBuf>> {
        let found = self.patterns.iter().map(|pattern| pattern.files(&self.folder));
        Ok(found.collect::<io::Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// Returns the folders in which new files may come.
    ///
    /// # Errors
    /// As [`Watched::files`].
    pub fn folders(&self) -> io::Result<BTreeSet<PathBuf>> {
        let found = self.patterns.iter().map(|pattern| pattern.folders(&self.folder));
        Ok(found.collect::<io::Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    fn read(&self) -> io::Result<String> {
        let mut hash = blake3::Hasher::new();
        for file in self.files()? {
            let Ok(content) = std::fs::read(&file) else { continue };
            let name = file.strip_prefix(&self.folder).unwrap_or(&file).as_os_str().as_encoded_bytes();
            for part in [name, &content] {
                hash.update(&(part.len() as u64).to_le_bytes()).update(part);
            }
        }
        Ok(hash.finalize().to_hex().to_string())
    }
}

fn cloud_machine(raw: RawCloud) -> CloudMachine {
    let RawCloud { project, zone, machine_type, image, disk, spot, network, ttl, autostop, is_internal } = raw;
    let address = if is_internal { Reached::Internal } else { Reached::External };
    let (ttl, autostop) = (ttl.map(|ttl| ttl.as_secs()), autostop.map(|idle| idle.as_secs()));
    CloudMachine { project, zone, machine_type, image, disk, spot, network, ttl, autostop, address }
}

struct Resolver<'a> {
    workspace: &'a Workspace,
    /// Where the file lies.
    folder: &'a Path,
    source: &'a SourceFile,
    /// What is wrong in the file.
    wrong: Vec<Diagnostic>,
    /// What is wrong with the programs.
    failures: Vec<Failure>,
}

impl Resolver<'_> {
    fn target(&self, raw: &RawSsh) -> SshTarget {
        let RawSsh { host, user, port, jump, address, services, .. } = raw.clone();
        let file = |path: &Option<String>| path.as_ref().map(|path| self.folder.join(path));
        let (key, config, known_hosts) = (file(&raw.key), file(&raw.config), file(&raw.known_hosts));
        SshTarget { host, user, port, key, config, known_hosts, jump, address, outside: None, services }
    }

    fn deployment(&mut self, raw: &HydroToml) -> Deployment {
        let name = raw.name.as_ref().map_or_else(|| default_name(self.folder), |name| name.get_ref().clone());
        let mut deployment = Deployment { name, security: security(raw.tls.as_ref()), ..Default::default() };
        deployment.local_links = local_links(raw.local_links.as_ref()).unwrap_or_default();
        for (name, machine) in &raw.machines {
            let kind = match &machine.kind {
                RawKind::Localhost => MachineKind::Localhost,
                RawKind::Ssh(ssh) => MachineKind::Ssh(self.target(ssh)),
                RawKind::Gcp(raw) => MachineKind::Gcp(cloud_machine(raw.clone())),
            };
            let wishes = Wishes::from(&machine.target);
            let machine =
                Machine { closed: machine.closed, kind, wishes, origin: Some(self.origin(name.span().start)) };
            deployment.machines.insert(name.get_ref().clone(), machine);
        }
        deployment.supervision = group(&raw.supervision, None);
        for (name, raw) in &raw.groups {
            let origin = self.origin(name.span().start);
            deployment.groups.insert(name.get_ref().clone(), group(raw, Some(origin)));
        }
        deployment.hooks = raw.hooks.as_ref().map(|hooks| Hooks {
            script: self.folder.join(hooks.script.get_ref()),
            timeout: hooks.timeout,
            origin: self.origin(hooks.script.span().start),
        });
        let mut headers = BTreeMap::new();
        for (name, service) in &raw.services {
            let origin = self.origin(name.span().start);
            if let Some(service) = self.service(service, origin, &mut headers) {
                deployment.services.insert(name.get_ref().clone(), service);
            }
        }
        self.expose(&raw.exposed, &mut deployment);
        for link in &raw.links {
            let origin = Some(self.origin(link.from.span.start));
            let to_origin = Some(self.origin(link.to.span.start));
            let (from, to) = (port(&link.from), port(&link.to));
            let RawLink { policy, delivery, insecure, .. } = *link;
            let transport = local_links(link.transport.as_ref());
            deployment.links.push(Link { from, to, policy, delivery, transport, insecure, origin, to_origin });
        }
        deployment
    }

    fn service(
        &mut self,
        raw: &RawService,
        origin: Origin,
        headers: &mut BTreeMap<PathBuf, Option<hydroflow_standalone::interface::ModuleInterface>>,
    ) -> Option<Service> {
        let program = match &raw.program {
            RawProgram::Command(argv) => {
                if let Some((name, _)) = raw.params.first() {
                    let message = "a command has no parameters";
                    let error = Diagnostic::error("HT0102", message, name.span());
                    self.wrong.push(error.hint("write them into `command`, `args` or `env`"));
                }
                if let Some(colocate) = raw.colocate.as_ref().filter(|colocate| *colocate.get_ref()) {
                    let message = "a command cannot share a process with others";
                    let error = Diagnostic::error("HT0103", message, colocate.span());
                    self.wrong.push(error.hint("leave out `colocate`; it is for services with `src`"));
                }
                Program::Command { argv: argv.clone() }
            }
            RawProgram::Source(path) => {
                let source = self.folder.join(path.get_ref());
                if !source.is_file() {
                    let message = format!("there is no file `{}`", path.get_ref());
                    let error = Diagnostic::error("HT0101", message, path.span()).label("no such file");
                    self.wrong.push(error.hint("the path is relative to the folder of this file"));
                    return None;
                }
                let header = headers.entry(source.clone()).or_insert_with(|| {
                    let header = build::interface(self.workspace, &source);
                    header.map_err(|failure| self.failures.push(failure)).ok()
                });
                let params = raw.params.iter().map(|(name, value)| (name.get_ref().clone(), value.clone())).collect();
                Program::Hydroflow { source, interface: header.clone()?, params }
            }
        };
        Some(Service {
            program,
            machine: raw.on.as_ref().map_or(LOCALHOST.to_owned(), |on| on.get_ref().clone()),
            count: raw.count,
            args: raw.args.clone(),
            env: raw.env.iter().map(|(name, value)| (name.get_ref().clone(), value.clone())).collect(),
            listen: raw.listen.as_ref().map(|listen| listen.get_ref().clone()),
            exposed: BTreeMap::new(),
            colocate: self.colocate(raw),
            health: raw.health.as_ref().map(health),
            watched: self.watched(&raw.watch),
            fresh_data: raw.fresh_data,
            bounds: raw.bounds.clone(),
            upkeep: upkeep(&raw.upkeep),
            origin: Some(origin),
        })
    }

    /// Gives services the ports that are reached from outside; whether they have them is told later.
    fn expose(&mut self, raw: &[(Spanned<String>, RawExposure)], deployment: &mut Deployment) {
        for (name, raw) in raw {
            let Some(service) = deployment.services.get_mut(&raw.port.service) else {
                let message = format!("there is no service `{}`", raw.port.service);
                let error = Diagnostic::error("HT0104", message, raw.port.span.clone()).label("no such service");
                self.wrong.push(match nearest(&raw.port.service, deployment.services.keys().map(String::as_str)) {
                    Some(near) => error.hint(format!("a service with a similar name exists: `{near}`")),
                    None => error.hint("write the service and its port with a dot between: `server.inbound`"),
                });
                continue;
            };
            let origin = Some(self.origin(raw.port.span.start));
            let exposure = Exposure { name: name.get_ref().clone(), at: raw.listen.unwrap_or_default(), origin };
            if service.exposed.insert(raw.port.port.clone(), exposure).is_some() {
                let message = format!("`{}.{}` is exposed twice", raw.port.service, raw.port.port);
                let error = Diagnostic::error("HT0105", message, raw.port.span.clone());
                self.wrong.push(error.hint("leave one of the two out"));
            }
        }
    }

    /// Reads the files that a service reads, as far as to know when they are others.
    fn watched(&mut self, patterns: &[Pattern]) -> Watched {
        let mut watched = Watched { patterns: patterns.to_vec(), folder: self.folder.to_owned(), content: None };
        if patterns.is_empty() {
            return watched;
        }
        match watched.read() {
            Ok(content) => watched.content = Some(content),
            Err(error) => {
                let failure =
                    Failure::new(ExitCode::Config, "cannot read the files that a service watches").cause(error);
                self.failures.push(failure.hint("write fewer stars in its `watch`, or let the files be readable"));
            }
        }
        watched
    }

    fn colocate(&self, raw: &RawService) -> Option<String> {
        let RawProgram::Source(path) = &raw.program else { return None };
        let wished = raw.colocate.as_ref().is_some_and(|colocate| *colocate.get_ref());
        wished.then(|| build::package_name(self.workspace, &self.folder.join(path.get_ref())))
    }

    fn origin(&self, offset: usize) -> Origin {
        let (line, column) = self.source.line_column(offset);
        Origin { file: self.source.name().into(), line, column: Some(column) }
    }
}

/// Another word was told of when the file was read.
fn security(raw: Option<&Spanned<String>>) -> Security {
    raw.and_then(|word| Security::parse(word.get_ref())).unwrap_or_default()
}

/// Another word was told of, too.
fn local_links(raw: Option<&Spanned<String>>) -> Option<LocalLinks> {
    LocalLinks::parse(raw?.get_ref())
}

fn health(raw: &RawHealth) -> Health {
    let check = match &raw.check {
        RawCheck::Command(argv) => HealthCheck::Command(argv.clone()),
        RawCheck::Http(url) => HealthCheck::Http(url.clone()),
        RawCheck::Log(text) => HealthCheck::Log(text.clone()),
        RawCheck::Port(name) => HealthCheck::Connect(format!("{{host}}:{{port:{name}}}")),
    };
    let rounds = raw.every.map(|every| Rounds { every, failures: raw.failures });
    Health { check, timeout: raw.timeout, rounds }
}

fn upkeep(raw: &RawUpkeep) -> Upkeep {
    let RawUpkeep { restart, shutdown, significant, backoff, group } = raw.clone();
    Upkeep { restart, shutdown, significant, backoff, group: group.map(Spanned::into_inner) }
}

fn group(raw: &RawGroup, origin: Option<Origin>) -> SupervisedGroup {
    let RawGroup { strategy, intensity, auto_shutdown, .. } = *raw;
    SupervisedGroup { strategy, intensity, auto_shutdown, upkeep: upkeep(&raw.upkeep), origin }
}

fn port(raw: &RawPort) -> PortRef {
    PortRef { service: raw.service.clone(), port: raw.port.clone() }
}
