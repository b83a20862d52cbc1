//! Puts compiled dataflow where the module stands in the `.hf` file.
//!
//! `cargo hydro` compiles a module's dataflow itself and writes the result as an expansion: Rust tokens in which the user's own tokens are named by
//! number. The macro here is given the user's tokens by rustc, with their true positions, and puts the expansion together from them. It knows no
//! dataflow and no grammar; it has no dependency. The format is described where it is written, in `hydroflow_standalone::emit`.
//!
//! The derive of `DemuxEnum` is here too, as this is the one crate of procedural macros that programs have.

mod demux_enum;

use std::path::{Path, PathBuf};

use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

/// Expands one module: `__hf!{ name(header) ; body }`.
///
/// A module that uses others first asks each of them for its tokens, and is then expanded by [`__hf_parts`]; a module that is only used by
/// others becomes a macro that hands its tokens on. So the tokens of all of them keep their places.
///
/// # Errors
/// A missing or mismatching expansion is a compile error that says to build with `cargo hydro`.
#[doc(hidden)]
#[proc_macro]
pub fn __hf(input: TokenStream) -> TokenStream {
    begin(input).unwrap_or_else(|message| compile_error(&message))
}

/// Expands a module that uses others: `__hf_parts!{ ; { its tokens } { those of the first } … }`.
#[doc(hidden)]
#[proc_macro]
pub fn __hf_parts(input: TokenStream) -> TokenStream {
    let groups: Vec<TokenStream> = input
        .into_iter()
        .filter_map(|tree| match tree {
            TokenTree::Group(group) => Some(group.stream()),
            _ => None,
        })
        .collect();
    let mut tokens = Vec::new();
    for group in groups {
        flatten(group, &mut tokens);
    }
    // Tokens that came through a macro must see the same names as those that did not.
    if let Some(own) = tokens.first().map(TokenTree::span) {
        tokens.iter_mut().for_each(|token| token.set_span(token.span().resolved_at(own)));
    }
    finish(&tokens).unwrap_or_else(|message| compile_error(&message))
}

/// Makes an enum one that `demux_enum` takes: each value goes to the output that is called like its variant, as a tuple of the variant's fields.
#[proc_macro_derive(DemuxEnum)]
pub fn derive_demux_enum(item: TokenStream) -> TokenStream {
    demux_enum::derive(item).unwrap_or_else(|(tree, message)| {
        let error = compile_error(message).into_iter().map(|mut part| {
            part.set_span(tree.span());
            part
        });
        error.collect()
    })
}

fn begin(input: TokenStream) -> Result<TokenStream, String> {
    let mut tokens = Vec::new();
    flatten(input.clone(), &mut tokens);
    let expansion = Expansion::of(&tokens)?;
    expansion.check_count(tokens.len())?;
    let header = Header::read(&expansion.text)?;
    match header.plan {
        Plan::Code { parts, .. } if !parts.is_empty() => Ok(ask(&parts, input)),
        Plan::Code { .. } => finish(&tokens),
        Plan::HandOn { code } => {
            let mut stream = hand_on(&expansion.module, input);
            stream.extend(Reader { tokens: &tokens, rest: code }.stream()?);
            stream.extend(depend_on(&expansion.path));
            Ok(stream)
        }
    }
}

fn finish(tokens: &[TokenTree]) -> Result<TokenStream, String> {
    let expansion = Expansion::of(tokens)?;
    let Plan::Code { code, .. } = Header::read(&expansion.text)?.plan else { return Err(BROKEN.to_owned()) };
    let mut stream = Reader { tokens, rest: code }.stream()?;
    stream.extend(depend_on(&expansion.path));
    Ok(stream)
}

/// The expansion of the module that a token list begins with.
struct Expansion {
    module: String,
    path: PathBuf,
    text: String,
}

impl Expansion {
    fn of(tokens: &[TokenTree]) -> Result<Self, String> {
        let Some(TokenTree::Ident(module)) = tokens.first() else {
            return Err("internal error of cargo hydro: a module without a name".to_owned());
        };
        let path = expansion_path(module)?;
        let module = module.to_string();
        let text = std::fs::read_to_string(&path).map_err(|error| {
            format!("cannot read the compiled dataflow of this module ({error}); build it with `cargo hydro build`")
        })?;
        Ok(Self { module, path, text })
    }

