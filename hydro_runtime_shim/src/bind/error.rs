//! What can be wrong with how a program was started.

use std::fmt;

/// A mistake in the command line or the environment, or an address that cannot be had. The program ends with exit code 2 before it does anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BindError {
    /// A variable or flag that must be given is not.
    Missing {
        /// The variable, and the flag where there is one.
        name: String,
        /// What it is for.
        purpose: String,
        /// A value that would do.
        example: String,
    },
    /// A value cannot be read.
    Malformed {
        /// The variable or flag.
        name: String,
        /// Its value.
        value: String,
        /// What is wrong with it.
        reason: String,
        /// A value that would do.
        example: String,
    },
    /// A flag the program does not have.
    UnknownFlag {
        /// The flag.
        flag: String,
        /// The flag that was probably meant.
        nearest: Option<String>,
    },
    /// A flag without its value.
    FlagWithoutValue {
        /// The flag.
        flag: String,
        /// A value that would do.
        example: String,
    },
    /// An argument that is no flag.
    StrayArgument {
        /// The argument.
        text: String,
    },
    /// An address cannot be listened on.
    Listen {
        /// The variable that asks for it.
        variable: String,
        /// The address.
        address: String,
        /// What the system says.
        reason: String,
    },
    /// The process cannot have what it runs on.
    System {
        /// What was tried.
        action: &'static str,
        /// What the system says.
        reason: String,
    },
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name, purpose, example } => write!(f, "{name} is not set: {purpose}\n  example: {example}"),
            Self::Malformed { name, value, reason, example } => {
                write!(f, "{name}: cannot read `{value}`: {reason}\n  example: {example}")
            }
            Self::UnknownFlag { flag, nearest: Some(nearest) } => {
                write!(f, "unknown flag `{flag}`\n  hint: the nearest one is `{nearest}`")
            }
            Self::UnknownFlag { flag, nearest: None } => write!(f, "unknown flag `{flag}`"),
            Self::FlagWithoutValue { flag, example } => {
                write!(f, "`{flag}` needs a value\n  example: {flag} {example}")
            }
            Self::StrayArgument { text } => {
                write!(f, "unexpected argument `{text}`\n  hint: parameters are set by `--NAME VALUE`")
            }
            Self::Listen { variable, address, reason } => {
                write!(
                    f,
                    "{variable}: cannot listen on `{address}`: {reason}\n  hint: stop the other program or choose another address"
                )
            }
            Self::System { action, reason } => write!(f, "cannot {action}: {reason}"),
        }
    }
}

impl std::error::Error for BindError {}
