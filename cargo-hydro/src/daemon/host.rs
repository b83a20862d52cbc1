//! Holds a deployment and answers for it, on a private socket.
//!
//! The same in the background and in a terminal. Does nothing to services itself: requests become calls of the [`Engine`], its events
//! are numbered, kept in the [`Logbook`] and handed to whoever watches. Read [`Host::open`] first.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use super::Logbook;
use super::home::{Holder, Home};
use super::hooks::{Hooks, MakeHooks, Turn};
use super::words::{Answer, DeployRequest, MemberReport, Reply, Request, StatusReport};
use crate::deploy::{self, Deployment, Engine, EngineOptions, Program};
use crate::report::{Event, ExitCode, Failure, Reporter, ServiceState};
use crate::sys::fs::{Lock, RuntimeDir};
use crate::workspace::Workspace;

/// The socket's name in its folder.
const SOCKET: &str = "daemon";
/// A longer request is none of ours.
const LONGEST_REQUEST: u64 = 1 << 20;
/// Events that a slow watcher may lag behind; then it misses some, and sees that by their numbers.
const BACKLOG: usize = 4096;

/// Numbers events, keeps lines, hands both on.
struct Hub {
    seq: AtomicU64,
    book: Mutex<Logbook>,
    /// The disk took no line; told once.
    trouble: OnceLock<String>,
    watchers: broadcast::Sender<Arc<Reply>>,
}

impl Hub {
    fn hear(&self, event: &Event) {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        // Numbered under the lock, so that the book and the watchers have one order.
        let seq = self.seq.fetch_add(1, Ordering::Relaxed) + 1;
        let ts = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let ts = u64::try_from(ts).unwrap_or(u64::MAX);
        let mut run = 0;
        match event {
            Event::Service { service, state: ServiceState::Started { .. } } => book.started(service),
            Event::Log { service, stream, line } => {
                run = book.run(service);
                if let Err(error) = book.add((seq, ts), service, *stream, line)
                    && self.trouble.set(format!("what services write is not kept any more: {error}")).is_ok()
                {
                    let message = self.trouble.get().cloned().unwrap_or_default();
                    let _ = self.watchers.send(Arc::new(Reply::Event {
                        seq,
                        ts,
                        run: 0,
                        event: Event::Warning { message },
                    }));
                }
            }
            _ => {}
        }
        // Nobody needs to watch.
        let _ = self.watchers.send(Arc::new(Reply::Event { seq, ts, run, event: event.clone() }));
    }
}

/// A held deployment. Dropping it ends all services at once.
pub struct Host {
    inner: Rc<Inner>,
    accepting: JoinHandle<()>,
    // The socket goes with it.
    folder: RuntimeDir,
}

struct Inner {
    home: Home,
    foreground: bool,
    reporter: Reporter,
    hub: Arc<Hub>,
    engine: RefCell<Option<Engine>>,
    releases: std::cell::Cell<u64>,
    /// Set when somebody asked for the end, or there was nothing to begin with.
    over: watch::Sender<bool>,
    /// Somebody asked for the end; who did is told before.
    is_ending: std::cell::Cell<bool>,
    make_hooks: MakeHooks,
    /// What is called at turns of what is held.
    hooks: RefCell<Option<Rc<dyn Hooks>>>,
    _lock: Lock,
}

