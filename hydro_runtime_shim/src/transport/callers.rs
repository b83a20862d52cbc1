//! Who may call at a Unix socket, beyond what the modes of files say.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Whoever is root may do everything anyway.
const ROOT: u32 = 0;
/// Any permission for the group and for others.
const OTHERS: u32 = 0o077;

/// The user who may call, and root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Callers {
    owner: u32,
}

impl Callers {
    /// Lets a user call.
    pub(crate) fn of(owner: u32) -> Self {
        Self { owner }
    }

    /// Lets the owner of a socket call whose folder nobody else may enter; where others may enter it, so may they call, and there is none.
    ///
    /// # Errors
    /// What the system says of the folder.
    pub(crate) fn of_folder(socket: &Path) -> io::Result<Option<Self>> {
        let folder = socket.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let found = folder.metadata()?;
        Ok((found.mode() & OTHERS == 0).then(|| Self::of(found.uid())))
    }

    /// Tells whether that user may.
    pub(crate) fn may(self, user: u32) -> bool {
        user == self.owner || user == ROOT
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_owner_and_root_may_call_and_nobody_else() {
        let callers = Callers::of(1000);
        assert!(callers.may(1000) && callers.may(0));
        assert!(!callers.may(1001));
    }

    #[test]
    fn a_socket_in_a_private_folder_is_its_owner_s_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("socket");
        let owner = folder.path().metadata().expect("it is there").uid();
        let set = |mode| std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).expect("set");
        set(0o700);
        assert_eq!(Callers::of_folder(&socket).expect("readable"), Some(Callers::of(owner)));
        set(0o750);
        assert_eq!(Callers::of_folder(&socket).expect("readable"), None);
    }
}
