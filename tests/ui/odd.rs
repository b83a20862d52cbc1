//! Texts that nobody writes, but a broken tool may: they get a clear error, soon, and no crash.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{MANIFEST, assert_names_nothing_generated};
use crate::support::{Workspace, assert_golden, redact};

/// Far above what a slow machine needs, far below what a quadratic algorithm takes.
const SOON: Duration = Duration::from_secs(30);

/// Checks a program and returns what is said, with the long lines cut.
fn check(name: &str, text: &[u8]) -> String {
    let workspace = Workspace::new(&format!("ui-odd-{name}"), &[("Cargo.toml", MANIFEST), ("src/lib.rs", "")]);
    workspace.write_bytes(Path::new(&format!("src/{name}.hf")), text);
    let began = Instant::now();
    let output = workspace.hydro(["check"]).run().exits(101);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert_names_nothing_generated(&output.stderr, workspace.root());
    let cut = |line: &str| match line.char_indices().nth(200) {
        Some((at, _)) => format!("{} […]\n", line[..at].trim_end()),
        None => format!("{line}\n"),
    };
    redact(&output.stderr, workspace.root()).lines().map(cut).collect()
}

/// A program around a pipeline's middle.
fn program(middle: &str) -> Vec<u8> {
    format!("module main() {{\n    source_iter(0..3) -> {middle} -> null();\n}}\n").into_bytes()
}

#[test]
fn a_hundred_thousand_parentheses() {
    let middle = format!("map(|i| {}i{})", "(".repeat(100_000), ")".repeat(100_000));
    assert_golden("ui/odd/nested.stderr", &check("nested", &program(&middle)));
}

#[test]
fn a_hundred_thousand_operators() {
    let middle = vec!["map(|i| i)"; 100_000].join("\n        -> ");
    assert_golden("ui/odd/long_chain.stderr", &check("long_chain", &program(&middle)));
}

#[test]
fn a_hundred_thousand_operators_of_rust() {
    let middle = format!("map(|i| {} 1)", "i + ".repeat(100_000));
    assert_golden("ui/odd/long_sum.stderr", &check("long_sum", &program(&middle)));
}

#[test]
fn modules_that_multiply() {
    let mut text = "module m0(input i: u32, output o: u32) {\n    i -> o;\n}\n".to_owned();
    for level in 1..=5 {
        let uses = format!("-> m{}() ", level - 1).repeat(10);
        text.push_str(&format!("module m{level}(input i: u32, output o: u32) {{\n    i {uses}-> o;\n}}\n"));
    }
    let text = format!("module main() {{\n    source_iter(0..3) -> m5() -> null();\n}}\n{text}");
    assert_golden("ui/odd/multiplied.stderr", &check("multiplied", text.as_bytes()));
}

#[test]
fn bytes_that_are_no_text() {
    assert_golden("ui/odd/no_text.stderr", &check("no_text", b"module main() {\n    // \xff\xfe\n}\n"));
}

#[test]
fn letters_outside_of_ascii_keep_their_columns() {
    let text = "module main() {\n    source_iter([\"größe\"]) -> größer() -> null();\n}\n";
    let said = check("letters", text.as_bytes());
    assert!(said.contains("--> src/letters.hf:2:31\n"), "{said}");
    assert_golden("ui/odd/letters.stderr", &said);
}
