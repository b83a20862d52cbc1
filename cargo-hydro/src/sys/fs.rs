//! Files that others may look at while we write them, private folders, locks.
//!
//! Knows nothing of what the files hold.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::guard;

/// Returns how many bytes may be written where a path lies; none: the system does not say.
#[must_use]
pub fn free_space(path: &Path) -> Option<u64> {
    let about = rustix::fs::statvfs(path).ok()?;
    Some(about.f_bavail.saturating_mul(about.f_frsize))
}

/// Writes a whole file: whoever reads it sees the old content or the new one, nothing between.
///
/// # Errors
/// The folder cannot be written to.
pub fn write_atomic(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".hydro-").permissions(mode(0o644)).tempfile_in(folder)?;
    file.write_all(content)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Writes a whole file that only this user may read, as [`write_atomic`] does.
///
/// # Errors
/// The folder cannot be written to.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".hydro-").permissions(mode(0o600)).tempfile_in(folder)?;
    file.write_all(content)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Makes a folder, and those above it, that only this user may enter.
///
/// # Errors
/// It cannot be made, or it is somebody else's.
pub fn create_private_folder(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let found = path.metadata()?;
    if found.uid() != rustix::process::getuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it belongs to somebody else"));
    }
    if found.mode() & 0o077 != 0 {
        std::fs::set_permissions(path, mode(0o700))?;
    }
    Ok(())
}

fn mode(bits: u32) -> Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(bits)
}

/// Writes a file unless it holds that very content; returns whether it wrote. Cargo looks at the times of files.
///
/// # Errors
/// The folder cannot be written to.
pub fn write_if_changed(path: &Path, content: &[u8]) -> io::Result<bool> {
    if std::fs::read(path).is_ok_and(|old| old == content) {
        return Ok(false);
    }
    write_atomic(path, content).map(|()| true)
}

/// A folder for sockets and the like that only this user may enter. It goes when this value goes, or when we are gone.
#[derive(Debug)]
pub struct RuntimeDir {
    path: PathBuf,
}

impl RuntimeDir {
    /// Makes one, under a short path of plain letters: a socket's path may have about 100 bytes only, and endpoints have signs between their parts.
    /// Not in `XDG_RUNTIME_DIR`: that goes when its user logs out, and a deployment may stay.
    ///
    /// # Errors
    /// The temp folder cannot be written to.
    pub fn create() -> io::Result<Self> {
        // Mode 0700 from the start: nobody else ever gets a look.
        let made = tempfile::Builder::new().prefix("hydro-").permissions(mode(0o700)).tempdir_in(short_temp_dir())?;
        let folder = Self { path: made.keep() };
        guard::add_folder(&folder.path)?;
        Ok(folder)
    }

    /// Returns where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for RuntimeDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
        guard::remove_folder(&self.path);
    }
}

fn short_temp_dir() -> PathBuf {
    let folder = std::env::temp_dir();
    if is_short_and_plain(&folder) { folder } else { PathBuf::from("/tmp") }
}

fn is_short_and_plain(folder: &Path) -> bool {
    let name = folder.as_os_str().as_encoded_bytes();
    name.len() < 60 && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.".contains(byte))
}

/// A lock between processes, held until it is dropped, or until the process ends in whatever way.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock if nobody has it; none: somebody has.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn try_acquire(path: &Path) -> io::Result<Option<Self>> {
        let file = Self::open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for the lock.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn acquire(path: &Path) -> io::Result<Self> {
        let file = Self::open(path)?;
        loop {
            match flock(&file, FlockOperation::LockExclusive) {
                Ok(()) => return Ok(Self { _file: file }),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn open(path: &Path) -> io::Result<File> {
        OpenOptions::new().create(true).write(true).truncate(false).open(path)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn files_are_replaced_whole_and_left_alone_when_equal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ü a.txt");
        assert!(write_if_changed(&path, b"one").unwrap());
        assert!(!write_if_changed(&path, b"one").unwrap());
        assert!(write_if_changed(&path, b"two").unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing temporary is left");
    }

    #[test]
    fn a_runtime_folder_is_private_short_and_goes() {
        let folder = RuntimeDir::create().unwrap();
        let path = folder.path().to_owned();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert!(path.as_os_str().len() < 80, "{}", path.display());
        std::fs::write(path.join("socket"), "").unwrap();
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_for_sockets_is_one_that_an_endpoint_can_name() {
        assert!(is_short_and_plain(Path::new("/run/user/1000")));
        for odd in ["/run/a,b", "/run/a#b", "/run/a b", "/run/ä", &"/run".repeat(20)] {
            assert!(!is_short_and_plain(Path::new(odd)), "{odd}");
        }
    }

    #[test]
    fn a_lock_has_one_holder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = Lock::acquire(&path).unwrap();
        assert!(Lock::try_acquire(&path).unwrap().is_none());
        drop(held);
        assert!(Lock::try_acquire(&path).unwrap().is_some());
    }
}
