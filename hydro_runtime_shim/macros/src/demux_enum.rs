//! `#[derive(DemuxEnum)]`: what the operator `demux_enum` wants of an enum, an output per variant in the order of their names.
//!
//! The runtime has such a derive too; it comes with a parser of Rust and a second copy of the dataflow compiler, which every program would wait for. The traits
//! that are implemented here stand in `hydro_runtime_shim::private`. The code is written as text with names in it (`__TYPE_0`) for what the user wrote, so
//! that the user's tokens keep their places.

use std::collections::BTreeMap;
use std::fmt::Write;

use proc_macro::{Delimiter, Group, Ident, Spacing, TokenStream, TokenTree};

const ROOT: &str = "::hydro_runtime_shim::private::dfir_rs";

/// Returns the implementations for an enum.
///
/// # Errors
/// Tells where something else stands in place of an enum.
pub(crate) fn derive(item: TokenStream) -> Result<TokenStream, (TokenTree, &'static str)> {
    let item = Enum::read(item)?;
    Ok(replace(item.implementations().parse().unwrap_or_default(), &item.names()))
}

/// An enum, taken apart.
struct Enum {
    name: Ident,
    /// Its generic parameters: as they are declared, without defaults, and as they are used.
    params: Vec<(TokenStream, TokenStream)>,
    bounds: TokenStream,
    /// In the order of their names, as the operator has its outputs.
    variants: Vec<Variant>,
}

struct Variant {
    name: Ident,
    /// With the name, where it has one.
    fields: Vec<(Option<Ident>, TokenStream)>,
}

impl Enum {
    fn read(item: TokenStream) -> Result<Self, (TokenTree, &'static str)> {
        let mut trees = item.into_iter();
        let mut before = None;
        for tree in trees.by_ref() {
            match &tree {
                TokenTree::Ident(word) if matches!(word.to_string().as_str(), "struct" | "union") => {
                    return Err((tree, "`DemuxEnum` can be derived for enums alone: each variant is an output"));
                }
                TokenTree::Ident(word) if word.to_string() == "enum" => {
                    before = Some(tree);
                    break;
                }
                _ => {}
            }
        }
        let (Some(before), Some(TokenTree::Ident(name))) = (before, trees.next()) else {
            return Err((Group::new(Delimiter::None, TokenStream::new()).into(), "an enum was expected here"));
        };
        let mut rest: Vec<TokenTree> = trees.collect();
        let Some(TokenTree::Group(body)) = rest.pop() else { return Err((before, "this enum has no variants' list")) };
        let end = rest.iter().position(|tree| is_word(tree, "where")).unwrap_or(rest.len());
        let params = match &rest[..end] {
            [_, params @ .., _] => split(params.iter().cloned(), ',').iter().map(|param| declared(param)).collect(),
            _ => Vec::new(),
        };
        let bounds = rest.into_iter().skip(end + 1).collect();
        let mut variants: Vec<Variant> =
            split(body.stream(), ',').iter().filter_map(|tokens| Variant::read(tokens)).collect();
        variants.sort_by_key(|variant| variant.name.to_string());
        Ok(Self { name, params, bounds, variants })
    }

    /// What the names in the text stand for.
    fn names(&self) -> BTreeMap<String, TokenStream> {
        let one = |ident: &Ident| TokenStream::from(TokenTree::from(ident.clone()));
        let mut names = BTreeMap::from([("__NAME".to_owned(), one(&self.name))]);
        for (at, (declared, used)) in self.params.iter().enumerate() {
            names.insert(format!("__DECLARED_{at}"), declared.clone());
            names.insert(format!("__USED_{at}"), used.clone());
        }
        names.insert("__BOUNDS".to_owned(), ended(self.bounds.clone()));
        for (at, variant) in self.variants.iter().enumerate() {
            names.insert(format!("__VARIANT_{at}"), one(&variant.name));
            names.insert(format!("__TYPE_{at}"), variant.tuple());
            for (field, (name, _)) in variant.fields.iter().enumerate() {
                names.extend(name.as_ref().map(|name| (format!("__FIELD_{at}_{field}"), one(name))));
            }
        }
        names
    }

    fn implementations(&self) -> String {
        let params: String = (0..self.params.len()).map(|at| format!("__DECLARED_{at}, ")).collect();
        let used: String = (0..self.params.len()).map(|at| format!("__USED_{at}, ")).collect();
        let head = |generics: &str, of: &str, bounds: &str| {
            format!(
                "#[automatically_derived] #[allow(unused_variables)]
                 impl<{params} {generics}> {ROOT}::util::demux_enum::{of} for __NAME<{used}> where __BOUNDS {bounds}"
            )
        };
        let mut text = format!("{} {{}}", head("", "DemuxEnumBase", ""));
        if let [only] = self.variants.as_slice() {
            let _ = write!(
                text,
                "{} {{
                    type Output = __TYPE_0;
                    fn single_variant(self) -> Self::Output {{ match self {{ {} => {} }} }}
                }}",
                head("", "SingleVariant", ""),
                only.pattern(0),
                only.value()
            );
        }
        let outputs = Outputs::of(&self.variants);
        let pinned: String = outputs.types.iter().map(|output| format!("::core::pin::Pin<&mut {output}>, ")).collect();
        let bounds: String = (0..outputs.types.len())
            .map(|at| format!("{}: {ROOT}::dfir_pipes::push::Push<__TYPE_{at}, ()>, ", outputs.types[at]))
            .collect();
        let head = head(&outputs.types.join(", "), &format!("DemuxEnumPush<({pinned}), ()>"), &bounds);
        let _ = write!(text, "{head} {{ {} }}", outputs.methods(&pinned, &self.variants));
        text
    }
}

