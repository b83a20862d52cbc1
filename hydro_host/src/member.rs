//! One member: what it is to be, whether it runs, and when it is started again.
//!
//! Lives on the host's main thread; nothing here waits. Its process is the host's child, or that of a unit's keeper (`unit`): both follow the same rules.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crate::child::{self, End, Group, Launch, Listener};
use crate::journal::{Journal, now_ms};
use crate::keepers::Keeper;
use crate::sockets::{self, Sockets};
use crate::store::{Kept, Store};
use crate::systemd::Systemd;
use crate::words::{Bind, Bound, Happened, Keep, MemberState, Restart, Spec};

/// Whoever holds the deployment has so long to say what becomes of a member that ended; then the host does what was agreed.
const PATIENCE: Duration = Duration::from_secs(3);
/// The keeper of a member that may still run has so long to come when the host was started again.
const RETURN: Duration = Duration::from_secs(10);
/// The pause before a start that the system refused is tried again.
pub(crate) const AGAIN: Duration = Duration::from_secs(2);

/// How a member is.
#[derive(Debug)]
pub(crate) enum State {
    Down,
    /// Its unit was there when the host itself was started; if nobody tells of it by then, it is down.
    Returning(Instant),
    /// Is being started by its unit's keeper; if that does not happen by then, it will not.
    Coming(Instant),
    Up(Group),
    /// Is started again then.
    Waits(Instant),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) kept: Kept,
    pub(crate) sockets: Sockets,
    pub(crate) state: State,
    /// Its unit's, where it is there.
    pub(crate) keeper: Option<Keeper>,
    pub(crate) since_ms: u64,
    pub(crate) begun: Instant,
    /// Starts again in a row, none of which lasted.
    again: u32,
    /// Whether its unit's keeper has come since the unit was asked for.
    pub(crate) has_come: Arc<AtomicBool>,
    /// Whether somebody waits for its start.
    pub(crate) is_awaited: bool,
    /// Why that is not to be.
    pub(crate) refused: Option<String>,
    pub(crate) asked: bool,
    /// It is ended then, if it has not.
    pub(crate) kill_at: Option<Instant>,
}

/// What starting needs of the host.
pub(crate) struct Host<'a> {
    pub(crate) store: &'a Store,
    pub(crate) journal: &'a Arc<Journal>,
    /// Where members are units.
    pub(crate) units: Option<&'a Systemd>,
    /// Told of the end of a member's run.
    pub(crate) ended: Arc<dyn Fn(String, u64, End) + Send + Sync>,
    /// Told that a member's unit cannot be started, and why.
    pub(crate) failed: Arc<dyn Fn(String, u64, String) + Send + Sync>,
}

/// What became of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    Up(u64, u32),
    /// That is heard later.
    Coming,
}

/// Writes down what becomes of a child of the host's own.
struct Journaled {
    journal: Arc<Journal>,
    member: String,
    run: u64,
}

impl Listener for Journaled {
    fn hear(&self, what: Happened) {
        self.journal.add(&self.member, self.run, what);
    }
}

