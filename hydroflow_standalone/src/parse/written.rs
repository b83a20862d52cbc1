//! A body as people write it → the bare statements of the dataflow, and the Rust items among them.
//!
//! Doc comments between statements are for readers and are left out. Items (`fn`, `const`, `struct`, …), with their attributes, are private to the
//! module and are taken out, wherever they stand. The older `mod[0] -> …; … -> mod;` is written as the names of the ports. Works on tokens, so every
//! token keeps its place; what is not understood stays for those who read the statements.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use syn::Item;
use syn::parse::{ParseStream, Parser};

/// Words that begin an item and nothing in a dataflow. `use` is a statement of the dataflow, `mod` an older name of a port.
const ITEM_WORDS: &[&str] = &[
    "async",
    "const",
    "enum",
    "extern",
    "fn",
    "impl",
    "macro_rules",
    "pub",
    "static",
    "struct",
    "trait",
    "type",
    "unsafe",
];

/// A body taken apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    /// The statements.
    pub(crate) statements: TokenStream,
    /// The items, in order.
    pub(crate) items: Vec<Item>,
    /// Whether attributes stand before statements, doc comments aside.
    pub(crate) has_attributes: bool,
}

/// The names that `mod` stands for in older bodies.
#[derive(Clone, Debug, Default)]
pub(crate) struct PortNames {
    /// Inputs, in order.
    pub(crate) inputs: Vec<Ident>,
    /// Outputs, in order.
    pub(crate) outputs: Vec<Ident>,
}

/// Takes a body apart.
pub(crate) fn written(body: TokenStream, ports: &PortNames) -> Written {
    let mut out = Written::default();
    out.statements = statements(body, ports, &mut out);
    out
}

fn statements(body: TokenStream, ports: &PortNames, written: &mut Written) -> TokenStream {
    let trees: Vec<TokenTree> = body.into_iter().collect();
    let mut out = TokenStream::new();
    let mut rest = trees.as_slice();
    while !rest.is_empty() {
        let (attributes, statement) = rest.split_at(attributes(rest));
        if begins_item(statement, !attributes.is_empty())
            && let Some((item, length)) = item(rest)
        {
            written.items.push(item);
            rest = &rest[length..];
            continue;
        }
        for attribute in attributes.chunks(2).filter(|attribute| !is_doc(attribute)) {
            written.has_attributes = true;
            out.extend(attribute.iter().cloned());
        }
        let end = statement.iter().position(|tree| is_mark(tree, ';')).map_or(statement.len(), |end| end + 1);
        out.extend(one(&statement[..end], ports, written));
        rest = &statement[end..];
    }
    out
}

/// How many trees at the start are attributes: `#[…]`, which doc comments are too.
fn attributes(trees: &[TokenTree]) -> usize {
    let is_attribute = |pair: &[TokenTree]| {
        is_mark(&pair[0], '#') && matches!(&pair[1], TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket)
    };
    2 * trees.chunks_exact(2).take_while(|pair| is_attribute(pair)).count()
}

fn is_doc(attribute: &[TokenTree]) -> bool {
    let [_, TokenTree::Group(group)] = attribute else { return false };
    matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(word)) if word == "doc")
}

fn begins_item(trees: &[TokenTree], has_attributes: bool) -> bool {
    let Some(TokenTree::Ident(word)) = trees.first() else { return false };
    // A `use` with a condition is no statement of the dataflow, but an item like any other.
    ITEM_WORDS.iter().any(|item| word == item) || (has_attributes && word == "use")
}

/// Parses the item at the start and tells how many trees it takes. None: it is none; who reads the statements will say why.
fn item(trees: &[TokenTree]) -> Option<(Item, usize)> {
    let parser = |input: ParseStream<'_>| Ok((input.parse::<Item>()?, input.parse::<TokenStream>()?));
    let (item, rest) = parser.parse2(trees.iter().cloned().collect()).ok()?;
    let known = !matches!(item, Item::Verbatim(_));
    known.then(|| (item, trees.len() - rest.into_iter().count()))
}

