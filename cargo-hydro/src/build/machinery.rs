//! What rustc says of the machinery around the user's text: bounds of functions nobody wrote, macros nobody called. It is taken out of messages.

use anstream::adapter::strip_str;
use serde_json::Value;

/// Crates that generated code calls; where they declare what is a detail of ours.
const CRATES: &[&str] = &["/hydro_runtime_shim", "/dfir_rs-", "/dfir_pipes-", "/dfir_lang-", "/sinktools-"];
/// Functions around each operator, made by the dataflow compiler; their bounds are told in the message itself.
const GUARD: &str = "required by a bound in `check_";

/// Whether an error is about the closure around the whole dataflow, or a value in it that nobody wrote. It follows from another error, at the user's text.
pub(super) fn is_consequence(message: &str) -> bool {
    message.contains("`__dfir_") || message.contains("in an `AsyncFnMut` closure")
}

/// Takes notes about the machinery out of a rendered message.
pub(super) fn without_machinery(rendered: &str) -> String {
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    for line in rendered.trim_end().lines() {
        let plain = strip_str(line).to_string();
        if is_about_files_or_macros(&plain) {
            continue;
        }
        match blocks.last_mut() {
            Some(block) if !plain.starts_with(char::is_alphabetic) => block.push(line),
            _ => blocks.push(vec![line]),
        }
    }
    blocks.retain(|block| !is_machinery(&strip_str(&block.join("\n")).to_string()));
    let lines: Vec<&str> = blocks.into_iter().flatten().collect();
    lines.join("\n")
}

/// A note with its place, as rustc renders it: `note: …`, then `--> FILE:LINE:COLUMN`.
fn is_machinery(block: &str) -> bool {
    let mut lines = block.lines();
    let Some(title) = lines.next().filter(|title| title.starts_with("note: ") || title.starts_with("help: ")) else {
        return false;
    };
    let place = lines.next().and_then(|line| line.trim_start().strip_prefix("--> ")).unwrap_or_default();
    title.contains(GUARD) || is_machinery_file(place)
}

fn is_machinery_file(path: &str) -> bool {
    CRATES.iter().any(|name| path.contains(name))
}

/// rustc writes types that are too long to a file among cargo's own and says so; what is behind the path is of no use to the user. Nor is the name of our macro.
fn is_about_files_or_macros(line: &str) -> bool {
    line.contains("the full name for the type has been written to")
        || line.contains("consider using `--verbose` to print the full type name")
        || (line.contains("originates in the macro `__hf`") || line.contains("originates in the macro `$crate::__hf`"))
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
        !(text.contains(GUARD)
            || is_about_files_or_macros(text)
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
