//! What rustc says of the machinery around the user's text: bounds of functions nobody wrote, macros nobody called. It is taken out of messages.

use anstream::adapter::strip_str;
use serde_json::Value;

/// Crates that generated code calls; where they declare what is a detail of ours.
const CRATES: &[&str] = &["/hydro_runtime_shim", "/dfir_rs-", "/dfir_pipes-", "/dfir_lang-", "/sinktools-"];
/// What generated functions around an operator demand is told in the message itself.
const DEMAND: &str = "required by a bound in `";
/// Functions that the dataflow compiler puts around operators.
const MADE_UP: &[&str] = &[
    "__check_accum",
    "__constrain_types",
    "__push_fold",
    "call_comb_type",
    "call_scan_async_blocking_fn",
    "call_scan_fn",
    "check_impl_demux_enum",
    "check_input",
    "check_inputs",
    "check_iter",
    "check_output",
    "check_stream",
    "demux_enum_guard",
    "probe_join",
    "sink_guard",
];
/// How the dataflow compiler runs futures; nobody who writes `resolve_futures()` has heard of it.
const FUTURES: &str = "FuturesUnordered<";

/// Whether an error is about the closure around the whole dataflow, or a value in it that nobody wrote. It follows from another error, at the user's text.
pub(super) fn is_consequence(message: &str) -> bool {
    ["`__dfir_", "in an `AsyncFnMut` closure", ": DemuxEnumPush<"].iter().any(|words| message.contains(words))
}

/// Takes notes about the machinery out of a rendered message, and the room that they took at the left.
pub(super) fn without_machinery(rendered: &str) -> String {
    let lines: Vec<&str> =
        rendered.trim_end().lines().filter(|line| !is_idle_note(&strip_str(line).to_string())).collect();
    narrow(&without_blocks(&lines.join("\n"), is_machinery))
}

/// Takes out the blocks of a rendered message of which `is_idle`: a block begins with a word at the left edge and goes on to the next one.
pub(super) fn without_blocks(rendered: &str, is_idle: impl Fn(&str) -> bool) -> String {
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    for line in rendered.trim_end().lines() {
        let begins = strip_str(line).to_string().starts_with(char::is_alphabetic);
        match blocks.last_mut() {
            Some(block) if !begins => block.push(line),
            _ => blocks.push(vec![line]),
        }
    }
    blocks.retain(|block| !is_idle(&strip_str(&block.join("\n")).to_string()));
    // A bar leads to what follows; rustc ends with one only behind a change of the text.
    let is_change = blocks
        .last()
        .and_then(|block| block.first())
        .is_some_and(|line| strip_str(line).to_string().starts_with("help: "));
    let mut lines: Vec<&str> = blocks.into_iter().flatten().collect();
    while !is_change && lines.last().is_some_and(|line| strip_str(line).to_string().trim() == "|") {
        lines.pop();
    }
    lines.join("\n")
}

/// Returns how wide the line numbers of a rendered message are.
pub(super) fn gutter(rendered: &str) -> Option<usize> {
    let plain = strip_str(rendered).to_string();
    plain.lines().find_map(|line| line.trim_start().starts_with("--> ").then(|| line.len() - line.trim_start().len()))
}

/// The widest line number may have stood in a part that is no longer there.
fn narrow(rendered: &str) -> String {
    let plain = strip_str(rendered).to_string();
    let digits = |line: &str| {
        let (number, rest) = line.trim_start().split_once(' ')?;
        let is_line = number.bytes().all(|byte| byte.is_ascii_digit()) && rest.starts_with(['|', '~', '+', '-']);
        is_line.then_some(number.len())
    };
    let needed = plain.lines().filter_map(digits).max().unwrap_or(1);
    let spare = gutter(rendered).unwrap_or(0).saturating_sub(needed);
    let lines: Vec<String> = rendered.lines().map(|line| without_spaces(line, spare)).collect();
    lines.join("\n")
}

/// Takes spaces from the start of a line, where it begins with so many. Escapes for colours count for nothing.
fn without_spaces(line: &str, count: usize) -> String {
    if !strip_str(line).to_string().starts_with(&" ".repeat(count)) {
        return line.to_owned();
    }
    let mut left = count;
    let mut kept = String::new();
    let mut is_escape = false;
    for letter in line.chars() {
        is_escape |= letter == '\x1b';
        if left > 0 && letter == ' ' && !is_escape {
            left -= 1;
        } else {
            kept.push(letter);
        }
        is_escape &= letter != 'm';
    }
    kept
}

/// A note with its place, as rustc renders it: `note: …`, then `--> FILE:LINE:COLUMN`.
fn is_machinery(block: &str) -> bool {
    let mut lines = block.lines();
    let Some(title) = lines.next().filter(|title| title.starts_with("note: ") || title.starts_with("help: ")) else {
        return false;
    };
    let place = lines.next().and_then(|line| line.trim_start().strip_prefix("--> ")).unwrap_or_default();
    is_demand(title) || title.contains(FUTURES) || is_machinery_file(place)
}

