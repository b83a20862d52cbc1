//! Decides whether a text is a sentence of the grammar: all ways are followed at once, so the order of choices does not matter.
//!
//! Rust's own parts are left to Rust's own parser (syn).

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};

use super::ebnf::{Grammar, Rule};

/// Whether the grammar derives a text.
pub(crate) fn derives(grammar: &Grammar, text: &str) -> bool {
    let Ok(stream) = text.parse::<TokenStream>() else { return false };
    let mut tokens = Tokens { flat: Vec::new(), levels: Vec::new() };
    let level = tokens.level(stream);
    let end = tokens.levels[level].starts[tokens.levels[level].trees.len()];
    let mut matcher = Matcher { grammar, tokens: &tokens, modules: modules(text), known: BTreeMap::new() };
    matcher.name("file", 0).contains(&end)
}

/// The names that a text has for modules: its own, those of other files, and what it uses of them. A part can be nothing else.
fn modules(text: &str) -> BTreeSet<String> {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    };
    let all = words(text);
    let declared = all.windows(2).filter(|pair| pair[0] == "module" || pair[0] == "mod").map(|pair| pair[1].clone());
    let uses = text.split("use ").skip(1).filter_map(|rest| rest.split(';').next());
    let used = uses.filter(|path| path.contains("::hf") || declared.clone().any(|name| path.contains(&name)));
    declared.clone().chain(used.flat_map(words)).collect()
}

/// All tokens in one row; brackets are tokens too.
struct Tokens {
    flat: Vec<Flat>,
    levels: Vec<Level>,
}

/// A token: its text where it is one, and where it stands among its neighbours.
struct Flat {
    text: String,
    level: usize,
    index: usize,
}

/// The trees between two brackets, and where each begins in the row; one more for the end.
struct Level {
    trees: Vec<TokenTree>,
    starts: Vec<usize>,
}

impl Tokens {
    fn level(&mut self, stream: TokenStream) -> usize {
        let level = self.levels.len();
        let trees: Vec<TokenTree> = stream.into_iter().collect();
        self.levels.push(Level { trees: trees.clone(), starts: Vec::new() });
        for (index, tree) in trees.into_iter().enumerate() {
            let start = self.flat.len();
            self.levels[level].starts.push(start);
            let TokenTree::Group(group) = tree else {
                self.flat.push(Flat { text: tree.to_string(), level, index });
                continue;
            };
            let [open, close] = match group.delimiter() {
                Delimiter::Parenthesis => ["(", ")"],
                Delimiter::Bracket => ["[", "]"],
                Delimiter::Brace => ["{", "}"],
                Delimiter::None => ["", ""],
            };
            self.flat.push(Flat { text: open.to_owned(), level, index });
            let inner = self.level(group.stream());
            let count = self.levels[inner].trees.len();
            self.flat.push(Flat { text: close.to_owned(), level: inner, index: count });
        }
        let end = self.flat.len();
        self.levels[level].starts.push(end);
        level
    }

    /// The token at a place matches a token of the grammar: how many places it takes.
    fn matches(&self, at: usize, token: &str) -> Option<usize> {
        let text = |at: usize| self.flat.get(at).map(|flat| flat.text.as_str());
        if text(at) == Some(token) {
            return Some(1);
        }
        if let Some(lifetime) = token.strip_prefix('\'') {
            return (text(at) == Some("'") && text(at + 1) == Some(lifetime)).then_some(2);
        }
        // `->` and `::` are two marks to the lexer.
        let count = token.chars().count();
        let marks = count > 1 && token.chars().all(|mark| mark.is_ascii_punctuation());
        let all = token.chars().enumerate().all(|(ahead, mark)| text(at + ahead) == Some(mark.to_string().as_str()));
        (marks && all).then_some(count)
    }
}

