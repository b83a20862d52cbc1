//! Our own diagnostics as events, in the schema of rustc's JSON messages, so that editors show them as they show rustc's.

use hydroflow_standalone::diagnostic::{Diagnostic, Label, Level};
use hydroflow_standalone::source::SourceMap;
use serde_json::{Value, json};

use crate::report::Event;

/// Makes an event of a diagnostic.
pub(super) fn event(diagnostic: &Diagnostic, source: &SourceMap, color: bool) -> Event {
    let rendered = diagnostic.render_in(source, color);
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
        "text": [],
        "suggested_replacement": null,
        "suggestion_applicability": null,
        "expansion": null,
    })
}