impl Member {
    pub(crate) fn new(kept: Kept) -> Self {
        let begun = Instant::now();
        Self {
            kept,
            sockets: Sockets::default(),
            state: State::Down,
            keeper: None,
            since_ms: now_ms(),
            begun,
            again: 0,
            has_come: Arc::default(),
            is_awaited: false,
            refused: None,
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

    /// Whether it runs, or is about to.
    pub(crate) fn is_up(&self) -> bool {
        matches!(self.state, State::Up(_) | State::Coming(_) | State::Returning(_))
    }

    pub(crate) fn state(&self) -> MemberState {
        let pid = match self.state {
            State::Up(group) => Some(group.pid()),
            State::Down | State::Returning(_) | State::Coming(_) | State::Waits(_) => None,
        };
        MemberState {
            member: self.kept.member.clone(),
            run: self.kept.run,
            pid,
            waits: matches!(self.state, State::Waits(_) | State::Coming(_) | State::Returning(_)),
            since_ms: self.since_ms,
            bound: self.kept.bound.clone(),
        }
    }

    /// Takes the sockets over that systemd has kept for it.
    pub(crate) fn adopt(&mut self, kept: &mut BTreeMap<String, OwnedFd>) {
        if let Some(sockets) = Sockets::adopt(kept, self.kept.number, &self.kept.bound) {
            self.sockets = sockets;
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
        if matches!(self.state, State::Up(_)) || (fits && is_bound && has_ports && !had.admin.is_empty()) {
            return if fits && has_ports { Ok(()) } else { Err("it runs, and has other sockets".to_owned()) };
        }
        self.sockets.forget(self.kept.number);
        self.sockets.listeners.clear();
        self.sockets.held.clear();
        self.sockets = sockets::bind(wish, had, &store.folder().join("run"), self.kept.number)?;
        self.sockets.store(self.kept.number);
        self.kept.bound = self.sockets.bound.clone();
        store.keep(&self.kept).map_err(|error| format!("cannot write to `{}`: {error}", store.folder().display()))
    }

    /// Starts it as it is to be from now on, or leaves it as it is if it is so already.
    pub(crate) fn start(&mut self, mut spec: Spec, host: &Host<'_>) -> Result<Begun, String> {
        let fresh = std::mem::take(&mut spec.fresh);
        if self.is_up() {
            if self.kept.spec.as_ref() != Some(&spec) {
                return Err("it runs with another program or other settings: stop it first".to_owned());
            }
            self.kept.held = false;
            self.save(host.store)?;
            return Ok(match self.state {
                State::Up(group) => Begun::Up(self.kept.run, group.pid()),
                State::Down | State::Returning(_) | State::Coming(_) | State::Waits(_) => Begun::Coming,
            });
        }
        if let (None, [first, ..]) = (host.units, spec.bounds.beyond_processes().as_slice()) {
            return Err(format!("`{first}` is systemd's to see to, and members there are not units of it"));
        }
        if fresh && let Some(data) = &spec.data {
            remove(&place(host.store.folder(), data))?;
        }
        self.kept.spec = Some(spec);
        self.kept.held = false;
        self.launch(host)
    }

    pub(crate) fn save(&self, store: &Store) -> Result<(), String> {
        store.keep(&self.kept).map_err(|error| format!("cannot write to `{}`: {error}", store.folder().display()))
    }

    pub(crate) fn launch(&mut self, host: &Host<'_>) -> Result<Begun, String> {
        let Some(spec) = self.kept.spec.clone() else { return Err("nobody said what it runs".to_owned()) };
        self.state = State::Down;
        if self.kept.bound.address.is_some() && self.sockets.listeners.is_empty() {
            self.bind(&self.wish(), host.store)?;
        }
        self.sockets.held.clear();
        for folder in folders(&spec, host.store.folder()) {
            std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make `{}`: {error}", folder.display()))?;
        }
        self.kept.run += 1;
        if let Some(units) = host.units {
            return self.launch_unit(units, &spec, host);
        }
        self.kept.is_up = true;
        self.save(host.store)?;
        let directory = place(host.store.folder(), &spec.directory);
        let launch = Launch {
            program: &spec.program,
            args: &spec.args,
            env: &spec.env,
            directory: &directory,
            listeners: &self.sockets.listeners,
            files: spec.bounds.files,
        };
        let (member, run, ended) = (self.kept.member.clone(), self.kept.run, Arc::clone(&host.ended));
        let listener: Arc<dyn Listener> =
            Arc::new(Journaled { journal: Arc::clone(host.journal), member: member.clone(), run });
        let started = child::start(&launch, &listener, move |end| ended(member, run, end));
        self.kept.is_up = started.is_ok();
        let group = started.map_err(|error| child::failed(&spec.program, &error))?;
        self.begin(group);
        Ok(Begun::Up(run, group.pid()))
    }

    /// It runs from now on.
    pub(crate) fn begin(&mut self, group: Group) {
        self.state = State::Up(group);
        (self.since_ms, self.begun) = (now_ms(), Instant::now());
        (self.asked, self.kill_at) = (false, None);
    }

    /// Asks it to end, or ends it; `hold`: it is to stay down.
    pub(crate) fn stop(&mut self, kill: bool, hold: bool, host: &Host<'_>) {
        self.kept.held |= hold;
        // What cannot be written now is said again by whoever is there; the member ends all the same.
        let _ = self.save(host.store);
        match self.state {
            State::Up(group) => {
                self.asked |= hold;
                match host.units.filter(|_| hold && !kill) {
                    Some(units) => self.stop_unit(units, Some(group)),
                    None => group.end(kill),
                }
                let grace = self.kept.spec.as_ref().map_or(0, |spec| spec.keep.grace_ms);
                if !kill && self.kill_at.is_none() {
                    self.kill_at = Instant::now().checked_add(Duration::from_millis(grace));
                }
            }
            State::Waits(_) if self.kept.held => {
                self.state = State::Down;
                // A keeper that waits for the next start.
                host.units.into_iter().for_each(|units| self.stop_unit(units, None));
            }
            // Ends as soon as it is known what there is to end.
            State::Down | State::Waits(_) | State::Returning(_) | State::Coming(_) => {}
        }
    }

    /// Hears of the end of a run. `has_holder`: somebody is there to say what becomes of it.
    pub(crate) fn ended(&mut self, (run, nth): (u64, u64), end: End, has_holder: bool, host: &Host<'_>) {
        if run != self.kept.run || !self.is_up() {
            return;
        }
        self.kept.is_up = false;
        // Where that cannot be written, a host that comes after this one tells the end once more.
        let _ = self.save(host.store);
        self.state = State::Down;
        self.since_ms = now_ms();
        self.kill_at = None;
        let what = Happened::Exit { code: end.code, signal: end.signal, asked: self.asked };
        host.journal.add_nth(&self.kept.member, (run, nth), what);
        let keep = self.kept.spec.as_ref().map(|spec| spec.keep.clone()).unwrap_or_default();
        if self.kept.held || !is_kept(&keep, end) {
            // Else systemd would have a keeper for nothing.
            host.units.into_iter().for_each(|units| self.stop_unit(units, None));
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
            State::Waits(at) | State::Returning(at) | State::Coming(at) => Some(at),
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
            State::Returning(at) | State::Coming(at) if at <= now => self.miss(host),
            State::Down | State::Up(_) | State::Waits(_) | State::Returning(_) | State::Coming(_) => {}
        }
    }

    /// Goes on as before the host itself ended: with the same sockets, and running if it is to run.
    /// `lives`: its unit does, so it may run.
    pub(crate) fn resume(&mut self, lives: bool, (store, journal): (&Store, &Journal)) -> Result<(), String> {
        if lives {
            // Its keeper comes and tells what it has.
            self.state = State::Returning(Instant::now() + RETURN);
            return Ok(());
        }
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

/// Returns the folders that are made for a member.
pub(crate) fn folders(spec: &Spec, folder: &Path) -> Vec<PathBuf> {
    std::iter::once(&spec.directory).chain(&spec.data).map(|path| place(folder, path)).collect()
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
