//! The state machine: what happened goes in, what to do comes out.
//!
//! Times are counted from any moment the caller likes. Each group works through one list of tasks at a time, as an OTP supervisor
//! handles one message at a time; ends that come meanwhile wait in its inbox. Who is started again after an end is said in [`restart`](super::restart).

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::Serialize;

use super::Backoff;
use super::tree::{AutoShutdown, Child, Group, Intensity, Restart, Shutdown, Strategy, Work};

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// In order; also a group that gave up or came to its end, as OTP's `shutdown` is no failure.
    Normal,
    /// It failed.
    Abnormal,
}

/// What is to be done, or what is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start this member; answer with [`Supervision::started`] or [`Supervision::ended`].
    Start(String),
    /// Stop this member; answer with [`Supervision::ended`].
    Stop(String, Shutdown),
    /// This member or group will be started again after a pause.
    Paused {
        /// Who.
        name: String,
        /// How long.
        pause: Duration,
        /// How many restarts in a row this is.
        restarts: u32,
    },
    /// A group had more restarts than it bears, and stops.
    GaveUp {
        /// Its name.
        group: String,
        /// Whose end was one too many.
        child: String,
    },
    /// The whole tree is up.
    AllUp,
    /// Starting failed at this member; the tree is being taken down.
    StartFailed(String),
    /// Nothing runs any more and nothing will.
    Over,
}

/// Where a member or group stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It does not run.
    Down,
    /// It is being started.
    Starting,
    /// It runs.
    Up,
    /// It is being stopped.
    Stopping,
    /// It will be started at this time.
    Paused(Duration),
}

/// One step of a group's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Stop(usize),
    Start(usize),
    /// Let the child wait for this time; what it takes along is started with it.
    Pause(usize, Duration),
    /// All children were started.
    Started,
    /// A child could not be started, all others have been stopped.
    NotStarted,
    /// All children were stopped.
    Ended,
}

impl Task {
    fn child(self) -> Option<usize> {
        match self {
            Self::Stop(child) | Self::Start(child) | Self::Pause(child, _) => Some(child),
            Self::Started | Self::NotStarted | Self::Ended => None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) parent: Option<usize>,
    pub(super) restart: Restart,
    shutdown: Shutdown,
    pub(super) significant: bool,
    pub(super) backoff: Backoff,
    pub(super) standing: Standing,
    /// A temporary child that ended is none of the group's any more.
    pub(super) gone: bool,
    /// A user stopped it.
    pub(super) held: bool,
    pub(super) up_since: Duration,
    /// Restarts in a row.
    pub(super) restarts: u32,
    pub(super) group: Option<GroupState>,
}

#[derive(Debug)]
pub(super) struct GroupState {
    pub(super) strategy: Strategy,
    pub(super) intensity: Option<Intensity>,
    pub(super) auto_shutdown: AutoShutdown,
    pub(super) children: Vec<usize>,
    /// Times of the restarts within the period.
    pub(super) recent: VecDeque<Duration>,
    pub(super) tasks: VecDeque<Task>,
    pub(super) inbox: VecDeque<(usize, End)>,
    /// What users asked for meanwhile.
    pub(super) orders: VecDeque<Vec<Task>>,
}

/// See the module. Node 0 is the root.
#[derive(Debug)]
pub struct Supervision {
    pub(super) nodes: Vec<Node>,
    /// Nodes of members that were forgotten.
    free: Vec<usize>,
    names: BTreeMap<String, usize>,
    pub(super) actions: Vec<Action>,
    /// Groups that may be able to go on.
    pub(super) ready: Vec<usize>,
    pub(super) now: Duration,
}

impl Supervision {
    /// Makes the machine for a tree; nothing happens before [`Supervision::begin`].
    #[must_use]
    pub fn new(name: &str, root: &Group) -> Self {
        let (nodes, free, names, actions, ready) = Default::default();
        let mut made = Self { nodes, free, names, actions, ready, now: Duration::ZERO };
        let root = Child {
            name: name.to_owned(),
            restart: Restart::Temporary,
            shutdown: Shutdown::Unlimited,
            significant: false,
            backoff: Backoff::NONE,
            work: Work::Group(root.clone()),
        };
        made.insert(&root, None);
        made
    }