impl Host {
    /// Takes a deployment and answers for it from now on. Needs a tokio `LocalSet`. Events are told to `reporter` too.
    ///
    /// # Errors
    /// Somebody else holds it, or there is no place for its files.
    pub fn open(home: Home, foreground: bool, reporter: &Reporter, make_hooks: MakeHooks) -> Result<Self, Failure> {
        let failed = |error| {
            let message = format!("cannot keep the deployment `{}` in `{}`", home.name(), home.folder().display());
            Failure::new(ExitCode::DeployFailed, message)
                .cause(error)
                .hint("the workspace's folder `.hydro` must be writable")
        };
        let lock = home.take().map_err(failed)?.ok_or_else(|| held(&home))?;
        let book = Mutex::new(Logbook::open(home.folder()).map_err(failed)?);
        let folder = RuntimeDir::create().map_err(failed)?;
        let socket = folder.path().join(SOCKET);
        let listener = UnixListener::bind(&socket).map_err(failed)?;
        let (pid, version) = (std::process::id(), env!("CARGO_PKG_VERSION").to_owned());
        home.announce(&Holder { pid, socket, version, foreground }).map_err(failed)?;
        let (seq, trouble, watchers) = (AtomicU64::new(0), OnceLock::new(), broadcast::channel(BACKLOG).0);
        let hub = Arc::new(Hub { seq, book, trouble, watchers });
        let hearing = Arc::clone(&hub);
        let inner = Rc::new(Inner {
            home,
            foreground,
            reporter: reporter.heard_by(move |event| hearing.hear(event)),
            hub,
            engine: RefCell::new(None),
            releases: std::cell::Cell::new(0),
            over: watch::channel(false).0,
            is_ending: std::cell::Cell::new(false),
            make_hooks,
            hooks: RefCell::new(None),
            _lock: lock,
        });
        tokio::task::spawn_local(tell_ends(Rc::downgrade(&inner)));
        let accepting = tokio::task::spawn_local(accept(listener, Rc::clone(&inner)));
        Ok(Self { inner, accepting, folder })
    }

    /// Returns what tells of the deployment's events to everybody who is to hear them.
    #[must_use]
    pub fn reporter(&self) -> &Reporter {
        &self.inner.reporter
    }

    /// Returns where it answers.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join(SOCKET)
    }

    /// Gives it an engine that was made elsewhere, with its own deployment.
    pub fn hold(&self, engine: &Engine) {
        *self.inner.engine.borrow_mut() = Some(engine.clone());
        self.inner.releases.set(1);
    }

    /// Makes what runs what `Hydro.toml` says now, as [`Request::Deploy`] does.
    ///
    /// # Errors
    /// What is wrong; what ran goes on.
    pub async fn deploy(&self, request: DeployRequest) -> Result<(), Vec<Failure>> {
        self.inner.deploy(request).await
    }

    /// Returns what it holds; none: nothing could be read yet.
    #[must_use]
    pub fn engine(&self) -> Option<Engine> {
        self.inner.engine()
    }

    /// Returns what only asks and wishes. It does not keep services running.
    pub(super) fn remote(&self) -> Remote {
        Remote(Rc::clone(&self.inner))
    }

    /// Waits until somebody has asked for the end and all is stopped.
    pub async fn over(&self) {
        let mut over = self.inner.over.subscribe();
        let _ = over.wait_for(|over| *over).await;
    }

    /// Has an engine that was made elsewhere deploy, with what is called before and after.
    pub(super) async fn deploy_with(&self, engine: &Engine) -> Result<(), Vec<Failure>> {
        let one = |failure| vec![failure];
        self.inner.get_ready(engine, &engine.deployment()).map_err(one)?;
        self.inner.call(Turn::BeforeDeploy).await.map_err(one)?;
        engine.deploy().await?;
        self.inner.call(Turn::AfterDeploy).await.map_err(one)
    }

    /// Ends all services in order.
    pub async fn stop_all(&self) {
        self.inner.stop_all().await;
    }
}

/// Asks and wishes on behalf of the user at the terminal.
#[derive(Clone)]
pub(super) struct Remote(Rc<Inner>);

impl Remote {
    /// Returns how the deployment is.
    pub(super) fn status(&self) -> StatusReport {
        self.0.status()
    }