struct Matcher<'a> {
    grammar: &'a Grammar,
    tokens: &'a Tokens,
    modules: BTreeSet<String>,
    known: BTreeMap<(String, usize), BTreeSet<usize>>,
}

impl Matcher<'_> {
    /// Returns all places where a rule that begins at `at` may end.
    fn name(&mut self, name: &str, at: usize) -> BTreeSet<usize> {
        let key = (name.to_owned(), at);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let grammar = self.grammar;
        let ends = match grammar.rule(name) {
            Rule::Words(_) => self.rust(name, at).into_iter().collect(),
            rule => self.rule(rule, at),
        };
        self.known.insert(key, ends.clone());
        ends
    }

    fn rule(&mut self, rule: &Rule, at: usize) -> BTreeSet<usize> {
        match rule {
            Rule::Sequence(parts) => {
                let mut ends = BTreeSet::from([at]);
                for part in parts {
                    ends = ends.into_iter().flat_map(|at| self.rule(part, at)).collect();
                }
                ends
            }
            Rule::Choice(parts) => parts.iter().flat_map(|part| self.rule(part, at)).collect(),
            Rule::Maybe(inner) => self.rule(inner, at).into_iter().chain([at]).collect(),
            Rule::Many(inner) => {
                let mut ends = BTreeSet::from([at]);
                let mut open = vec![at];
                while let Some(at) = open.pop() {
                    open.extend(self.rule(inner, at).into_iter().filter(|end| ends.insert(*end)));
                }
                ends
            }
            Rule::Token(token) => self.tokens.matches(at, token).map(|length| at + length).into_iter().collect(),
            Rule::Name(name) => self.name(name, at),
            Rule::Words(words) => panic!("`{words}` has no name"),
        }
    }

    /// Lets Rust's parser take as much as it can of the rest of the level.
    fn rust(&self, name: &str, at: usize) -> Option<usize> {
        let flat = self.tokens.flat.get(at)?;
        let level = &self.tokens.levels[flat.level];
        if flat.index >= level.trees.len() || level.starts[flat.index] != at {
            return None;
        }
        let trees = &level.trees[flat.index..];
        let taken = match name {
            "argument" => argument(trees)?,
            "module path" => self.module_path(trees)?,
            "rust item" if is_module(trees) => return None,
            _ => parsed(name, trees.iter().cloned().collect())?,
        };
        (taken > 0).then(|| level.starts[flat.index + taken])
    }

    fn module_path(&self, trees: &[TokenTree]) -> Option<usize> {
        let taken = parsed("path", trees.iter().cloned().collect())?;
        let path: Vec<String> = trees[..taken].iter().map(ToString::to_string).collect();
        let first = path.first()?;
        self.modules.contains(first).then_some(taken)
    }
}

/// `module name` begins a module, with attributes before it or without.
fn is_module(trees: &[TokenTree]) -> bool {
    let rest: Vec<&TokenTree> = trees.iter().collect();
    let mut at = 0;
    while matches!((rest.get(at), rest.get(at + 1)), (Some(TokenTree::Punct(hash)), Some(TokenTree::Group(_))) if hash.as_char() == '#')
    {
        at += 2;
    }
    matches!((rest.get(at), rest.get(at + 1)), (Some(TokenTree::Ident(word)), Some(TokenTree::Ident(_))) if *word == "module")
}

/// An expression without its references: `#name` is read as `name`.
fn argument(trees: &[TokenTree]) -> Option<usize> {
    fn plain(stream: TokenStream) -> (TokenStream, Vec<usize>) {
        let trees: Vec<TokenTree> = stream.into_iter().collect();
        let (mut out, mut origins, mut at) = (Vec::new(), Vec::new(), 0);
        while at < trees.len() {
            let skipped = reference(&trees[at..]).map_or(0, |length| length - 1);
            let tree = match &trees[at + skipped] {
                TokenTree::Group(group) => {
                    TokenTree::Group(proc_macro2::Group::new(group.delimiter(), plain(group.stream()).0))
                }
                other => other.clone(),
            };
            out.push(tree);
            at += skipped + 1;
            origins.push(at);
        }
        (out.into_iter().collect(), origins)
    }
    let (stream, origins) = plain(trees.iter().cloned().collect());
    let taken = parsed("expression", stream)?;
    origins.get(taken.checked_sub(1)?).copied()
}