impl Variant {
    /// Reads `#[…] Name`, `Name(T, U)`, `Name { a: T }`, `Name = 3`.
    fn read(tokens: &[TokenTree]) -> Option<Self> {
        let tokens = without_attributes(tokens);
        let [TokenTree::Ident(name), rest @ ..] = tokens else { return None };
        let fields = match rest.first() {
            Some(TokenTree::Group(group)) => {
                let is_named = group.delimiter() == Delimiter::Brace;
                split(group.stream(), ',').iter().filter_map(|field| read_field(field, is_named)).collect()
            }
            _ => Vec::new(),
        };
        Some(Self { name: name.clone(), fields })
    }

    /// The type of what its output is given.
    fn tuple(&self) -> TokenStream {
        let inner = self.fields.iter().flat_map(|(_, kind)| kind.clone().into_iter().chain(comma()));
        TokenTree::from(Group::new(Delimiter::Parenthesis, inner.collect())).into()
    }

    fn pattern(&self, at: usize) -> String {
        let fields: String = match self.fields.first() {
            None => return format!("Self::__VARIANT_{at} {{ .. }}"),
            Some((Some(_), _)) => (0..self.fields.len()).map(|n| format!("__FIELD_{at}_{n}: __value_{n}, ")).collect(),
            Some((None, _)) => (0..self.fields.len()).map(|n| format!("{n}: __value_{n}, ")).collect(),
        };
        format!("Self::__VARIANT_{at} {{ {fields} }}")
    }

    fn value(&self) -> String {
        let values: String = (0..self.fields.len()).map(|n| format!("__value_{n}, ")).collect();
        format!("({values})")
    }
}

/// The generic parameters that stand for the operators behind the outputs.
struct Outputs {
    types: Vec<String>,
}

impl Outputs {
    fn of(variants: &[Variant]) -> Self {
        let name = |variant: &Variant| format!("__To{}", variant.name.to_string().trim_start_matches("r#"));
        Self { types: variants.iter().map(name).collect() }
    }

    fn methods(&self, pinned: &str, variants: &[Variant]) -> String {
        let places: String = (0..self.types.len()).map(|at| format!("__to_{at}, ")).collect();
        let (ready, finalize) = (self.poll("poll_ready"), self.poll("poll_finalize"));
        let context = self.nested("Ctx<'__ctx>", "<", "dfir_pipes::Context<'__ctx>>::Merged", "()");
        let can_pend = self.nested("CanPend", "<", "dfir_pipes::Toggle>::Or", &format!("{ROOT}::dfir_pipes::No"));
        let sends: String = variants
            .iter()
            .enumerate()
            .map(|(at, variant)| {
                let (pattern, value) = (variant.pattern(at), variant.value());
                format!("{pattern} => {ROOT}::dfir_pipes::push::Push::start_send(__to_{at}.as_mut(), {value}, __meta),")
            })
            .collect();
        let hints: String = (0..self.types.len())
            .map(|at| format!("{ROOT}::dfir_pipes::push::Push::size_hint(__to_{at}.as_mut(), __hint);"))
            .collect();
        let step = format!("{ROOT}::dfir_pipes::push::PushStep");
        format!(
            "type Ctx<'__ctx> = {context};
             type CanPend = {can_pend};
             fn poll_ready(({places}): &mut ({pinned}), __context: &mut Self::Ctx<'_>) -> {step}<Self::CanPend> {{
                 {ready} {step}::Done
             }}
             fn start_send(self, __meta: (), ({places}): &mut ({pinned})) {{ match self {{ {sends} }} }}
             fn poll_finalize(({places}): &mut ({pinned}), __context: &mut Self::Ctx<'_>) -> {step}<Self::CanPend> {{
                 {finalize} {step}::Done
             }}
             fn size_hint(({places}): &mut ({pinned}), __hint: (usize, ::core::option::Option<usize>)) {{ {hints} }}"
        )
    }

    fn push(&self, at: usize) -> String {
        format!("<{} as {ROOT}::dfir_pipes::push::Push<__TYPE_{at}, ()>>", self.types[at])
    }

    /// An associated type of all outputs, put together two by two from the last.
    fn nested(&self, of: &str, open: &str, join: &str, none: &str) -> String {
        let each = (0..self.types.len()).rev().map(|at| format!("{}::{of}", self.push(at)));
        each.reduce(|rest, next| format!("{open}{next} as {ROOT}::{join}<{rest}>")).unwrap_or_else(|| none.to_owned())
    }

    /// Asks all outputs, so that all of them get ready at the same time; the context is taken apart as [`Self::nested`] put it together.
    fn poll(&self, method: &str) -> String {
        let mut text = String::new();
        for at in 0..self.types.len() {
            let call =
                |context: &str| format!("{ROOT}::dfir_pipes::push::Push::{method}(__to_{at}.as_mut(), {context})");
            let _ = if at + 1 == self.types.len() {
                write!(text, "let __step_{at} = {};", call("__context"))
            } else {
                let context = format!("<{}::Ctx<'_> as {ROOT}::dfir_pipes::Context<'_>>", self.push(at));
                let own = call(&format!("{context}::unmerge_self(__context)"));
                write!(text, "let __step_{at} = {own}; let __context = {context}::unmerge_other(__context);")
            };
        }
        for at in 0..self.types.len() {
            let _ =
                write!(text, "if __step_{at}.is_pending() {{ return {ROOT}::dfir_pipes::push::PushStep::pending(); }}");
        }
        text
    }
}

