//! The host of one deployment: one thread that decides, and threads that read for it.
//!
//! Everything that happens comes to the main thread as an order, and only that thread starts processes. Read [`Serving::run`] first.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::child::End;
use crate::guard::Guard;
use crate::journal::Journal;
use crate::keepers::{self, News};
use crate::member::{Begun, Host, Member, place};
use crate::session::{self, Caller};
use crate::store::{Kept, Owner, Store};
use crate::systemd::Systemd;
use crate::words::{Answer, Ask, Bind, Check, Claim, Happened, MemberState, Spec, Upkeep, VERSION};
use crate::{check, notify, signals, upkeep};

/// A holder that has said nothing for so long is not there.
const SILENCE: Duration = Duration::from_secs(8);
/// A host without members and without a holder goes after this time.
const UNUSED: Duration = Duration::from_secs(30);
/// How long nothing may be due.
const IDLE: Duration = Duration::from_secs(3600);
/// Sockets of members get numbers above these, which processes that are being started use.
const LOW_DESCRIPTORS: usize = 16;

/// Where the host of a deployment listens.
pub(crate) fn socket(folder: &Path) -> PathBuf {
    folder.join("run/host")
}

/// What comes to the main thread.
pub(crate) enum Order {
    /// A caller asks.
    Ask { caller: Caller, id: u64, ask: Ask },
    /// A caller has gone.
    Gone { caller: u64 },
    /// A run of a member has ended.
    Ended { member: String, run: u64, end: End },
    /// The keeper of a member's unit tells something.
    Keeper { member: String, news: News },
    /// A member's unit cannot be started.
    Failed { member: String, run: u64, why: String },
    /// systemd asks the host to end, and with it the deployment until it is started again.
    Rest,
}

/// Keeps the members up of the deployment that has this folder, until it is taken down.
///
/// # Errors
/// Another host serves it, or the folder cannot be used.
pub fn serve(folder: &Path) -> io::Result<()> {
    let mut kept = notify::kept();
    let _low: Vec<std::fs::File> =
        (0..LOW_DESCRIPTORS).map(|_| std::fs::File::open("/dev/null")).collect::<io::Result<_>>()?;
    let store = Store::open(folder)?;
    let journal = Arc::new(Journal::open(folder)?);
    let (orders, received) = channel();
    let upkeep = upkeep::known(folder);
    let units = upkeep::units(&upkeep, folder);
    if units.is_some() {
        let asked = orders.clone();
        signals::on_terminate(move || drop(asked.send(Order::Rest)))?;
        keepers::listen(folder, &orders, &journal)?;
    }
    let path = socket(folder);
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    let members = resume((&store, &journal), units.as_ref(), &mut kept);
    let guard = if units.is_some() { None } else { Some(Guard::start(folder)?) };
    notify::ready();
    let serving = Serving {
        store,
        journal: Arc::clone(&journal),
        members,
        orders: orders.clone(),
        guard,
        upkeep,
        units,
        waiting: BTreeMap::new(),
        holder: None,
        quiet: Instant::now(),
        down: None,
        rests: false,
    };
    std::thread::spawn(move || {
        for (id, stream) in (1..).zip(listener.incoming()) {
            let Ok(stream) = stream else { continue };
            let (orders, journal) = (orders.clone(), Arc::clone(&journal));
            std::thread::spawn(move || session::serve(stream, id, &orders, &journal));
        }
    });
    serving.run(&received);
    Ok(())
}

/// Takes up what was there before this host was started.
fn resume(
    (store, journal): (&Store, &Journal),
    units: Option<&Systemd>,
    sockets: &mut BTreeMap<String, OwnedFd>,
) -> BTreeMap<String, Member> {
    let all = store.members();
    let names: Vec<&str> = all.iter().map(|kept| kept.member.as_str()).collect();
    let living = units.map(|units| units.living(&names)).unwrap_or_default();
    let mut members = BTreeMap::new();
    for kept in &all {
        let mut member = Member::new(kept.clone());
        member.adopt(sockets);
        if let Err(why) = member.resume(living.contains(&kept.member), (store, journal)) {
            journal.add(&kept.member, kept.run, Happened::Err(format!("hydro-host: {why}")));
        }
        members.insert(kept.member.clone(), member);
    }
    members
}