/// How many trees `#name`, `#mut name`, `#{1} name` or `#{1} mut name` takes.
fn reference(trees: &[TokenTree]) -> Option<usize> {
    let mut at = 0;
    let TokenTree::Punct(hash) = trees.get(at)? else { return None };
    if hash.as_char() != '#' {
        return None;
    }
    at += 1;
    if matches!(trees.get(at)?, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace) {
        at += 1;
    }
    if matches!(trees.get(at)?, TokenTree::Ident(word) if *word == "mut") {
        at += 1;
    }
    matches!(trees.get(at)?, TokenTree::Ident(_)).then_some(at + 1)
}

/// Parses the longest beginning of a stream that is such a part of Rust; returns how many trees it takes.
fn parsed(name: &str, stream: TokenStream) -> Option<usize> {
    let total = stream.clone().into_iter().count();
    let parser = |input: ParseStream<'_>| -> syn::Result<usize> {
        match name {
            "name" => drop(input.parse::<syn::Ident>()?),
            "path" => drop(input.parse::<syn::ExprPath>()?),
            "integer" => drop(input.parse::<syn::LitInt>()?),
            "type" => drop(input.parse::<syn::Type>()?),
            "expression" => drop(input.parse::<syn::Expr>()?),
            "generics" => drop(input.parse::<syn::Generics>()?),
            "doc comment" => all_named("doc", &[one_attribute(input)?], input)?,
            "condition" => all_named("cfg", &[one_attribute(input)?], input)?,
            "local item" => match input.parse::<syn::Item>()? {
                syn::Item::Mod(_) | syn::Item::Verbatim(_) | syn::Item::Union(_) => {
                    return Err(input.error("no local item"));
                }
                syn::Item::Macro(item) if item.ident.is_none() => return Err(input.error("a macro call")),
                _ => {}
            },
            "attribute" => one(&input.call(syn::Attribute::parse_outer)?, input)?,
            "inner attribute" => one(&input.call(syn::Attribute::parse_inner)?, input)?,
            "visibility" => drop(input.parse::<syn::Visibility>()?),
            "rust item" => match input.parse::<syn::Item>()? {
                syn::Item::Mod(item) if item.content.is_none() => return Err(input.error("a submodule")),
                syn::Item::Verbatim(_) => return Err(input.error("no item")),
                _ => {}
            },
            "use item" => drop(input.parse::<syn::ItemUse>()?),
            other => panic!("`{other}` is not known here"),
        }
        let rest: TokenStream = input.parse()?;
        Ok(total - rest.into_iter().count())
    };
    parser.parse2(stream).ok()
}

fn all_named(name: &str, attributes: &[syn::Attribute], input: ParseStream<'_>) -> syn::Result<()> {
    let all = attributes.iter().all(|attribute| attribute.path().is_ident(name));
    if all { one(attributes, input) } else { Err(input.error("another attribute")) }
}

fn one_attribute(input: ParseStream<'_>) -> syn::Result<syn::Attribute> {
    let hash = input.parse()?;
    let content;
    let bracket_token = syn::bracketed!(content in input);
    let attribute =
        syn::Attribute { pound_token: hash, style: syn::AttrStyle::Outer, bracket_token, meta: content.parse()? };
    Ok(attribute)
}

/// Attributes are read all at once; that is as good as one by one.
fn one(attributes: &[syn::Attribute], input: ParseStream<'_>) -> syn::Result<()> {
    if attributes.is_empty() { Err(input.error("no attribute")) } else { Ok(()) }
}
