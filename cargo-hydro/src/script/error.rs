//! What can be wrong with a script's calls, in the script writer's words.

use std::path::PathBuf;

use super::protocol::{ErrorBody, ErrorKind};
use crate::report::{ExitCode, Failure};

/// A call that cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// A port the service does not have.
    #[error("`{service}` has no port `{port}`")]
    UnknownPort {
        /// The service.
        service: String,
        /// The port.
        port: String,
        /// The name that was probably meant.
        nearest: Option<String>,
        /// All names there are.
        known: Vec<String>,
    },
    /// A pipe of a command, where a port of a program is needed.
    #[error("`{service}` runs a command: scripts do not send to its `{port}`, or receive from it")]
    Pipe {
        /// The service.
        service: String,
        /// The pipe.
        port: String,
    },
    /// An output where an input is needed.
    #[error("`{port}` is an output; only an input can be opened for the script")]
    NoInput {
        /// `service.port`.
        port: String,
    },
    /// Two ends in two deployments.
    #[error("`{from}` and `{to}` belong to two deployments")]
    TwoDeployments {
        /// The output.
        from: String,
        /// The input.
        to: String,
    },
    /// A policy that does not exist.
    #[error("there is no policy `{policy}`")]
    Policy {
        /// As it was written.
        policy: String,
    },
    /// What cannot be built for.
    #[error("{error}")]
    Target {
        /// What is wrong with it.
        error: String,
    },
    /// A delivery that does not exist.
    #[error("there is no delivery `{delivery}`")]
    Delivery {
        /// As it was written.
        delivery: String,
    },
    /// No place to listen at.
    #[error("`{listen}` is no place to listen at")]
    Listen {
        /// As it was written.
        listen: String,
    },
    /// A word for what carries links within a machine that does not exist.
    #[error("`{of}` cannot be `{word}`")]
    LocalLinks {
        /// What was to be that.
        of: &'static str,
        /// As it was written.
        word: String,
    },
    /// A word for encryption that does not exist.
    #[error("`tls` cannot be `{word}`")]
    Tls {
        /// As it was written.
        word: String,
    },
    /// An option of a machine that is written otherwise.
    #[error("`{word}` cannot be `{text}`")]
    MachineOption {
        /// The option.
        word: &'static str,
        /// As it was written.
        text: String,
        /// How it is written.
        hint: &'static str,
    },
    /// Another process runs a deployment of that name.
    #[error("`{name}` is run by somebody else at this moment")]
    DeploymentTaken {
        /// The name.
        name: String,
    },
    /// A link that was not made.
    #[error("`{from}` is not linked to `{to}`")]
    NoLink {
        /// The output.
        from: String,
        /// The input.
        to: String,
    },
    /// A parameter the module does not have.
    #[error("`{service}` has no parameter `{param}`")]
    UnknownParam {
        /// The service.
        service: String,
        /// The parameter.
        param: String,
        /// The name that was probably meant.
        nearest: Option<String>,
    },
    /// A name that two services or machines would have.
    #[error("there is a service `{name}` already")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// A name that cannot stand in `service.port`.
    #[error("`{name}` cannot be a name")]
    BadName {
        /// The name.
        name: String,
    },
    /// A service without members.
    #[error("a service has at least one member")]
    NoMembers,
    /// A command without words.
    #[error("a command needs at least the name of a program")]
    EmptyCommand,
    /// An `.hf` file that is not there.
    #[error("cannot find `{source_file}`")]
    NoSource {
        /// As it was written.
        source_file: String,
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
    /// A deployment, service, machine or member that does not exist.
    #[error("there is no {what} `{name}`")]
    Unknown {
        /// What kind of thing.
        what: &'static str,
        /// Its name or number.
        name: String,
    },
    /// A member has to be chosen.
    #[error("`{service}` has {count} members")]
    ChooseMember {
        /// The service.
        service: String,
        /// How many members it has.
        count: u32,
        /// The port.
        port: String,
    },
    /// The service has no address.
    #[error("`{service}` does not run")]
    NotRunning {
        /// The service.
        service: String,
    },
}

impl CallError {
    fn next_step(&self) -> Option<String> {
        match self {
            Self::UnknownPort { nearest: Some(name), .. } | Self::UnknownParam { nearest: Some(name), .. } => {
                Some(format!("a name like it exists: `{name}`"))
            }
            Self::UnknownPort { known, .. } if known.is_empty() => None,
            Self::UnknownPort { known, .. } => Some(format!("its ports are `{}`", known.join("`, `"))),
            Self::Pipe { service, .. } => {
                Some(format!("link it to a program, or read the lines that it writes: `{service}.stdout()`"))
            }
            Self::Policy { .. } => Some("`broadcast` and `round_robin` exist".to_owned()),
            Self::Delivery { .. } => Some("`reliable` (the default) and `lossy` exist".to_owned()),
            Self::Listen { .. } => Some("write a port number, or an IP address, or both: `0.0.0.0:8080`".to_owned()),
            Self::LocalLinks { .. } => Some(
                "within a machine links go by `\"shm\"` (shared memory, the default), `\"unix\"` or `\"tcp\"`"
                    .to_owned(),
            ),
            Self::Tls { .. } => {
                Some("links are encrypted between `\"machines\"` (the default), or `\"always\"`".to_owned())
            }
            Self::MachineOption { hint, .. } => Some((*hint).to_owned()),
            Self::DeploymentTaken { .. } => Some(
                "another script or `cargo hydro deploy` has it: end that, or give this one another name".to_owned(),
            ),
            Self::NameTaken { .. } => Some("give it another `name`".to_owned()),
            Self::BadName { .. } => Some("use letters, digits, `_` and `-`".to_owned()),
            Self::NoSource { .. } => Some("write `src` relative to the script's folder or to the workspace".to_owned()),
            Self::ChooseMember { service, port, .. } => Some(format!("choose one: `{service}[0].ports.{port}`")),
            Self::NotRunning { .. } => Some("`await deployment.deploy()` starts it; it may also have ended".to_owned()),
            _ => None,
        }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let mut failure = Self::new(ExitCode::Usage, error.to_string());
        if let CallError::NoSource { looked, .. } = &error {
            failure.causes = looked.iter().map(|file| format!("there is no `{}`", file.display())).collect();
        }
        failure.hint = error.next_step();
        failure
    }
}

impl From<CallError> for ErrorBody {
    fn from(error: CallError) -> Self {
        let kind = match &error {
            CallError::UnknownPort { .. } | CallError::Pipe { .. } => ErrorKind::UnknownPort,
            CallError::NotRunning { .. } => ErrorKind::NotRunning,
            _ => ErrorKind::Failed,
        };
        Self::from(Failure::from(error)).kind(kind)
    }
}
