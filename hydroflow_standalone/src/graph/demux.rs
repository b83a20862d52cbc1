//! The former operator `demux(|item, var_args!(a, b)| …)` is understood: its closure gives items to named outputs.
//!
//! It becomes a `map` that collects what each output is given, and a chain of `unzip()` and `flatten()` that leads it there; `name[a]` becomes the name of
//! that pipeline. Works on tokens; only the form `name = … -> demux(…);` had outputs that could be used.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::{ExprClosure, Pat};

use crate::diagnostic::Diagnostic;
use crate::parse::span_of;

/// Writes each `demux` of a body with today's operators, and tells it.
pub(super) fn lowered(body: TokenStream, told: &mut Vec<Diagnostic>) -> TokenStream {
    if !says_demux(&body) {
        return body;
    }
    let mut outputs = BTreeMap::new();
    let body = definitions(body, &mut outputs, told);
    uses(body, &outputs)
}

fn says_demux(body: &TokenStream) -> bool {
    body.clone().into_iter().any(|tree| match tree {
        TokenTree::Ident(word) => word == "demux",
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace && says_demux(&group.stream()),
        _ => false,
    })
}

/// Rewrites the statements that end in a `demux`; `outputs` gets the pipelines of their outputs by name and port.
fn definitions(
    body: TokenStream,
    outputs: &mut BTreeMap<(String, String), Ident>,
    told: &mut Vec<Diagnostic>,
) -> TokenStream {
    let trees: Vec<TokenTree> = body.into_iter().collect();
    let mut out = TokenStream::new();
    for statement in trees.split_inclusive(|tree| matches!(tree, TokenTree::Punct(mark) if mark.as_char() == ';')) {
        match statement {
            [
                TokenTree::Ident(name),
                TokenTree::Punct(equals),
                pipeline @ ..,
                TokenTree::Ident(word),
                TokenTree::Group(call),
                _,
            ] if equals.as_char() == '=' && word == "demux" => {
                match syn::parse2::<ExprClosure>(call.stream()).ok().and_then(Demux::of) {
                    Some(demux) => {
                        told.push(former(word));
                        out.extend(demux.statements(name, pipeline, outputs));
                    }
                    None => out.extend(statement.iter().cloned()),
                }
            }
            [TokenTree::Ident(word), .., TokenTree::Group(braces), _] if word == "loop" => {
                let before = statement.len() - 2;
                out.extend(statement[..before].iter().cloned());
                let mut inner = Group::new(braces.delimiter(), definitions(braces.stream(), outputs, told));
                inner.set_span(braces.span());
                out.extend([inner.into(), statement[before + 1].clone()]);
            }
            other => out.extend(other.iter().cloned()),
        }
    }
    out
}

/// The closure of a `demux`, taken apart.
struct Demux {
    item: Pat,
    outputs: Vec<Ident>,
    body: syn::Expr,
}

impl Demux {
    fn of(closure: ExprClosure) -> Option<Self> {
        let mut inputs = closure.inputs.into_iter();
        let (item, Pat::Macro(list), None) = (inputs.next()?, inputs.next()?, inputs.next()) else { return None };
        let is_list = list.mac.path.segments.last().is_some_and(|last| last.ident == "var_args");
        let names = list.mac.tokens.into_iter().filter_map(|tree| match tree {
            TokenTree::Ident(name) => Some(name),
            _ => None,
        });
        let outputs: Vec<Ident> = names.collect();
        (is_list && !outputs.is_empty()).then_some(Self { item, outputs, body: *closure.body })
    }

