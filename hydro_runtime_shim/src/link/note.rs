//! The shim's own lines: on stderr, since stdout belongs to the user's program alone.

use std::fmt::Arguments;
use std::io::Write as _;

/// Writes one line. A peer's own words may stand in it, so that control characters do not reach the terminal. Nobody can be told that
/// stderr is gone, so a failure is let go.
pub(crate) fn note(message: Arguments<'_>) {
    if cfg!(fuzzing) {
        return;
    }
    let line = message.to_string().replace(char::is_control, " ");
    let _ = writeln!(std::io::stderr().lock(), "hydro: {line}");
}
