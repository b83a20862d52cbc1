//! Which services run in one process: those that wish so, on one machine, of one package.
//!
//! Pure. A process starts and ends as a whole.

use std::collections::{BTreeMap, BTreeSet};

use hydro_runtime_shim::contract::{self, Colocated};

use super::late::Running;
use super::model::{Deployment, Link, Service};
use super::plan::PlannedMember;
use super::problem::problem;
use crate::report::Failure;

impl Deployment {
    /// Returns the services that share a process with this one, itself among them, in the order they were made; empty: it has its own.
    pub(super) fn process_of(&self, name: &str) -> Vec<&str> {
        let Some(service) = self.services.get(name).filter(|service| service.colocate.is_some()) else {
            return Vec::new();
        };
        let together = self
            .services
            .iter()
            .filter(|(_, wish)| (&wish.colocate, &wish.machine) == (&service.colocate, &service.machine));
        let together: Vec<_> = together.collect();
        // One that is alone is a program like any other.
        let is_alone = matches!(together.as_slice(), [(_, Service { count: 1, .. })]);
        if is_alone { Vec::new() } else { together.into_iter().map(|(name, _)| name.as_str()).collect() }
    }
}

/// Checks that nobody is to join a process that runs already, in which no thread can be started.
pub(super) fn check_joining(deployment: &Deployment, running: &Running) -> Vec<Failure> {
    let count = |name: &str| running.get(name).copied().unwrap_or(0);
    let mut problems = Vec::new();
    for (name, service) in deployment.services.iter().filter(|(name, service)| count(name) < service.count) {
        if let Some(other) = deployment.process_of(name).into_iter().find(|other| count(other) > 0) {
            let what = format!("`{name}` cannot join the process of `{other}`, which runs already");
            let hint = "deploy both at once, or leave out `colocate`";
            problems.push(problem(service.origin.as_ref(), what).hint(hint));
        }
    }
    problems
}

/// Takes those out of the members that go on whose process is to be another one: it is started anew as a whole.
pub(super) fn keep_whole(old: &Deployment, new: &Deployment, running: &mut Running, is_rebuilt: impl Fn(&str) -> bool) {
    let links = |deployment: &Deployment, name: &str| {
        let touches = |link: &&Link| link.from.service == name || link.to.service == name;
        let plain = |link: &Link| Link { origin: None, to_origin: None, ..link.clone() };
        deployment.links.iter().filter(touches).map(plain).collect::<Vec<_>>()
    };
    let service = |deployment: &Deployment, name: &str| {
        deployment.services.get(name).map(|service| Service { origin: None, ..service.clone() })
    };
    let differs = |name: &str| {
        old.process_of(name) != new.process_of(name)
            || service(old, name) != service(new, name)
            || links(old, name) != links(new, name)
            || is_rebuilt(name)
    };
    let mut ending = BTreeSet::new();
    for name in old.services.keys().chain(new.services.keys()) {
        let together: BTreeSet<&str> = old.process_of(name).into_iter().chain(new.process_of(name)).collect();
        if together.iter().any(|name| differs(name)) {
            ending.extend(together);
        }
    }
    running.retain(|name, _| !ending.contains(name.as_str()));
}

/// Checks that services which wish to share a process can.
pub(super) fn check(deployment: &Deployment) -> Vec<Failure> {
    let mut first: BTreeMap<&str, (&String, &Service)> = BTreeMap::new();
    let mut problems = Vec::new();
    for (name, service) in deployment.services.iter().filter(|(_, service)| service.colocate.is_some()) {
        let (leader, other) = *first.entry(&service.machine).or_insert((name, service));
        let differs = |what: String, hint: &str| {
            let failure = problem(service.origin.as_ref(), what);
            let place = other.origin.as_ref().map(|origin| format!("`{leader}` is at {origin}"));
            place.into_iter().fold(failure, Failure::cause).hint(hint)
        };
        if let (Some(own), Some(theirs)) = (&service.colocate, &other.colocate)
            && own != theirs
        {
            let what = format!(
                "`{name}` cannot share a process with `{leader}`: its program is of the package `{own}`, not of `{theirs}`"
            );
            problems
                .push(differs(what, "put both `.hf` files into one package, or leave out `colocate` in one of them"));
            continue;
        }
        if service.upkeep != other.upkeep {
            let what = format!("`{name}` and `{leader}` share a process, and are kept up in different ways");
            problems.push(differs(what, "write the same `restart`, `shutdown`, `backoff` and `group` for both"));
        }
        let is_own = |variable: &&String| is_of_process(variable);
        let clash =
            service.env.keys().filter(is_own).find(|key| other.env.get(*key).is_some_and(|v| *v != service.env[*key]));
        if let Some(variable) = clash {
            let what = format!("`{name}` and `{leader}` share a process, and want different values of `{variable}`");
            problems.push(differs(what, "a process has each variable once; make it a parameter of the programs"));
        }
    }
    problems
}

