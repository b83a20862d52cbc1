//! A body taken apart into statements, and pipelines into their elements, on tokens.
//!
//! The body was parsed before, so its shape is known to be right; what is not understood here is passed on as it is.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;

/// One statement.
pub(super) enum Statement {
    /// `[name =] element -> element … ;`
    Pipeline { name: Option<Ident>, elements: Vec<Element>, end: TokenTree },
    /// `loop [name] { … };`
    Loop { head: Vec<TokenTree>, body: Vec<Statement>, braces: Span, end: Option<TokenTree> },
    /// Anything else, `use …;` for example.
    Other(Vec<TokenTree>),
}

/// One element of a pipeline: `[in] core [out]`.
pub(super) struct Element {
    /// The index in front.
    pub(super) inn: Option<Group>,
    /// A name, an operator with its arguments, or a pipeline in parentheses.
    pub(super) core: Vec<TokenTree>,
    /// The index behind.
    pub(super) out: Option<Group>,
    /// The `->` behind it; none at the end.
    pub(super) arrow: Vec<TokenTree>,
}

impl Element {
    /// Returns the name, where the element is nothing but a name.
    pub(super) fn name(&self) -> Option<&Ident> {
        match self.core.as_slice() {
            [TokenTree::Ident(name)] => Some(name),
            _ => None,
        }
    }

    /// Makes an element of a name.
    pub(super) fn of_name(name: Ident) -> Self {
        Self { inn: None, core: vec![name.into()], out: None, arrow: Vec::new() }
    }
}

/// Whether a tree is that punctuation mark.
pub(super) fn is_mark(tree: &TokenTree, mark: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == mark)
}

/// The braces of a `loop`, and parentheses around a pipeline. Arguments of operators hold expressions, where names mean other things.
pub(in crate::graph) fn opens_pipelines(group: &Group, before: &[TokenTree]) -> bool {
    match (group.delimiter(), before) {
        (Delimiter::Brace, [.., TokenTree::Ident(_)]) => true,
        (Delimiter::Parenthesis, [.., dash, arrow]) if is_mark(arrow, '>') => is_mark(dash, '-'),
        // An index stands in front of a pipeline in parentheses; arguments never have one there.
        (Delimiter::Parenthesis, [.., TokenTree::Group(index)]) => index.delimiter() == Delimiter::Bracket,
        (Delimiter::Parenthesis, [.., last]) => is_mark(last, '=') || is_mark(last, ';'),
        (Delimiter::Parenthesis, []) => true,
        _ => false,
    }
}

/// Puts the bodies of the instances that are used within loops at the ends of those loops, by the names that stand for their uses; those bodies are taken.
pub(super) fn in_their_loops(
    statements: Vec<Statement>,
    placeholders: &[(String, usize)],
    bodies: &mut [TokenStream],
) -> Vec<Statement> {
    let into_loop = |statement| match statement {
        Statement::Loop { head, body, braces, end } => {
            let words = body.iter().filter(|inner| !matches!(inner, Statement::Loop { .. }));
            let words: BTreeSet<String> = words.flat_map(|inner| words_of(inner.to_token_stream())).collect();
            let mut body = in_their_loops(body, placeholders, bodies);
            for (_, at) in placeholders.iter().filter(|(name, _)| words.contains(name)) {
                body.push(Statement::Other(std::mem::take(&mut bodies[*at]).into_iter().collect()));
            }
            Statement::Loop { head, body, braces, end }
        }
        other => other,
    };
    statements.into_iter().map(into_loop).collect()
}

fn words_of(tokens: TokenStream) -> Vec<String> {
    let words = |tree| match tree {
        TokenTree::Ident(word) => vec![word.to_string()],
        TokenTree::Group(group) => words_of(group.stream()),
        _ => Vec::new(),
    };
    tokens.into_iter().flat_map(words).collect()
}

/// Takes a body apart.
pub(super) fn parse(body: TokenStream) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mut open: Vec<TokenTree> = Vec::new();
    for tree in body {
        let is_end = is_mark(&tree, ';');
        open.push(tree);
        if is_end {
            statements.push(statement(std::mem::take(&mut open)));
        }
    }
    if !open.is_empty() {
        statements.push(Statement::Other(open));
    }
    statements
}

