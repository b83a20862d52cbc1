//! Calls of hooks: the other way round, the engine asks and the script answers.
//!
//! A script that serves hooks reads calls as the items of `hooks.wait`, and tells the end of each with `hooks.done`.

use serde::{Deserialize, Serialize};

use super::DeploymentMade;

/// A call of a hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HookCall {
    /// For [`HookDone`].
    pub number: u64,
    /// `before_deploy`, `after_deploy`, `on_exit` or `on_stop`.
    pub hook: &'static str,
    /// The deployment, as it is wished for now.
    pub deployment: DeploymentMade,
    /// For `on_exit`: whose end, and how.
    pub exit: Option<HookExit>,
}

/// The end of a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HookExit {
    /// `service`, or `service.N`.
    pub name: String,
    /// Exit code, where it exited.
    pub code: Option<i32>,
    /// Signal number, where it was killed.
    pub signal: Option<i32>,
    /// Whether somebody asked for it.
    pub expected: bool,
}

/// A hook has ended.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HookDone {
    /// From [`HookCall`].
    pub number: u64,
    /// What went wrong; none: nothing.
    #[serde(default)]
    pub error: Option<HookError>,
}

/// What went wrong in a hook.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HookError {
    /// In one line.
    pub message: String,
    /// The file of the user's own line.
    #[serde(default)]
    pub file: Option<String>,
    /// That line, from 1.
    #[serde(default)]
    pub line: Option<usize>,
    /// How it came there.
    #[serde(default)]
    pub traceback: Option<String>,
}

/// Waits for calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HookWait {
    /// How many items may be sent before the first `stream.more`.
    pub ahead: usize,
}
