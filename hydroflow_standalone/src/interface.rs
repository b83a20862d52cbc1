//! The interface of a module: all that deploying may know of a program without building it.

use serde::Serialize;

use crate::source::Span;

/// Which way items go through a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
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

/// What stands beside the payload in a port's items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Addressing {
    /// `T`.
    Plain,
    /// `(T, SocketAddr)`: the peer the item came from or goes to.
    Socket,
    /// `(T, MemberId)`: the member of the peer service the item came from or goes to.
    Member,
}

/// A port of a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PortInterface {
    /// Its name.
    pub name: String,
    /// Which way items go.
    pub direction: Direction,
    /// What stands beside the payload.
    pub addressing: Addressing,
    /// The payload type as written, without the address.
    pub type_text: String,
    /// Doc comment without markers.
    pub doc: String,
    /// Where its name stands.
    #[serde(skip)]
    pub span: Span,
    /// Line of its name, from 1.
    pub line: usize,
}

/// A parameter of a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ParamInterface {
    /// Its name.
    pub name: String,
    /// Its type as written.
    pub type_text: String,
    /// The default expression as written; none: a value is required.
    pub default: Option<String>,
    /// Doc comment without markers.
    pub doc: String,
    /// Line of its name, from 1.
    pub line: usize,
}

/// A module's header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModuleInterface {
    /// Its name; `main` is the program.
    pub name: String,
    /// Doc comment without markers.
    pub doc: String,
    /// Ports in the order of the header.
    pub ports: Vec<PortInterface>,
    /// Parameters in the order of the header.
    pub params: Vec<ParamInterface>,
}

impl ModuleInterface {
    /// Returns the port of that name.
    #[must_use]
    pub fn port(&self, name: &str) -> Option<&PortInterface> {
        self.ports.iter().find(|port| port.name == name)
    }
}