fn is_mark(tree: &TokenTree, mark: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == mark)
}

/// Writes one statement: into a `loop`, and with the names of ports where it says `mod`.
fn one(trees: &[TokenTree], ports: &PortNames, written: &mut Written) -> TokenStream {
    let is_loop = matches!(trees.first(), Some(TokenTree::Ident(word)) if word == "loop");
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(tree) = trees.get(at) {
        match tree {
            TokenTree::Group(group) if is_loop && group.delimiter() == Delimiter::Brace => {
                let mut inner = Group::new(Delimiter::Brace, statements(group.stream(), ports, written));
                inner.set_span(group.span());
                out.push(inner.into());
            }
            TokenTree::Ident(word) if word == "mod" => {
                let is_output = at > 0 && !matches!(&trees[at - 1], TokenTree::Punct(mark) if mark.as_char() == '=');
                let (names, index) = match is_output {
                    true => (&ports.outputs, out.last().and_then(index)),
                    false => (&ports.inputs, trees.get(at + 1).and_then(index)),
                };
                let Some(name) = port(names, index.as_ref()) else {
                    out.push(tree.clone());
                    at += 1;
                    continue;
                };
                if index.is_some() && is_output {
                    out.pop();
                }
                at += usize::from(index.is_some() && !is_output);
                out.push(Ident::new(&name.to_string(), word.span()).into());
            }
            other => out.push(other.clone()),
        }
        at += 1;
    }
    out.into_iter().collect()
}

/// What stands in `[…]`.
fn index(tree: &TokenTree) -> Option<String> {
    match tree {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => Some(group.stream().to_string()),
        _ => None,
    }
}

/// A port by its number or its name; without either, the only one.
fn port<'a>(names: &'a [Ident], index: Option<&String>) -> Option<&'a Ident> {
    match index {
        None => names.first().filter(|_| names.len() == 1),
        Some(index) => match index.parse::<usize>() {
            Ok(number) => names.get(number),
            Err(_) => names.iter().find(|name| **name == index.as_str()),
        },
    }
}

#[cfg(test)]
mod tests {
    use quote::format_ident;

    use super::*;

    fn read(text: &str) -> (String, usize) {
        let ports = PortNames {
            inputs: vec![format_ident!("left"), format_ident!("right")],
            outputs: vec![format_ident!("both")],
        };
        let written = written(text.parse().unwrap(), &ports);
        (written.statements.to_string().replace(' ', ""), written.items.len())
    }

    #[test]
    fn doc_comments_are_left_out() {
        assert_eq!(read("/// why\na -> b; /** how */ loop { /// deep\n c -> d; };"), ("a->b;loop{c->d;};".into(), 0));
    }

    #[test]
    fn items_are_taken_out_with_their_attributes() {
        let text = "fn double(n: u8) -> u8 { n * 2 } a -> map(double) -> b; /// a limit\n#[cfg(unix)] const N: u8 = 1;";
        assert_eq!(read(text), ("a->map(double)->b;".into(), 2));
        assert_eq!(read("loop { struct S; a -> b; };"), ("loop{a->b;};".into(), 1));
        assert_eq!(read("#[cfg(unix)] use std::io; use std::fs; a -> b;"), ("usestd::fs;a->b;".into(), 1));
    }

    #[test]
    fn what_is_no_item_stays() {
        assert_eq!(read("fn -> b;"), ("fn->b;".into(), 0));
        assert_eq!(read("#[cfg(unix)] a -> b;"), ("#[cfg(unix)]a->b;".into(), 0));
    }

    #[test]
    fn older_bodies_name_ports_by_number() {
        assert_eq!(
            read("l = mod[0] -> tee(); mod[1] -> x; x -> mod; y -> [0]mod;"),
            ("l=left->tee();right->x;x->both;y->both;".into(), 0)
        );
        assert_eq!(read("mod[right] -> [both]mod;"), ("right->both;".into(), 0));
        assert_eq!(read("mod -> mod[7];").0, "mod->both[7];");
    }
}
