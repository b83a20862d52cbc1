//! The state machine beside OTP's text: every strategy, restart kind, way to end and position, and what surrounds them.
//!
//! [`expected`] is the manual's text on plain lists; it shares nothing with the machine.

use std::time::Duration;

use super::*;

const KINDS: [Restart; 3] = [Restart::Permanent, Restart::Transient, Restart::Temporary];
const STRATEGIES: [Strategy; 3] = [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne];
const NAMES: [&str; 3] = ["a", "b", "c"];

/// How the child under test ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Death {
    Normal,
    Abnormal,
    /// By a signal: abnormal too.
    Killed,
    /// Abnormally, and its next start fails.
    CrashInStart,
}

const DEATHS: [Death; 4] = [Death::Normal, Death::Abnormal, Death::Killed, Death::CrashInStart];

/// What the manual says happens after the child at `dead` has ended: `-x` is a stop, `+x` a start.
pub(crate) fn expected(strategy: Strategy, kinds: [Restart; 3], dead: usize, death: Death) -> Vec<String> {
    // "A permanent child process is always restarted", "a temporary child process is never restarted", "a transient child process is
    // restarted only if it terminates abnormally".
    let restarts = match kinds[dead] {
        Restart::Permanent => true,
        Restart::Transient => death != Death::Normal,
        Restart::Temporary => false,
    };
    let mut log = Vec::new();
    if !restarts {
        return log;
    }
    let mut children = vec![0, 1, 2];
    let mut alive = [true; 3];
    alive[dead] = false;
    let mut fails = death == Death::CrashInStart;
    loop {
        // "only that process is restarted"; "all other child processes are terminated and then all child processes, including the
        // terminated one, are restarted"; "the rest of the child processes (after it in start order) are terminated. Then ... restarted".
        let affected: Vec<usize> = match strategy {
            Strategy::OneForOne => vec![dead],
            Strategy::OneForAll => children.clone(),
            Strategy::RestForOne => children.iter().copied().filter(|child| *child >= dead).collect(),
        };
        for child in affected.iter().rev().filter(|child| alive[**child]).copied().collect::<Vec<_>>() {
            alive[child] = false;
            log.push(format!("-{}", NAMES[child]));
        }
        // "never restarted (even when the supervisor restart strategy is rest_for_one or one_for_all and a sibling death causes the
        // temporary process to be terminated)".
        let lost = |child: &usize| affected.contains(child) && kinds[*child] == Restart::Temporary;
        children.retain(|child| !lost(child));
        let mut again = false;
        for child in affected.into_iter().filter(|child| kinds[*child] != Restart::Temporary) {
            log.push(format!("+{}", NAMES[child]));
            if child == dead && fails {
                fails = false;
                again = true;
                break;
            }
            alive[child] = true;
        }
        if !again {
            return log;
        }
    }
}

fn child(name: &str, restart: Restart) -> Child {
    let backoff = Backoff::NONE;
    Child { name: name.into(), restart, shutdown: Shutdown::Kill, significant: false, backoff, work: Work::Member }
}

fn group(strategy: Strategy, children: Vec<Child>) -> Group {
    Group { strategy, intensity: None, auto_shutdown: AutoShutdown::Never, children }
}

fn nested(name: &str, restart: Restart, group: Group) -> Child {
    Child { work: Work::Group(group), ..child(name, restart) }
}