    /// Stops all services and starts them again, one after the other.
    pub(super) async fn restart_all(&self) -> Vec<Failure> {
        match self.0.each(Vec::new(), Wish::Restart).await {
            Reply::Failed { failures } => failures,
            _ => Vec::new(),
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.accepting.abort();
        self.inner.home.retract();
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("home", &self.inner.home).finish_non_exhaustive()
    }
}

/// Somebody holds the deployment already.
pub(super) fn held(home: &Home) -> Failure {
    let holder = home.holder();
    let by = holder.as_ref().map_or(String::new(), |holder| format!(" (process {})", holder.pid));
    let name = home.name();
    let failure = Failure::new(ExitCode::DeployFailed, format!("`{name}` is deployed already{by}"));
    match holder.is_some_and(|holder| holder.foreground) {
        true => failure.hint("it runs in a terminal: end it there, or with `cargo hydro down`"),
        false => failure.hint("`cargo hydro deploy --detach` applies changes to it, `cargo hydro down` ends it"),
    }
}

/// Tells what is called of each end of a member, one after the other.
async fn tell_ends(inner: Weak<Inner>) {
    let Some(mut events) = inner.upgrade().map(|inner| inner.hub.watchers.subscribe()) else { return };
    loop {
        let event = match events.recv().await {
            Ok(event) => event,
            Err(broadcast::error::RecvError::Lagged(_)) => continue,
            Err(broadcast::error::RecvError::Closed) => return,
        };
        let Reply::Event {
            event: Event::Service { service, state: ServiceState::Exited { code, signal, expected } },
            ..
        } = &*event
        else {
            continue;
        };
        let Some(inner) = inner.upgrade() else { return };
        let turn = Turn::Exit { name: service.clone(), code: *code, signal: *signal, expected: *expected };
        inner.mention(turn).await;
    }
}

async fn accept(listener: UnixListener, inner: Rc<Inner>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::task::spawn_local(serve(stream, Rc::clone(&inner)))),
            // Too many open files, as a rule; that passes when others close.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    }
}

async fn serve(stream: UnixStream, inner: Rc<Inner>) {
    let (reader, mut writer) = stream.into_split();
    let mut line = Vec::new();
    let read = BufReader::new(reader.take(LONGEST_REQUEST)).read_until(b'\n', &mut line).await;
    if read.is_err() || line.is_empty() {
        return;
    }
    let last = match serde_json::from_slice::<Request>(&line) {
        Ok(request) => inner.answer(request, &mut writer).await,
        Err(error) => {
            let message = format!("version {} does not understand the request", env!("CARGO_PKG_VERSION"));
            let failure = Failure::new(ExitCode::DeployFailed, message).cause(error);
            failed(
                failure.hint("end the deployment with the version of `cargo hydro` that began it, or kill its process"),
            )
        }
    };
    let _ = write(&mut writer, &last).await;
    // Not before the answer is out: the process ends with this.
    if inner.is_ending.get() {
        inner.over.send_replace(true);
    }
}

fn stale(name: &str) -> Failure {
    let message = format!("the plan does not fit `{name}` any more: something has changed since it was made");
    Failure::new(ExitCode::DeployFailed, message)
        .hint("make another with `cargo hydro plan --out FILE`, and look at it")
}

fn failed(failure: Failure) -> Reply {
    Reply::Failed { failures: vec![failure] }
}

type Writer = tokio::net::unix::OwnedWriteHalf;

async fn write(writer: &mut Writer, reply: &Reply) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    writer.write_all(&line).await
}

impl Inner {
    async fn answer(self: &Rc<Self>, request: Request, writer: &mut Writer) -> Reply {
        match request {
            Request::Deploy(request) => {
                let inner = Rc::clone(self);
                // Who asked may go away; a deploy that has begun goes on.
                let work = tokio::task::spawn_local(async move { inner.deploy(request).await });
                self.watched(work, writer).await
            }
            Request::Plan(request) => {
                let (inner, found) = (Rc::clone(self), Rc::new(RefCell::new(None)));
                let result = Rc::clone(&found);
                let work = tokio::task::spawn_local(async move {
                    let (engine, deployment, options) = inner.read(request).await?;
                    *result.borrow_mut() = Some(engine.plan(deployment, options).await?);
                    Ok(())
                });
                let reply = self.watched(work, writer).await;
                found.take().map_or(reply, |changes| Reply::Plan { changes })
            }
            Request::Scale { service, count } => {
                let inner = Rc::clone(self);
                let work = tokio::task::spawn_local(async move { inner.scale(&service, count).await });
                self.watched(work, writer).await
            }
            Request::Down {} => {
                let inner = Rc::clone(self);
                let work = tokio::task::spawn_local(async move {
                    inner.stop_all().await;
                    inner.is_ending.set(true);
                    Ok(())
                });
                self.watched(work, writer).await
            }
            Request::Status {} => Reply::Status(self.status()),
            Request::Watch {} => self.watch(writer).await,
            Request::Stop { names } => self.each(names, Wish::Stop).await,
            Request::Start { names } => self.each(names, Wish::Start).await,
            Request::Restart { names } => self.each(names, Wish::Restart).await,
            Request::Surroundings { name } => {
                let Some(engine) = self.engine() else { return failed(self.nothing_runs()) };
                match engine.surroundings(&name) {
                    Ok((env, directory)) => Reply::Surroundings { env, directory },
                    Err(failure) => failed(failure),
                }
            }
            Request::Ask { name, ask } => {
                let Some(engine) = self.engine() else { return failed(self.nothing_runs()) };
                match engine.ask(&name, &ask).await {
                    Ok(answers) => {
                        let answers = answers.into_iter().map(|(member, answer)| Answer { member, answer }).collect();
                        Reply::Asked { answers }
                    }
                    Err(failure) => failed(failure),
                }
            }
        }
    }

