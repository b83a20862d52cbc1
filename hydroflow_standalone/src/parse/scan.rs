//! Looks at the raw text before any recursive parser does: brackets must match and must not nest too deep.
//!
//! Knows Rust's comments, strings and characters, so that a bracket inside them does not count; knows nothing else.

use crate::diagnostic::Diagnostic;
use crate::source::SourceFile;

/// Brackets may nest this deep. Far above what people write, far below what overflows a parser's stack.
const MAX_NESTING: usize = 256;

/// Reports brackets that do not match or nest too deep. Empty: the text can be lexed without danger.
pub(super) fn brackets(source: &SourceFile, base: usize) -> Vec<Diagnostic> {
    let mut scanner = Scanner { text: source.text().as_bytes(), at: 0, open: Vec::new() };
    match scanner.run() {
        Ok(()) => Vec::new(),
        Err(diagnostic) => vec![diagnostic.moved(base)],
    }
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    open: Vec<(u8, usize)>,
}

type Found = Result<(), Box<Diagnostic>>;

impl Scanner<'_> {
    fn run(&mut self) -> Found {
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'/' if self.next_is(b'/') => self.line_comment(),
                b'/' if self.next_is(b'*') => self.block_comment()?,
                b'"' => self.string(self.at)?,
                b'\'' => self.character(),
                b'r' | b'b' | b'c' if !self.inside_word() => self.maybe_raw()?,
                b'(' | b'[' | b'{' => self.push(byte)?,
                b')' | b']' | b'}' => self.pop(byte)?,
                _ => self.at += 1,
            }
        }
        match self.open.pop() {
            None => Ok(()),
            Some((bracket, at)) => Err(Box::new(
                Diagnostic::error("HF0001", format!("this `{}` is never closed", char::from(bracket)), at..at + 1)
                    .label("opened here")
                    .hint(format!("add the matching `{}`", char::from(closing(bracket)))),
            )),
        }
    }

    fn push(&mut self, bracket: u8) -> Found {
        self.open.push((bracket, self.at));
        if self.open.len() > MAX_NESTING {
            return Err(Box::new(
                Diagnostic::error("HF0002", "brackets are nested too deep", self.at..self.at + 1)
                    .label(format!("more than {MAX_NESTING} brackets are open here"))
                    .hint("move the inner part into a function beside the module"),
            ));
        }
        self.at += 1;
        Ok(())
    }

    fn pop(&mut self, bracket: u8) -> Found {
        let here = self.at..self.at + 1;
        self.at += 1;
        match self.open.pop() {
            Some((open, _)) if closing(open) == bracket => Ok(()),
            Some((open, at)) => Err(Box::new(
                Diagnostic::error("HF0001", format!("mismatched closing `{}`", char::from(bracket)), here)
                    .label(format!("expected `{}`", char::from(closing(open))))
                    .see(at..at + 1, "the bracket that is open here"),
            )),
            None => Err(Box::new(
                Diagnostic::error("HF0001", format!("unexpected closing `{}`", char::from(bracket)), here)
                    .label("no bracket is open here"),
            )),
        }
    }

    fn next_is(&self, byte: u8) -> bool {
        self.text.get(self.at + 1) == Some(&byte)
    }

    fn inside_word(&self) -> bool {
        self.at.checked_sub(1).and_then(|at| self.text.get(at)).is_some_and(|&byte| is_word(byte))
    }

    fn line_comment(&mut self) {
        while self.text.get(self.at).is_some_and(|&byte| byte != b'\n') {
            self.at += 1;
        }
    }

    fn block_comment(&mut self) -> Found {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match (self.text.get(self.at), self.text.get(self.at + 1)) {
                (Some(b'/'), Some(b'*')) => {
                    depth += 1;
                    self.at += 2;
                }
                (Some(b'*'), Some(b'/')) => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                (Some(_), _) => self.at += 1,
                (None, _) => return Err(unterminated("comment", start)),
            }
        }
    }

    fn string(&mut self, start: usize) -> Found {
        self.at += 1;
        loop {
            match self.text.get(self.at) {
                Some(b'\\') => self.at += 2,
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(_) => self.at += 1,
                None => return Err(unterminated("string", start)),
            }
        }
    }

    /// A character literal is skipped; a lifetime is left to the lexer.
    fn character(&mut self) {
        let rest = &self.text[self.at + 1..];
        if rest.first() == Some(&b'\\') {
            let end = rest.iter().skip(2).position(|&byte| byte == b'\'' || byte == b'\n');
            self.at += end.map_or(2, |end| end + 4);
            return;
        }
        let width = rest.first().map_or(1, |&byte| utf8_width(byte));
        self.at += if rest.get(width) == Some(&b'\'') { width + 2 } else { 1 };
    }

    fn maybe_raw(&mut self) -> Found {
        let start = self.at;
        let mut at = self.at;
        while at < start + 2 && matches!(self.text.get(at), Some(b'r' | b'b' | b'c')) {
            at += 1;
        }
        let raw = self.text[start..at].contains(&b'r');
        let hashes = self.text[at..].iter().take_while(|&&byte| raw && byte == b'#').count();
        if self.text.get(at + hashes) != Some(&b'"') {
            self.at = if self.text.get(at) == Some(&b'\'') { at } else { start + 1 };
            return Ok(());
        }
        self.at = at + hashes;
        if !raw {
            return self.string(start);
        }
        let end: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
        let from = self.at + 1;
        match self.text[from..].windows(end.len()).position(|window| window == end) {
            Some(length) => {
                self.at = from + length + end.len();
                Ok(())
            }
            None => Err(unterminated("string", start)),
        }
    }
}

