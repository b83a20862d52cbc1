//! Puts compiled dataflow where the module stands in the `.hf` file.
//!
//! `cargo hydro` compiles a module's dataflow itself and writes the result as an expansion: Rust tokens in which the user's own tokens are named by
//! number. The macro here is given the user's tokens by rustc, with their true positions, and puts the expansion together from them. It knows no
//! dataflow and no grammar; it has no dependency. The format is described where it is written, in `hydroflow_standalone::emit`.

use std::path::{Path, PathBuf};

use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

/// Expands one module: `__hf!{ name(header) ; body }`.
///
/// # Errors
/// A missing or mismatching expansion is a compile error that says to build with `cargo hydro`.
#[doc(hidden)]
#[proc_macro]
pub fn __hf(input: TokenStream) -> TokenStream {
    expand(input).unwrap_or_else(|message| compile_error(&message))
}

fn expand(input: TokenStream) -> Result<TokenStream, String> {
    let mut tokens = Vec::new();
    flatten(input, &mut tokens);
    let Some(TokenTree::Ident(module)) = tokens.first() else {
        return Err("internal error of cargo hydro: a module without a name".to_owned());
    };
    let path = expansion_path(&module.to_string())?;
    let text = std::fs::read_to_string(&path).map_err(|error| {
        format!("cannot read the compiled dataflow of this module ({error}); build it with `cargo hydro build`")
    })?;
    let mut reader = Reader { tokens: &tokens, rest: &text };
    reader.header()?;
    let mut stream = reader.stream()?;
    stream.extend(depend_on(&path));
    Ok(stream)
}

/// Counts tokens as the writer does: depth first, a group before its content.
fn flatten(stream: TokenStream, tokens: &mut Vec<TokenTree>) {
    for tree in stream {
        tokens.push(tree.clone());
        if let TokenTree::Group(group) = tree {
            flatten(group.stream(), tokens);
        }
    }
}

/// Expansions stand beside the generated crate, one folder per program.
fn expansion_path(module: &str) -> Result<PathBuf, String> {
    let variable = |name: &str| {
        std::env::var_os(name)
            .ok_or_else(|| format!("`{name}` is not set; build this program with `cargo hydro build`"))
    };
    let folder = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("expansions").join(variable("CARGO_BIN_NAME")?);
    Ok(folder.join(format!("{module}.expansion")))
}

/// Makes rustc list the expansion among the program's sources, so that cargo builds again when it changes.
fn depend_on(path: &Path) -> TokenStream {
    let literal = Literal::string(&path.to_string_lossy());
    format!("const _: &[u8] = include_bytes!({literal});").parse().unwrap_or_default()
}

struct Reader<'a> {
    tokens: &'a [TokenTree],
    rest: &'a str,
}

const BROKEN: &str = "internal error of cargo hydro: the compiled dataflow of this module cannot be read; remove the `hydro` folder of the target directory and build again";

impl<'a> Reader<'a> {
    fn header(&mut self) -> Result<(), String> {
        let (line, rest) = self.rest.split_once('\n').ok_or(BROKEN)?;
        self.rest = rest;
        let count =
            line.strip_prefix("hydro-expansion 1 ").and_then(|count| count.parse::<usize>().ok()).ok_or(BROKEN)?;
        if count == self.tokens.len() {
            return Ok(());
        }
        Err(format!(
            "the compiled dataflow of this module has {count} tokens where the file has {}; build it with `cargo hydro build`",
            self.tokens.len()
        ))
    }

    /// Reads up to the end of the text or of the group.
    fn stream(&mut self) -> Result<TokenStream, String> {
        let mut trees = Vec::new();
        while let Some(kind) = self.rest.chars().next() {
            self.rest = &self.rest[1..];
            if kind == 'e' {
                break;
            }
            trees.push(self.tree(kind)?);
        }
        Ok(trees.into_iter().collect())
    }

    fn tree(&mut self, kind: char) -> Result<TokenTree, String> {
        match kind {
            'k' => {
                let number = self.number(';')?;
                self.token(number).cloned().ok_or_else(|| BROKEN.to_owned())
            }
            'i' => {
                let (span, text) = self.word()?;
                Ok(match text.strip_prefix("r#") {
                    Some(raw) => Ident::new_raw(raw, span).into(),
                    None => Ident::new(text, span).into(),
                })
            }
            'l' => {
                let (span, text) = self.word()?;
                let mut literal: Literal = text.parse().map_err(|_| BROKEN)?;
                literal.set_span(span);
                Ok(literal.into())
            }
            'p' => {
                let mut letters = self.rest.chars();
                let (mark, joint) = (letters.next().ok_or(BROKEN)?, letters.next().ok_or(BROKEN)?);
                self.rest = letters.as_str();
                let mut punct = Punct::new(mark, if joint == 'j' { Spacing::Joint } else { Spacing::Alone });
                punct.set_span(self.span()?);
                Ok(punct.into())
            }
            'g' => self.group(),
            _ => Err(BROKEN.to_owned()),
        }
    }

    fn group(&mut self) -> Result<TokenTree, String> {
        let delimiter = match self.rest.chars().next() {
            Some('(') => Delimiter::Parenthesis,
            Some('[') => Delimiter::Bracket,
            Some('{') => Delimiter::Brace,
            Some('_') => Delimiter::None,
            _ => return Err(BROKEN.to_owned()),
        };
        self.rest = &self.rest[1..];
        let span = self.span()?;
        let mut group = Group::new(delimiter, self.stream()?);
        group.set_span(span);
        Ok(group.into())
    }

    fn word(&mut self) -> Result<(Span, &'a str), String> {
        let span = self.span()?;
        let length = self.number(':')?;
        let text = self.rest.get(..length).ok_or(BROKEN)?;
        self.rest = &self.rest[length..];
        Ok((span, text))
    }

    fn span(&mut self) -> Result<Span, String> {
        let number = self.number(';')?;
        // Made-up tokens see the names that the user's tokens see, as they would in the user's own macro call.
        Ok(self.token(number).map_or_else(Span::call_site, TokenTree::span))
    }

    fn token(&self, number: usize) -> Option<&'a TokenTree> {
        number.checked_sub(1).and_then(|at| self.tokens.get(at))
    }

    fn number(&mut self, end: char) -> Result<usize, String> {
        let (digits, rest) = self.rest.split_once(end).ok_or(BROKEN)?;
        self.rest = rest;
        digits.parse().map_err(|_| BROKEN.to_owned())
    }
}

fn compile_error(message: &str) -> TokenStream {
    format!("::core::compile_error!({});", Literal::string(message)).parse().unwrap_or_default()
}
