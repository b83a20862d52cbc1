//! The shim's own lines: on stderr, since stdout belongs to the user's program alone.

use std::fmt::Arguments;
use std::io::Write as _;

/// Writes one line. Nobody can be told that stderr is gone, so a failure is let go.
pub(crate) fn note(message: Arguments<'_>) {
    let _ = writeln!(std::io::stderr().lock(), "hydro: {message}");
}
