//! Changes that take their time: an operation is what a change is answered with, and waited for.
//!
//! How to ask for it is `client`'s affair.

use serde::Deserialize;

use crate::error::Error;

/// A change on its way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Operation {
    /// Its name.
    pub name: String,
    /// `PENDING`, `RUNNING` or `DONE`.
    pub status: String,
    /// What kind of change it is: `insert`, `delete`, …
    pub operation_type: String,
    /// What is changed.
    pub target_link: String,
    /// The zone it runs in, as an address; none: it is one of the whole project.
    pub zone: Option<String>,
    error: Option<Errors>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Errors {
    errors: Vec<Wrong>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Wrong {
    code: String,
    message: String,
}

impl Operation {
    /// Whether it is over, well or not.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.status == "DONE"
    }

    /// Returns the name of the zone it runs in.
    pub(crate) fn zone_name(&self) -> Option<&str> {
        self.zone.as_deref().map(last)
    }

    /// Returns what it is for, in words.
    pub(crate) fn what(&self) -> String {
        let verb = match self.operation_type.as_str() {
            "insert" => "create",
            "" => "change",
            other => other,
        };
        format!("{verb} `{}`", last(&self.target_link))
    }

    /// Returns what went wrong.
    pub(crate) fn outcome(&self) -> Result<(), Error> {
        let Some(Errors { errors }) = &self.error else { return Ok(()) };
        let words: Vec<&str> = errors.iter().map(|wrong| wrong.message.as_str()).collect();
        let code = errors.first().map(|wrong| wrong.code.as_str()).unwrap_or_default();
        Err(Error::of_operation(&self.what(), code, &words.join(" ")))
    }
}

/// Returns the name at the end of an address.
pub(crate) fn last(address: &str) -> &str {
    address.rsplit('/').next().unwrap_or(address)
}
