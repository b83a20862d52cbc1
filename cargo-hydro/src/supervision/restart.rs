//! What a group does about the end of a child: OTP's rules, each where it is applied.

use std::time::Duration;

use super::machine::{Action, End, Standing, Supervision, Task};
use super::tree::{AutoShutdown, Restart, Strategy};

impl Supervision {
    /// Makes tasks of the next thing that waits for a group that has none. Returns whether there was one.
    pub(super) fn next_work(&mut self, group: usize) -> bool {
        if let Some((child, end)) = self.group(group).inbox.pop_front() {
            self.child_ended(group, child, end);
            return true;
        }
        if let Some(order) = self.group(group).orders.pop_front() {
            self.group(group).tasks.extend(order);
            return true;
        }
        let now = self.now;
        let is_due = |standing| matches!(standing, Standing::Paused(until) if until <= now);
        let children = self.group(group).children.clone();
        let Some(due) = children.into_iter().find(|child| is_due(self.nodes[*child].standing)) else { return false };
        let starts: Vec<Task> = self.taken_along(group, due).into_iter().map(Task::Start).collect();
        self.group(group).tasks.extend(starts);
        true
    }

    fn child_ended(&mut self, group: usize, child: usize, end: End) {
        let node = &mut self.nodes[child];
        match (node.restart, end) {
            // Who was stopped on purpose ends nobody else.
            _ if node.held => return,
            (Restart::Permanent, _) | (Restart::Transient, End::Abnormal) => return self.start_again(group, child),
            (Restart::Transient, End::Normal) => {}
            (Restart::Temporary, _) => node.gone = true,
        }
        if self.nodes[child].significant && self.is_auto_shutdown(group) {
            self.stop_children(group, Task::Ended);
        }
    }

    /// Whether the end of a significant child, who is down by now, ends the group.
    fn is_auto_shutdown(&mut self, group: usize) -> bool {
        match self.group(group).auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::AnySignificant => true,
            AutoShutdown::AllSignificant => {
                let children = self.group(group).children.clone();
                let is_active = |child: &usize| {
                    let node = &self.nodes[*child];
                    node.significant && !node.gone && node.standing != Standing::Down
                };
                !children.iter().any(is_active)
            }
        }
    }

    /// Starts a child again, with all that its group's strategy takes along, unless that is one restart too many.
    pub(super) fn start_again(&mut self, group: usize, child: usize) {
        if self.is_too_often(group) {
            let (group_name, name) = (self.nodes[group].name.clone(), self.nodes[child].name.clone());
            self.actions.push(Action::GaveUp { group: group_name, child: name });
            return self.stop_children(group, Task::Ended);
        }
        let set = self.taken_along(group, child);
        for other in set.iter().filter(|other| **other != child) {
            if self.nodes[*other].restart == Restart::Temporary {
                self.nodes[*other].gone = true;
            }
        }
        let pause = self.pause(child);
        let mut tasks: Vec<Task> = set.iter().rev().map(|other| Task::Stop(*other)).collect();
        if pause.is_zero() {
            tasks.extend(set.into_iter().map(Task::Start));
        } else {
            tasks.push(Task::Pause(child, self.now + pause));
            let (name, restarts) = (self.nodes[child].name.clone(), self.nodes[child].restarts);
            self.actions.push(Action::Paused { name, pause, restarts });
        }
        self.group(group).tasks.extend(tasks);
    }

    /// Returns who is stopped and started with a child, and the child, in the order of starting.
    fn taken_along(&mut self, group: usize, child: usize) -> Vec<usize> {
        let state = self.group(group);
        let first = state.children.iter().position(|other| *other == child).unwrap_or_default();
        match state.strategy {
            Strategy::OneForOne => vec![child],
            Strategy::OneForAll => state.children.clone(),
            Strategy::RestForOne => state.children[first..].to_vec(),
        }
    }

    /// Counts a restart.
    fn is_too_often(&mut self, group: usize) -> bool {
        let now = self.now;
        let state = self.group(group);
        let Some(intensity) = state.intensity else { return false };
        state.recent.push_back(now);
        state.recent.retain(|then| *then + intensity.period >= now);
        state.recent.len() > intensity.restarts as usize
    }

    fn pause(&mut self, child: usize) -> Duration {
        let node = &mut self.nodes[child];
        let pause = node.backoff.pause(&node.name, node.restarts);
        node.restarts += 1;
        pause
    }
}