    pub(super) fn insert(&mut self, child: &Child, parent: Option<usize>) -> usize {
        let node = Node {
            name: child.name.clone(),
            parent,
            restart: child.restart,
            shutdown: child.shutdown,
            significant: child.significant,
            backoff: child.backoff,
            standing: Standing::Down,
            gone: false,
            held: false,
            up_since: Duration::ZERO,
            restarts: 0,
            group: None,
        };
        // Groups stay behind their parents.
        let index = match self.free.pop_if(|_| child.work == Work::Member) {
            Some(free) => {
                self.nodes[free] = node;
                free
            }
            None => {
                self.nodes.push(node);
                self.nodes.len() - 1
            }
        };
        self.names.insert(child.name.clone(), index);
        if let Work::Group(group) = &child.work {
            let children = group.children.iter().map(|child| self.insert(child, Some(index))).collect();
            self.nodes[index].group = Some(GroupState {
                strategy: group.strategy,
                intensity: group.intensity,
                auto_shutdown: group.auto_shutdown,
                children,
                recent: VecDeque::new(),
                tasks: VecDeque::new(),
                inbox: VecDeque::new(),
                orders: VecDeque::new(),
            });
        }
        index
    }

    /// Takes a child in as the last of a group, with all its own; they run already. Unknown groups change nothing.
    pub fn adopt(&mut self, group: &str, child: &Child, now: Duration) {
        let Some(parent) = self.names.get(group).copied() else { return };
        let index = self.insert(child, Some(parent));
        self.runs_already(index, now);
        self.group(parent).children.push(index);
    }

    fn runs_already(&mut self, index: usize, now: Duration) {
        let node = &mut self.nodes[index];
        (node.standing, node.up_since) = (Standing::Up, now);
        let children = node.group.as_ref().map_or(Vec::new(), |group| group.children.clone());
        children.into_iter().for_each(|child| self.runs_already(child, now));
    }

    /// Forgets a member that does not run.
    pub fn forget(&mut self, name: &str) {
        let is_member = |index: &usize| self.nodes[*index].group.is_none();
        let Some(index) = self.names.get(name).copied().filter(is_member) else { return };
        self.names.remove(name);
        if let Some(parent) = self.nodes[index].parent {
            let group = self.group(parent);
            let is_other = |task: &Task| task.child() != Some(index);
            group.children.retain(|child| *child != index);
            group.inbox.retain(|(child, _)| *child != index);
            group.tasks.retain(is_other);
            group.orders.iter_mut().for_each(|order| order.retain(is_other));
            // What it worked on may have been just this.
            self.ready.push(parent);
        }
        self.nodes[index].standing = Standing::Down;
        self.free.push(index);
    }

    /// Whether there is a member or group of this name.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// Starts the tree.
    pub fn begin(&mut self, now: Duration) -> Vec<Action> {
        self.at(now, |machine| machine.begin_start(0))
    }

    /// Stops the tree, the last started first.
    pub fn shut_down(&mut self, now: Duration) -> Vec<Action> {
        self.at(now, |machine| machine.begin_stop(0))
    }

    /// A member is up.
    pub fn started(&mut self, name: &str, now: Duration) -> Vec<Action> {
        self.at_member(name, now, |machine, index| {
            if machine.nodes[index].standing == Standing::Starting {
                machine.is_up(index);
            }
        })
    }

    /// A member has ended, or could not be started.
    pub fn ended(&mut self, name: &str, end: End, now: Duration) -> Vec<Action> {
        self.at_member(name, now, |machine, index| machine.has_ended(index, end))
    }

    /// Time has passed; see [`Supervision::next`].
    pub fn tick(&mut self, now: Duration) -> Vec<Action> {
        self.at(now, |machine| {
            let groups = (0..machine.nodes.len()).filter(|index| machine.nodes[*index].group.is_some());
            machine.ready.extend(groups.rev());
        })
    }

    /// Returns when the machine wants to be told of the time.
    #[must_use]
    pub fn next(&self) -> Option<Duration> {
        let paused = |node: &Node| if let Standing::Paused(until) = node.standing { Some(until) } else { None };
        self.nodes.iter().filter_map(paused).min()
    }

    /// Stops a member or group; it stays down until it is started. Unknown names change nothing.
    pub fn hold(&mut self, name: &str, now: Duration) -> Vec<Action> {
        self.at_member(name, now, |machine, index| {
            machine.nodes[index].held = true;
            machine.order(index, &[Task::Stop(index)]);
        })
    }

    /// Starts a member or group that does not run.
    pub fn release(&mut self, name: &str, now: Duration) -> Vec<Action> {
        self.at_member(name, now, |machine, index| {
            machine.nodes[index].held = false;
            machine.nodes[index].gone = false;
            machine.nodes[index].restarts = 0;
            machine.order(index, &[Task::Start(index)]);
        })
    }

    /// Stops a member or group and starts it again; this counts for no intensity.
    pub fn renew(&mut self, name: &str, now: Duration) -> Vec<Action> {
        self.at_member(name, now, |machine, index| {
            machine.nodes[index].held = false;
            machine.nodes[index].gone = false;
            machine.order(index, &[Task::Stop(index), Task::Start(index)]);
        })
    }

