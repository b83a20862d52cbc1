//! Diagnostics: a stable code, a message, spans with labels, a hint; rendered the way rustc renders.
//!
//! Knows where something stands, not why it is wrong. `Hydro.toml` and `.hf` files share it, so all errors look alike.

use annotate_snippets::{AnnotationKind, Group, Level as SnippetLevel, Patch, Renderer, Snippet};
use serde::Serialize;

use crate::source::{SourceFile, SourceMap, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing can be built from this.
    Error,
    /// Something is doubtful.
    Warning,
}

/// A place with a remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// The remark; may be empty.
    pub text: String,
}

/// A change of the text that mends what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// What is replaced; where it is empty the text is inserted.
    pub span: Span,
    /// What stands there then.
    pub replacement: String,
    /// Whether this is what was meant, beyond doubt: then a tool may change it unasked.
    pub is_sure: bool,
}

impl Suggestion {
    /// Replaces a place.
    #[must_use]
    pub fn replace(span: Span, replacement: impl Into<String>) -> Self {
        Self { span, replacement: replacement.into(), is_sure: false }
    }

    /// Inserts a text.
    #[must_use]
    pub fn insert(at: usize, text: impl Into<String>) -> Self {
        Self::replace(at..at, text)
    }

    /// Says that there is no doubt.
    #[must_use]
    pub fn surely(mut self) -> Self {
        self.is_sure = true;
        self
    }
}

/// One thing to tell the user about one source text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub level: Level,
    /// Stable code, `HF0103`.
    pub code: &'static str,
    /// One line, lowercase, no full stop.
    pub message: String,
    /// The place that is wrong.
    pub primary: Label,
    /// Other places that explain it.
    pub secondary: Vec<Label>,
    /// What the user can do.
    pub hint: Option<String>,
    /// The hint as a change of the text.
    pub suggestion: Option<Suggestion>,
}

impl Diagnostic {
    /// Makes an error at `span`.
    #[must_use]
    pub fn error(code: &'static str, message: impl Into<String>, span: Span) -> Self {
        Self::new(Level::Error, code, message, span)
    }

    /// Makes a warning at `span`.
    #[must_use]
    pub fn warning(code: &'static str, message: impl Into<String>, span: Span) -> Self {
        Self::new(Level::Warning, code, message, span)
    }

    fn new(level: Level, code: &'static str, message: impl Into<String>, span: Span) -> Self {
        let primary = Label { span, text: String::new() };
        Self { level, code, message: message.into(), primary, secondary: Vec::new(), hint: None, suggestion: None }
    }

