//! One member: what it is to be, whether it runs, and when it is started again.
//!
//! Lives on the host's main thread; nothing here waits.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::child::{self, End, Group, Launch};
use crate::journal::{Journal, now_ms};
use crate::sockets::{self, Sockets};
use crate::store::{Kept, Store};
use crate::words::{Bind, Bound, Happened, Keep, MemberState, Restart, Spec};

/// Whoever holds the deployment has so long to say what becomes of a member that ended; then the host does what was agreed.
const PATIENCE: Duration = Duration::from_secs(3);
/// The pause before a start that the system refused is tried again.
const AGAIN: Duration = Duration::from_secs(2);

/// How a member is.
#[derive(Debug)]
enum State {
    Down,
    Up(Group),
    /// Is started again then.
    Waits(Instant),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Member {
    kept: Kept,
    sockets: Sockets,
    state: State,
    since_ms: u64,
    begun: Instant,
    /// Starts again in a row, none of which lasted.
    again: u32,
    asked: bool,
    /// It is ended then, if it has not.
    kill_at: Option<Instant>,
}

/// What starting needs of the host.
pub(crate) struct Host<'a> {
    pub(crate) store: &'a Store,
    pub(crate) journal: &'a Arc<Journal>,
    /// Told of the end of a member's run.
    pub(crate) ended: Arc<dyn Fn(String, u64, End) + Send + Sync>,
}

impl Member {
    pub(crate) fn new(kept: Kept) -> Self {
        let begun = Instant::now();
        Self {
            kept,
            sockets: Sockets::default(),
            state: State::Down,
            since_ms: now_ms(),
            begun,
            again: 0,
            asked: false,
            kill_at: None,
        }
    }

    pub(crate) fn number(&self) -> u32 {
        self.kept.number
    }