    /// Hands on the events of a piece of work, and its end.
    async fn watched(&self, mut work: JoinHandle<Result<(), Vec<Failure>>>, writer: &mut Writer) -> Reply {
        let mut events = self.hub.watchers.subscribe();
        let mut is_there = true;
        let result = loop {
            tokio::select! {
                // In this order all events of the work are told before its end.
                biased;
                event = events.recv() => {
                    if let (Ok(event), true) = (event, is_there) {
                        is_there = write(writer, &event).await.is_ok();
                    }
                }
                result = &mut work => break result,
            }
        };
        match result {
            Ok(Ok(())) => Reply::Done {},
            Ok(Err(failures)) => Reply::Failed { failures },
            Err(error) => failed(Failure::new(ExitCode::DeployFailed, "the work broke off").cause(error)),
        }
    }

    async fn watch(&self, writer: &mut Writer) -> Reply {
        let mut events = self.hub.watchers.subscribe();
        let mut over = self.over.subscribe();
        if write(writer, &Reply::Watching {}).await.is_err() {
            return Reply::Done {};
        }
        loop {
            let event = tokio::select! {
                event = events.recv() => event,
                _ = over.wait_for(|over| *over) => return Reply::Done {},
            };
            match event {
                Ok(event) if write(writer, &event).await.is_err() => return Reply::Done {},
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return Reply::Done {},
            }
        }
    }

    async fn deploy(&self, request: DeployRequest) -> Result<(), Vec<Failure>> {
        let expected = request.expected.clone();
        let result = async {
            let (engine, deployment, options) = self.read(request).await?;
            if let Some(expected) = expected {
                let found = engine.plan(deployment.clone(), options.clone()).await?;
                if !found.does_as(&expected) {
                    return Err(vec![stale(self.home.name())]);
                }
            }
            self.get_ready(&engine, &deployment).map_err(|failure| vec![failure])?;
            self.call(Turn::BeforeDeploy).await.map_err(|failure| vec![failure])?;
            engine.apply(deployment, options).await?;
            self.call(Turn::AfterDeploy).await.map_err(|failure| vec![failure])
        };
        let result = result.await;
        match &result {
            Ok(()) => self.releases.set(self.releases.get() + 1),
            // Nothing ever ran: there is nothing to hold. In a terminal its user decides.
            Err(_) if self.releases.get() == 0 && !self.foreground => self.is_ending.set(true),
            Err(_) => {}
        }
        result
    }

    async fn scale(&self, service: &str, count: u32) -> Result<(), Vec<Failure>> {
        let engine = self.engine().ok_or_else(|| vec![self.nothing_runs()])?;
        let mut deployment = engine.deployment();
        let Some(wished) = deployment.services.get_mut(service) else {
            return Err(vec![Failure::new(ExitCode::DeployFailed, format!("there is no service `{service}`"))]);
        };
        wished.count = count;
        engine.apply(deployment, engine.options()).await?;
        self.releases.set(self.releases.get() + 1);
        Ok(())
    }

