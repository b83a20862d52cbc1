//! A source text with a name, and positions in it.
//!
//! Knows neither files nor what the text means. Spans are byte ranges; lines and columns are computed when something is shown.

use std::ops::Range;

/// Bytes `start..end` of one source text.
pub type Span = Range<usize>;

/// A named source text. The name is what users see (`src/echo_server.hf`); nothing is read from disk here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    name: String,
    text: String,
    line_starts: Vec<usize>,
}

impl SourceFile {
    /// Keeps `text` under the name that diagnostics show.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { name: name.into(), text, line_starts }
    }

    /// Returns the name that diagnostics show.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns line and column of a byte offset, both from 1; the column counts characters, as rustc's does.
    #[must_use]
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let offset = self.floor(offset);
        let line = self.line_starts.partition_point(|&start| start <= offset);
        let start = self.line_starts[line - 1];
        (line, self.text[start..offset].chars().count() + 1)
    }

    /// Returns the byte offset of a line (from 1) and a column in characters (from 0); past the end of either, the nearest offset.
    #[must_use]
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let Some(&start) = line.checked_sub(1).and_then(|line| self.line_starts.get(line)) else {
            return self.text.len();
        };
        let end = self.line_starts.get(line).map_or(self.text.len(), |&next| next - 1);
        self.text[start..end].char_indices().nth(column).map_or(end, |(at, _)| start + at)
    }

    /// Returns the text of a span; empty where the span is not within the text.
    #[must_use]
    pub fn slice(&self, span: &Span) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    fn floor(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

/// The texts a program is made of, in one space of offsets: spans of different files never meet. The main file begins at 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceMap {
    main: SourceFile,
    others: Vec<(usize, SourceFile)>,
}

impl SourceMap {
    /// Begins with the main file.
    #[must_use]
    pub fn new(main: SourceFile) -> Self {
        Self { main, others: Vec::new() }
    }

    /// Adds a file and returns the offset at which it begins.
    pub(crate) fn add(&mut self, file: SourceFile) -> usize {
        let base = self.end() + 1;
        self.others.push((base, file));
        base
    }

    /// Returns the text of a span, in whichever file it is.
    #[must_use]
    pub fn text_of(&self, span: &Span) -> &str {
        let (file, base) = self.locate(span.start);
        file.slice(&(span.start.saturating_sub(base)..span.end.saturating_sub(base)))
    }

    /// Returns line and column of an offset in its file, both from 1.
    #[must_use]
    pub fn place_of(&self, offset: usize) -> (usize, usize) {
        let (file, base) = self.locate(offset);
        file.line_column(offset.saturating_sub(base))
    }

    fn end(&self) -> usize {
        self.others.last().map_or(self.main.text().len(), |(base, file)| base + file.text().len())
    }

    /// Returns the file an offset lies in, and where that file begins.
    #[must_use]
    pub fn locate(&self, offset: usize) -> (&SourceFile, usize) {
        let holding = self.others.iter().rev().find(|(base, _)| *base <= offset);
        holding.map_or((&self.main, 0), |(base, file)| (file, *base))
    }
}

/// Where only one text is meant it is the main file.
impl std::ops::Deref for SourceMap {
    type Target = SourceFile;

    fn deref(&self) -> &SourceFile {
        &self.main
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_in_characters() {
        let source = SourceFile::new("x.hf", "aé\nbc\n");
        assert_eq!(source.line_column(0), (1, 1));
        assert_eq!(source.line_column(3), (1, 3));
        assert_eq!(source.line_column(4), (2, 1));
        assert_eq!(source.line_column(7), (3, 1));
        assert_eq!(source.line_column(999), (3, 1));
    }

    #[test]
    fn offsets_are_the_inverse_of_lines_and_columns() {
        let source = SourceFile::new("x.hf", "aé\nbc\n");
        assert_eq!(source.offset(1, 2), 3);
        assert_eq!(source.offset(2, 0), 4);
        assert_eq!(source.offset(1, 99), 3);
        assert_eq!(source.offset(9, 0), 7);
    }
}