fn letters(text: &str, restart: Restart) -> Vec<Child> {
    text.split(' ').map(|name| child(name, restart)).collect()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Drives the machine: every order is carried out at once, but for starts that are to fail.
struct Bench {
    machine: Supervision,
    now: Duration,
    fails: Vec<String>,
    log: Vec<String>,
    /// Stops that are not carried out.
    deaf: Vec<String>,
}

impl Bench {
    fn new(root: &Group) -> Self {
        let machine = Supervision::new("root", root);
        let mut made = Self { machine, now: Duration::ZERO, fails: vec![], log: vec![], deaf: vec![] };
        let actions = made.machine.begin(made.now);
        made.carry_out(actions);
        made
    }

    fn carry_out(&mut self, actions: Vec<Action>) {
        for action in actions {
            let next = match action {
                Action::Start(name) => {
                    self.log.push(format!("+{name}"));
                    match self.fails.iter().position(|fails| *fails == name) {
                        Some(index) => {
                            self.fails.remove(index);
                            self.machine.ended(&name, End::Abnormal, self.now)
                        }
                        None => self.machine.started(&name, self.now),
                    }
                }
                Action::Stop(name, _) if self.deaf.contains(&name) => vec![],
                Action::Stop(name, _) => {
                    self.log.push(format!("-{name}"));
                    self.machine.ended(&name, End::Normal, self.now)
                }
                Action::Paused { name, restarts, .. } => {
                    self.log.push(format!("…{name}{restarts}"));
                    vec![]
                }
                Action::GaveUp { group, child } => {
                    self.log.push(format!("!{group} by {child}"));
                    vec![]
                }
                Action::AllUp => vec![],
                Action::StartFailed(name) => {
                    self.log.push(format!("?{name}"));
                    vec![]
                }
                Action::Over => {
                    self.log.push("over".into());
                    vec![]
                }
            };
            self.carry_out(next);
        }
    }

    /// Ends a member by itself and returns what follows.
    fn dies(&mut self, name: &str, end: End) -> String {
        self.log.clear();
        let actions = self.machine.ended(name, end, self.now);
        self.carry_out(actions);
        self.log.join(" ")
    }

    fn passes(&mut self, time: Duration) -> String {
        self.log.clear();
        self.now += time;
        let actions = self.machine.tick(self.now);
        self.carry_out(actions);
        self.log.join(" ")
    }

    fn asked(&mut self, ask: impl FnOnce(&mut Supervision, Duration) -> Vec<Action>) -> String {
        self.log.clear();
        let actions = ask(&mut self.machine, self.now);
        self.carry_out(actions);
        self.log.join(" ")
    }
}

#[test]
fn every_case_of_the_table_is_as_the_manual_says() {
    let mut cases = 0;
    for strategy in STRATEGIES {
        for kind in KINDS {
            for death in DEATHS {
                for (dead, name) in NAMES.iter().enumerate() {
                    for sibling in KINDS {
                        let kinds = std::array::from_fn(|index| if index == dead { kind } else { sibling });
                        let children = NAMES.iter().zip(kinds).map(|(name, kind)| child(name, kind)).collect();
                        let mut bench = Bench::new(&group(strategy, children));
                        assert_eq!(bench.log.join(" "), "+a +b +c");
                        if death == Death::CrashInStart {
                            bench.fails.push((*name).into());
                        }
                        let end = if death == Death::Normal { End::Normal } else { End::Abnormal };
                        let seen = bench.dies(name, end);
                        let wanted = expected(strategy, kinds, dead, death).join(" ");
                        assert_eq!(seen, wanted, "{strategy:?} {kinds:?} {name} {death:?}");
                        cases += 1;
                    }
                }
            }
        }
    }
    assert_eq!(cases, 324);
}

#[test]
fn one_restart_too_many_ends_the_group_and_its_parent_decides() {
    let mut inner = group(Strategy::OneForOne, letters("a b", Restart::Permanent));
    inner.intensity = Some(Intensity { restarts: 2, period: seconds(5) });
    let root =
        |kind| group(Strategy::OneForOne, vec![child("x", Restart::Permanent), nested("inner", kind, inner.clone())]);

    let mut bench = Bench::new(&root(Restart::Permanent));
    assert_eq!(bench.dies("a", End::Abnormal), "+a");
    assert_eq!(bench.dies("b", End::Abnormal), "+b");
    assert_eq!(bench.dies("a", End::Abnormal), "!inner by a -b +a +b");
    // A new group has a new count, and old restarts are forgotten after the period.
    assert_eq!(bench.dies("a", End::Abnormal), "+a");
    bench.passes(seconds(6));
    assert_eq!(bench.dies("a", End::Abnormal), "+a");
    assert_eq!(bench.dies("a", End::Abnormal), "+a");

    // Giving up is `shutdown`, which is no failure.
    let mut bench = Bench::new(&root(Restart::Transient));
    bench.dies("a", End::Abnormal);
    bench.dies("a", End::Abnormal);
    assert_eq!(bench.dies("a", End::Abnormal), "!inner by a -b");
    assert_eq!(bench.dies("x", End::Abnormal), "+x");
}

#[test]
fn a_root_that_gives_up_is_over() {
    let mut root = group(Strategy::OneForOne, letters("a b c", Restart::Permanent));
    root.intensity = Some(Intensity { restarts: 0, period: seconds(5) });
    let mut bench = Bench::new(&root);
    assert_eq!(bench.dies("b", End::Normal), "!root by b -c -a over");
}

#[test]
fn significant_children_end_their_group() {
    let significant = |name| Child { significant: true, ..child(name, Restart::Transient) };
    let with = |auto_shutdown| {
        let children = vec![significant("a"), child("x", Restart::Permanent), significant("b")];
        Group { auto_shutdown, ..group(Strategy::OneForOne, children) }
    };
    let mut any = Bench::new(&with(AutoShutdown::AnySignificant));
    assert_eq!(any.dies("a", End::Abnormal), "+a", "a failed one is started again");
    assert_eq!(any.dies("x", End::Normal), "+x", "it is not significant");
    assert_eq!(any.dies("a", End::Normal), "-b -x over");

    let mut all = Bench::new(&with(AutoShutdown::AllSignificant));
    assert_eq!(all.dies("b", End::Normal), "");
    assert_eq!(all.dies("a", End::Normal), "-x over");

    let mut held = Bench::new(&with(AutoShutdown::AllSignificant));
    assert_eq!(held.asked(|machine, now| machine.hold("b", now)), "-b", "a user's stop is no end by itself");
    assert_eq!(held.dies("a", End::Normal), "-x over");
}

#[test]
fn the_first_start_fails_as_a_whole() {
    let inner = nested("inner", Restart::Permanent, group(Strategy::OneForOne, letters("b c", Restart::Permanent)));
    let root = group(Strategy::OneForOne, vec![child("a", Restart::Permanent), inner, child("d", Restart::Permanent)]);
    let mut bench = Bench::new(&group(Strategy::OneForOne, vec![]));
    bench.machine = Supervision::new("root", &root);
    bench.fails = vec!["c".into()];
    assert_eq!(bench.asked(|machine, now| machine.begin(now)), "+a +b +c ?c -b -a over");
}

#[test]
fn a_nested_group_is_stopped_and_started_as_one() {
    let inner = nested("inner", Restart::Permanent, group(Strategy::OneForOne, letters("b c", Restart::Permanent)));
    let last = child("d", Restart::Permanent);
    let root = group(Strategy::RestForOne, vec![child("a", Restart::Permanent), inner, last]);
    let mut bench = Bench::new(&root);
    assert_eq!(bench.dies("c", End::Abnormal), "+c", "that is the inner group's own affair");
    assert_eq!(bench.dies("a", End::Abnormal), "-d -c -b +a +b +c +d");
    assert_eq!(bench.asked(|machine, now| machine.shut_down(now)), "-d -c -b -a over");
}

#[test]
fn pauses_grow_and_hold_up_nobody_else() {
    let patient = |name| Child { backoff: Backoff::default(), ..child(name, Restart::Permanent) };
    let mut bench = Bench::new(&group(Strategy::OneForOne, vec![patient("a"), patient("b")]));
    assert_eq!(bench.dies("a", End::Abnormal), "+a", "the first restart is at once");
    assert_eq!(bench.dies("a", End::Abnormal), "…a2");
    assert!(matches!(bench.machine.standing("a"), Some((Standing::Paused(_), 2))));
    assert_eq!(bench.dies("b", End::Abnormal), "+b");
    let due = bench.machine.next().unwrap();
    assert!(due >= Duration::from_micros(37_500) && due <= Duration::from_millis(50), "{due:?}");
    assert_eq!(bench.passes(due - Duration::from_nanos(1)), "");
    assert_eq!(bench.passes(Duration::from_nanos(1)), "+a");
    assert_eq!(bench.machine.next(), None);
    assert_eq!(bench.dies("a", End::Abnormal), "…a3");
    bench.passes(seconds(1));
    bench.passes(seconds(5));
    assert_eq!(bench.dies("a", End::Abnormal), "+a", "it was well for long");
}

#[test]
fn an_earlier_end_takes_a_pausing_sibling_along() {
    let children = letters("a b c", Restart::Permanent);
    let patient = children.into_iter().map(|child| Child { backoff: Backoff::default(), ..child }).collect();
    let mut bench = Bench::new(&group(Strategy::RestForOne, patient));
    assert_eq!(bench.dies("b", End::Abnormal), "-c +b +c");
    assert_eq!(bench.dies("b", End::Abnormal), "…b2 -c", "what depends on it does not wait in vain");
    assert_eq!(bench.dies("a", End::Abnormal), "+a +b +c");
    assert_eq!(bench.passes(seconds(9)), "", "nothing is started twice");
}

#[test]
fn ends_that_come_while_a_group_stops_something_are_handled_after_it() {
    let mut bench = Bench::new(&group(Strategy::RestForOne, letters("a b c d", Restart::Permanent)));
    bench.deaf = vec!["d".into()];
    assert_eq!(bench.dies("c", End::Abnormal), "", "d is asked and takes its time");
    assert_eq!(bench.dies("a", End::Abnormal), "");
    bench.deaf.clear();
    assert_eq!(bench.dies("d", End::Normal), "+c +d -d -c -b +a +b +c +d", "first the one, then the other");
}

#[test]
fn stopping_reaches_what_is_still_starting() {
    let mut machine = Supervision::new("root", &group(Strategy::OneForOne, letters("a b", Restart::Permanent)));
    assert_eq!(machine.begin(seconds(0)), [Action::Start("a".into())]);
    assert_eq!(machine.shut_down(seconds(1)), [Action::Stop("a".into(), Shutdown::Kill)]);
    assert_eq!(machine.started("a", seconds(1)), []);
    assert_eq!(machine.ended("a", End::Abnormal, seconds(2)), [Action::Over]);
    assert_eq!(machine.ended("a", End::Abnormal, seconds(2)), [], "told twice");
}

#[test]
fn who_was_stopped_by_a_user_stays_stopped_until_started() {
    let mut bench = Bench::new(&group(Strategy::OneForAll, letters("a b", Restart::Permanent)));
    assert_eq!(bench.asked(|machine, now| machine.hold("b", now)), "-b");
    assert_eq!(bench.dies("a", End::Abnormal), "+a", "it is not started with the others");
    assert_eq!(bench.asked(|machine, now| machine.release("b", now)), "+b");
    assert_eq!(bench.asked(|machine, now| machine.renew("a", now)), "-a +a", "a wished restart is its own affair");
    assert_eq!(bench.asked(|machine, now| machine.hold("nobody", now)), "");
    assert_eq!(bench.dies("a", End::Abnormal), "-b +a +b");
}
