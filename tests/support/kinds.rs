//! Which kinds of machines the tests really ran on: noted in a file, of which `tests/run` makes the last lines of a run.
//!
//! What a test does not show for want of a machine is noted, too, and on CI it is a failure.

use std::io::Write as _;

use super::place::{not_covered, shared_target};

/// Below the target folder that the suites share: one line for each test and kind.
const FILE: &str = "kinds";

/// Notes that a test runs on a kind of machine.
pub(crate) fn covers(kind: &str) {
    note(&format!("covered\t{kind}"));
}

/// Notes that a test cannot have a kind of machine. On CI that is a failure.
#[track_caller]
pub(crate) fn misses(kind: &str, why: &str) {
    note(&format!("missing\t{kind}\t{why}"));
    not_covered(&format!("machines of the kind `{kind}`: {why}"));
}

fn note(line: &str) {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(shared_target().join(FILE));
    // In one piece, so that tests that run at once do not mix theirs.
    let written = file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
    assert!(written.is_ok(), "the kinds of machines are noted in `{}`: {written:?}", shared_target().display());
}
