//! What is to be done so that what runs becomes what is wished for: the smallest change, member by member. Pure.
//!
//! A member whose program, arguments or variables are others is started again; where only its peers are others, it is told of them while it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::Path;

use hydro_host::words::Bounds;
use hydro_runtime_shim::contract::{self, input_variable, output_variable};
use serde::{Deserialize, Serialize};

use super::model::Deployment;
use super::piping;
use super::plan::Plan;
use super::targets::told_targets;
use crate::machine::Wires;
use crate::report::{Event, Failure, LinkEvent};
use crate::workspace::Workspace;

/// What a member was, or will be, started with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    pub(super) program: &'a OsStr,
    pub(super) args: &'a [String],
    /// The planned variables.
    pub(super) env: &'a BTreeMap<String, String>,
    /// What is in the files that it reads.
    pub(super) watched: Option<&'a str>,
    /// What it may use and do.
    pub(super) bounds: &'a Bounds,
    /// What its pipes are linked to.
    pub(super) wires: Option<&'a Wires>,
}

/// What becomes of a member that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    Keep,
    /// It is told of other peers while it runs.
    Rewire(Vec<Rewire>),
    /// It is started again; what is different, in words.
    Restart(Vec<String>),
}

/// One thing a running program is told of its peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rewire {
    /// Its own port.
    pub(super) port: String,
    /// As in the port's variable.
    pub(super) endpoint: String,
    /// Whether it is to call there, or no longer.
    pub(super) connects: bool,
}

/// Compares what a member was started with to what it would be started with now. `ports` are its own, with whether each is an output.
pub(super) fn compare(old: Told<'_>, new: Told<'_>, ports: &[(String, bool)]) -> Change {
    let mut reasons = Vec::new();
    if old.program != new.program {
        // Built programs lie in a folder that is named by their content.
        let folder = Path::new(new.program).parent().and_then(Path::file_name).unwrap_or_default();
        let content: String = folder.to_string_lossy().chars().take(8).collect();
        reasons.push(format!("its program ({content})"));
    }
    if old.args != new.args {
        reasons.push("its arguments".to_owned());
    }
    // Who is told for the first time which files it reads has read them already.
    if old.watched.is_some() && new.watched.is_some() && old.watched != new.watched {
        reasons.push("the files it watches".to_owned());
    }
    if old.bounds != new.bounds {
        reasons.push("its limits".to_owned());
    }
    reasons.extend(piping::difference(old.wires, new.wires).map(str::to_owned));
    let mut rewires = Vec::new();
    let names: BTreeSet<&String> = old.env.keys().chain(new.env.keys()).collect();
    for name in names {
        let (before, after) = (old.env.get(name), new.env.get(name));
        // How many members there are is told to those that start.
        if before == after || name == contract::MEMBERS {
            continue;
        }
        let is_of = |(port, is_output): &&(String, bool)| match is_output {
            true => output_variable(port) == *name,
            false => input_variable(port) == *name,
        };
        match (ports.iter().find(is_of), before, after) {
            (Some((port, is_output)), Some(before), Some(after))
                if places(before, *is_output, false) == places(after, *is_output, false) =>
            {
                let (old, new) = (places(before, *is_output, true), places(after, *is_output, true));
                let wire = |endpoint: &&str, connects| Rewire {
                    port: port.clone(),
                    endpoint: (*endpoint).to_owned(),
                    connects,
                };
                rewires.extend(old.difference(&new).map(|endpoint| wire(endpoint, false)));
                rewires.extend(new.difference(&old).map(|endpoint| wire(endpoint, true)));
            }
            _ => reasons.push(format!("`{name}`")),
        }
    }
    match (reasons.is_empty(), rewires.is_empty()) {
        (false, _) => Change::Restart(reasons),
        (true, false) => Change::Rewire(rewires),
        (true, true) => Change::Keep,
    }
}

/// Returns the endpoints of a port's variable at which it calls, or those at which it listens.
fn places(variable: &str, is_output: bool, calls: bool) -> BTreeSet<&str> {
    let is_call = |endpoint: &&str| match is_output {
        true => !endpoint.starts_with("listen:"),
        false => endpoint.starts_with("dial:"),
    };
    variable.split(',').filter(|endpoint| is_call(endpoint) == calls).collect()
}

/// What a release changes, service by service, in the words of people and of JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Changes {
    /// Members that will be started.
    pub start: Vec<String>,
    /// Members that will be stopped for good.
    pub stop: Vec<String>,
    /// Members that will be started again, with what is different.
    pub restart: Vec<Reason>,
    /// Members that will be told of other peers while they run.
    pub rewire: Vec<String>,
    /// Links that will be made, as `from → to`.
    pub link: Vec<String>,
    /// Links that will be unmade.
    pub unlink: Vec<String>,
    /// Whether services will be kept up in another way.
    pub supervision: bool,
    /// What services that will be started, or started again, are built for, where that is known and not this machine.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub targets: BTreeMap<String, String>,
}

/// Why a member is started again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Reason {
    /// The member.
    pub member: String,
    /// What is different.
    pub because: Vec<String>,
}