    fn check_count(&self, given: usize) -> Result<(), String> {
        let count = Header::read(&self.text)?.count;
        if count == given {
            return Ok(());
        }
        Err(format!(
            "the compiled dataflow of this module has {count} tokens where the file has {given}; build it with `cargo hydro build`"
        ))
    }
}

/// The lines in front of the code.
struct Header<'a> {
    count: usize,
    plan: Plan<'a>,
}

enum Plan<'a> {
    HandOn { code: &'a str },
    Code { parts: Vec<&'a str>, code: &'a str },
}

impl<'a> Header<'a> {
    fn read(text: &'a str) -> Result<Self, String> {
        let (first, mut rest) = text.split_once('\n').ok_or(BROKEN)?;
        let count = first.strip_prefix("hydro-expansion 2 ").and_then(|count| count.parse().ok()).ok_or(BROKEN)?;
        let mut parts = Vec::new();
        loop {
            let (line, after) = rest.split_once('\n').ok_or(BROKEN)?;
            rest = after;
            match line.strip_prefix("part ") {
                Some(part) => parts.push(part),
                None if line == "code" => return Ok(Self { count, plan: Plan::Code { parts, code: rest } }),
                None if line == "hand on" => return Ok(Self { count, plan: Plan::HandOn { code: rest } }),
                None => return Err(BROKEN.to_owned()),
            }
        }
    }
}

/// The name of the macro that a used module becomes.
fn part_macro(module: &str) -> String {
    format!("__hf_part_{}", module.trim_start_matches("r#"))
}

/// Makes a macro that adds a module's tokens to what it was given and calls the next one: `[next] [more] … ; { tokens } …`.
fn hand_on(module: &str, tokens: TokenStream) -> TokenStream {
    let name = part_macro(module);
    let rule = format!(
        "#[allow(unused_macros)] macro_rules! {name} {{ ([$($next:tt)*] $([$($more:tt)*])* ; $($got:tt)*) => {{ $($next)* ! {{ $([$($more)*])* ; $($got)* TOKENS }} }}; }}
         #[allow(unused_imports)] pub(crate) use {name};"
    );
    let rule: TokenStream = rule.parse().unwrap_or_default();
    replace(rule, &TokenTree::Group(Group::new(Delimiter::Brace, tokens)))
}

/// Puts a tree in the place of the word `TOKENS`.
fn replace(stream: TokenStream, with: &TokenTree) -> TokenStream {
    let put = |tree: TokenTree| match tree {
        TokenTree::Ident(word) if word.to_string() == "TOKENS" => with.clone(),
        TokenTree::Group(group) => {
            let mut inner = Group::new(group.delimiter(), replace(group.stream(), with));
            inner.set_span(group.span());
            inner.into()
        }
        other => other,
    };
    stream.into_iter().map(put).collect()
}

/// Asks each part for its tokens in turn, and then for the expansion.
fn ask(parts: &[&str], own: TokenStream) -> TokenStream {
    let mut calls: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
    calls.push("::hydro_runtime_shim::private::__hf_parts".to_owned());
    let rest: String = calls[1..].iter().map(|call| format!("[{call}] ")).collect();
    let call: TokenStream = format!("{}! {{ {rest} ; TOKENS }}", calls[0]).parse().unwrap_or_default();
    replace(call, &TokenTree::Group(Group::new(Delimiter::Brace, own)))
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

/// Expansions stand beside the file that the module is in.
fn expansion_path(module: &Ident) -> Result<PathBuf, String> {
    let file =
        module.span().local_file().ok_or("this module is in no file; build its program with `cargo hydro build`")?;
    let mut folder = std::path::absolute(file).map_err(|error| error.to_string())?.into_os_string();
    folder.push(".expansions");
    Ok(PathBuf::from(folder).join(module.to_string()))
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
