//! What stands between the brackets of a use: `part::<TYPE, …>(name: EXPRESSION, …)`.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Token, Type};

use super::call::Call;
use super::statement::is_mark;
use crate::diagnostic::Diagnostic;
use crate::parse::{span_of, syntax};

/// Returns the type arguments of a use.
pub(super) fn types(call: &Call) -> Result<Vec<TokenStream>, Box<Diagnostic>> {
    let parser = |input: ParseStream<'_>| {
        let mut types = Vec::new();
        while !input.is_empty() {
            let ty: Type = input.parse().map_err(|error| syn::Error::new(error.span(), "expected a type"))?;
            types.push(ty.to_token_stream());
            comma(input)?;
        }
        Ok(types)
    };
    // Behind the last type stands `>`, in front of the arguments.
    let end = span_of(call.arguments.span_open()).start;
    parser.parse2(call.generics.clone()).map_err(|error| Box::new(syntax(&error, end)))
}

/// Returns what a use sets: names and values, in order.
pub(super) fn settings(call: &Call, module: &str) -> Result<Vec<(Ident, TokenStream)>, Box<Diagnostic>> {
    let unusable = |message: String, span: Span| Box::new(Diagnostic::error("HF0122", message, span_of(span)));
    if let Some(place) = reference(call.arguments.stream()) {
        let message = "a parameter is set before anything flows, so it cannot be `#…`".to_owned();
        return Err(unusable(message, place).hint("lead the items into an input of the module").into());
    }
    let mut unnamed = None;
    let parser = |input: ParseStream<'_>| {
        let mut found: Vec<(Ident, TokenStream)> = Vec::new();
        while !input.is_empty() {
            let name = match input.peek2(Token![:]) && !input.peek2(Token![::]) {
                true => Some(setting_name(input)?),
                false => None,
            };
            let value = expression(input, name.is_none())?;
            match name {
                Some(name) => found.push((name, value)),
                None => unnamed = unnamed.or(value.into_iter().next().map(|tree| tree.span())),
            }
            comma(input)?;
        }
        Ok(found)
    };
    let end = span_of(call.arguments.span_close()).start;
    let found = parser.parse2(call.arguments.stream()).map_err(|error| Box::new(syntax(&error, end)))?;
    if let Some(place) = unnamed {
        let error = unusable(format!("an argument of `{module}` has no name"), place);
        return Err(error.hint("parameters of modules are named: `name: value`").into());
    }
    let twice = found.iter().enumerate().find(|(at, (name, _))| found[..*at].iter().any(|(other, _)| other == name));
    if let Some((_, (name, _))) = twice {
        let error = unusable(format!("the parameter `{name}` of `{module}` is given twice"), name.span());
        return Err(error.label("given again here").hint("leave one of them out").into());
    }
    Ok(found)
}

fn setting_name(input: ParseStream<'_>) -> syn::Result<Ident> {
    let name = input.parse().map_err(|error: syn::Error| syn::Error::new(error.span(), NO_NAME))?;
    input.parse::<Token![:]>()?;
    Ok(name)
}

fn expression(input: ParseStream<'_>, is_first: bool) -> syn::Result<TokenStream> {
    let message = if is_first { NO_NAME } else { "expected an expression" };
    let value: Expr = input.parse().map_err(|error| syn::Error::new(error.span(), message))?;
    Ok(value.to_token_stream())
}

const NO_NAME: &str = "expected the name of a parameter";

fn comma(input: ParseStream<'_>) -> syn::Result<()> {
    if !input.is_empty() {
        input.parse::<Token![,]>()?;
    }
    Ok(())
}

/// Returns where a `#` stands that refers to a pipeline; that of an attribute has brackets behind it.
fn reference(stream: TokenStream) -> Option<Span> {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    trees.iter().enumerate().find_map(|(at, tree)| match tree {
        TokenTree::Group(group) => reference(group.stream()),
        mark if is_mark(mark, '#') => matches!(trees.get(at + 1), Some(TokenTree::Ident(_))).then(|| mark.span()),
        _ => None,
    })
}
