//! A session that a script can reach: its private socket, and the tasks that answer there.
//!
//! Read [`OpenSession::open`] first.

use std::ffi::OsString;
use std::path::PathBuf;
use std::rc::Rc;

use tokio::net::UnixListener;
use tokio::task::{JoinHandle, JoinSet};

use super::connection;
use super::session::{Session, SessionOptions};
use crate::report::{ExitCode, Failure, Reporter};
use crate::sys::Launch;
use crate::sys::fs::RuntimeDir;

/// Where the script finds the engine.
const SOCKET_VARIABLE: &str = "HYDRO_ENGINE_SOCKET";
/// By what the engine knows its script.
const SESSION_VARIABLE: &str = "HYDRO_SESSION";

/// A session with its socket. Dropping it ends whatever still runs.
#[derive(Debug)]
pub struct OpenSession {
    session: Rc<Session>,
    answering: JoinHandle<()>,
    socket: PathBuf,
    // Removed with everything in it when the session ends.
    _folder: RuntimeDir,
}

impl OpenSession {
    /// Opens a session. Needs a tokio `LocalSet`.
    ///
    /// # Errors
    /// No private socket can be made.
    pub fn open(options: SessionOptions, reporter: Reporter) -> Result<Self, Failure> {
        let failed = |error| Failure::new(ExitCode::Usage, "cannot make a private socket for the script").cause(error);
        let folder = RuntimeDir::create().map_err(failed)?;
        let socket = folder.path().join("engine");
        let listener = UnixListener::bind(&socket).map_err(failed)?;
        let session = Rc::new(Session::new(options, reporter)?);
        let answering = tokio::task::spawn_local(answer(listener, session.clone()));
        Ok(Self { session, answering, socket, _folder: folder })
    }

    /// Tells a script where its session is.
    pub fn introduce(&self, launch: &mut Launch) {
        launch.env.insert(SOCKET_VARIABLE.into(), self.socket.clone().into_os_string());
        launch.env.insert(SESSION_VARIABLE.into(), OsString::from(self.session.token()));
    }

    /// Returns what a script is told, as JSON, where it was not started by us.
    #[must_use]
    pub fn address(&self) -> String {
        let (socket, session) = (self.socket.to_string_lossy(), self.session.token());
        serde_json::json!({ "socket": socket, "session": session }).to_string()
    }

    /// Returns the session.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        // With the task go the connections and what they wait for, and with them the last owners of the session.
        self.answering.abort();
    }
}

async fn answer(listener: UnixListener, session: Rc<Session>) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn_local(connection::serve(stream, session.clone()));
            }
            // Too many open files, as a rule; that passes when others close.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}
