//! Our own diagnostics as events, in the schema of rustc's JSON messages, so that editors show them as they show rustc's.

use hydroflow_standalone::diagnostic::{Diagnostic, Label, Level};
use hydroflow_standalone::source::SourceFile;
use serde_json::{Value, json};

use crate::report::Event;

/// Makes an event of a diagnostic.
pub(super) fn event(diagnostic: &Diagnostic, source: &SourceFile, color: bool) -> Event {
    let rendered = diagnostic.render(source, color);
    let mut spans = vec![span(&diagnostic.primary, source, true)];
    spans.extend(diagnostic.secondary.iter().map(|label| span(label, source, false)));
    let level = if diagnostic.level == Level::Error { "error" } else { "warning" };
    let children: Vec<Value> = diagnostic
        .hint
        .iter()
        .map(|hint| json!({ "message": hint, "level": "help", "code": null, "spans": [], "children": [], "rendered": null }))
        .collect();
    let message = json!({
        "$message_type": "diagnostic",
        "message": diagnostic.message,
        "code": { "code": diagnostic.code, "explanation": null },
        "level": level,
        "spans": spans,
        "children": children,
        "rendered": rendered,
    });
    Event::Diagnostic { rendered, message }
}

fn span(label: &Label, source: &SourceFile, primary: bool) -> Value {
    let (start_line, start_column) = source.line_column(label.span.start);
    let (end_line, end_column) = source.line_column(label.span.end);
    json!({
        "file_name": source.name(),
        "byte_start": label.span.start,
        "byte_end": label.span.end,
        "line_start": start_line,
        "line_end": end_line,
        "column_start": start_column,
        "column_end": end_column,
        "is_primary": primary,
        "label": if label.text.is_empty() { Value::Null } else { json!(label.text) },
        "text": [],
        "suggested_replacement": null,
        "suggestion_applicability": null,
        "expansion": null,
    })
}
