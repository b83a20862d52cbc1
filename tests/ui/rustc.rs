//! Errors that rustc finds, all in one call of cargo: what is said of each program, and where.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{assert_names_nothing_generated, assert_table_is_whole, workspace};
use crate::support::{assert_golden, command, redact};

/// Each program and the place of its first error (of its first message, where it has only warnings).
const CASES: &[(&str, &str)] = &[
    ("assigned_parameter", "3:9"),
    ("await_in_a_closure", "7:41"),
    ("closure_arity", "3:12"),
    ("closure_returns_another_type", "3:12"),
    ("compared_with_another_type", "3:38"),
    ("constant_overflow", "1:19"),
    ("demux_of_a_plain_enum", "7:62"),
    ("demux_of_a_struct", "2:1"),
    ("demux_without_a_variant", "9:80"),
    ("denied_lint", "2:22"),
    ("empty_source", "2:5"),
    ("error_in_a_function", "3:12"),
    ("error_in_a_macro", "3:17"),
    ("error_in_a_struct", "2:11"),
    ("error_in_an_impl", "9:5"),
    ("error_in_another_file", "3:5"),
    ("filter_is_no_bool", "3:23"),
    ("filter_map_without_an_option", "3:30"),
    ("flat_map_of_no_iterator", "3:12"),
    ("fold_accumulator", "3:38"),
    ("fold_arity", "3:12"),
    ("fold_returns_the_accumulator", "3:52"),
    ("for_each_returns_a_value", "3:37"),
    ("former_operator", "2:12"),
    ("function_called_wrongly", "6:32"),
    ("future_without_await", "8:38"),
    ("input_read_twice_without_clone", "3:19"),
    ("input_to_output", "1:19"),
    ("join_arity", "5:17"),
    ("join_key_without_hash", "7:12"),
    ("join_of_different_keys", "3:5"),
    ("join_without_keys", "2:5"),
    ("literal_out_of_range", "2:57"),
    ("macro_without_a_rule", "8:58"),
    ("missing_arm", "4:40"),
    ("missing_crate", "1:5"),
    ("moved_between_operators", "4:19"),
    ("moved_by_a_closure", "3:38"),
    ("moved_value", "3:21"),
    ("no_display", "5:40"),
    ("not_send", "6:32"),
    ("output_without_address", "4:16"),
    ("part_given_another_type", "7:5"),
    ("part_gives_another_type", "7:28"),
    ("part_of_another_file_given_another_type", "4:5"),
    ("part_that_is_wrong_inside", "3:16"),
    ("part_with_a_wrong_parameter", "7:42"),
    ("part_with_an_unmet_bound", "9:32"),
    ("partition_of_another_type", "3:62"),
    ("private_field", "4:84"),
    ("private_item", "1:9"),
    ("question_mark", "3:42"),
    ("reference_to_a_local", "3:23"),
    ("refutable_pattern", "3:17"),
    ("resolve_what_is_no_future", "3:12"),
    ("sort_of_floats", "3:12"),
    ("tee_without_clone", "4:48"),
    ("text_where_a_string_is_wanted", "2:5"),
    ("type_annotations_needed", "4:22"),
    ("type_that_cannot_travel", "3:25"),
    ("union_of_different_types", "3:5"),
    ("unique_of_floats", "3:12"),
    ("unknown_field", "4:38"),
    ("unknown_method", "3:28"),
    ("unknown_type", "1:27"),
    ("unknown_variable", "3:28"),
    ("unresolved_import", "1:5"),
    ("unused", "4:11"),
    ("unused_in_a_closure", "1:4"),
    ("used_after_move", "5:20"),
    ("value_of_another_pipeline", "3:51"),
    ("wrong_default", "1:32"),
];

/// Files that cases name by `mod x;`, and the cases in which something is wrong with them.
const FILES: &[(&str, &str)] = &[("shapes", "error_in_another_file")];

/// Programs that compile, with doubts.
const ONLY_WARNINGS: &[&str] = &["former_operator", "unused", "unused_in_a_closure"];

/// The compiler whose words the goldens are; another one may put the same differently, at the same places.
const COMPILER: &str = "rustc 1.95.";

fn compiler() -> String {
    let output = command("rustc").arg("--version").output().expect("rustc runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn primary(message: &Value) -> Option<(String, String)> {
    let span = message["spans"].as_array()?.iter().find(|span| span["is_primary"] == true)?;
    let file = span["file_name"].as_str()?.trim_start_matches("src/").trim_end_matches(".hf");
    let case = FILES.iter().find(|(name, _)| *name == file).map_or(file, |(_, case)| case);
    Some((case.to_owned(), format!("{}:{}", span["line_start"], span["column_start"])))
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
        let file = FILES.iter().find(|(_, of)| of == case).map_or(*case, |(file, _)| file);
        assert!(texts.iter().any(|text| text.contains(&format!("--> src/{file}.hf:{at}"))), "{case}: {texts:#?}");
    }
    assert!(told.is_empty(), "about no case: {:?}", told.keys());
}
