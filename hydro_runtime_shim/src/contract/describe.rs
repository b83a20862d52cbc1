//! What a built program says of itself (`PROGRAM --describe`, one JSON object): its ports, parameters and where they were declared.

use serde::{Deserialize, Serialize};

/// Which way items go through a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Items come in.
    Input,
    /// Items go out.
    Output,
}

impl Direction {
    /// Returns the word of the language: `input` or `output`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
        }
    }
}

/// What stands beside the payload in a port's items. Only the payload travels; this is each end's own affair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Addressing {
    /// Items are the payload `T`.
    Plain,
    /// Items are `(T, SocketAddr)`: the peer they came from or go to.
    Socket,
    /// Items are `(T, MemberId)`: the member of the peer service they came from or go to.
    Member,
}

/// One port of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortDescription {
    /// The port's name in the module header.
    pub name: String,
    /// Which way items go.
    pub direction: Direction,
    /// What stands beside the payload.
    pub addressing: Addressing,
    /// The payload type as the user wrote it (without the address).
    pub type_text: String,
    /// The payload type as rustc names it: aliases resolved, paths full. Two ends of a link must agree on it.
    pub type_name: String,
    /// rustc's own identity of the payload type, in hex: equal for equal types among programs of one build, so that two versions of
    /// one crate are told apart. Not comparable between builds; a deployer
    /// puts a name and a colon in front of it where it keeps builds apart.
    pub type_id: String,
    /// Doc comment, without markers; empty where there is none.
    pub doc: String,
    /// Line in the `.hf` file, from 1.
    pub line: u32,
}

/// One parameter of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParamDescription {
    /// The parameter's name in the module header.
    pub name: String,
    /// Its type as the user wrote it.
    pub type_text: String,
    /// The default expression as the user wrote it; none: a value is required.
    pub default: Option<String>,
    /// Doc comment, without markers; empty where there is none.
    pub doc: String,
}

/// Everything a deployer needs to know of a built program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramDescription {
    /// [`super::CONTRACT_VERSION`] of the shim the program was built with.
    pub contract: u32,
    /// The program's name: the `.hf` file's stem.
    pub program: String,
    /// The `.hf` file, relative to the user's workspace.
    pub source: String,
    /// Doc comment of `module main`.
    pub doc: String,
    /// Ports in the order of the header.
    pub ports: Vec<PortDescription>,
    /// Parameters in the order of the header.
    pub params: Vec<ParamDescription>,
}