impl Changes {
    /// Returns what the first release of a deployment does: everything begins.
    ///
    /// # Errors
    /// What a machine's table wishes for does not go together.
    pub fn first(workspace: &Workspace, deployment: &Deployment) -> Result<Self, Failure> {
        let members = Plan::example(deployment).members;
        let mut link: Vec<String> =
            deployment.links.iter().map(|link| format!("{} → {}", link.from, link.to)).collect();
        link.sort_unstable();
        let start = members.into_iter().map(|planned| planned.name).collect();
        Ok(Self { start, link, targets: told_targets(workspace, deployment)?, ..Self::default() })
    }

    /// Returns it as an event, which people see as a list.
    #[must_use]
    pub fn event(&self, deployment: &str) -> Event {
        let link = |ends: &String| {
            let (from, to) = ends.split_once(" → ").unwrap_or((ends, ""));
            LinkEvent { from: from.to_owned(), to: to.to_owned() }
        };
        Event::Changes {
            deployment: deployment.to_owned(),
            start: self.start.clone(),
            stop: self.stop.clone(),
            restart: self
                .restart
                .iter()
                .map(|reason| format!("{} ({})", reason.member, reason.because.join(", ")))
                .collect(),
            rewire: self.rewire.clone(),
            link: self.link.iter().map(link).collect(),
            unlink: self.unlink.iter().map(link).collect(),
            supervision: self.supervision,
            targets: self.targets.clone(),
        }
    }

    /// Whether nothing would happen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.does_as(&Self::default())
    }

    /// Whether both do the same. What is built for may be known to one and not yet to the other.
    #[must_use]
    pub fn does_as(&self, other: &Self) -> bool {
        *self == Self { targets: self.targets.clone(), ..other.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static NONE: Bounds =
        Bounds { memory: None, cpu: None, tasks: None, files: None, sandbox: false, properties: BTreeMap::new() };

    fn compared(old: &[(&str, &str)], new: &[(&str, &str)]) -> Change {
        let env = |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let (old, new): (BTreeMap<_, _>, BTreeMap<_, _>) = (env(old), env(new));
        let ports = [("out".to_owned(), true), ("in".to_owned(), false)];
        let told = |env| Told { program: OsStr::new("p"), args: &[], env, watched: None, wires: None, bounds: &NONE };
        compare(told(&old), told(&new), &ports)
    }

    #[test]
    fn peers_are_told_and_everything_else_starts_again() {
        assert_eq!(
            compared(&[("A", "1"), ("HYDRO_MEMBERS", "1")], &[("A", "1"), ("HYDRO_MEMBERS", "2")]),
            Change::Keep
        );
        let before = ("HYDRO_OUTPUT_OUT", "tcp://b:1/in,tcp://c:1/in,listen:tcp://a:1");
        let after = ("HYDRO_OUTPUT_OUT", "tcp://c:1/in,shm:/d#in,listen:tcp://a:1");
        let rewire = |endpoint: &str, connects| Rewire { port: "out".into(), endpoint: endpoint.into(), connects };
        let expected = Change::Rewire(vec![rewire("tcp://b:1/in", false), rewire("shm:/d#in", true)]);
        assert_eq!(compared(&[before], &[after]), expected);
        let wires = compared(&[("HYDRO_INPUT_IN", "tcp://a:1")], &[("HYDRO_INPUT_IN", "tcp://a:1,dial:tcp://x:1/o")]);
        assert!(matches!(wires, Change::Rewire(wires) if wires[0].endpoint == "dial:tcp://x:1/o" && wires[0].connects));
        let moved = compared(&[("HYDRO_INPUT_IN", "tcp://a:1")], &[("HYDRO_INPUT_IN", "tcp://a:2")]);
        assert_eq!(moved, Change::Restart(vec!["`HYDRO_INPUT_IN`".into()]));
        let more = compared(&[before, ("HYDRO_PARAM_N", "1")], &[after]);
        assert_eq!(more, Change::Restart(vec!["`HYDRO_PARAM_N`".into()]));
    }

    #[test]
    fn another_program_or_other_arguments_start_again() {
        let env = BTreeMap::new();
        let args = ["x".to_owned()];
        let old =
            Told { program: OsStr::new("/a/1/p"), args: &[], env: &env, watched: None, wires: None, bounds: &NONE };
        let new = Told {
            program: OsStr::new("/a/234567890/p"),
            args: &args,
            env: &env,
            watched: None,
            wires: None,
            bounds: &NONE,
        };
        assert_eq!(
            compare(old, new, &[]),
            Change::Restart(vec!["its program (23456789)".into(), "its arguments".into()])
        );
        assert_eq!(compare(old, old, &[]), Change::Keep);
        let limited = Bounds { memory: Some(1), ..Bounds::default() };
        let limits = Change::Restart(vec!["its limits".to_owned()]);
        assert_eq!(compare(old, Told { bounds: &limited, ..old }, &[]), limits);
        let (one, other) = (Told { watched: Some("1"), ..old }, Told { watched: Some("2"), ..old });
        assert_eq!(compare(one, other, &[]), Change::Restart(vec!["the files it watches".into()]));
        assert_eq!(compare(old, one, &[]), Change::Keep);
    }
}
