//! Finds whoever holds a deployment and asks it. Blocks; a command that only asks needs no runtime.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::home::Home;
use super::words::{Reply, Request};
use crate::report::{Event, ExitCode, Failure};

/// How long somebody who has just taken a deployment may need to say where to ask.
const SETTLING: Duration = Duration::from_secs(2);

/// Asks whoever holds a deployment.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
    /// The version of whoever holds it, where that was told.
    version: Option<String>,
}

/// Finds whoever holds a deployment; none: nobody does, and nothing of it runs.
///
/// # Errors
/// Somebody holds it, but does not answer.
pub fn find(home: &Home) -> Result<Option<Client>, Failure> {
    let deadline = Instant::now() + SETTLING;
    while home.is_taken() {
        if let Some(holder) = home.holder()
            && UnixStream::connect(&holder.socket).is_ok()
        {
            return Ok(Some(Client { socket: holder.socket, version: Some(holder.version) }));
        }
        if Instant::now() > deadline {
            let message = format!("whoever holds `{}` does not answer", home.name());
            let failure = Failure::new(ExitCode::DeployFailed, message);
            return Err(match home.holder() {
                Some(holder) => {
                    failure.hint(format!("look at process {}; killing it ends its services too", holder.pid))
                }
                None => failure.hint(format!("see who has `{}` open", home.folder().join("lock").display())),
            });
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(None)
}

impl Client {
    pub(super) fn new(socket: PathBuf) -> Self {
        Self { socket, version: None }
    }

    /// Asks, hands each event on as it comes, and returns the last reply.
    ///
    /// # Errors
    /// Nobody answers (any more), or not in our words.
    pub fn ask(&self, request: &Request, mut on_event: impl FnMut(Event)) -> Result<Reply, Failure> {
        self.converse(request, |reply| {
            if let Reply::Event { event, .. } = reply {
                on_event(event);
            }
            true
        })
    }

    /// Hands on what happens from now on, until `on_reply` says that it is enough or the deployment is taken down. The first reply is
    /// [`Reply::Watching`].
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn watch(&self, on_reply: impl FnMut(Reply) -> bool) -> Result<(), Failure> {
        self.converse(&Request::Watch {}, on_reply).map(drop)
    }

    /// What was answered is no answer to us.
    fn strange(&self, error: &serde_json::Error) -> Failure {
        let own = env!("CARGO_PKG_VERSION");
        match self.version.as_deref().filter(|version| *version != own) {
            Some(other) => {
                let message = format!(
                    "version {own} does not understand the answer of version {other}, which holds the deployment"
                );
                let failure = Failure::new(ExitCode::DeployFailed, message).cause(error);
                failure.hint(format!("ask it with version {other} of `cargo hydro`; `cargo hydro down` ends it"))
            }
            None => {
                let failure = Failure::new(ExitCode::DeployFailed, "the deployment's process gives a strange answer");
                failure.cause(error).hint("`cargo hydro down` ends it; `cargo hydro deploy --detach` begins again")
            }
        }
    }

    fn converse(&self, request: &Request, mut on_reply: impl FnMut(Reply) -> bool) -> Result<Reply, Failure> {
        let mut stream = UnixStream::connect(&self.socket).map_err(broken)?;
        let mut line = serde_json::to_vec(request).map_err(|error| broken(error.into()))?;
        line.push(b'\n');
        stream.write_all(&line).map_err(broken)?;
        let mut lines = BufReader::new(stream);
        loop {
            line.clear();
            if lines.read_until(b'\n', &mut line).map_err(broken)? == 0 {
                return Err(broken(io::ErrorKind::UnexpectedEof.into()));
            }
            let reply = match serde_json::from_slice(&line) {
                Ok(reply) => reply,
                // A newer process may tell more than we know.
                Err(_) if is_event(&line) => continue,
                Err(error) => return Err(self.strange(&error)),
            };
            match reply {
                reply @ (Reply::Event { .. } | Reply::Watching {}) => {
                    if !on_reply(reply) {
                        return Ok(Reply::Done {});
                    }
                }
                reply => return Ok(reply),
            }
        }
    }
}

/// Whether a line tells an event, known or not.
fn is_event(line: &[u8]) -> bool {
    let value = serde_json::from_slice::<serde_json::Value>(line);
    value.is_ok_and(|value| value["reply"] == "event" && value["event"].is_object())
}

fn broken(error: io::Error) -> Failure {
    let message = "the deployment's process does not answer any more";
    let failure = Failure::new(ExitCode::DeployFailed, message).cause(error);
    failure.hint("`cargo hydro ps` tells what is left; `cargo hydro deploy --detach` begins again")
}
