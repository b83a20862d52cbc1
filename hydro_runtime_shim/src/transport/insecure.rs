//! Why a connection is not trusted: an error apart from those of the system, since trying again does not help.

use std::fmt;
use std::io;

/// The reason, as a lowercase fragment for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Insecure(pub(crate) String);

impl Insecure {
    /// Returns the reason in an error, if it is one of these.
    pub(crate) fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl fmt::Display for Insecure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Insecure {}

impl From<Insecure> for io::Error {
    fn from(reason: Insecure) -> Self {
        Self::new(io::ErrorKind::PermissionDenied, reason)
    }
}
