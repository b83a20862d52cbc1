//! What generated code states of its program: constants, checked by rustc.
//!
//! Knows nothing of where the program runs.

use std::any::TypeId;

use crate::contract::{self, Addressing, Direction};

/// A program as its `module main` declares it.
#[derive(Debug)]
pub struct Program {
    /// The `.hf` file's stem.
    pub name: &'static str,
    /// The `.hf` file, relative to the user's workspace.
    pub source: &'static str,
    /// Doc comment of the module.
    pub doc: &'static str,
    /// Ports in the order of the header.
    pub ports: &'static [Port],
    /// Parameters in the order of the header.
    pub params: &'static [Param],
}

/// One port of a program.
#[derive(Debug)]
pub struct Port {
    /// The port's name.
    pub name: &'static str,
    /// Which way items go.
    pub direction: Direction,
    /// What stands beside the payload.
    pub addressing: Addressing,
    /// The payload type as the user wrote it.
    pub type_text: &'static str,
    /// Doc comment.
    pub doc: &'static str,
    /// Line in the `.hf` file.
    pub line: u32,
    /// Returns the payload type's full name.
    pub type_name: fn() -> &'static str,
    /// Returns rustc's identity of the payload type.
    pub type_id: fn() -> TypeId,
    /// Whether values of the payload type may be sent to another thread.
    pub moves: bool,
}

impl Port {
    /// Returns the variable that binds the port.
    pub(crate) fn variable(&self) -> String {
        match self.direction {
            Direction::Input => contract::input_variable(self.name),
            Direction::Output => contract::output_variable(self.name),
        }
    }

    /// Returns an example of a value for that variable.
    pub(crate) fn example(&self) -> &'static str {
        match self.direction {
            Direction::Input => "tcp://0.0.0.0:4000",
            Direction::Output => "tcp://127.0.0.1:4000",
        }
    }

    /// Returns the type of the port's items.
    pub(crate) fn item_text(&self) -> String {
        match self.addressing {
            Addressing::Plain => self.type_text.to_owned(),
            Addressing::Socket => format!("({}, SocketAddr)", self.type_text),
            Addressing::Member => format!("({}, MemberId)", self.type_text),
        }
    }
}

/// One parameter of a program.
#[derive(Debug)]
pub struct Param {
    /// The parameter's name.
    pub name: &'static str,
    /// Its type as the user wrote it.
    pub type_text: &'static str,
    /// The default expression as the user wrote it.
    pub default: Option<&'static str>,
    /// Doc comment.
    pub doc: &'static str,
}

impl Param {
    /// Returns the flag that sets the parameter: `period_ms` → `--period-ms`.
    pub(crate) fn flag(&self) -> String {
        format!("--{}", self.name.trim_start_matches("r#").replace('_', "-"))
    }

    /// Returns the variable that sets the parameter.
    pub(crate) fn variable(&self) -> String {
        contract::param_variable(self.name)
    }

    /// Returns a value that shows the form.
    pub(crate) fn example(&self) -> &'static str {
        match self.type_text {
            "String" | "&str" => "text",
            "bool" => "true",
            "f32" | "f64" => "0.5",
            text if text.starts_with(['u', 'i']) && text.len() <= 5 => "1000",
            _ => "JSON",
        }
    }
}