/// Who holds the deployment.
struct Holder {
    caller: u64,
    who: String,
    heard: Instant,
}

struct Serving {
    store: Store,
    journal: Arc<Journal>,
    members: BTreeMap<String, Member>,
    orders: Sender<Order>,
    /// None where members are units.
    guard: Option<Guard>,
    upkeep: Upkeep,
    units: Option<Systemd>,
    /// Who waits for the start of which member.
    waiting: BTreeMap<String, Vec<(Caller, u64)>>,
    holder: Option<Holder>,
    /// When somebody was last there.
    quiet: Instant,
    /// Who waits for the end of everything.
    down: Option<(Caller, u64)>,
    /// Whether everything ends until the host is started again.
    rests: bool,
}

impl Serving {
    /// Does one thing after the other until the deployment is down.
    fn run(mut self, received: &Receiver<Order>) {
        loop {
            self.tick();
            self.tell_guard();
            if self.is_done() {
                return self.leave();
            }
            if self.rests && !self.members.values().any(Member::is_up) {
                return;
            }
            let now = Instant::now();
            let due = self.members.values().filter_map(Member::due).min();
            let idle = if self.members.is_empty() { UNUSED } else { IDLE };
            let wait = due.map_or(idle, |due| due.saturating_duration_since(now));
            match received.recv_timeout(wait) {
                Ok(Order::Ask { caller, id, ask }) => self.hear(&caller, id, ask),
                Ok(Order::Gone { caller }) => self.holder = self.holder.take().filter(|holder| holder.caller != caller),
                Ok(Order::Ended { member, run, end }) => self.with(&member, |member, has_holder, host| {
                    member.ended((run, 0), end, has_holder, host);
                }),
                Ok(Order::Keeper { member, news }) => self.hear_keeper(&member, news),
                Ok(Order::Failed { member, run, why }) => {
                    self.with(&member, |member, _, host| member.failed(run, why, host));
                }
                Ok(Order::Rest) => self.rest(),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Tells the guard whom it would have to end.
    fn tell_guard(&mut self) {
        let groups = self.members.values().filter_map(|member| member.state().pid);
        self.guard.iter_mut().for_each(|guard| guard.tell(groups.clone()));
    }

    /// Whether all has ended that was to end; or nothing was ever there, and nobody comes to have something started.
    fn is_done(&self) -> bool {
        let is_unused = self.members.is_empty() && self.holder.is_none() && self.quiet.elapsed() > UNUSED;
        is_unused || (self.down.is_some() && !self.members.values().any(Member::is_up))
    }

    fn has_holder(&self) -> bool {
        self.holder.as_ref().is_some_and(|holder| holder.heard.elapsed() < SILENCE)
    }

    fn tick(&mut self) {
        let host = host(&self.store, &self.journal, self.units.as_ref(), &self.orders);
        let now = Instant::now();
        if self.down.is_none() && !self.rests {
            self.members.values_mut().for_each(|member| member.tick(now, &host));
        } else {
            self.members.values_mut().filter(|member| member.is_up()).for_each(|member| member.tick(now, &host));
        }
        self.answer_starts();
    }

    /// Does something with a member; whether there is a holder is said, too.
    fn with(&mut self, member: &str, act: impl FnOnce(&mut Member, bool, &Host<'_>)) {
        let has_holder = self.has_holder();
        let host = host(&self.store, &self.journal, self.units.as_ref(), &self.orders);
        if let Some(member) = self.members.get_mut(member) {
            act(member, has_holder, &host);
        }
    }

    fn hear_keeper(&mut self, member: &str, news: News) {
        let Some(units) = self.units.clone() else { return };
        if !self.members.contains_key(member) {
            // Of a member that was forgotten.
            if matches!(news, News::Here { .. }) {
                let member = member.to_owned();
                std::thread::spawn(move || units.stop(&[&member], false));
            }
            return;
        }
        self.with(member, |member, has_holder, host| member.hear(news, has_holder, (&units, host)));
    }

    /// Tells who waits for starts what became of them.
    fn answer_starts(&mut self) {
        let members = &mut self.members;
        self.waiting.retain(|name, callers| {
            let Some(answer) = members.get_mut(name).map_or_else(|| Some(gone(name)), Member::take_start) else {
                return true;
            };
            callers.drain(..).for_each(|(caller, id)| caller.answer(id, answer.clone()));
            false
        });
    }

    /// Ends everything until the host is started again.
    fn rest(&mut self) {
        self.rests = true;
        let Some(units) = &self.units else { return };
        self.members.values_mut().for_each(|member| member.rest(units));
    }

    /// Everything has ended: nothing is left of the deployment but its data.
    fn leave(self) {
        self.journal.finish();
        // Before anything is removed: a guard would start a host for what is left.
        self.guard.into_iter().for_each(Guard::farewell);
        if let Some(units) = &self.units {
            units.stop(&self.members.keys().map(String::as_str).collect::<Vec<_>>(), true);
        }
        upkeep::undo(&self.upkeep, self.store.folder());
        self.store.remove();
        if let Some((caller, id)) = self.down {
            caller.answer(id, Answer::Done {});
        }
    }

    fn hear(&mut self, caller: &Caller, id: u64, ask: Ask) {
        if let Some(holder) = self.holder.as_mut().filter(|holder| holder.caller == caller.id) {
            holder.heard = Instant::now();
        }
        self.quiet = Instant::now();
        let answer = match ask {
            Ask::Claim(claim) => self.claim(caller, claim),
            Ask::List {} => Answer::Members { members: self.states() },
            Ask::Check { member, check } => return self.check(caller, id, &member, check),
            Ask::Follow { .. } => Answer::Refused { why: "its session answers that".to_owned() },
            _ if self.holder.as_ref().is_none_or(|holder| holder.caller != caller.id) => {
                Answer::Refused { why: self.taken() }
            }
            Ask::Down {} => return self.go_down(caller, id),
            Ask::Ping {} => Answer::Done {},
            Ask::Bind(wish) => self.bind(&wish),
            Ask::Start(spec) => return self.start(caller, id, *spec),
            Ask::Stop { member, kill, hold } => self.stop(&member, kill, hold),
            Ask::Write { name, content } => self.write(&name, &content),
            Ask::Remove { member } => self.remove(&member),
        };
        caller.answer(id, answer);
    }

    fn taken(&self) -> String {
        match &self.holder {
            Some(holder) => format!("{} has taken the deployment over", holder.who),
            None => "claim the deployment first".to_owned(),
        }
    }

    fn claim(&mut self, caller: &Caller, claim: Claim) -> Answer {
        let refused = |why: String| Answer::Refused { why };
        if claim.version != VERSION {
            return refused(format!(
                "the host there speaks version {VERSION} of its words, and this command version {}",
                claim.version
            ));
        }
        if let Some(owner) = self.store.owner().filter(|owner| owner.token != claim.token && !claim.force) {
            return refused(format!("{} has a deployment of that name there", owner.who));
        }
        if !claim.looks {
            let other = self.holder.as_ref().filter(|holder| holder.caller != caller.id && !claim.force);
            if let Some(holder) = other.filter(|holder| holder.heard.elapsed() < SILENCE) {
                return refused(format!("{} is at work on it", holder.who));
            }
            let owner = Owner { token: claim.token, who: claim.who.clone() };
            if let Err(error) = self.store.set_owner(&owner) {
                return refused(format!("cannot write to `{}`: {error}", self.store.folder().display()));
            }
            self.holder = Some(Holder { caller: caller.id, who: claim.who, heard: Instant::now() });
        }
        Answer::Claimed { members: self.states(), next: self.journal.next(), upkeep: self.upkeep.clone() }
    }

    fn states(&self) -> Vec<MemberState> {
        self.members.values().map(Member::state).collect()
    }

    fn bind(&mut self, wish: &Bind) -> Answer {
        let number = (0..).find(|number| self.members.values().all(|member| member.number() != *number)).unwrap_or(0);
        let new = || Member::new(Kept { member: wish.member.clone(), number, ..Kept::default() });
        let member = self.members.entry(wish.member.clone()).or_insert_with(new);
        match member.bind(wish, &self.store) {
            Ok(()) => Answer::Bound(member.state().bound),
            Err(why) => Answer::Refused { why },
        }
    }

    fn start(&mut self, caller: &Caller, id: u64, spec: Spec) {
        let name = spec.member.clone();
        let host = host(&self.store, &self.journal, self.units.as_ref(), &self.orders);
        let answer = match self.members.get_mut(&name) {
            None => Answer::Refused { why: format!("`{name}` has no sockets yet") },
            Some(member) => match member.start(spec, &host) {
                Ok(Begun::Up(run, pid)) => Answer::Started { run, pid },
                Ok(Begun::Coming) => {
                    member.is_awaited = true;
                    return self.waiting.entry(name).or_default().push((caller.clone(), id));
                }
                Err(why) => Answer::Refused { why },
            },
        };
        // Whoever hears the answer may kill us; then nothing of the member is left.
        self.tell_guard();
        caller.answer(id, answer);
    }

    fn stop(&mut self, member: &str, kill: bool, hold: bool) -> Answer {
        // One that nobody knows has ended, in any case.
        self.with(member, |member, _, host| member.stop(kill, hold, host));
        Answer::Done {}
    }

    fn write(&self, name: &str, content: &str) -> Answer {
        match self.store.write_file(name, content.as_bytes()) {
            Ok(()) => Answer::Done {},
            Err(error) => Answer::Refused {
                why: format!("cannot write `{name}` in `{}`: {error}", self.store.folder().display()),
            },
        }
    }

    fn remove(&mut self, member: &str) -> Answer {
        match self.members.get(member) {
            Some(member) if member.is_up() => Answer::Refused { why: "it runs".to_owned() },
            _ => {
                if let Some(member) = self.members.remove(member) {
                    member.sockets.forget(member.number());
                }
                self.store.forget(member);
                Answer::Done {}
            }
        }
    }

    /// Asks beside the main thread, for it may take a while.
    fn check(&self, caller: &Caller, id: u64, member: &str, check: Check) {
        let spec = self.members.get(member).and_then(Member::spec);
        let env = spec.map(|spec| spec.env.clone()).unwrap_or_default();
        let directory = place(self.store.folder(), spec.map_or("", |spec| spec.directory.as_str()));
        let caller = caller.clone();
        std::thread::spawn(move || {
            let well = check::ask(&check, &env, &directory);
            caller.answer(id, Answer::Well { well });
        });
    }

    fn go_down(&mut self, caller: &Caller, id: u64) {
        let host = host(&self.store, &self.journal, self.units.as_ref(), &self.orders);
        self.members.values_mut().for_each(|member| member.stop(false, true, &host));
        self.down = Some((caller.clone(), id));
    }
}

fn gone(member: &str) -> Answer {
    Answer::Refused { why: format!("`{member}` was removed before it was started") }
}

fn host<'a>(
    store: &'a Store,
    journal: &'a Arc<Journal>,
    units: Option<&'a Systemd>,
    orders: &Sender<Order>,
) -> Host<'a> {
    let orders = Arc::new(std::sync::Mutex::new(orders.clone()));
    let tell = move |order: Order| {
        drop(orders.lock().unwrap_or_else(std::sync::PoisonError::into_inner).send(order));
    };
    let told = tell.clone();
    let ended = move |member: String, run: u64, end: End| told(Order::Ended { member, run, end });
    let failed = move |member: String, run: u64, why: String| tell(Order::Failed { member, run, why });
    Host { store, journal, units, ended: Arc::new(ended), failed: Arc::new(failed) }
}
