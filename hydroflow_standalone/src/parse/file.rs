//! Tokens → items and module headers, with recovery: an error in one item does not hide the next.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Expr, Ident, Meta, Token, Type};

use super::scan;
use super::tokens::{lex, span_of};
use crate::ast::{File, Module, Param, Port, RustItem, Submodule};
use crate::diagnostic::{Diagnostic, nearest};
use crate::interface::Direction;
use crate::source::{SourceFile, Span};

/// Parses a whole file, which begins at `base` in the space of offsets. The tree holds everything that could be read, also when there are errors.
pub(crate) fn parse(source: &SourceFile, base: usize) -> (File, Vec<Diagnostic>) {
    let mut diagnostics = scan::brackets(source, base);
    let mut file = File::default();
    if !diagnostics.is_empty() {
        return (file, diagnostics);
    }
    let stream = match lex(source, base) {
        Ok(stream) => stream,
        Err(diagnostic) => return (file, vec![diagnostic]),
    };
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut rest = trees.as_slice();
    while !rest.is_empty() {
        let (attributes, after) = rest.split_at(attributes_length(rest));
        if is_module(after) {
            let length = module_length(after);
            match module(attributes, &after[..length], &mut diagnostics) {
                Ok(module) => file.modules.push(module),
                Err(diagnostic) => diagnostics.push(*diagnostic),
            }
            rest = &after[length..];
        } else {
            let length = attributes.len() + item_run_length(after);
            rust_items(&rest[..length], &mut file, &mut diagnostics);
            rest = &rest[length..];
        }
    }
    (file, diagnostics)
}

fn is_word(tree: Option<&TokenTree>, word: &str) -> bool {
    matches!(tree, Some(TokenTree::Ident(ident)) if ident == word)
}

/// `module` is a word of ours only where an item may start and a name follows.
fn is_module(trees: &[TokenTree]) -> bool {
    is_word(trees.first(), "module") && matches!(trees.get(1), Some(TokenTree::Ident(_)))
}

/// How many trees outer attributes and doc comments take.
fn attributes_length(trees: &[TokenTree]) -> usize {
    let mut length = 0;
    while let (Some(TokenTree::Punct(hash)), Some(TokenTree::Group(group))) = (trees.get(length), trees.get(length + 1))
    {
        if hash.as_char() != '#' || group.delimiter() != Delimiter::Bracket {
            break;
        }
        length += 2;
    }
    length
}

/// A module goes up to its body; where there is none, up to the next module.
fn module_length(trees: &[TokenTree]) -> usize {
    let is_brace = |tree: &TokenTree| matches!(tree, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    let body = trees.iter().position(is_brace).map_or(trees.len(), |at| at + 1);
    let next = (2..trees.len()).find(|&at| is_module(&trees[at..])).unwrap_or(trees.len());
    body.min(next)
}

/// Rust items go up to the next module, which may have attributes in front.
fn item_run_length(trees: &[TokenTree]) -> usize {
    let mut at = 0;
    while at < trees.len() {
        let attributes = attributes_length(&trees[at..]);
        if is_module(&trees[at + attributes..]) && at > 0 {
            return at;
        }
        at += attributes.max(1);
    }
    trees.len()
}

/// Words that items begin with.
const ITEM_WORDS: [&str; 10] = ["module", "use", "const", "static", "type", "struct", "enum", "fn", "impl", "mod"];

fn rust_items(trees: &[TokenTree], file: &mut File, diagnostics: &mut Vec<Diagnostic>) {
    let end = trees.last().map_or(0, |tree| span_of(tree.span()).end);
    let stream: TokenStream = trees.iter().cloned().collect();
    let parser = |input: ParseStream<'_>| -> syn::Result<()> {
        input.call(Attribute::parse_inner)?;
        while !input.is_empty() {
            let start = span_of(input.span()).start;
            let item: syn::Item = input.parse()?;
            let after = input.cursor().token_tree().map_or(end, |(tree, _)| span_of(tree.span()).start);
            match item {
                syn::Item::Mod(other) if other.content.is_none() => {
                    file.submodules.push(Submodule { name: other.ident, span: start..after })
                }
                item => file.items.push(RustItem { item, span: start..after }),
            }
        }
        Ok(())
    };
    if let Err(error) = parser.parse2(stream) {
        let span = span_of(error.span());
        let at = trees.iter().position(|tree| span_of(tree.span()).start == span.start);
        // What Rust's parser does not expect may be the word after the misspelt one.
        let suspects = at.into_iter().flat_map(|at| [Some(at), at.checked_sub(1)]).flatten();
        let misspelt =
            suspects.map(|at| &trees[at]).find_map(|tree| Some((tree, nearest(&tree.to_string(), ITEM_WORDS)?)));
        let diagnostic = match misspelt {
            Some((word, near)) => {
                let message = format!("expected a module or a Rust item, found `{word}`");
                Diagnostic::error("HF0004", message, span_of(word.span())).similar_called(
                    &word.to_string(),
                    near,
                    format!("a similar word exists: `{near}`"),
                )
            }
            None => syntax(&error, end),
        };
        diagnostics.push(diagnostic);
    }
}

