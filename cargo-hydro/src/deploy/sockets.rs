//! Where the Unix sockets of an engine's programs are: in a folder of its own that nobody else may enter, made when the first one is needed.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::sys::fs::RuntimeDir;

/// See the module. The folder goes away with it.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    made: Mutex<(Option<RuntimeDir>, u32)>,
}

impl Sockets {
    /// Returns a path that no other program has. It is short, whatever the program is called: a socket's path may have about 100 bytes only.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub(super) fn next(&self, ending: &str) -> io::Result<PathBuf> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let (folder, count) = &mut *made;
        if folder.is_none() {
            *folder = Some(RuntimeDir::create()?);
        }
        *count += 1;
        folder
            .as_ref()
            .map(|folder| folder.path().join(format!("{count}.{ending}")))
            .ok_or(io::ErrorKind::NotFound.into())
    }

    /// Removes the files of those that are gone: of programs that were killed, and sockets, which nobody but us removes.
    pub(super) fn keep_only(&self, used: &BTreeSet<PathBuf>) {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Ok(files)) = made.0.as_ref().map(|folder| folder.path().read_dir()) else { return };
        for file in files.filter_map(Result::ok).filter(|file| !used.contains(&file.path())) {
            // It may have gone by itself.
            let _ = std::fs::remove_file(file.path());
        }
    }
}
