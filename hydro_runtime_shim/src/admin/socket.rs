//! The socket itself: where it may be, and who may call.
//!
//! Who can talk to it can stop the program and cut its links, so it belongs to the program's user alone.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::bind::BindError;
use crate::contract::ADMIN;
use crate::transport::Callers;

/// Permission to write for the group and for others.
const OTHERS_WRITE: u32 = 0o022;

/// A bound admin socket. Its file goes away with it.
#[derive(Debug)]
pub(crate) struct AdminSocket {
    listener: UnixListener,
    path: PathBuf,
    owner: u32,
}

impl AdminSocket {
    /// Binds the socket.
    ///
    /// # Errors
    /// Somebody answers there, the file is none of ours, or others could put another one in its place.
    pub(crate) fn open(path: &Path) -> Result<Self, BindError> {
        Self::try_open(path).map_err(|error| BindError::Listen {
            variable: ADMIN.to_owned(),
            address: format!("unix:{}", path.display()),
            reason: error.to_string(),
        })
    }

    fn try_open(path: &Path) -> io::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if folder.metadata()?.mode() & OTHERS_WRITE != 0 {
            let reason =
                format!("others may write into `{}`; take a directory of your own (`chmod go-w`)", folder.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
        }
        remove_stale(path)?;
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        let owner = path.symlink_metadata()?.uid();
        Ok(Self { listener, path: path.to_owned(), owner })
    }

    /// Returns another handle of the listening socket.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn listener(&self) -> io::Result<UnixListener> {
        self.listener.try_clone()
    }

    /// Returns who may call.
    pub(super) fn callers(&self) -> Callers {
        Callers::of(self.owner)
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        // Whatever goes wrong here leaves a stale file, which the next start replaces.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Removes the file that a killed program left behind.
fn remove_stale(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the file is there and is no socket"));
        }
        Ok(_) => {}
        Err(_) => return Ok(()),
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        _ => Err(io::ErrorKind::AddrInUse.into()),
    }
}
