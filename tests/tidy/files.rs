//! How a file looks.

use super::sources::{all, assert_none};
use crate::support::{command, repository};

const MOST_LINES: usize = 600;
/// Names that say nothing of what is inside.
const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "misc", "manager", "imp"];

#[test]
fn every_file_says_what_it_is_for() {
    let silent = all().into_iter().filter(|source| !source.text.starts_with("//!"));
    assert_none(&silent.map(|source| source.complaint(1, "does not open with `//!`")).collect::<Vec<_>>());
}

#[test]
fn no_file_is_too_long_to_read() {
    let long = all().into_iter().filter(|source| source.text.lines().count() > MOST_LINES);
    let what = format!("more than {MOST_LINES} lines");
    assert_none(&long.map(|source| source.complaint(MOST_LINES, &what)).collect::<Vec<_>>());
}

#[test]
fn no_module_has_a_name_that_says_nothing() {
    let is_empty = |name: &str| EMPTY_NAMES.contains(&name.trim_end_matches(".rs"));
    let named = all().into_iter().filter(|source| source.path.iter().any(|part| part.to_str().is_some_and(is_empty)));
    assert_none(&named.map(|source| source.complaint(1, "has a name that says nothing")).collect::<Vec<_>>());
}

#[test]
fn nothing_is_left_to_be_done() {
    // Written apart, as this file is looked at too.
    let marks = [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["XX", "X"].concat(),
        ["todo", "!("].concat(),
        ["dbg", "!("].concat(),
    ];
    let mut complaints = Vec::new();
    for source in all() {
        for (at, line) in source.text.lines().enumerate() {
            let found = marks.iter().filter(|mark| line.contains(mark.as_str()));
            complaints.extend(found.map(|mark| source.complaint(at + 1, mark)));
        }
    }
    assert_none(&complaints);
}

#[test]
fn no_test_is_ignored() {
    let mark = ["#[", "ignore"].concat();
    let mut complaints = Vec::new();
    for source in all() {
        let lines = source.text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with(&mark));
        complaints.extend(lines.map(|(at, _)| source.complaint(at + 1, "a test that nobody runs")));
    }
    assert_none(&complaints);
}

#[test]
fn module_files_only_name_their_parts() {
    let mut complaints = Vec::new();
    for source in
        all().into_iter().filter(|source| source.path.ends_with("mod.rs") && source.path.starts_with("cargo-hydro"))
    {
        // The first room is where the command is: its file reads the arguments.
        if source.path.ends_with("cli/mod.rs") {
            continue;
        }
        let logic = source
            .code()
            .filter(|(_, code)| code.starts_with("fn ") || code.starts_with("pub fn ") || code.starts_with("impl"));
        complaints.extend(logic.map(|(line, _)| source.complaint(line, "logic in a `mod.rs`")));
    }
    assert_none(&complaints);
}

#[test]
fn all_is_formatted() {
    let output =
        command("cargo").args(["fmt", "--all", "--check"]).current_dir(repository()).output().expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let places: Vec<&str> = said.lines().filter(|line| line.starts_with("Diff in ")).collect();
    assert!(
        output.status.success(),
        "`cargo fmt` changes {} places, the first: {:?}\n{}",
        places.len(),
        places.first(),
        String::from_utf8_lossy(&output.stderr)
    );
}
