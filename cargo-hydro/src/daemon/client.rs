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
            return Ok(Some(Client::new(holder.socket)));
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
        Self { socket }
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
            match serde_json::from_slice(&line).map_err(|error| broken(error.into()))? {
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

fn broken(error: io::Error) -> Failure {
    let message = "the deployment's process does not answer any more";
    let failure = Failure::new(ExitCode::DeployFailed, message).cause(error);
    failure.hint("`cargo hydro ps` tells what is left; `cargo hydro deploy --detach` begins again")
}
