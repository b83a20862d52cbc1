//! Our own diagnostics as events, in the schema of rustc's JSON messages, so that editors show them as they show rustc's.

use hydroflow_standalone::diagnostic::{Diagnostic, Label, Level};
use hydroflow_standalone::source::{SourceFile, SourceMap};
use serde_json::{Value, json};

use super::{Event, Rendered};

/// Makes an event of a diagnostic.
#[must_use]
pub fn diagnostic_event(diagnostic: &Diagnostic, source: &SourceMap, color: bool) -> Event {
    let (rendered, message) = parts(diagnostic, source, color);
    Event::Diagnostic { rendered, message }
}

fn parts(diagnostic: &Diagnostic, source: &SourceMap, color: bool) -> (String, Value) {
    let rendered = diagnostic.render_in(source, color);
    let mut spans = vec![span(&diagnostic.primary, source, true)];
    spans.extend(diagnostic.secondary.iter().map(|label| span(label, source, false)));
    let level = if diagnostic.level == Level::Error { "error" } else { "warning" };
    let children: Vec<Value> = diagnostic.hint.iter().map(|hint| child(hint, diagnostic, source)).collect();
    let message = json!({
        "$message_type": "diagnostic",
        "message": diagnostic.message,
        "code": { "code": diagnostic.code, "explanation": null },
        "level": level,
        "spans": spans,
        "children": children,
        "rendered": rendered,
    });
    (rendered, message)
}

/// Makes a part of a failure of a diagnostic.
#[must_use]
pub fn diagnostic_rendered(diagnostic: &Diagnostic, source: &SourceMap, color: bool) -> Rendered {
    let (text, message) = parts(diagnostic, source, color);
    Rendered { text, message }
}

/// A help; where it is a change of the text, editors can make it.
fn child(hint: &str, diagnostic: &Diagnostic, sources: &SourceMap) -> Value {
    let change = diagnostic.suggestion.as_ref().map(|suggestion| {
        let label = Label { span: suggestion.span.clone(), text: String::new() };
        let mut span = span(&label, sources, true);
        span["suggested_replacement"] = json!(suggestion.replacement);
        let applicability = if suggestion.is_sure { "MachineApplicable" } else { "MaybeIncorrect" };
        span["suggestion_applicability"] = json!(applicability);
        span
    });
    let spans: Vec<Value> = change.into_iter().collect();
    json!({ "message": hint, "level": "help", "code": null, "spans": spans, "children": [], "rendered": null })
}

fn span(label: &Label, sources: &SourceMap, primary: bool) -> Value {
    let (source, base) = sources.locate(label.span.start);
    let (start, end) = (label.span.start.saturating_sub(base), label.span.end.saturating_sub(base));
    let (start_line, start_column) = source.line_column(start);
    let (end_line, end_column) = source.line_column(end);
    json!({
        "file_name": source.name(),
        "byte_start": start,
        "byte_end": end,
        "line_start": start_line,
        "line_end": end_line,
        "column_start": start_column,
        "column_end": end_column,
        "is_primary": primary,
        "label": if label.text.is_empty() { Value::Null } else { json!(label.text) },
        "text": lines(source, [start_line, end_line], [start_column, end_column]),
        "suggested_replacement": null,
        "suggestion_applicability": null,
        "expansion": null,
    })
}

/// The lines of a span, as rustc gives them: columns count from 1, and the last one stands behind the place.
fn lines(source: &SourceFile, [first, last]: [usize; 2], [start, end]: [usize; 2]) -> Vec<Value> {
    let line = |number: usize| source.text().lines().nth(number - 1).unwrap_or_default();
    let part = |number: usize| {
        let text = line(number);
        let from = if number == first { start } else { 1 };
        let to = if number == last { end } else { text.chars().count() + 1 };
        json!({ "text": text, "highlight_start": from, "highlight_end": to })
    };
    (first..=last).map(part).collect()
}