    pub(crate) fn spec(&self) -> Option<&Spec> {
        self.kept.spec.as_ref()
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.state, State::Up(_))
    }

    pub(crate) fn state(&self) -> MemberState {
        let pid = match self.state {
            State::Up(group) => Some(group.pid()),
            State::Down | State::Waits(_) => None,
        };
        MemberState {
            member: self.kept.member.clone(),
            run: self.kept.run,
            pid,
            waits: matches!(self.state, State::Waits(_)),
            since_ms: self.since_ms,
            bound: self.kept.bound.clone(),
        }
    }

    /// Binds its sockets; one that runs keeps those it has.
    pub(crate) fn bind(&mut self, wish: &Bind, store: &Store) -> Result<(), String> {
        let had = &self.kept.bound;
        let fits = wish.listen.is_none_or(|wished| {
            had.address
                .is_some_and(|had| had.ip() == wished.ip() && (wished.port() == 0 || wished.port() == had.port()))
        });
        let is_bound = wish.listen.is_some() != self.sockets.listeners.is_empty();
        let has_ports = wish.ports.iter().all(|name| had.ports.contains_key(name));
        if self.is_up() || (fits && is_bound && has_ports && !had.admin.is_empty()) {
            return if fits && has_ports { Ok(()) } else { Err("it runs, and has other sockets".to_owned()) };
        }
        self.sockets.listeners.clear();
        self.sockets.held.clear();
        let made = sockets::bind(wish, had, &store.folder().join("run"), self.kept.number)?;
        self.sockets = made;
        self.kept.bound = self.sockets.bound.clone();
        store.keep(&self.kept).map_err(|error| format!("cannot write to `{}`: {error}", store.folder().display()))
    }

    /// Starts it as it is to be from now on, or leaves it as it is if it is so already.
    pub(crate) fn start(&mut self, mut spec: Spec, host: &Host<'_>) -> Result<(u64, u32), String> {
        let fresh = std::mem::take(&mut spec.fresh);
        if let State::Up(group) = self.state {
            if self.kept.spec.as_ref() != Some(&spec) {
                return Err("it runs with another program or other settings: stop it first".to_owned());
            }
            self.kept.held = false;
            self.save(host.store)?;
            return Ok((self.kept.run, group.pid()));
        }
        if fresh && let Some(data) = &spec.data {
            remove(&place(host.store.folder(), data))?;
        }
        self.kept.spec = Some(spec);
        self.kept.held = false;
        self.launch(host)
    }

    fn save(&self, store: &Store) -> Result<(), String> {
        store.keep(&self.kept).map_err(|error| format!("cannot write to `{}`: {error}", store.folder().display()))
    }

    fn launch(&mut self, host: &Host<'_>) -> Result<(u64, u32), String> {
        let Some(spec) = self.kept.spec.clone() else { return Err("nobody said what it runs".to_owned()) };
        self.state = State::Down;
        if self.kept.bound.address.is_some() && self.sockets.listeners.is_empty() {
            self.bind(&self.wish(), host.store)?;
        }
        self.sockets.held.clear();
        let directory = place(host.store.folder(), &spec.directory);
        for folder in
            std::iter::once(&directory).chain(spec.data.as_ref().map(|data| place(host.store.folder(), data)).as_ref())
        {
            std::fs::create_dir_all(folder).map_err(|error| format!("cannot make `{}`: {error}", folder.display()))?;
        }
        self.kept.run += 1;
        self.kept.is_up = true;
        self.save(host.store)?;
        let launch = Launch {
            program: &spec.program,
            args: &spec.args,
            env: &spec.env,
            directory: &directory,
            listeners: &self.sockets.listeners,
        };
        let (member, run, ended) = (self.kept.member.clone(), self.kept.run, Arc::clone(&host.ended));
        let told = member.clone();
        let started = child::start(&launch, (host.journal, &member, run), move |end| ended(told, run, end));
        self.kept.is_up = started.is_ok();
        let group = started.map_err(|error| format!("cannot start `{}`: {error}", spec.program))?;
        self.state = State::Up(group);
        (self.since_ms, self.begun) = (now_ms(), Instant::now());
        (self.asked, self.kill_at) = (false, None);
        Ok((run, group.pid()))
    }

    /// Asks it to end, or ends it; `hold`: it is to stay down.
    pub(crate) fn stop(&mut self, kill: bool, hold: bool, store: &Store) {
        self.kept.held |= hold;
        // What cannot be written now is said again by whoever is there; the member ends all the same.
        let _ = self.save(store);
        match self.state {
            State::Up(group) => {
                self.asked |= hold;
                group.end(kill);
                let grace = self.kept.spec.as_ref().map_or(0, |spec| spec.keep.grace_ms);
                if !kill && self.kill_at.is_none() {
                    self.kill_at = Instant::now().checked_add(Duration::from_millis(grace));
                }
            }
            State::Waits(_) if self.kept.held => self.state = State::Down,
            State::Down | State::Waits(_) => {}
        }
    }

    /// Hears of the end of a run. `has_holder`: somebody is there to say what becomes of it.
    pub(crate) fn ended(&mut self, run: u64, end: End, has_holder: bool, (store, journal): (&Store, &Journal)) {
        if run != self.kept.run || !self.is_up() {
            return;
        }
        self.kept.is_up = false;
        // Where that cannot be written, a host that comes after this one tells the end once more.
        let _ = self.save(store);
        self.state = State::Down;
        self.since_ms = now_ms();
        self.kill_at = None;
        journal.add(&self.kept.member, run, Happened::Exit { code: end.code, signal: end.signal, asked: self.asked });
        let keep = self.kept.spec.as_ref().map(|spec| spec.keep.clone()).unwrap_or_default();
        if self.kept.held || !is_kept(&keep, end) {
            return;
        }
        let pause = self.pause(&keep);
        self.state = State::Waits(Instant::now() + pause + if has_holder { PATIENCE } else { Duration::ZERO });
    }

    /// The first start again is at once, each further one waits twice as long as the one before.
    fn pause(&mut self, keep: &Keep) -> Duration {
        if self.begun.elapsed() >= Duration::from_millis(keep.reset_ms) {
            self.again = 0;
        }
        let doubled = self.again.checked_sub(1).map_or(0, |times| keep.first_ms.saturating_mul(1 << times.min(30)));
        self.again = self.again.saturating_add(1);
        Duration::from_millis(doubled.min(keep.longest_ms))
    }

    /// Returns when something is to be done with it.
    pub(crate) fn due(&self) -> Option<Instant> {
        match self.state {
            State::Waits(at) => Some(at),
            State::Up(_) => self.kill_at,
            State::Down => None,
        }
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self, now: Instant, host: &Host<'_>) {
        match self.state {
            State::Waits(at) if at <= now => {
                if let Err(why) = self.launch(host) {
                    host.journal.add(&self.kept.member, self.kept.run, Happened::Err(format!("hydro-host: {why}")));
                    self.state = State::Waits(now + AGAIN);
                }
            }
            State::Up(group) if self.kill_at.is_some_and(|at| at <= now) => {
                self.kill_at = None;
                group.end(true);
            }
            State::Down | State::Up(_) | State::Waits(_) => {}
        }
    }

    /// Goes on as before the host itself ended: with the same sockets, and running if it is to run.
    pub(crate) fn resume(&mut self, store: &Store, journal: &Journal) -> Result<(), String> {
        if std::mem::take(&mut self.kept.is_up) {
            // It died with the host, or with the machine; nobody was there to see how.
            journal.add(&self.kept.member, self.kept.run, Happened::Exit { code: None, signal: None, asked: false });
        }
        if self.kept.spec.is_none() || self.kept.held {
            return Ok(());
        }
        // Also where a socket is taken by now: it is tried again.
        self.state = State::Waits(Instant::now());
        self.bind(&self.wish(), store)
    }

    /// Asks for just what it has.
    fn wish(&self) -> Bind {
        let Bound { address, ports, exposed, .. } = self.kept.bound.clone();
        Bind { member: self.kept.member.clone(), listen: address, ports: ports.into_keys().collect(), exposed }
    }
}

fn is_kept(keep: &Keep, end: End) -> bool {
    match keep.restart {
        Restart::Permanent => true,
        Restart::Transient => end.code != Some(0),
        Restart::Temporary => false,
    }
}

/// Returns a folder below the deployment's; an absolute one is what it says.
pub(crate) fn place(folder: &Path, path: &str) -> PathBuf {
    folder.join(path)
}

fn remove(folder: &Path) -> Result<(), String> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("cannot empty `{}`: {error}", folder.display()))
        }
        _ => Ok(()),
    }
}
