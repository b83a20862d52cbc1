//! Files that change: tells that one of some files was written, made or removed, whichever way an editor saves.
//!
//! Folders are watched rather than files, for many editors put a new file in the old one's place. Knows nothing of what the files are for.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

/// How long nothing must happen before a change is told: what one command saves is one change.
const QUIET: Duration = Duration::from_millis(50);

/// Which files count.
#[derive(Debug, Default)]
struct Wanted {
    files: BTreeSet<PathBuf>,
    /// Everything in these folders counts.
    whole: BTreeSet<PathBuf>,
    /// Files with these endings count wherever folders are watched.
    endings: Vec<&'static str>,
}

impl Wanted {
    fn has(&self, path: &Path) -> bool {
        let ending = path.extension().and_then(OsStr::to_str);
        let is_within = path.parent().is_some_and(|folder| self.whole.contains(folder));
        is_within || self.files.contains(path) || ending.is_some_and(|ending| self.endings.contains(&ending))
    }
}

/// Watches files.
#[derive(Debug)]
pub struct FileChanges {
    watcher: RecommendedWatcher,
    watched: BTreeSet<PathBuf>,
    wanted: Arc<Mutex<Wanted>>,
    events: mpsc::UnboundedReceiver<()>,
}

impl FileChanges {
    /// Begins; no file is watched yet. Files with these endings are told wherever others are watched, also new ones.
    ///
    /// # Errors
    /// The system tells nobody of files, or has told too many already.
    pub fn new(endings: &[&'static str]) -> std::io::Result<Self> {
        let wanted =
            Arc::new(Mutex::new(Wanted { files: BTreeSet::new(), whole: BTreeSet::new(), endings: endings.to_vec() }));
        let (sender, events) = mpsc::unbounded_channel();
        let counting = Arc::clone(&wanted);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // An error means that something was missed, and so that something may have changed.
            let counts = event.map_or(true, |event| {
                let wanted = counting.lock().unwrap_or_else(PoisonError::into_inner);
                event.need_rescan() || (changes(event.kind) && event.paths.iter().any(|path| wanted.has(path)))
            });
            if counts {
                let _ = sender.send(());
            }
        });
        let watcher = watcher.map_err(std::io::Error::other)?;
        Ok(Self { watcher, watched: BTreeSet::new(), wanted, events })
    }

    /// Watches these files from now on, and no others. A file need not be there; its folder must be, or it is not watched.
    pub fn watch(&mut self, files: impl IntoIterator<Item = PathBuf>, folders: impl IntoIterator<Item = PathBuf>) {
        let files: BTreeSet<PathBuf> = files.into_iter().collect();
        let mut around: BTreeSet<PathBuf> =
            files.iter().filter_map(|file| Some(file.parent()?.to_owned())).filter(|folder| folder.is_dir()).collect();
        around.extend(folders);
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        around.extend(wanted.whole.iter().cloned());
        wanted.files = files;
        drop(wanted);
        for gone in self.watched.difference(&around) {
            // A folder that was removed is not watched any more.
            let _ = self.watcher.unwatch(gone);
        }
        // One that was removed and made again in between is another to the system, so it is told of all of them.
        self.watched =
            around.into_iter().filter(|new| self.watcher.watch(new, RecursiveMode::NonRecursive).is_ok()).collect();
    }

    /// Has everything count in these folders, from the next [`FileChanges::watch`] on.
    pub fn count_all_in(&mut self, folders: impl IntoIterator<Item = PathBuf>) {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).whole = folders.into_iter().collect();
    }

    /// Waits until something has changed and nothing more changes for a moment.
    pub async fn next(&mut self) {
        if self.events.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        self.settled().await;
    }

    /// Waits until nothing has changed for a moment.
    pub async fn settled(&mut self) {
        while tokio::time::timeout(QUIET, self.events.recv()).await.is_ok() {}
    }
}

fn changes(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    async fn comes(changes: &mut FileChanges) {
        tokio::time::timeout(LONG, changes.next()).await.expect("it is told");
    }

    #[tokio::test]
    async fn whichever_way_a_file_is_saved_it_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (file, other) = (folder.path().join("a"), folder.path().join("b.hf"));
        std::fs::write(&file, "one").unwrap();
        let mut changes = FileChanges::new(&["hf"]).unwrap();
        changes.watch([file.clone()], []);
        std::fs::write(&file, "two").unwrap();
        comes(&mut changes).await;
        // As editors do: a new file in the old one's place.
        std::fs::write(folder.path().join("part"), "three").unwrap();
        std::fs::rename(folder.path().join("part"), &file).unwrap();
        comes(&mut changes).await;
        std::fs::remove_file(&file).unwrap();
        comes(&mut changes).await;
        std::fs::write(&file, "four").unwrap();
        comes(&mut changes).await;
        std::fs::write(&other, "a new program").unwrap();
        comes(&mut changes).await;
    }
}