    /// Returns where a member or group stands, and how many restarts in a row it had. None: there is no such name.
    #[must_use]
    pub fn standing(&self, name: &str) -> Option<(Standing, u32)> {
        self.names.get(name).map(|index| (self.nodes[*index].standing, self.nodes[*index].restarts))
    }

    fn at_member(&mut self, name: &str, now: Duration, change: impl FnOnce(&mut Self, usize)) -> Vec<Action> {
        let index = self.names.get(name).copied();
        self.at(now, |machine| {
            if let Some(index) = index {
                change(machine, index);
            }
        })
    }

    fn at(&mut self, now: Duration, change: impl FnOnce(&mut Self)) -> Vec<Action> {
        self.now = self.now.max(now);
        change(self);
        while let Some(group) = self.ready.pop() {
            self.advance(group);
        }
        std::mem::take(&mut self.actions)
    }

    fn order(&mut self, child: usize, tasks: &[Task]) {
        let Some(parent) = self.nodes[child].parent else { return };
        // Where the parent is not up, it is on its way up or down, and its own list says what becomes of the child.
        if self.nodes[parent].standing == Standing::Up {
            self.group(parent).orders.push_back(tasks.to_vec());
            self.ready.push(parent);
        }
    }

    /// The group at an index that is known to be one.
    pub(super) fn group(&mut self, index: usize) -> &mut GroupState {
        self.nodes[index].group.get_or_insert_with(|| GroupState {
            strategy: Strategy::OneForOne,
            intensity: None,
            auto_shutdown: AutoShutdown::Never,
            children: Vec::new(),
            recent: VecDeque::new(),
            tasks: VecDeque::new(),
            inbox: VecDeque::new(),
            orders: VecDeque::new(),
        })
    }

    /// Works on the first task of a group as far as it goes. Whoever finishes something that the group waits for makes it ready again.
    fn advance(&mut self, group: usize) {
        loop {
            let Some(task) = self.group(group).tasks.front().copied() else {
                if self.nodes[group].standing == Standing::Up && self.next_work(group) {
                    continue;
                }
                return;
            };
            let is_done = match task {
                Task::Stop(child) => self.stop_step(group, child),
                Task::Start(child) => self.start_step(child),
                Task::Pause(child, until) => {
                    self.nodes[child].standing = Standing::Paused(until);
                    true
                }
                Task::Started | Task::NotStarted | Task::Ended => {
                    self.group(group).tasks.clear();
                    self.finish(group, task);
                    return;
                }
            };
            if !is_done {
                return;
            }
            self.group(group).tasks.pop_front();
        }
    }

    fn stop_step(&mut self, group: usize, child: usize) -> bool {
        // An end that nobody has looked at yet is part of being stopped.
        self.group(group).inbox.retain(|(ended, _)| *ended != child);
        match self.nodes[child].standing {
            Standing::Down => true,
            Standing::Paused(_) => {
                self.nodes[child].standing = Standing::Down;
                true
            }
            Standing::Up | Standing::Starting => {
                self.begin_stop(child);
                false
            }
            Standing::Stopping => false,
        }
    }

    fn start_step(&mut self, child: usize) -> bool {
        match self.nodes[child].standing {
            Standing::Up => true,
            Standing::Down | Standing::Paused(_) if self.nodes[child].gone || self.nodes[child].held => {
                self.nodes[child].standing = Standing::Down;
                true
            }
            Standing::Down | Standing::Paused(_) => {
                self.begin_start(child);
                false
            }
            Standing::Starting | Standing::Stopping => false,
        }
    }

    fn begin_start(&mut self, index: usize) {
        self.nodes[index].standing = Standing::Starting;
        if self.nodes[index].group.is_none() {
            self.actions.push(Action::Start(self.nodes[index].name.clone()));
            return;
        }
        let group = self.group(index);
        group.recent.clear();
        group.inbox.clear();
        group.orders.clear();
        let starts: Vec<Task> = group.children.iter().map(|child| Task::Start(*child)).collect();
        group.tasks = starts.into_iter().chain([Task::Started]).collect();
        // A group that starts again has all its children again.
        for child in self.group(index).children.clone() {
            self.nodes[child].gone = false;
        }
        self.ready.push(index);
    }

    fn begin_stop(&mut self, index: usize) {
        let is_down = self.nodes[index].standing == Standing::Down;
        if self.nodes[index].group.is_none() {
            self.nodes[index].standing = Standing::Stopping;
            self.actions.push(Action::Stop(self.nodes[index].name.clone(), self.nodes[index].shutdown));
        } else if !is_down {
            self.nodes[index].standing = Standing::Stopping;
            self.stop_children(index, Task::Ended);
        }
    }

