//! What a doctor's visit finds; the type of `--json`.

use serde::Serialize;

/// All that was looked at, in order.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct Report {
    /// What was looked at.
    pub(super) checks: Vec<Check>,
    /// How many things are missing that this workspace needs.
    pub(super) missing: usize,
}

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Check {
    /// What it is for: `Rust`, `Targets`, `Builders`, `Scripts`, `Machines`, `Remote`, `Google Cloud`, `System`.
    pub(super) group: &'static str,
    /// What it is: `rustc`, a target, a machine.
    pub(super) name: String,
    /// How it is.
    pub(super) state: State,
    /// What was found, or what is wrong.
    pub(super) found: String,
    /// Commands of which one gets what is missing; none are needed, or there is none.
    pub(super) fixes: Vec<String>,
    /// What else can be done.
    pub(super) advice: Option<String>,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// It is there.
    Ok,
    /// It is not there, and nothing in this workspace needs it.
    Absent,
    /// It is not there, and is needed.
    Missing,
}

impl State {
    /// Returns the state of something that is not there.
    pub(super) fn not_there(is_needed: bool) -> Self {
        if is_needed { Self::Missing } else { Self::Absent }
    }

    /// Returns its word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Absent => "absent",
            Self::Missing => "missing",
        }
    }
}

impl Report {
    /// Adds something that is there.
    pub(super) fn ok(&mut self, group: &'static str, name: impl Into<String>, found: impl Into<String>) {
        let (name, found) = (name.into(), found.into());
        self.checks.push(Check { group, name, state: State::Ok, found, fixes: Vec::new(), advice: None });
    }

    /// Adds something that is not.
    pub(super) fn not(&mut self, check: Check) {
        self.missing += usize::from(check.state == State::Missing);
        self.checks.push(check);
    }
}