/// Reads a field: `#[…] name: Type` or `#[…] Type`.
fn read_field(tokens: &[TokenTree], is_named: bool) -> Option<(Option<Ident>, TokenStream)> {
    match without_attributes(tokens) {
        [] => None,
        [TokenTree::Ident(name), _, kind @ ..] if is_named => {
            Some((Some(name.clone()), kind.iter().cloned().collect()))
        }
        kind => Some((None, kind.iter().cloned().collect())),
    }
}

/// Splits a generic parameter: without its default, and its name alone.
fn declared(tokens: &[TokenTree]) -> (TokenStream, TokenStream) {
    let tokens = without_attributes(tokens);
    let kept = split(tokens.iter().cloned(), '=').into_iter().next().unwrap_or_default();
    let name = match kept.as_slice() {
        [TokenTree::Punct(tick), name, ..] => vec![TokenTree::from(tick.clone()), name.clone()],
        [word, name, ..] if is_word(word, "const") => vec![name.clone()],
        other => other.iter().take(1).cloned().collect(),
    };
    (kept.into_iter().collect(), name.into_iter().collect())
}

fn without_attributes(mut tokens: &[TokenTree]) -> &[TokenTree] {
    while let [TokenTree::Punct(mark), TokenTree::Group(_), rest @ ..] = tokens
        && mark.as_char() == '#'
    {
        tokens = rest;
    }
    tokens
}

/// Splits at a mark that stands outside of angles; empty pieces are left out.
fn split(tokens: impl IntoIterator<Item = TokenTree>, at: char) -> Vec<Vec<TokenTree>> {
    let (mut pieces, mut depth, mut after_dash) = (vec![Vec::new()], 0_usize, false);
    for tree in tokens {
        let mark = if let TokenTree::Punct(mark) = &tree { Some(mark.clone()) } else { None };
        match mark.as_ref().map(|mark| mark.as_char()) {
            Some('<') => depth += 1,
            // `->` closes nothing.
            Some('>') if !after_dash => depth = depth.saturating_sub(1),
            _ => {}
        }
        after_dash = mark.as_ref().is_some_and(|mark| mark.as_char() == '-' && mark.spacing() == Spacing::Joint);
        match mark {
            Some(mark) if mark.as_char() == at && depth == 0 => pieces.push(Vec::new()),
            _ => pieces.last_mut().into_iter().for_each(|piece| piece.push(tree.clone())),
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// Ends a list of bounds with a comma, so that more can follow.
fn ended(bounds: TokenStream) -> TokenStream {
    let is_open = bounds
        .clone()
        .into_iter()
        .last()
        .is_some_and(|last| !matches!(last, TokenTree::Punct(mark) if mark.as_char() == ','));
    if is_open { bounds.into_iter().chain(comma()).collect() } else { bounds }
}

fn comma() -> TokenStream {
    TokenTree::from(proc_macro::Punct::new(',', Spacing::Alone)).into()
}

fn is_word(tree: &TokenTree, word: &str) -> bool {
    matches!(tree, TokenTree::Ident(ident) if ident.to_string() == word)
}

/// Puts what the names stand for in their places.
fn replace(stream: TokenStream, names: &BTreeMap<String, TokenStream>) -> TokenStream {
    let put = |tree: TokenTree| match tree {
        TokenTree::Ident(word) => names.get(&word.to_string()).cloned().unwrap_or_else(|| TokenTree::from(word).into()),
        TokenTree::Group(group) => {
            let mut inner = Group::new(group.delimiter(), replace(group.stream(), names));
            inner.set_span(group.span());
            TokenTree::from(inner).into()
        }
        other => other.into(),
    };
    stream.into_iter().flat_map(put).collect()
}