    /// Has a group stop all its children, the last first, and then be finished.
    pub(super) fn stop_children(&mut self, group: usize, then: Task) {
        let state = self.group(group);
        state.inbox.clear();
        state.orders.clear();
        state.tasks = state.children.iter().rev().map(|child| Task::Stop(*child)).chain([then]).collect();
        self.ready.push(group);
    }

    fn is_up(&mut self, index: usize) {
        self.nodes[index].standing = Standing::Up;
        self.nodes[index].up_since = self.now;
        self.ready.extend(self.nodes[index].parent);
    }

    /// A member, or a group, is down.
    fn has_ended(&mut self, index: usize, end: End) {
        let before = std::mem::replace(&mut self.nodes[index].standing, Standing::Down);
        let Some(parent) = self.nodes[index].parent else { return };
        match before {
            Standing::Stopping => {}
            Standing::Starting => self.start_failed(parent, index),
            Standing::Up => {
                let node = &mut self.nodes[index];
                if node.up_since + node.backoff.reset <= self.now {
                    node.restarts = 0;
                }
                self.group(parent).inbox.push_back((index, end));
            }
            // Told twice: it was down before.
            Standing::Down | Standing::Paused(_) => self.nodes[index].standing = before,
        }
        self.ready.push(parent);
    }

    /// A child could not be started: at the group's own start that ends the group, later it is an end like any other.
    fn start_failed(&mut self, group: usize, child: usize) {
        if self.nodes[group].standing == Standing::Starting {
            if self.nodes[child].group.is_none() {
                self.actions.push(Action::StartFailed(self.nodes[child].name.clone()));
            }
            self.stop_children(group, Task::NotStarted);
        } else {
            self.group(group).tasks.clear();
            self.start_again(group, child);
        }
    }

    fn finish(&mut self, group: usize, task: Task) {
        let is_root = self.nodes[group].parent.is_none();
        match task {
            Task::Started => {
                self.is_up(group);
                if is_root {
                    self.actions.push(Action::AllUp);
                }
                self.ready.push(group);
            }
            _ => {
                self.has_ended(group, End::Normal);
                if is_root {
                    self.actions.push(Action::Over);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_forgotten_leaves_nothing_and_its_place_is_taken_again() {
        let root = Group {
            strategy: Strategy::OneForAll,
            intensity: None,
            auto_shutdown: AutoShutdown::Never,
            children: Vec::new(),
        };
        let mut machine = Supervision::new("", &root);
        machine.begin(Duration::ZERO);
        let member = |name: &str| Child {
            name: name.to_owned(),
            restart: Restart::Permanent,
            shutdown: Shutdown::Kill,
            significant: false,
            backoff: Backoff { first: Duration::from_secs(9), ..Backoff::default() },
            work: Work::Member,
        };
        machine.adopt("", &member("stays"), Duration::ZERO);
        for round in 0..100 {
            let (name, now) = (format!("m{round}"), Duration::from_secs(round));
            machine.adopt("", &member(&name), now);
            assert_eq!(machine.standing(&name), Some((Standing::Up, 0)));
            assert_eq!(machine.hold(&name, now), [Action::Stop(name.clone(), Shutdown::Kill)]);
            assert_eq!(machine.ended(&name, End::Normal, now), []);
            machine.forget(&name);
            assert_eq!((machine.standing(&name), machine.next()), (None, None));
        }
        assert_eq!(machine.nodes.len(), 3, "the root, who stays, and one place");
        assert_eq!(machine.standing("stays"), Some((Standing::Up, 0)));
    }

    #[test]
    fn a_group_goes_on_without_one_that_is_forgotten_in_the_middle() {
        let root = Group {
            strategy: Strategy::OneForOne,
            intensity: None,
            auto_shutdown: AutoShutdown::Never,
            children: Vec::new(),
        };
        let mut machine = Supervision::new("", &root);
        machine.begin(Duration::ZERO);
        let (restart, shutdown, backoff) = (Restart::Permanent, Shutdown::Kill, Backoff::NONE);
        for name in ["a", "b"] {
            let child = Child { name: name.into(), restart, shutdown, significant: false, backoff, work: Work::Member };
            machine.adopt("", &child, Duration::ZERO);
        }
        assert_eq!(machine.hold("a", Duration::ZERO), [Action::Stop("a".into(), shutdown)]);
        assert_eq!(machine.hold("b", Duration::ZERO), [], "one after the other");
        machine.forget("a");
        assert_eq!(machine.hold("b", Duration::ZERO), [Action::Stop("b".into(), shutdown)]);
    }
}