fn statement(mut trees: Vec<TokenTree>) -> Statement {
    let is_word = |tree: Option<&TokenTree>, word: &str| matches!(tree, Some(TokenTree::Ident(ident)) if ident == word);
    if is_word(trees.first(), "loop")
        && let Some(TokenTree::Group(braces)) = trees.iter().rev().nth(1).cloned()
        && braces.delimiter() == Delimiter::Brace
    {
        let end = trees.pop();
        trees.pop();
        return Statement::Loop { head: trees, body: parse(braces.stream()), braces: braces.span(), end };
    }
    if is_word(trees.first(), "use") || matches!(trees.first(), Some(first) if is_mark(first, '#')) {
        return Statement::Other(trees);
    }
    let Some(end) = trees.pop() else { return Statement::Other(trees) };
    let name = match trees.as_slice() {
        [TokenTree::Ident(name), equals, ..] if is_mark(equals, '=') => Some(name.clone()),
        _ => None,
    };
    let rest = if name.is_some() { trees.split_off(2) } else { trees };
    Statement::Pipeline { name, elements: elements(rest), end }
}

fn elements(trees: Vec<TokenTree>) -> Vec<Element> {
    let mut found = Vec::new();
    let mut open: Vec<TokenTree> = Vec::new();
    let mut trees = trees.into_iter().peekable();
    while let Some(tree) = trees.next() {
        let is_arrow = is_mark(&tree, '-') && trees.peek().is_some_and(|next| is_mark(next, '>'));
        if is_arrow {
            let arrow = std::iter::once(tree).chain(trees.next()).collect();
            found.push(element(std::mem::take(&mut open), arrow));
        } else {
            open.push(tree);
        }
    }
    found.push(element(open, Vec::new()));
    found
}

fn element(mut core: Vec<TokenTree>, arrow: Vec<TokenTree>) -> Element {
    let index = |tree: Option<&TokenTree>| match tree {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => Some(group.clone()),
        _ => None,
    };
    let inn = index(core.first());
    if inn.is_some() {
        core.remove(0);
    }
    let out = if core.len() > 1 { index(core.last()) } else { None };
    if out.is_some() {
        core.pop();
    }
    Element { inn, core, out, arrow }
}

/// Leaves out statements that are nothing but one of these names.
pub(super) fn without_alone(statements: Vec<Statement>, is_meant: &dyn Fn(&Ident) -> bool) -> Vec<Statement> {
    let kept = |statement: Statement| match statement {
        Statement::Pipeline { name: None, elements, .. } if is_alone(&elements, is_meant) => None,
        Statement::Loop { head, body, braces, end } => {
            Some(Statement::Loop { head, body: without_alone(body, is_meant), braces, end })
        }
        other => Some(other),
    };
    statements.into_iter().filter_map(kept).collect()
}

/// Whether a pipeline is nothing but one of these names.
pub(super) fn is_alone(elements: &[Element], is_meant: &dyn Fn(&Ident) -> bool) -> bool {
    let [element] = elements else { return false };
    element.inn.is_none() && element.out.is_none() && element.name().is_some_and(is_meant)
}

/// Returns the names a body gives to pipelines.
pub(super) fn assigned(statements: &[Statement]) -> Vec<Ident> {
    let mut names = Vec::new();
    for statement in statements {
        match statement {
            Statement::Pipeline { name, .. } => names.extend(name.clone()),
            Statement::Loop { body, .. } => names.extend(assigned(body)),
            Statement::Other(_) => {}
        }
    }
    names
}

impl ToTokens for Element {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.inn.clone().map(TokenTree::from));
        tokens.extend(self.core.iter().cloned());
        tokens.extend(self.out.clone().map(TokenTree::from));
        tokens.extend(self.arrow.iter().cloned());
    }
}

impl ToTokens for Statement {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Pipeline { name, elements, end } => {
                if let Some(name) = name {
                    let equals = quote::quote_spanned!(name.span()=> =);
                    tokens.extend([name.to_token_stream(), equals]);
                }
                elements.iter().for_each(|element| element.to_tokens(tokens));
                tokens.extend([end.clone()]);
            }
            Self::Loop { head, body, braces, end } => {
                tokens.extend(head.iter().cloned());
                let mut inner = TokenStream::new();
                body.iter().for_each(|statement| statement.to_tokens(&mut inner));
                let mut group = Group::new(Delimiter::Brace, inner);
                group.set_span(*braces);
                tokens.extend([TokenTree::Group(group)]);
                tokens.extend(end.clone());
            }
            Self::Other(trees) => tokens.extend(trees.iter().cloned()),
        }
    }
}