    fn statements(
        self,
        name: &Ident,
        pipeline: &[TokenTree],
        outputs: &mut BTreeMap<(String, String), Ident>,
    ) -> TokenStream {
        let Self { item, outputs: ports, body } = self;
        let span = name.span();
        let nested = |parts: &mut dyn Iterator<Item = TokenStream>| {
            let parts: Vec<TokenStream> = parts.collect();
            parts.into_iter().rev().reduce(|rest, first| quote_spanned!(span=> (#first, #rest))).unwrap_or_default()
        };
        let given = nested(&mut ports.iter().map(|port| quote_spanned!(span=> #port.0)));
        let collect = quote_spanned! {span=> map(|#item| {
            struct Given<T>(::std::vec::Vec<T>);
            impl<T> Given<T> {
                fn give(&mut self, item: T) {
                    self.0.push(item);
                }
            }
            #( let mut #ports = Given(::std::vec::Vec::new()); )*
            { #body };
            #given
        })};
        let pipeline = pipeline.iter().cloned().collect::<TokenStream>();
        let rest = |at: usize| format_ident!("__hydro_demux_{name}_{at}", span = span);
        let output = |port: &Ident| format_ident!("__hydro_demux_{name}_{port}", span = span);
        outputs.extend(ports.iter().map(|port| ((name.to_string(), port.to_string()), output(port))));
        let first = rest(0);
        let mut statements = quote_spanned!(span=> #first = #pipeline #collect;);
        let last = ports.len() - 1;
        for (at, port) in ports.iter().enumerate() {
            let (from, to, pipe) = (rest(at), rest(at + 1), output(port));
            let split = format_ident!("__hydro_demux_{name}_{at}_split", span = span);
            statements.extend(if at == last {
                quote_spanned!(span=> #pipe = #from -> flatten();)
            } else {
                quote_spanned!(span=>
                    #split = #from -> unzip();
                    #pipe = #split[0] -> flatten();
                    #to = #split[1] -> identity();
                )
            });
        }
        statements
    }
}

/// Writes `name[port]` as the pipeline of that output.
fn uses(body: TokenStream, outputs: &BTreeMap<(String, String), Ident>) -> TokenStream {
    let mut out: Vec<TokenTree> = Vec::new();
    for tree in body {
        match tree {
            TokenTree::Group(group) => {
                let port = (group.stream().to_string(), group.delimiter() == Delimiter::Bracket);
                if let (Some(TokenTree::Ident(name)), (port, true)) = (out.last(), port)
                    && let Some(pipeline) = outputs.get(&(name.to_string(), port))
                {
                    let pipeline = Ident::new(&pipeline.to_string(), name.span());
                    out.pop();
                    out.extend(pipeline.to_token_stream());
                    continue;
                }
                let mut inner = Group::new(group.delimiter(), uses(group.stream(), outputs));
                inner.set_span(group.span());
                out.push(inner.into());
            }
            other => out.push(other),
        }
    }
    out.into_iter().collect()
}

fn former(word: &Ident) -> Diagnostic {
    Diagnostic::warning("HF0210", "`demux` is a former operator", span_of(word.span()))
        .label("understood, but it is written otherwise today")
        .hint("`partition(|item, [a, b]| …)` chooses an output for each item, `demux_enum::<E>()` goes by the variants of an enum")
}

#[cfg(test)]
mod tests {
    use crate::source::SourceFile;
    use crate::{Options, Products, compile};

    #[test]
    fn each_output_gets_what_the_closure_gives_it() {
        let text = "module main(input n: u8) {
            split = n -> demux(|v, var_args!(even, odd, all)| {
                if v % 2 == 0 { even.give(v) } else { odd.give((v, \"odd\")) }
                all.give(v);
            });
            split[even] -> for_each(|n: u8| println!(\"{n}\"));
            split[odd] -> for_each(|(n, text): (u8, &str)| println!(\"{n} {text}\"));
            split[all] -> null();
        }";
        let options = Options {
            program: "p".to_owned(),
            graph: Default::default(),
            products: Products::All,
            root: String::new(),
        };
        let (compilation, diagnostics) = compile(&SourceFile::new("p.hf", text), &options);
        let codes: Vec<&str> = diagnostics.iter().map(|told| told.code).collect();
        let drawn = &compilation.unwrap_or_else(|| panic!("{diagnostics:?}")).graphs[0].mermaid;
        assert_eq!((codes, drawn.matches("flatten()").count()), (vec!["HF0210"], 3), "{drawn}");
    }
}