/// Makes a diagnostic of a parser's error. At the end of a group the parser has no token: then `end` is the place.
pub(crate) fn syntax(error: &syn::Error, end: usize) -> Diagnostic {
    let span = span_of(error.span());
    let span: Span = if span.start == span.end { end.saturating_sub(1)..end } else { span };
    Diagnostic::error("HF0004", error.to_string().replace("unexpected end of input, ", ""), span)
}

type Parsed<T> = Result<T, Box<Diagnostic>>;

fn module(attributes: &[TokenTree], trees: &[TokenTree], diagnostics: &mut Vec<Diagnostic>) -> Parsed<Module> {
    let (keyword, name) = match trees {
        [TokenTree::Ident(keyword), TokenTree::Ident(name), ..] => (span_of(keyword.span()), name.clone()),
        _ => return Err(Box::new(Diagnostic::error("HF0004", "expected a module", 0..0))),
    };
    let after = |at: usize| trees.get(at).map_or(span_of(name.span()), |tree| span_of(tree.span()));
    if syn::parse2::<Ident>(TokenTree::Ident(name.clone()).into()).is_err() {
        let message = format!("`{name}` is a keyword of Rust and cannot be a module's name");
        return Err(Box::new(Diagnostic::error("HF0004", message, span_of(name.span()))));
    }
    let (generics, open) = generics(trees, &name)?;
    let Some(TokenTree::Group(header)) = trees.get(open).filter(|tree| is_group(tree, Delimiter::Parenthesis)) else {
        return Err(Box::new(
            Diagnostic::error("HF0004", format!("module `{name}` has no port list"), after(open))
                .label("expected `(`")
                .hint(format!("write `module {name}(input …: T, output …: T) {{ … }}`; a module without ports is `module {name}() {{ … }}`")),
        ));
    };
    let Some(TokenTree::Group(body)) = trees.get(open + 1).filter(|tree| is_group(tree, Delimiter::Brace)) else {
        return Err(Box::new(
            Diagnostic::error("HF0004", format!("module `{name}` has no body"), after(open + 1))
                .label("expected `{` after the port list"),
        ));
    };
    let doc = attributes_doc(attributes);
    let before = diagnostics.len();
    let (ports, params) = header_items(header, diagnostics);
    let header_is_whole = diagnostics.len() == before;
    let (open_brace, close_brace) = (span_of(body.span_open()), span_of(body.span_close()));
    let header = trees[1..=open].iter().cloned().collect();
    Ok(Module {
        doc,
        keyword,
        name,
        generics,
        header,
        header_is_whole,
        ports,
        params,
        body: body.stream(),
        open_brace,
        close_brace,
    })
}

/// Reads `<T: Clone, U>` behind a module's name; returns the names and where the port list should stand.
fn generics(trees: &[TokenTree], name: &Ident) -> Parsed<(Vec<Ident>, usize)> {
    let is_open = matches!(trees.get(2), Some(TokenTree::Punct(punct)) if punct.as_char() == '<');
    if !is_open {
        return Ok((Vec::new(), 2));
    }
    let end = trees
        .iter()
        .skip(2)
        .position(|tree| is_group(tree, Delimiter::Parenthesis) || is_group(tree, Delimiter::Brace));
    let open = end.map_or(trees.len(), |end| end + 2);
    let stream: TokenStream = trees[2..open].iter().cloned().collect();
    let parsed: syn::Generics =
        syn::parse2(stream).map_err(|error| Box::new(syntax(&error, span_of(name.span()).end)))?;
    Ok((parsed.type_params().map(|param| param.ident.clone()).collect(), open))
}

fn is_group(tree: &TokenTree, delimiter: Delimiter) -> bool {
    matches!(tree, TokenTree::Group(group) if group.delimiter() == delimiter)
}