    /// Reads what is wished for, and has an engine for it. What runs goes on with the options it has.
    async fn read(&self, request: DeployRequest) -> Result<(Engine, Deployment, EngineOptions), Vec<Failure>> {
        let reporter = self.reporter.clone();
        let DeployRequest { folder, flags, build, local, max_cost, default_restart, .. } = request;
        let read = tokio::task::spawn_blocking(move || {
            let workspace = Workspace::discover(&folder, &flags)?;
            let deployment = deploy::from_toml(&workspace, &reporter)?;
            Ok((workspace, deployment))
        });
        let (workspace, mut deployment) = match read.await {
            Ok(read) => read.map_err(|failure: Failure| vec![failure])?,
            Err(error) => return Err(vec![Failure::new(ExitCode::DeployFailed, "reading broke off").cause(error)]),
        };
        deployment.default_restart = default_restart;
        let options = EngineOptions { workspace, build, local, max_cost, keeps_all_lines: false };
        let begin = || Engine::new(options.clone(), deployment.clone(), self.reporter.clone());
        let engine = self.engine().unwrap_or_else(begin);
        *self.engine.borrow_mut() = Some(engine.clone());
        Ok((engine, deployment, options))
    }

    /// Gets ready what is called at this deployment's turns.
    fn get_ready(&self, engine: &Engine, deployment: &Deployment) -> Result<(), Failure> {
        let wished = deployment.hooks.as_ref();
        let hooks = wished.map(|hooks| (self.make_hooks)(engine, hooks, &self.reporter)).transpose()?;
        *self.hooks.borrow_mut() = hooks;
        Ok(())
    }

    async fn call(&self, turn: Turn) -> Result<(), Failure> {
        let hooks = self.hooks.borrow().clone();
        match hooks {
            Some(hooks) => hooks.call(turn).await,
            None => Ok(()),
        }
    }

    /// Calls where a failure changes nothing any more.
    async fn mention(&self, turn: Turn) {
        if let Err(failure) = self.call(turn).await {
            self.reporter.warning(failure.to_string());
        }
    }

    async fn stop_all(&self) {
        if self.engine().is_some_and(|engine| !engine.is_over()) {
            self.mention(Turn::Stop).await;
        }
        if let Some(engine) = self.engine() {
            engine.stop_all().await;
        }
    }

    async fn each(&self, names: Vec<String>, wish: Wish) -> Reply {
        let Some(engine) = self.engine() else { return failed(self.nothing_runs()) };
        let names = match names.is_empty() {
            true => engine.deployment().services.keys().cloned().collect(),
            false => names,
        };
        let mut failures = Vec::new();
        for name in names {
            let result = match wish {
                Wish::Stop => engine.stop(&name).await.map(drop),
                Wish::Start => engine.start(&name),
                Wish::Restart => engine.restart(&name).await,
            };
            failures.extend(result.err());
        }
        if failures.is_empty() { Reply::Done {} } else { Reply::Failed { failures } }
    }

    fn status(&self) -> StatusReport {
        let engine = self.engine();
        let deployment = engine.as_ref().map(Engine::deployment).unwrap_or_default();
        let machine = |service: &str| deployment.services.get(service).map(|service| service.machine.clone());
        let is_program = |service: &str| {
            let service = deployment.services.get(service);
            service.is_some_and(|service| matches!(service.program, Program::Hydroflow { .. }))
        };
        let members = engine.iter().flat_map(Engine::status).map(|member| MemberReport {
            is_program: is_program(&member.service),
            machine: machine(&member.service).unwrap_or_default(),
            state: MemberReport::state(member.standing).to_owned(),
            pid: Some(member.pid).filter(|_| member.exit.is_none()),
            address: member.address.map(|address| address.to_string()),
            exposed: member.exposed,
            restarts: member.restarts,
            unhealthy: member.unhealthy,
            started_ms: member.started_ms,
            ended: member.exit.map(|exit| exit.to_string()),
            name: member.name,
            service: member.service,
        });
        StatusReport {
            deployment: self.home.name().to_owned(),
            pid: Some(std::process::id()),
            foreground: self.foreground,
            releases: self.releases.get(),
            troubles: self
                .hub
                .trouble
                .get()
                .cloned()
                .into_iter()
                .chain(self.engine().map(|engine| engine.troubles()).unwrap_or_default())
                .collect(),
            members: members.collect(),
        }
    }

    fn engine(&self) -> Option<Engine> {
        self.engine.borrow().clone()
    }

    fn nothing_runs(&self) -> Failure {
        let failure = Failure::new(ExitCode::DeployFailed, format!("`{}` has no services yet", self.home.name()));
        failure.hint("they are being built, as a rule: see `cargo hydro status`")
    }
}

#[derive(Clone, Copy)]
enum Wish {
    Stop,
    Start,
    Restart,
}