    /// Writes a remark at the place that is wrong.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Points to another place that explains the error.
    #[must_use]
    pub fn see(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label { span, text: text.into() });
        self
    }

    /// Moves all places, from a text's own offsets to those of a program.
    #[must_use]
    pub(crate) fn moved(mut self, by: usize) -> Self {
        for label in std::iter::once(&mut self.primary).chain(&mut self.secondary) {
            label.span = label.span.start + by..label.span.end + by;
        }
        if let Some(Suggestion { span, .. }) = &mut self.suggestion {
            *span = span.start + by..span.end + by;
        }
        self
    }

    /// Says what the user can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says what the user can do, and the change that does it.
    #[must_use]
    pub fn suggest(mut self, suggestion: Suggestion, hint: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion);
        self.hint(hint)
    }

    /// Suggests a name that is like the wrong one, which the place that is wrong begins with.
    #[must_use]
    pub fn similar(self, kind: &str, wrong: &str, near: &str) -> Self {
        self.similar_called(wrong, near, format!("a similar {kind} exists: `{near}`"))
    }

    /// Suggests a name for the wrong one, which the place that is wrong begins with.
    #[must_use]
    pub fn similar_called(self, wrong: &str, near: &str, hint: impl Into<String>) -> Self {
        let start = self.primary.span.start;
        self.suggest(Suggestion::replace(start..start + wrong.len(), near), hint)
    }

    /// Renders as rustc does. With `color`, ANSI escapes are in the text.
    #[must_use]
    pub fn render(&self, source: &SourceFile, color: bool) -> String {
        self.render_in(&SourceMap::new(source.clone()), color)
    }

    /// Renders as rustc does, with labels in whichever files they are.
    #[must_use]
    pub fn render_in(&self, sources: &SourceMap, color: bool) -> String {
        let level = match self.level {
            Level::Error => SnippetLevel::ERROR,
            Level::Warning => SnippetLevel::WARNING,
        };
        let within = |span: &Span| {
            let (file, base) = sources.locate(span.start);
            let text = file.text();
            let end = span.end.saturating_sub(base).min(text.len());
            let start = span.start.saturating_sub(base).min(end);
            // Whoever counted in bytes may have stopped within a letter.
            (file, text.floor_char_boundary(start)..text.ceil_char_boundary(end))
        };
        let (file, span) = within(&self.primary.span);
        let mut snippet = Snippet::source(file.text()).path(file.name()).fold(true);
        snippet = snippet.annotation(AnnotationKind::Primary.span(span).label(&self.primary.text));
        let mut elsewhere = Vec::new();
        for label in &self.secondary {
            let (other, span) = within(&label.span);
            let annotation = AnnotationKind::Context.span(span).label(&label.text);
            if std::ptr::eq(other, file) {
                snippet = snippet.annotation(annotation);
            } else {
                elsewhere.push(Snippet::source(other.text()).path(other.name()).fold(true).annotation(annotation));
            }
        }
        let mut group = Group::with_title(level.primary_title(&self.message).id(self.code)).element(snippet);
        for snippet in elsewhere {
            group = group.element(snippet);
        }
        let mut groups = Vec::new();
        match (&self.hint, &self.suggestion) {
            (Some(hint), Some(suggestion)) => {
                let (other, span) = within(&suggestion.span);
                let patch = Patch::new(span, suggestion.replacement.as_str());
                let change = Snippet::source(other.text()).fold(true).patch(patch);
                let change = if std::ptr::eq(other, file) { change } else { change.path(other.name()) };
                groups.push(SnippetLevel::HELP.secondary_title(hint.as_str()).element(change));
            }
            (Some(hint), None) => group = group.element(SnippetLevel::HELP.message(hint)),
            (None, _) => {}
        }
        groups.insert(0, group);
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&groups)
    }
}

/// Whether one of them is an error.
#[must_use]
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error)
}

/// Returns the candidate that `word` was probably meant to be.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|&(distance, candidate)| distance <= limit && distance > 0 && !candidate.is_empty())
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_shows_line_column_code_label_and_hint() {
        let source = SourceFile::new("src/a.hf", "one -> tow;\n");
        let text = Diagnostic::error("HF0103", "cannot find `tow`", 7..10)
            .label("not found")
            .hint("a name like it exists: `two`")
            .render(&source, false);
        for part in
            ["error[HF0103]: cannot find `tow`", "src/a.hf:1:8", "not found", "help: a name like it exists: `two`"]
        {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }

    #[test]
    fn a_suggestion_is_shown_as_a_change_of_the_text() {
        let source = SourceFile::new("src/a.hf", "one -> tow;\n");
        let text = Diagnostic::error("HF0103", "cannot find `tow`", 7..10)
            .similar("name", "tow", "two")
            .render(&source, false);
        assert!(text.contains("help: a similar name exists: `two`"), "{text}");
        assert!(text.contains("1 - one -> tow;\n1 + one -> two;"), "{text}");
    }

    #[test]
    fn spans_outside_the_text_do_not_panic() {
        let source = SourceFile::new("a.hf", "é");
        let text = Diagnostic::error("HF0001", "x", 5..900).render(&source, false);
        assert!(text.contains("a.hf:1"), "{text}");
        assert!(Diagnostic::error("HF0001", "x", 1..1).render(&source, false).contains("a.hf:1"));
    }

    #[test]
    fn the_nearest_word_is_near() {
        assert_eq!(nearest("outbund", ["inbound", "outbound"]), Some("outbound"));
        assert_eq!(nearest("zzz", ["inbound", "outbound"]), None);
    }
}