/// What a generated function demands of its types.
fn is_demand(title: &str) -> bool {
    let function = title.split_once(DEMAND).and_then(|(_, rest)| rest.split('`').next()).map(last_of_path);
    function.is_some_and(is_made_up)
}

/// Whether a function of this name, a path or the last word of one, was made by the dataflow compiler.
pub(super) fn is_made_up(function: &str) -> bool {
    let name = last_of_path(function);
    MADE_UP.contains(&name) || name.starts_with("pivot_run_") || operator_of(name).is_some()
}

/// Returns the last name of a path.
fn last_of_path(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

/// Returns the operator that a generated function stands for: `op_2v1__tee__loc_nopath_4_47_4_52` stands for `tee`.
pub(super) fn operator_of(function: &str) -> Option<&str> {
    let (node, rest) = function.strip_prefix("op_")?.split_once("__")?;
    let is_node = node.bytes().all(|byte| byte.is_ascii_digit() || byte == b'v');
    is_node.then(|| rest.split_once("__loc_")).flatten().map(|(operator, _)| operator)
}

/// Whether a file is one of those that generated code calls.
pub(super) fn is_machinery_file(path: &str) -> bool {
    CRATES.iter().any(|name| path.contains(name))
}

/// rustc writes types that are too long to a file among cargo's own and says so; what is behind the path is of no use to the user. Nor is the name of our macro.
fn is_idle_note(line: &str) -> bool {
    line.contains("the full name for the type has been written to")
        || line.contains("consider using `--verbose` to print the full type name")
        || (line.contains("originates in the macro `__hf`") || line.contains("originates in the macro `$crate::__hf`"))
        || (line.contains("required for `") && (line.contains(FUTURES) || line.contains("to implement `dfir_pipes::")))
}

/// Takes the machinery out of a message's parts: its children, its spans, and where macros were declared.
pub(super) fn tidy(message: &mut Value) {
    let is_ours = |span: &Value| span.get("file_name").and_then(Value::as_str).is_some_and(is_machinery_file);
    if let Some(spans) = message.get_mut("spans").and_then(Value::as_array_mut) {
        spans.retain(|span| !is_ours(span));
        for span in spans {
            if let Some(expansion) = span.get_mut("expansion") {
                *expansion = Value::Null;
            }
        }
    }
    let Some(children) = message.get_mut("children").and_then(Value::as_array_mut) else { return };
    children.retain(|child| {
        let spans = child.get("spans").and_then(Value::as_array);
        let text = child.get("message").and_then(Value::as_str).unwrap_or_default();
        !(is_demand(text)
            || text.contains(FUTURES)
            || is_idle_note(text)
            || spans.is_some_and(|spans| spans.iter().any(is_ours)))
    });
    children.iter_mut().for_each(tidy);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_about_the_machinery_are_left_out_and_the_users_own_stay() {
        let rendered = "error[E0277]: not satisfied
 --> src/a.hf:3:25
  |
3 | module main(output out: Silent) {
  |                         ^^^^^^ the trait is not implemented
  |
  = note: the full name for the type has been written to '/x'
note: defined here
 --> src/lib.rs:1:1
  |
1 | struct Silent;
  | ^^^^^^^^^^^^^
note: required by a bound in `Bindings::output_plain`
 --> /t/hydro/runtime-1/hydro_runtime_shim/src/bind/bindings.rs:78:28
  |
8 |     pub fn output_plain<T: Serialize>(
  |                            ^^^^^^^^^ required by this bound
note: required by a bound in `check_input`
 --> src/a.hf:3:20
  = note: this error originates in the macro `__hf` (in Nightly builds, run with -Z macro-backtrace for more info)
help: write this
  |
3 | x
";
        let expected = "error[E0277]: not satisfied
 --> src/a.hf:3:25
  |
3 | module main(output out: Silent) {
  |                         ^^^^^^ the trait is not implemented
  |
note: defined here
 --> src/lib.rs:1:1
  |
1 | struct Silent;
  | ^^^^^^^^^^^^^
help: write this
  |
3 | x";
        assert_eq!(without_machinery(rendered), expected);
    }

    #[test]
    fn the_parts_of_a_message_name_no_file_of_ours() {
        let span = |file: &str| serde_json::json!({ "file_name": file, "expansion": { "def_site_span": { "file_name": file } } });
        let ours = "/t/hydro/runtime-1/hydro_runtime_shim/src/run/tick.rs";
        let mut message = serde_json::json!({
            "spans": [span("src/a.hf"), span(ours)],
            "children": [
                { "message": "required by a bound in `tick`", "spans": [span(ours)], "children": [] },
                { "message": "try this", "spans": [span("src/a.hf")], "children": [] },
            ],
        });
        tidy(&mut message);
        assert!(!message.to_string().contains("hydro_runtime_shim"), "{message}");
        assert_eq!(message["children"].as_array().map(Vec::len), Some(1));
    }
}
