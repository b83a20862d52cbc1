//! rustc's words about generated code → words about the user's text: what is made for an operator or a port is called by the user's own name for it.
//!
//! Works on one message after its paths and lines are right. Each change is made alike in the message's parts and in what is rendered of them.
//! Does not know which messages are worth telling.

use anstream::adapter::strip_str;
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use super::machinery::{gutter, is_made_up, operator_of, without_blocks};

/// The colour of rustc's bars.
const BAR: AnsiColor = AnsiColor::BrightBlue;

/// What rustc writes at what is to blame for a bound.
const BOUND: &str = "required by a bound introduced by this call";
/// The pipe that a pipeline's items come out of; its type says nothing to the user.
pub(super) const PIPE: &str = "type mismatch resolving `<impl Pull<";

/// Puts a message in the user's words. `is_port` tells which spans are declarations of ports.
pub(super) fn retell(message: &mut Value, is_port: &dyn Fn(&Value) -> bool) {
    let mut changes = Vec::new();
    let title = text(message, "message").to_owned();
    let is_mismatch = title.starts_with(PIPE);
    if is_mismatch {
        changes.push((title.clone(), "mismatched types".to_owned()));
    }
    changes.extend(name_of_moved(message, &title));
    let bounds: Vec<&Value> = labels(message).filter(|span| text(span, "label") == BOUND).collect();
    let at_port = !bounds.is_empty() && bounds.iter().all(|span| is_port(span));
    if at_port {
        let cause = if is_mismatch { "expected due to this port" } else { "required by this port" };
        changes.push((BOUND.to_owned(), cause.to_owned()));
    }
    let mut help = if is_mismatch { next_step(message, at_port) } else { None };
    let uninferred = labels(message).find_map(|span| uninferred(text(span, "label")).map(str::to_owned));
    if let Some(label) = uninferred {
        changes.push((label, "cannot infer the type of its items".to_owned()));
        drop_children(message, |child| child.starts_with("consider specifying the generic argument"));
        help = Some("name the type where the items are made, for example `Vec::<u64>::new()`".to_owned());
    }
    if title.contains("as it is not declared as mutable") && is_about_parameter(message) {
        drop_children(message, |child| child.starts_with("consider changing this to be mutable"));
        help = Some("a parameter keeps its value; `fold` and `scan` keep what changes".to_owned());
    }
    if title.ends_with(": Clone` is not satisfied") && primary(message).is_some_and(is_port) {
        help = Some(
            "each reader of an input gets a copy of its items: derive `Clone`, or read it in one place".to_owned(),
        );
    }
    in_all(message, &|words| {
        let changed = changes.iter().fold(words.to_owned(), |words, (from, to)| words.replace(from, to));
        plain_names(&changed)
    });
    if let Some(help) = help {
        add_help(message, &help);
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn labels(message: &Value) -> impl Iterator<Item = &Value> {
    message.get("spans").and_then(Value::as_array).into_iter().flatten()
}

fn primary(message: &Value) -> Option<&Value> {
    labels(message).find(|span| span.get("is_primary").and_then(Value::as_bool) == Some(true))
}

/// Whether a change is suggested behind the word `param`, where no `mut` may stand.
fn is_about_parameter(message: &Value) -> bool {
    let children = message.get("children").and_then(Value::as_array).into_iter().flatten();
    children.flat_map(labels).any(|span| {
        let line = span.get("text").and_then(|lines| lines.get(0));
        let at = line.and_then(|line| line.get("highlight_start")).and_then(Value::as_u64);
        let before = at.and_then(|at| usize::try_from(at).ok()).unwrap_or(1).saturating_sub(1);
        let before: String = text(line.unwrap_or(&Value::Null), "text").chars().take(before).collect();
        before.trim_end().ends_with("param")
    })
}

/// `use of moved value` leaves the name out where a closure within a tick holds the value; it stands at the place of the move.
fn name_of_moved(message: &Value, title: &str) -> Option<(String, String)> {
    if !matches!(title, "use of moved value" | "borrow of moved value") {
        return None;
    }
    let place = labels(message).find(|span| text(span, "label").starts_with("variable moved due to use"))?;
    let name = source_text(place)?;
    Some((title.to_owned(), format!("{title}: `{name}`")))
}

/// Returns the text of a span that lies in one line.
pub(super) fn source_text(span: &Value) -> Option<String> {
    let [line] = span.get("text")?.as_array()?.as_slice() else { return None };
    let at = |key: &str| usize::try_from(line.get(key)?.as_u64()?).ok()?.checked_sub(1);
    let (start, end) = (at("highlight_start")?, at("highlight_end")?);
    Some(text(line, "text").chars().skip(start).take(end.saturating_sub(start)).collect())
}

/// Generated functions around operators have type parameters, which nobody can give.
fn uninferred(label: &str) -> Option<&str> {
    let (_, function) =
        label.strip_prefix("cannot infer type of the type parameter `")?.split_once("declared on the function `")?;
    is_made_up(function.split('`').next()?).then_some(label)
}

/// What the user can do about items of a wrong type.
fn next_step(message: &Value, at_port: bool) -> Option<String> {
    let (expected, found) = text(primary(message)?, "label").strip_prefix("expected `")?.split_once("`, found ")?;
    // What is no name of a type stands without marks: `integer`.
    let found = found.strip_prefix('`').and_then(|found| found.strip_suffix('`')).unwrap_or("_");
    let how = if (expected, found) == ("String", "&str") { "map(String::from)" } else { "map" };
    let convert = match expected {
        "(_, _)" => "make a pair `(key, value)` of each item with `map`".to_owned(),
        _ => format!("make `{expected}` of each item with `{how}`"),
    };
    // No item can be borrowed from the network, and some types have no name.
    let is_known = !found.contains(['_', '{', '&']) && !found.contains("...");
    Some(if at_port && is_known { format!("{convert}, or declare the port as `{found}`") } else { convert })
}

/// Adds a next step below the snippet.
fn add_help(message: &mut Value, help: &str) {
    let rendered = text(message, "rendered").trim_end().to_owned();
    message["rendered"] = with_help(&rendered, help).into();
    let child =
        json!({ "message": help, "level": "help", "code": null, "spans": [], "children": [], "rendered": null });
    if let Some(children) = message.get_mut("children").and_then(Value::as_array_mut) {
        children.push(child);
    }
}

/// As rustc renders a help without a place: behind the snippet, below its bar.
fn with_help(rendered: &str, help: &str) -> String {
    let Some(width) = gutter(rendered) else { return rendered.to_owned() };
    let space = " ".repeat(width + 1);
    let (bar, word) = match rendered.contains('\x1b') {
        true => (BAR.on_default().bold(), Style::new().bold()),
        false => (Style::new(), Style::new()),
    };
    // A note without a place stands there already.
    let first = !strip_str(rendered).to_string().lines().any(|line| line.starts_with(&format!("{space}= ")));
    let gap = if first { format!("{space}{bar}|{bar:#}\n") } else { String::new() };
    format!("{rendered}\n{gap}{space}{bar}= {bar:#}{word}help{word:#}: {help}")
}

fn in_all(value: &mut Value, change: &impl Fn(&str) -> String) {
    match value {
        Value::String(words) => *words = change(words),
        Value::Array(values) => values.iter_mut().for_each(|value| in_all(value, change)),
        Value::Object(map) => map.values_mut().for_each(|value| in_all(value, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn drop_children(message: &mut Value, is_idle: impl Fn(&str) -> bool) {
    let Some(children) = message.get_mut("children").and_then(Value::as_array_mut) else { return };
    children.retain(|child| !is_idle(text(child, "message")));
    let rendered =
        without_blocks(text(message, "rendered"), |block| block.strip_prefix("help: ").is_some_and(&is_idle));
    message["rendered"] = rendered.into();
}

/// Calls functions that were made for an operator or a module by the name of that.
fn plain_names(words: &str) -> String {
    const MADE: [&str; 2] = ["op_", "accepted_by_"];
    if !MADE.iter().any(|start| words.contains(start)) {
        return words.to_owned();
    }
    let mut plain = String::new();
    let mut rest = words;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !is_of_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        plain.push_str(operator_of(word).or_else(|| word.strip_prefix("accepted_by_")).unwrap_or(word));
        let end = after.find(is_of_word).unwrap_or(after.len());
        plain.push_str(&after[..end]);
        rest = &after[end..];
    }
    plain
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mismatch_at_a_port_names_both_types_and_the_next_step() {
        let rendered = "error[E0271]: type mismatch resolving `<impl Pull<Item = ...> as Pull>::Item == u64`
 --> src/a.hf:3:12
  |
1 | module main(output out: u64) {
  |                    --- required by a bound introduced by this call
3 |         -> map(f) -> out;
  |            ^^^ expected `u64`, found `String`";
        let span = |label: &str, line: u64, is_primary: bool| json!({ "label": label, "line_start": line, "is_primary": is_primary, "text": [] });
        let mut message = json!({
            "message": "type mismatch resolving `<impl Pull<Item = ...> as Pull>::Item == u64`",
            "spans": [span(BOUND, 1, false), span("expected `u64`, found `String`", 3, true)],
            "children": [],
            "rendered": rendered,
        });
        retell(&mut message, &|span| span["line_start"] == 1);
        let expected = "error[E0271]: mismatched types
 --> src/a.hf:3:12
  |
1 | module main(output out: u64) {
  |                    --- expected due to this port
3 |         -> map(f) -> out;
  |            ^^^ expected `u64`, found `String`
  |
  = help: make `u64` of each item with `map`, or declare the port as `String`";
        assert_eq!(message["rendered"], expected);
        assert_eq!(message["message"], "mismatched types");
        assert_eq!(message["children"][0]["level"], "help");
    }

    #[test]
    fn made_up_names_become_those_of_the_text() {
        assert_eq!(plain_names("by `op_2v1__tee__loc_nopath_6_27_6_38`, `accepted_by_once`"), "by `tee`, `once`");
        assert_eq!(plain_names("`op_code` of `top_1v1__a__loc_x`"), "`op_code` of `top_1v1__a__loc_x`");
    }

    #[test]
    fn the_name_of_a_moved_value_is_taken_from_its_place() {
        let place = json!({ "label": "variable moved due to use in closure", "text": [{ "text": "map(|w| prefix)", "highlight_start": 9, "highlight_end": 15 }] });
        let mut message =
            json!({ "message": "use of moved value", "spans": [place], "rendered": "error: use of moved value\n" });
        retell(&mut message, &|_| false);
        assert_eq!(message["rendered"], "error: use of moved value: `prefix`\n");
    }
}
