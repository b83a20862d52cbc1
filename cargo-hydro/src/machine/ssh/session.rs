//! One ssh connection, shared by all that is asked of a machine. Strict about who the machine is.
//!
//! The connection is a process of its own (`ssh -M`); it ends with us, also when we are killed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use openssh::{ControlPersist, KnownHosts, Session, SessionBuilder};
use tokio::io::AsyncWriteExt as _;

use super::SshTarget;
use crate::sys;

/// How long a connection may take.
const CONNECT_TIME: Duration = Duration::from_secs(15);
/// A connection over which nothing comes for three times as long is broken.
const ALIVE: Duration = Duration::from_secs(3);

/// Why a machine cannot be reached, or does not do what it is asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct SshError {
    /// What could not be done, with the machine's name in it.
    pub what: String,
    /// Why, from the nearest cause to the furthest.
    pub causes: Vec<String>,
    /// The next step.
    pub hint: String,
}

/// What a machine that is not reached is told with.
const UNREACHABLE: &str = "cannot connect to";

impl SshError {
    /// Whether it may go better a little later: nobody answered, or nobody let us in yet. A machine that is somebody else stays so.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        let is_other = |cause: &String| cause.contains("HAS CHANGED") || cause.contains("verification failed");
        self.what.starts_with(UNREACHABLE) && !self.causes.iter().any(is_other)
    }

    /// Makes an error with one cause.
    pub(super) fn new(what: impl Into<String>, cause: impl ToString, hint: impl Into<String>) -> Self {
        Self { what: what.into(), causes: vec![cause.to_string()], hint: hint.into() }
    }
}

/// A connection that is open, with the process that has it.
#[derive(Debug)]
pub(super) struct Connection {
    session: Arc<Session>,
    master: Option<i32>,
}

impl Connection {
    /// Connects. `folder` is where its control socket goes.
    pub(super) async fn open(target: &SshTarget, folder: &Path) -> Result<Self, SshError> {
        let mut builder = SessionBuilder::default();
        builder.known_hosts_check(KnownHosts::Strict).connect_timeout(CONNECT_TIME).server_alive_interval(ALIVE);
        builder.control_directory(folder).control_persist(ControlPersist::Forever).jump_hosts(&target.jump);
        if let Some(user) = &target.user {
            builder.user(user.clone());
        }
        if let Some(port) = target.port {
            builder.port(port);
        }
        if let Some(key) = &target.key {
            builder.keyfile(key);
        }
        if let Some(config) = &target.config {
            builder.config_file(config);
        }
        if let Some(known) = &target.known_hosts {
            builder.user_known_hosts_file(known);
        }
        let failed = |error: openssh::Error| unreachable(target, &error);
        let session = match builder.connect_mux(&target.host).await {
            // Where the master's socket cannot be spoken to directly, `ssh` itself does it.
            Err(openssh::Error::SshMux(_)) => builder.connect(&target.host).await.map_err(failed)?,
            session => session.map_err(failed)?,
        };
        let master = master(session.control_socket(), target).await;
        if let Some(master) = master {
            // The only failure is that there is no guardian; then it ends when its connection does.
            let _ = sys::guard::add_group(master);
        }
        Ok(Self { session: Arc::new(session), master })
    }

    /// Returns the session.
    pub(super) fn session(&self) -> Arc<Session> {
        Arc::clone(&self.session)
    }

    /// Runs a shell script there, with its input, and returns what it wrote.
    pub(super) async fn sh(&self, script: &str, input: &[u8]) -> Result<String, SshError> {
        let lost = |error: openssh::Error| {
            SshError::new(
                "the connection broke",
                chain(&error),
                "try again: what has arrived there is not sent once more",
            )
        };
        let mut command = self.session().arc_command("sh");
        command.arg("-c").arg(script);
        command.stdin(openssh::Stdio::piped()).stdout(openssh::Stdio::piped()).stderr(openssh::Stdio::piped());
        let mut child = command.spawn().await.map_err(lost)?;
        let stdin = child.stdin().take();
        let feeding = async move {
            if let Some(mut stdin) = stdin {
                // Who does not read it all says why on its own.
                let _ = stdin.write_all(input).await;
                let _ = stdin.shutdown().await;
            }
        };
        let ((), output) = tokio::join!(feeding, child.wait_with_output());
        let output = output.map_err(lost)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let hint = next_step(&said);
        let said = if said.is_empty() { format!("it ended with {}", output.status) } else { said };
        Err(SshError::new("a command failed there", said, hint))
    }
}

/// Returns what is to be done about what a command has said of its failure.
fn next_step(said: &str) -> &'static str {
    if said.contains("No space left") || said.contains("quota exceeded") {
        "make room there and try again: `~/.hydro/artifacts` holds programs of earlier deploys"
    } else if said.contains("Permission denied") || said.contains("Read-only file system") {
        "the user there must be able to write below `~/.hydro`"
    } else if said.contains("did not arrive") || said.contains("arrived damaged") {
        "try again: what has arrived is not sent once more"
    } else {
        "try it by hand"
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(master) = self.master {
            if let Some(master) = rustix::process::Pid::from_raw(master) {
                // It may have ended with its connection.
                let _ = rustix::process::kill_process(master, rustix::process::Signal::TERM);
            }
            sys::guard::remove_group(master);
        }
    }
}

/// Asks which process has the connection.
async fn master(socket: &Path, target: &SshTarget) -> Option<i32> {
    let launch = sys::Launch {
        program: "ssh".into(),
        args: ["-S".into(), socket.as_os_str().to_owned(), "-O".into(), "check".into(), target.host.clone().into()]
            .into(),
        ..sys::Launch::default()
    };
    let mut said = String::new();
    tokio::task::spawn_blocking(move || {
        sys::run(launch, &mut |_, line| said.push_str(line)).ok()?;
        // `Master running (pid=123)`
        said.split("pid=").nth(1)?.split(')').next()?.parse().ok()
    })
    .await
    .ok()
    .flatten()
}

fn unreachable(target: &SshTarget, error: &openssh::Error) -> SshError {
    let said = chain(error);
    let hint = if said.contains("IDENTIFICATION HAS CHANGED") {
        "it may be another machine, or somebody in between; if its key was really changed, remove the line named above"
    } else if said.contains("Host key verification failed") {
        "nobody has said yet that this is the right machine: connect once by hand and compare its key"
    } else if said.contains("Permission denied") {
        "no key of yours is accepted there: check `user` and `key`, or add your key there with `ssh-copy-id`"
    } else if said.contains("Could not resolve") {
        "check the name in `host`"
    } else if said.contains("Connection refused") {
        "no ssh server listens there: check `host` and `port`"
    } else {
        "check that the machine is up"
    };
    let hint = format!("{hint}; to see more: `{} -v true`", target.command());
    let mut causes: Vec<String> = said.lines().map(str::trim).filter(|line| tells(line)).map(str::to_owned).collect();
    causes.dedup();
    SshError { what: format!("{UNREACHABLE} `{target}`"), causes, hint }
}

/// Leaves out what only decorates.
fn tells(line: &str) -> bool {
    !line.is_empty() && !line.chars().all(|letter| letter == '@') && !line.starts_with("@ ")
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !said.contains(&text) {
            said.push('\n');
            said.push_str(&text);
        }
        source = cause.source();
    }
    said
}
