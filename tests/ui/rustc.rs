//! Errors that rustc finds, all in one call of cargo: what is said of each program, and where.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{assert_names_nothing_generated, assert_table_is_whole, workspace};
use crate::support::{assert_golden, command, redact};

/// Each program and the place of its first error (of its first message, where it has only warnings).
const CASES: &[(&str, &str)] = &[
    ("closure_returns_another_type", "3:12"),
    ("error_in_a_function", "3:12"),
    ("filter_is_no_bool", "3:23"),
    ("former_operator", "2:12"),
    ("join_without_keys", "2:5"),
    ("missing_arm", "4:40"),
    ("missing_crate", "1:5"),
    ("moved_value", "3:21"),
    ("no_display", "5:40"),
    ("output_without_address", "4:16"),
    ("type_that_cannot_travel", "3:25"),
    ("unique_of_floats", "3:12"),
    ("unknown_method", "3:28"),
    ("unknown_type", "1:27"),
    ("unknown_variable", "3:28"),
    ("unresolved_import", "1:5"),
    ("unused", "1:5"),
    ("wrong_default", "1:32"),
];

/// Programs that compile, with doubts.
const ONLY_WARNINGS: &[&str] = &["former_operator", "unused"];

/// The compiler whose words the goldens are; another one may put the same differently, at the same places.
const COMPILER: &str = "rustc 1.95.";

fn compiler() -> String {
    let output = command("rustc").arg("--version").output().expect("rustc runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn primary(message: &Value) -> Option<(String, String)> {
    let span = message["spans"].as_array()?.iter().find(|span| span["is_primary"] == true)?;
    let file = span["file_name"].as_str()?.trim_start_matches("src/").trim_end_matches(".hf");
    Some((file.to_owned(), format!("{}:{}", span["line_start"], span["column_start"])))
}

#[test]
fn all_that_rustc_finds_is_told_at_the_users_own_lines() {
    assert_table_is_whole("rustc", CASES);
    let workspace = workspace("rustc");
    let output = workspace.hydro(["check", "--message-format", "json"]).run().exits(101);
    assert_names_nothing_generated(&output.stdout, workspace.root());
    assert_eq!(output.stderr, "");
    let is_the_goldens_compiler = compiler().starts_with(COMPILER);
    let mut told: BTreeMap<String, Vec<(String, Value)>> = BTreeMap::new();
    for event in output.events_of("diagnostic") {
        let (case, at) = primary(&event["message"]).unwrap_or_else(|| panic!("a message without a place: {event:#}"));
        assert_eq!(event["rendered"], event["message"]["rendered"]);
        told.entry(case).or_default().push((at, event));
    }
    for (case, at) in CASES {
        // Programs are compiled side by side, and rustc is not always of one mind about the order within one.
        let mut messages = told.remove(*case).unwrap_or_else(|| panic!("nothing is said of {case}\n{output}"));
        messages.sort_by_key(|(_, event)| (event["message"]["level"] != "error", event["rendered"].to_string()));
        let texts = messages.iter().filter_map(|(_, event)| event["rendered"].as_str()).collect::<Vec<_>>();
        if is_the_goldens_compiler {
            assert_golden(&format!("ui/rustc/{case}.stderr"), &redact(&texts.join("\n\n"), workspace.root()));
        }
        let level = if ONLY_WARNINGS.contains(case) { "warning" } else { "error" };
        let places: Vec<&String> =
            messages.iter().filter(|(_, event)| event["message"]["level"] == level).map(|(at, _)| at).collect();
        assert!(places.iter().any(|place| place == at), "{case}: {at} is not among {places:?}");
        assert!(texts.iter().any(|text| text.contains(&format!("--> src/{case}.hf:{at}"))), "{case}: {texts:#?}");
    }
    assert!(told.is_empty(), "about no case: {:?}", told.keys());
}
