//! Whether the groups in which services are kept up fit together. Pure.

use super::model::{Deployment, SupervisedGroup, Upkeep};
use super::problem::{problem, with_nearest};
use crate::report::{Failure, Origin};
use crate::supervision::{AutoShutdown, Restart};

/// Checks that groups exist, are not in themselves, and that nobody is significant in vain.
pub(super) fn check(deployment: &Deployment) -> Vec<Failure> {
    let mut problems = Vec::new();
    for (name, group) in &deployment.groups {
        check_one(deployment, &format!("the group `{name}`"), &group.upkeep, group.origin.as_ref(), &mut problems);
        if is_in_itself(deployment, name, group) {
            let message = format!("the group `{name}` is in itself");
            problems.push(
                problem(group.origin.as_ref(), message).hint("leave out `group` in one of the groups of the circle"),
            );
        }
    }
    for (name, service) in &deployment.services {
        check_one(deployment, &format!("`{name}`"), &service.upkeep, service.origin.as_ref(), &mut problems);
    }
    problems
}

fn check_one(
    deployment: &Deployment,
    who: &str,
    upkeep: &Upkeep,
    origin: Option<&Origin>,
    problems: &mut Vec<Failure>,
) {
    let parent = match &upkeep.group {
        None => &deployment.supervision,
        Some(name) => match deployment.groups.get(name) {
            Some(group) => group,
            None => {
                let message = format!("there is no group `{name}`");
                let names = deployment.groups.keys().map(String::as_str);
                problems.push(with_nearest(problem(origin, message), name, names, "group"));
                return;
            }
        },
    };
    if !upkeep.significant {
        return;
    }
    if upkeep.restart == Some(Restart::Permanent) {
        let message = format!("{who} is significant, but permanent: it never ends by itself");
        problems.push(problem(origin, message).hint("write `restart = \"transient\"` or `restart = \"temporary\"`"));
    }
    if parent.auto_shutdown == AutoShutdown::Never {
        let message = format!("{who} is significant, but its group never ends by itself");
        let place = upkeep.group.as_ref().map_or("[supervision]".to_owned(), |name| format!("[groups.{name}]"));
        let hint = format!("write `auto_shutdown = \"any_significant\"` or `\"all_significant\"` into `{place}`");
        problems.push(problem(origin, message).hint(hint));
    }
}

fn is_in_itself(deployment: &Deployment, name: &str, group: &SupervisedGroup) -> bool {
    let mut at = group.upkeep.group.as_ref();
    for _ in 0..deployment.groups.len() {
        match at {
            Some(parent) if parent == name => return true,
            Some(parent) => at = deployment.groups.get(parent).and_then(|parent| parent.upkeep.group.as_ref()),
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::samples::command;

    #[test]
    fn groups_that_do_not_fit_are_told() {
        let mut wrong = Deployment { name: "d".into(), ..Default::default() };
        for name in ["a", "b", "c"] {
            command(&mut wrong, name, &["true"]);
        }
        let within = |group: &str| Upkeep { group: Some(group.into()), ..Upkeep::default() };
        for (name, parent) in [("x", "y"), ("y", "x"), ("storage", "x")] {
            wrong.groups.insert(name.into(), SupervisedGroup { upkeep: within(parent), ..SupervisedGroup::default() });
        }
        wrong.services["a"].upkeep = within("storag");
        wrong.services["b"].upkeep =
            Upkeep { significant: true, restart: Some(Restart::Permanent), ..within("storage") };
        wrong.services["c"].upkeep.significant = true;
        let told: Vec<String> = check(&wrong).into_iter().map(|failure| failure.message).collect();
        let expected = [
            "the group `x` is in itself",
            "the group `y` is in itself",
            "there is no group `storag`",
            "`b` is significant, but permanent: it never ends by itself",
            "`b` is significant, but its group never ends by itself",
            "`c` is significant, but its group never ends by itself",
        ];
        assert_eq!(told, expected);
        assert!(check(&Deployment::default()).is_empty());
    }
}
