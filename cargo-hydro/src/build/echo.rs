//! Which of rustc's messages only say again what was said: a wrong type is often found at both ends of a pipe, and in the module that it flows into.
//!
//! Knows places, not what is there. Errors that differ in code, words or types are never echoes of each other.

use serde_json::Value;

use super::machinery::is_machinery_file;
use super::retell::PIPE;

/// File, line, column.
type Place = (String, u64, u64);

/// What was told.
#[derive(Debug, Default)]
pub(super) struct Told {
    messages: Vec<Message>,
}

#[derive(Debug)]
struct Message {
    /// Code, words, and the types in question.
    essence: String,
    /// Whether it is about items that are not what the next operator wants.
    is_mismatch: bool,
    /// Whether rustc labels another place, as it does where a mismatch begins.
    has_labels: bool,
    primary: Place,
    others: Vec<Place>,
}

impl Told {
    /// Remembers an error, and returns whether it is an echo of one before.
    pub(super) fn is_echo(&mut self, message: &Value, is_port: impl Fn(&Place) -> bool) -> bool {
        let Some(message) = read(message) else { return false };
        let is_echo = self.messages.iter().any(|before| is_same(before, &message, &is_port));
        self.messages.push(message);
        is_echo
    }
}

fn is_same(before: &Message, now: &Message, is_port: &impl Fn(&Place) -> bool) -> bool {
    if before.primary == now.primary {
        return false;
    }
    // A mismatch in a pipe names what wants other items. One that names nothing else is what becomes of another one.
    let says_nothing = |place: &Place| *place == now.primary || is_machinery_file(&place.0);
    if now.is_mismatch && now.others.iter().all(says_nothing) {
        return before.is_mismatch && (before.essence == now.essence || before.others.contains(&now.primary));
    }
    if before.essence != now.essence {
        return false;
    }
    let is_shared = |place: &Place| before.others.contains(place);
    if now.is_mismatch && !now.has_labels && now.others.iter().any(is_shared) {
        return true;
    }
    let is_line = before.primary.0 == now.primary.0 && before.primary.1 == now.primary.1;
    let mut shared = before.others.iter().filter(|place| now.others.contains(place));
    before.others.contains(&now.primary)
        || now.others.contains(&before.primary)
        || shared.any(|place| is_line || (is_port(place) && is_below(now, place) && !is_between(place, before, now)))
}

/// Whether a message is about the body below a port's declaration.
fn is_below(message: &Message, port: &Place) -> bool {
    message.primary.0 == port.0 && port.1 <= message.primary.1
}

fn is_between(port: &Place, before: &Message, now: &Message) -> bool {
    is_below(before, port) && before.primary.1 <= now.primary.1
}

fn read(message: &Value) -> Option<Message> {
    let spans = |value: &Value| value.get("spans").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_primary = |span: &Value| span.get("is_primary").and_then(Value::as_bool) == Some(true);
    let own = spans(message);
    let primary = own.iter().find(|span| is_primary(span))?;
    let text = |key: &str| message.get(key).and_then(Value::as_str).unwrap_or_default();
    let essence = format!("{:?} {} {:?}", message.get("code"), text("message"), primary.get("label"));
    let has_labels = own.len() > 1;
    let is_mismatch = text("message").starts_with(PIPE);
    let children = message.get("children").and_then(Value::as_array).into_iter().flatten().flat_map(spans);
    let others = own.iter().filter(|span| !is_primary(span)).cloned().chain(children);
    Some(Message {
        essence,
        is_mismatch,
        has_labels,
        primary: place(primary)?,
        others: others.filter_map(|span| place(&span)).collect(),
    })
}

/// Returns where a span begins.
pub(super) fn place(span: &Value) -> Option<Place> {
    let number = |key: &str| span.get(key).and_then(Value::as_u64);
    let file = span.get("file_name").and_then(Value::as_str)?;
    Some((file.to_owned(), number("line_start")?, number("column_start")?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(primary: (u64, u64), other: (u64, u64)) -> Value {
        let span = |(line, column): (u64, u64), is_primary: bool| json!({ "file_name": "a.hf", "line_start": line, "column_start": column, "is_primary": is_primary });
        json!({ "message": "mismatch", "spans": [span(primary, true), span(other, false)], "children": [] })
    }

    fn are_echoes(first: Value, second: Value) -> bool {
        let mut told = Told::default();
        assert!(!told.is_echo(&first, |_| false));
        told.is_echo(&second, |port| port.1 == 2)
    }

    #[test]
    fn the_other_end_of_a_pipe_is_an_echo() {
        assert!(are_echoes(message((3, 5), (4, 12)), message((4, 12), (9, 9))));
        assert!(are_echoes(message((4, 12), (9, 9)), message((3, 5), (4, 12))));
    }

    #[test]
    fn what_a_used_module_says_of_a_wrong_use_is_an_echo() {
        assert!(are_echoes(message((7, 5), (2, 21)), message((3, 16), (2, 21))));
        assert!(!are_echoes(message((7, 5), (2, 21)), message((8, 5), (2, 21))), "two wrong uses are two errors");
    }

    #[test]
    fn a_mismatch_without_another_end_follows_from_one_with_it() {
        let mismatch = |mut message: Value, wanted: &str| {
            message["message"] = format!("{PIPE}X> as Pull>::Item == {wanted}").into();
            message
        };
        let first = mismatch(message((2, 5), (4, 12)), "(_, _)");
        assert!(are_echoes(first.clone(), mismatch(message((4, 12), (4, 12)), "(u64, _)")));
        assert!(!are_echoes(first, mismatch(message((4, 12), (1, 20)), "(u64, _)")), "it is wanted elsewhere");
    }

    #[test]
    fn a_mismatch_that_goes_on_behind_a_module_is_an_echo() {
        let mut first = message((3, 16), (2, 42));
        let mut second = first.clone();
        first["message"] = format!("{PIPE}X> as Pull>::Item == u64").into();
        second["message"] = first["message"].clone();
        second["spans"][0]["line_start"] = 7.into();
        let demand = second["spans"].as_array_mut().and_then(Vec::pop);
        second["children"] = json!([{ "spans": [demand] }]);
        assert!(are_echoes(first, second));
    }

    #[test]
    fn other_types_or_places_are_other_errors() {
        assert!(!are_echoes(message((3, 5), (4, 12)), message((6, 5), (7, 12))));
        let mut other = message((4, 12), (9, 9));
        other["message"] = "another".into();
        assert!(!are_echoes(message((3, 5), (4, 12)), other));
    }
}
