//! What is wished for: groups of members and of other groups, in the order in which they start.
//!
//! Values without behaviour, in OTP's words; where they come from is not known here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Backoff;

/// What happens to its siblings when a child ends and is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Nothing.
    #[default]
    OneForOne,
    /// All of them are stopped and started again.
    OneForAll,
    /// Those that started after it are stopped and started again.
    RestForOne,
}

/// When a child that ended is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restart {
    /// Always.
    Permanent,
    /// When it failed.
    Transient,
    /// Never, also not when a sibling's end stopped it.
    Temporary,
}

/// How a child is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shutdown {
    /// At once.
    Kill,
    /// It is asked, and killed after this time.
    After(Duration),
    /// It is asked, and waited for.
    Unlimited,
}

/// When a group ends because its significant children have ended by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutoShutdown {
    /// Never.
    #[default]
    Never,
    /// When the first of them has.
    AnySignificant,
    /// When the last of them has.
    AllSignificant,
}

/// How many restarts a group bears: with one more within the period it stops its children and gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intensity {
    /// Restarts.
    pub restarts: u32,
    /// Within this time.
    pub period: Duration,
}

/// Children under one strategy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// What happens to the siblings.
    pub strategy: Strategy,
    /// None: it never gives up, it only becomes slower.
    pub intensity: Option<Intensity>,
    /// When it ends by itself.
    pub auto_shutdown: AutoShutdown,
    /// In the order of starting.
    pub children: Vec<Child>,
}

/// One child of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Child {
    /// Its name, unique in the whole tree.
    pub name: String,
    /// When it is started again.
    pub restart: Restart,
    /// How it is ended. Groups are always waited for.
    pub shutdown: Shutdown,
    /// Whether its end may end the group; see [`AutoShutdown`].
    pub significant: bool,
    /// How long it waits before it is started again.
    pub backoff: Backoff,
    /// What it is.
    pub work: Work,
}

/// What a child is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Something that somebody else starts and stops, and tells the end of.
    Member,
    /// More children.
    Group(Group),
}
