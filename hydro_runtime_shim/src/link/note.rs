//! The shim's own lines: on stderr, since stdout belongs to the user's program alone.

use std::cell::RefCell;
use std::fmt::Arguments;
use std::io::Write as _;

thread_local! {
    static LABEL: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Says whose lines those of this thread are, where a process has several programs.
pub(crate) fn label(mut name: String) {
    name.push_str(": ");
    LABEL.set(name);
}

/// Writes one line. A peer's own words may stand in it, so that control characters do not reach the terminal. Nobody can be told that
/// stderr is gone, so a failure is let go.
pub(crate) fn note(message: Arguments<'_>) {
    if cfg!(fuzzing) {
        return;
    }
    let line = message.to_string().replace(char::is_control, " ");
    let _ = LABEL.with_borrow(|label| writeln!(std::io::stderr().lock(), "hydro: {label}{line}"));
}
