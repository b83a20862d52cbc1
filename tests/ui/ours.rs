//! Errors that are found before cargo starts: syntax, headers, dataflow. The golden is all that a person sees of one `check`.

use super::{assert_names_nothing_generated, assert_table_is_whole, workspace};
use crate::support::{assert_golden, redact};

const SYNTAX: &[(&str, &str)] = &[
    ("arrow_without_operator", "2:26"),
    ("generics_unclosed", "1:12"),
    ("mismatched_bracket", "2:22"),
    ("missing_arrow", "2:22"),
    ("missing_body", "1:8"),
    ("missing_ports", "1:13"),
    ("missing_semicolon", "2:31"),
    ("misspelt_module", "1:1"),
    ("other_file", "1:5"),
    ("two_mains", "5:8"),
    ("typographic_quotes", "2:18"),
    ("unclosed_bracket", "3:1"),
    ("unclosed_comment", "2:5"),
    ("unclosed_string", "2:25"),
];

const HEADER: &[(&str, &str)] = &[
    ("default_missing", "1:30"),
    ("duplicate_port", "3:12"),
    ("generic_main", "1:13"),
    ("missing_comma", "3:5"),
    ("missing_type", "1:26"),
    ("parameter_like_port", "3:11"),
    ("two_modules_of_one_name", "5:8"),
    ("two_params_of_one_name", "1:41"),
    ("wrong_word", "2:5"),
];

const DATAFLOW: &[(&str, &str)] = &[
    ("assigned_port", "2:5"),
    ("assigned_twice", "3:5"),
    ("cycle_in_a_tick", "4:16"),
    ("into_a_loop", "4:20"),
    ("lifetime_of_map", "2:34"),
    ("missing_side", "2:12"),
    ("name_alone", "4:25"),
    ("no_source", "2:5"),
    ("nothing_flows", "3:5"),
    ("nowhere_to_go", "2:26"),
    ("operator_without_parentheses", "2:26"),
    ("read_from_output", "2:5"),
    ("read_twice_without_tee", "2:41"),
    ("several_errors", "3:5"),
    ("too_many_conditions", "11:6"),
    ("unknown_name", "2:26"),
    ("unknown_operator", "2:26"),
    ("value_that_is_none", "3:38"),
    ("write_to_input", "2:26"),
    ("wrong_argument_count", "3:12"),
    ("wrong_side", "3:26"),
];

const PARTS: &[(&str, &str)] = &[
    ("error_within_a_module", "2:10"),
    ("input_without_items", "9:14"),
    ("missing_parameter", "6:29"),
    ("module_in_itself", "2:10"),
    ("modules_in_each_other", "2:10"),
    ("parameter_given_twice", "6:46"),
    ("parameter_without_a_name", "6:35"),
    ("port_not_named", "8:29"),
    ("type_arguments", "6:25"),
    ("unknown_parameter", "6:35"),
    ("unknown_port", "11:13"),
];

const NAMES: &[(&str, &str)] = &[
    ("circle", "right.hf:1:5"),
    ("error_in_another_file", "broken.hf:2:10"),
    ("missing_file", "1:5"),
    ("mixed_import", "1:50"),
    ("unknown_in_another_file", "3:12"),
    ("unknown_package", "1:17"),
    ("unknown_standard_item", "1:27"),
    ("unknown_standard_module", "1:16"),
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
        // What is wrong may stand in a file that the case names.
        let place = if at.contains(".hf:") { format!("src/{at}") } else { format!("src/{case}.hf:{at}") };
        let first = output.stderr[error..].lines().nth(1).unwrap_or_default();
        assert_eq!(first.trim_start(), format!("--> {place}"), "{case}: the place of the first error\n{output}");
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

#[test]
fn errors_in_uses_of_modules_are_told_at_their_place() {
    check("parts", PARTS);
}

#[test]
fn errors_in_names_of_other_files_are_told_at_their_place() {
    check("names", NAMES);
}
