//! Unix sockets here that lead to Unix sockets there: what is asked of a program on this machine can be asked of one elsewhere in the same way.
//!
//! They are made again with each connection. Knows nothing of who uses them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use openssh::{ForwardType, Session, Socket};

/// Sockets there, and where they are reached here.
#[derive(Debug, Default)]
pub(super) struct Forwards {
    known: Mutex<BTreeMap<String, PathBuf>>,
}

impl Forwards {
    fn known(&self) -> MutexGuard<'_, BTreeMap<String, PathBuf>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a socket there reachable here, in this folder.
    pub(super) async fn add(&self, session: &Session, there: &str, folder: &Path) -> Result<PathBuf, openssh::Error> {
        let here = {
            let mut known = self.known();
            if let Some(here) = known.get(there) {
                return Ok(here.clone());
            }
            let here = folder.join(format!("{}.far", known.len()));
            known.insert(there.to_owned(), here.clone());
            here
        };
        forward(session, there, &here).await?;
        Ok(here)
    }

    /// Makes all of them again over another connection. One that cannot be made is missed when it is used.
    pub(super) async fn again(&self, session: &Session) {
        let known = self.known().clone();
        for (there, here) in known {
            let _ = std::fs::remove_file(&here);
            let _ = forward(session, &there, &here).await;
        }
    }
}

async fn forward(session: &Session, there: &str, here: &Path) -> Result<(), openssh::Error> {
    let socket = |path: PathBuf| Socket::UnixSocket { path: Cow::Owned(path) };
    session.request_port_forward(ForwardType::Local, socket(here.to_owned()), socket(there.into())).await
}