/// Reads the header's items one by one, so that an error in one does not hide the others.
fn header_items(header: &Group, diagnostics: &mut Vec<Diagnostic>) -> (Vec<Port>, Vec<Param>) {
    let (mut ports, mut params) = (Vec::new(), Vec::new());
    let end = span_of(header.span_close()).start;
    let parser = |input: ParseStream<'_>| -> syn::Result<()> {
        while !input.is_empty() {
            let ahead = input.fork();
            let item = header_item(&ahead).and_then(|item| at_end(&ahead).map(|()| item));
            match item {
                Ok(item) => {
                    match item {
                        HeaderItem::Port(port) => ports.push(*port),
                        HeaderItem::Param(param) => params.push(*param),
                    }
                    input.advance_to(&ahead);
                    input.parse::<Option<Token![,]>>()?;
                }
                Err(error) => {
                    let skipped = skip_header_item(input)?;
                    diagnostics.push(header_error(&error, skipped.unwrap_or(end)));
                }
            }
        }
        Ok(())
    };
    if let Err(error) = parser.parse2(header.stream()) {
        diagnostics.push(header_error(&error, end));
    }
    (ports, params)
}

/// Goes on behind the next comma that does not stand between angle brackets; returns where the last token before it ends.
fn skip_header_item(input: ParseStream<'_>) -> syn::Result<Option<usize>> {
    let (mut depth, mut previous, mut end) = (0_usize, ' ', None);
    while !input.is_empty() {
        let tree: TokenTree = input.parse()?;
        let mut here = ' ';
        if let TokenTree::Punct(punct) = &tree {
            here = punct.as_char();
            match here {
                '<' => depth += 1,
                '>' if previous != '-' && previous != '=' => depth = depth.saturating_sub(1),
                ',' if depth == 0 => return Ok(end),
                _ => {}
            }
        }
        previous = here;
        end = Some(span_of(tree.span()).end);
    }
    Ok(end)
}

fn header_error(error: &syn::Error, end: usize) -> Diagnostic {
    let diagnostic = syntax(error, end);
    let text = error.to_string();
    if let Some(found) = text.strip_prefix(UNKNOWN_HEADER_WORD) {
        let message = format!("expected `input`, `output` or `param`, found `{found}`");
        let error = Diagnostic::error("HF0004", message, diagnostic.primary.span);
        return match nearest(found, ["input", "output", "param"]) {
            Some(near) => error.similar_called(found, near, format!("a similar word exists: `{near}`")),
            None => {
                error.hint("a header holds `input name: Type`, `output name: Type` and `param name: Type = default`")
            }
        };
    }
    diagnostic
}

const UNKNOWN_HEADER_WORD: &str = "unknown header word ";

enum HeaderItem {
    Port(Box<Port>),
    Param(Box<Param>),
}

fn header_item(input: ParseStream<'_>) -> syn::Result<HeaderItem> {
    let doc = doc_of(&input.call(Attribute::parse_outer)?);
    let word: Ident = input.parse()?;
    let direction = match word.to_string().as_str() {
        "input" => Some(Direction::Input),
        "output" => Some(Direction::Output),
        "param" => None,
        other => return Err(syn::Error::new(word.span(), format!("{UNKNOWN_HEADER_WORD}{other}"))),
    };
    let name: Ident = input.parse()?;
    input.parse::<Token![:]>()?;
    let ty: Type = input.parse()?;
    if let Some(direction) = direction {
        return Ok(HeaderItem::Port(Box::new(Port { doc, direction, name, ty })));
    }
    let default = if input.parse::<Option<Token![=]>>()?.is_some() { Some(input.parse::<Expr>()?) } else { None };
    Ok(HeaderItem::Param(Box::new(Param { doc, name, ty, default })))
}

fn at_end(input: ParseStream<'_>) -> syn::Result<()> {
    if input.is_empty() || input.peek(Token![,]) {
        Ok(())
    } else {
        Err(input.error("expected `,` before the next port or parameter"))
    }
}

fn attributes_doc(trees: &[TokenTree]) -> String {
    let stream: TokenStream = trees.iter().cloned().collect();
    Attribute::parse_outer.parse2(stream).map(|attributes| doc_of(&attributes)).unwrap_or_default()
}

/// Returns the text of doc comments, one line each, without the space that follows the marker.
fn doc_of(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    lines.map(|line| line.strip_prefix(' ').unwrap_or(&line).to_owned()).collect::<Vec<_>>().join("\n")
}