fn unterminated(what: &str, start: usize) -> Box<Diagnostic> {
    let close = if what == "comment" { "*/" } else { "\"" };
    Box::new(
        Diagnostic::error("HF0001", format!("this {what} is never closed"), start..start + 1)
            .label("starts here")
            .hint(format!("write `{close}` where it ends")),
    )
}

fn closing(open: u8) -> u8 {
    match open {
        b'(' => b')',
        b'[' => b']',
        _ => b'}',
    }
}

fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

fn utf8_width(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str) -> Vec<String> {
        let source = SourceFile::new("x.hf", text);
        brackets(&source, 0)
            .into_iter()
            .map(|found| format!("{:?} {}", source.line_column(found.primary.span.start), found.message))
            .collect()
    }

    #[test]
    fn brackets_in_strings_comments_and_characters_do_not_count() {
        let text = r##"fn f<'a>() { let a = "(\"("; let b = r#"["("#; let c = '('; let d = '\''; let e = b'{'; /* ( /* [ */ */ } // ("##;
        assert_eq!(messages(text), Vec::<String>::new());
    }

    #[test]
    fn the_place_of_the_open_bracket_is_named() {
        assert_eq!(messages("module main() {\n  a(\n"), ["(2, 4) this `(` is never closed"]);
        assert_eq!(messages("(]"), ["(1, 2) mismatched closing `]`"]);
        assert_eq!(messages(" }"), ["(1, 2) unexpected closing `}`"]);
        assert_eq!(messages("x \"abc"), ["(1, 3) this string is never closed"]);
        assert_eq!(messages("x /* /* */"), ["(1, 3) this comment is never closed"]);
    }

    #[test]
    fn a_hundred_thousand_brackets_are_one_error() {
        assert_eq!(messages(&"(".repeat(100_000)), ["(1, 257) brackets are nested too deep"]);
    }

    #[test]
    fn any_bytes_end() {
        for text in ["'", "'\\", "r#", "br\"", "\"\\", "/*", "é'", "b'", "'é'", "r#\"é"] {
            let _ = messages(text);
        }
    }
}
