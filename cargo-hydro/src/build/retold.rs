//! Errors of rustc's that are about generated code throughout: they are said anew, about what the user wrote.
//!
//! A value that a closure takes with `move` is gone after the first tick; rustc says so of the closure around the whole tick. An enum with more variants
//! than its `demux_enum` has outputs is to rustc a tuple of the wrong length.

use hydroflow_standalone::diagnostic::Diagnostic;
use hydroflow_standalone::source::{SourceFile, SourceMap};
use serde_json::Value;

use crate::report::{Event, diagnostic_event};

/// Returns the error about a value that is taken within a tick; none: it is another error, or about a value that nobody wrote. `read` returns the text of
/// a file.
pub(super) fn taken(message: &Value, read: impl Fn(&str) -> Option<String>, color: bool) -> Option<Event> {
    if !message.get("message")?.as_str()?.contains("in an `AsyncFnMut` closure") {
        return None;
    }
    let value = labelled(message, "captured outer variable")?;
    let place = labelled(message, "variable moved due to use in coroutine")?;
    let file = place.get("file_name")?.as_str()?;
    let span = |value: &Value| {
        let at = |key: &str| usize::try_from(value.get(key)?.as_u64()?).ok();
        Some(at("byte_start")?..at("byte_end")?)
    };
    let (declared, used) = (span(value)?, span(place)?);
    let is_one_file = value.get("file_name")?.as_str()? == file;
    if !is_one_file || declared == used {
        return None;
    }
    let source = SourceFile::new(file, read(file)?);
    let name = source.slice(&declared).to_owned();
    if name.is_empty() || source.slice(&used) != name {
        return None;
    }
    let reason = labelled(message, "move occurs because value has type `")?.get("label")?.as_str()?;
    let reason = reason.replacen("move occurs because value", &format!("move occurs because `{name}`"), 1);
    let diagnostic =
        Diagnostic::error("E0507", format!("cannot move `{name}` out of the module: the next tick needs it too"), used)
            .label(format!("`{name}` is moved here"))
            .see(declared, reason)
            .hint("leave out `move`, so that the closure borrows it");
    Some(diagnostic_event(&diagnostic, &SourceMap::new(source), color))
}

/// What is wrong with a `demux_enum`.
pub(super) struct Demux {
    /// The error, in the language's words.
    pub(super) event: Event,
    /// Whether it may follow from another error: an enum that derives nothing has no outputs either.
    pub(super) follows: bool,
}

/// Returns the error about a `demux_enum` that leaves out variants, or whose enum is none for it; none: it is another error.
pub(super) fn demux(message: &Value, read: impl Fn(&str) -> Option<String>, color: bool) -> Option<Demux> {
    let words = message.get("message")?.as_str()?;
    let kind = words.strip_prefix("the trait bound `").and_then(|rest| {
        let (kind, bound) = rest.split_once(": ")?;
        bound.contains("DemuxEnumBase` is not satisfied").then_some(kind)
    });
    if kind.is_none() && !is_about_outputs(message, words) {
        return None;
    }
    let place = spans(message).find(|span| span.get("is_primary").and_then(Value::as_bool) == Some(true))?;
    let file = place.get("file_name")?.as_str()?;
    let source = SourceFile::new(file, read(file)?);
    let start = usize::try_from(place.get("byte_start")?.as_u64()?).ok()?;
    // rustc points to the operator or to its type, in either order; both are one error.
    let start = source.text().get(..start + OPERATOR.len())?.rfind(OPERATOR)?;
    let at = start..start + OPERATOR.len();
    let label = place.get("label").and_then(Value::as_str).unwrap_or_default();
    let counts: Vec<&str> = label.split(' ').filter(|word| word.bytes().all(|byte| byte.is_ascii_digit())).collect();
    let needs = |detail| {
        Diagnostic::error("E0308", "`demux_enum` needs an output for each variant", at.clone())
            .label(detail)
            .hint("connect the others too; where nobody wants them: `…[Variant] -> null();`")
    };
    let diagnostic = match (kind, counts.as_slice()) {
        (Some(kind), _) => Diagnostic::error("E0277", format!("`demux_enum` cannot take `{kind}` apart"), at.clone())
            .label(format!("`{kind}` does not derive `DemuxEnum`"))
            .hint(format!("write `#[derive(hydro_runtime_shim::DemuxEnum)]` above the enum `{kind}`")),
        (None, [variants, outputs]) => {
            needs(format!("the enum has {variants} variants, and {outputs} outputs are connected"))
        }
        _ => needs("the enum has more than one variant, and one output is connected".to_owned()),
    };
    let follows = kind.is_none() && counts.len() != 2;
    Some(Demux { event: diagnostic_event(&diagnostic, &SourceMap::new(source), color), follows })
}

fn is_about_outputs(message: &Value, words: &str) -> bool {
    let is_about =
        |text: &str| text.contains("`demux_enum_guard`") || text.contains(": SingleVariant` is not satisfied");
    let children = message.get("children").and_then(Value::as_array).into_iter().flatten();
    let labels = children.flat_map(spans).filter_map(|span| span.get("label")?.as_str());
    std::iter::once(words).chain(labels).any(is_about)
}

const OPERATOR: &str = "demux_enum";

fn spans(message: &Value) -> impl Iterator<Item = &Value> {
    message.get("spans").and_then(Value::as_array).into_iter().flatten()
}

fn labelled<'a>(message: &'a Value, start: &str) -> Option<&'a Value> {
    spans(message).find(|span| span.get("label").and_then(Value::as_str).is_some_and(|label| label.starts_with(start)))
}
