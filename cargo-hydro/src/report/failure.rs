//! A failure: what a command ends with when it cannot do its work.
//!
//! Each room has its own error enum; at the rim it becomes this one shape: what, where, why, and the next step.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ExitCode;

/// The line of the user's own text that something comes from: a line of `Hydro.toml`, a script, an `.hf` file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// The file, as the user would write it.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, where it is known.
    pub column: Option<usize>,
}

impl Origin {
    /// Makes an origin without a column.
    #[must_use]
    pub fn line(file: impl Into<PathBuf>, line: usize) -> Self {
        Self { file: file.into(), line, column: None }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)?;
        self.column.map_or(Ok(()), |column| write!(f, ":{column}"))
    }
}

/// A diagnostic that is rendered already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendered {
    /// As people read it.
    pub text: String,
    /// In the schema of rustc's JSON messages.
    pub message: serde_json::Value,
}

impl From<&str> for Rendered {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), message: serde_json::json!({ "rendered": text }) }
    }
}

/// What a command ends with when it cannot do its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The exit code this leads to.
    pub code: ExitCode,
    /// What went wrong, one line, lowercase, no full stop.
    pub message: String,
    /// The user's own line it comes from.
    pub origin: Option<Origin>,
    /// Why, from the nearest cause to the furthest; also a service's last log lines.
    pub causes: Vec<String>,
    /// The next step.
    pub hint: Option<String>,
    /// Diagnostics that say more, shown as they are before the message.
    pub rendered: Vec<Rendered>,
}

impl Failure {
    /// Makes a failure with a message alone.
    #[must_use]
    pub fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), origin: None, causes: Vec::new(), hint: None, rendered: Vec::new() }
    }

    /// Says which line of the user's text it comes from.
    #[must_use]
    pub fn at(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Adds a cause.
    #[must_use]
    pub fn cause(mut self, cause: impl fmt::Display) -> Self {
        self.causes.push(cause.to_string());
        self
    }

    /// Says the next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a diagnostic.
    #[must_use]
    pub fn rendered(mut self, diagnostic: impl Into<Rendered>) -> Self {
        self.rendered.push(diagnostic.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: ")?;
        }
        f.write_str(&self.message)?;
        for cause in &self.causes {
            write!(f, "\n  cause: {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