/// Tells whether a variable is one that programs in one process share.
fn is_of_process(variable: &str) -> bool {
    !variable.starts_with("HYDRO_") && !variable.starts_with("LISTEN_")
}

/// A process of several members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SharedProcess {
    /// What it is called: the names of its services, joined by `+`.
    pub(super) name: String,
    /// Its variables.
    pub(super) env: BTreeMap<String, String>,
}

/// Puts what members are told into the variables of their process. `sources` are the programs as they call themselves, and `args` their arguments.
pub(super) fn share(members: &[(&PlannedMember, &str, &[String])], sockets: usize) -> SharedProcess {
    let mut env = BTreeMap::new();
    let mut services: Vec<&str> = Vec::new();
    let mut seats = Vec::new();
    for (member, source, args) in members {
        if !services.contains(&member.service.as_str()) {
            services.push(&member.service);
        }
        let mut variables = BTreeMap::new();
        for (name, value) in &member.env {
            let shared = if is_of_process(name) { &mut env } else { &mut variables };
            shared.insert(name.clone(), value.clone());
        }
        variables.remove(contract::LISTEN_FDS);
        seats.push(Colocated { program: (*source).to_owned(), arguments: args.to_vec(), variables });
    }
    // Maps of texts can always be written.
    env.insert(contract::COLOCATED.to_owned(), serde_json::to_string(&seats).unwrap_or_default());
    env.insert(contract::LISTEN_FDS.to_owned(), sockets.to_string());
    SharedProcess { name: services.join("+"), env }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::model::LocalLinks;
    use crate::deploy::plan::Plan;
    use crate::deploy::samples::{deployment, link};
    use crate::supervision::Restart;

    fn chat() -> Deployment {
        let mut chat = deployment(&[
            ("server", "input join, output said"),
            ("alice", "input said, output join"),
            ("bob", "input said, output join"),
        ]);
        for client in ["alice", "bob"] {
            link(&mut chat, &format!("{client}.join"), "server.join", None);
            link(&mut chat, "server.said", &format!("{client}.said"), None);
        }
        for name in ["server", "alice"] {
            chat.services[name].colocate = Some("chat".into());
        }
        chat
    }

    #[test]
    fn links_within_the_process_are_queues_and_others_are_as_ever() {
        let plan = Plan::example(&chat());
        let env = |name: &str, variable: &str| {
            let member = plan.members.iter().find(|member| member.name == name).unwrap();
            member.env[variable].clone()
        };
        let first = |name: &str, variable: &str| {
            let value = env(name, variable);
            value.split(',').next().map(str::to_owned).unwrap_or_default()
        };
        assert_eq!(first("alice", "HYDRO_OUTPUT_JOIN"), "queue:server/join");
        assert!(env("server", "HYDRO_INPUT_JOIN").starts_with("queue:server,tcp://127.0.0.1:4000,"));
        let said = env("server", "HYDRO_OUTPUT_SAID");
        assert!(said.starts_with("queue:alice/said,shm:/run/hydro/4002.sock#said,listen:tcp://"), "{said}");
        assert_eq!(first("bob", "HYDRO_OUTPUT_JOIN"), "shm:/run/hydro/4000.sock#join");
        assert_eq!(first("bob", "HYDRO_INPUT_SAID"), "tcp://127.0.0.1:4002");
    }

    #[test]
    fn a_link_that_names_its_transport_has_it_in_the_process_too() {
        let mut chat = chat();
        chat.links[0].transport = Some(LocalLinks::Tcp);
        let plan = Plan::example(&chat);
        let alice = plan.members.iter().find(|member| member.name == "alice").unwrap();
        assert!(alice.env["HYDRO_OUTPUT_JOIN"].starts_with("tcp://127.0.0.1:4000/join,"), "{alice:?}");
    }

    #[test]
    fn who_is_alone_has_a_process_of_its_own() {
        let mut chat = chat();
        assert_eq!(chat.process_of("alice"), ["server", "alice"]);
        assert_eq!(chat.process_of("bob"), Vec::<&str>::new());
        chat.services["server"].colocate = None;
        assert_eq!(chat.process_of("alice"), Vec::<&str>::new());
        chat.services["alice"].count = 2;
        assert_eq!(chat.process_of("alice"), ["alice"]);
    }

    #[test]
    fn nobody_joins_a_process_that_runs() {
        let chat = chat();
        assert_eq!(check_joining(&chat, &Running::new()), []);
        let told = check_joining(&chat, &[("server".into(), 1)].into());
        assert_eq!(told[0].message, "`alice` cannot join the process of `server`, which runs already");
        assert_eq!(check_joining(&chat, &[("server".into(), 1), ("alice".into(), 1)].into()), []);
    }

    #[test]
    fn a_process_goes_on_as_a_whole_or_not_at_all() {
        let old = chat();
        let goes_on = |new: &Deployment, rebuilt: &str| {
            let mut running: Running = ["server", "alice", "bob"].map(|name| (name.to_owned(), 1)).into();
            keep_whole(&old, new, &mut running, |name| name == rebuilt);
            running.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(goes_on(&old, ""), ["alice", "bob", "server"]);
        assert_eq!(goes_on(&old, "alice"), ["bob"]);
        let mut new = old.clone();
        new.services["bob"].args.push("--x".into());
        assert_eq!(goes_on(&new, ""), ["alice", "bob", "server"], "bob is compared like any other");
        new.services["server"].args.push("--x".into());
        assert_eq!(goes_on(&new, ""), ["bob"]);
        let mut new = old.clone();
        new.links.retain(|link| link.from.service != "bob");
        assert_eq!(goes_on(&new, ""), ["bob"], "its peers are others");
        let mut new = old.clone();
        new.services["bob"].colocate = Some("chat".into());
        assert_eq!(goes_on(&new, ""), Vec::<String>::new());
    }

    #[test]
    fn what_keeps_services_from_sharing_a_process_is_told() {
        let mut wrong = chat();
        assert_eq!(check(&wrong), []);
        wrong.services["alice"].upkeep.restart = Some(Restart::Permanent);
        wrong.services["alice"].env.insert("LOG".into(), "a".into());
        wrong.services["server"].env.insert("LOG".into(), "b".into());
        wrong.services["bob"].colocate = Some("other".into());
        let told: Vec<String> = check(&wrong).into_iter().map(|failure| failure.message).collect();
        let expected = [
            "`alice` and `server` share a process, and are kept up in different ways",
            "`alice` and `server` share a process, and want different values of `LOG`",
            "`bob` cannot share a process with `server`: its program is of the package `other`, not of `chat`",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn each_member_has_its_own_variables_in_the_process() {
        let mut chat = chat();
        chat.services["alice"].env.insert("LOG".into(), "a".into());
        let plan = Plan::example(&chat);
        let members: Vec<_> = plan.members.iter().filter(|member| member.name != "bob").collect();
        let args = ["--loud".to_owned()];
        let given: Vec<_> = members.iter().map(|member| (*member, "src/x.hf", args.as_slice())).collect();
        let shared = share(&given, 2);
        assert_eq!((shared.env["LOG"].as_str(), shared.env["LISTEN_FDS"].as_str()), ("a", "2"));
        let seats: Vec<Colocated> = serde_json::from_str(&shared.env[contract::COLOCATED]).unwrap();
        let names: Vec<String> = seats.iter().map(Colocated::name).collect();
        assert_eq!(names, members.iter().map(|member| member.name.clone()).collect::<Vec<_>>());
        assert!(seats.iter().all(|seat| !seat.variables.contains_key("LOG") && seat.arguments == args));
        assert!(seats.iter().all(|seat| !seat.variables.contains_key(contract::LISTEN_FDS)));
    }
}
