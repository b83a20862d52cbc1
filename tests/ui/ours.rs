//! Errors that are found before cargo starts: syntax, headers, dataflow. The golden is all that a person sees of one `check`.

use super::{assert_names_nothing_generated, assert_table_is_whole, workspace};
use crate::support::{assert_golden, redact};

const SYNTAX: &[(&str, &str)] = &[
    ("arrow_without_operator", "2:26"),
    ("mismatched_bracket", "2:22"),
    ("missing_body", "1:8"),
    ("missing_ports", "1:13"),
    ("missing_semicolon", "2:31"),
    ("misspelt_module", "1:1"),
    ("other_file", "1:5"),
    ("two_mains", "5:8"),
    ("unclosed_bracket", "3:1"),
    ("unclosed_string", "2:25"),
];

const HEADER: &[(&str, &str)] = &[
    ("duplicate_port", "3:12"),
    ("missing_comma", "3:5"),
    ("missing_type", "1:26"),
    ("parameter_like_port", "3:11"),
    ("wrong_word", "2:5"),
];

const DATAFLOW: &[(&str, &str)] = &[
    ("assigned_port", "2:5"),
    ("assigned_twice", "3:5"),
    ("cycle_in_a_tick", "4:16"),
    ("missing_side", "2:12"),
    ("nowhere_to_go", "2:26"),
    ("operator_without_parentheses", "2:26"),
    ("read_from_output", "2:5"),
    ("several_errors", "3:5"),
    ("unknown_name", "2:26"),
    ("unknown_operator", "2:26"),
    ("write_to_input", "2:26"),
    ("wrong_argument_count", "3:12"),
];

fn check(topic: &str, table: &[(&str, &str)]) {
    assert_table_is_whole(topic, table);
    let workspace = workspace(topic);
    for (case, at) in table {
        let output = workspace.hydro(["check", &format!("src/{case}.hf")]).run().exits(101);
        assert_eq!(output.stdout, "", "{case}");
        assert_names_nothing_generated(&output.stderr, workspace.root());
        assert_golden(&format!("ui/{topic}/{case}.stderr"), &redact(&output.stderr, workspace.root()));
        let error = output.stderr.find("error[HF").unwrap_or_else(|| panic!("{case} has no error\n{output}"));
        let place = format!(" --> src/{case}.hf:{at}\n");
        let first = output.stderr[error..].lines().nth(1).unwrap_or_default();
        assert_eq!(format!("{first}\n"), place, "{case}: the place of the first error\n{output}");
    }
}

#[test]
fn syntax_errors_are_told_at_their_place() {
    check("syntax", SYNTAX);
}

/// Such files are right, as others may use their modules; but there is nothing to build.
#[test]
fn files_without_a_program_build_nothing() {
    let workspace = workspace("no_program");
    for case in ["empty", "no_main"] {
        let file = format!("src/{case}.hf");
        workspace.hydro(["check", &file]).run().exits(0);
        let output = workspace.hydro(["build", &file]).run().exits(4);
        assert_golden(&format!("ui/no_program/{case}.stderr"), &redact(&output.stderr, workspace.root()));
    }
}

#[test]
fn errors_in_headers_are_told_at_their_place() {
    check("header", HEADER);
}

#[test]
fn errors_in_dataflows_are_told_at_their_place() {
    check("dataflow", DATAFLOW);
}
