//! Module headers: unique names, ports with their payload types, the interface a deployer sees.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Expr, Type};

use super::addressing::Names;
use super::files::Resolved;
use crate::ast::{File, Module};
use crate::diagnostic::Diagnostic;
use crate::interface::{Addressing, Direction, ModuleInterface, ParamInterface, PortInterface};
use crate::parse::{PortNames, span_of, written};
use crate::source::{SourceMap, Span};

/// A module whose names are known.
#[derive(Clone)]
pub(crate) struct ResolvedModule {
    /// The file it is in, as a place among those of the program.
    pub(crate) file: usize,
    /// What a deployer sees.
    pub(crate) interface: ModuleInterface,
    /// The name.
    pub(crate) name: Ident,
    /// Ports, in order.
    pub(crate) ports: Vec<ResolvedPort>,
    /// Parameters, in order.
    pub(crate) params: Vec<ResolvedParam>,
    /// Type parameters, in order.
    pub(crate) generics: Vec<Ident>,
    /// The name, the type parameters and the port list as they stand.
    pub(crate) header: TokenStream,
    /// Whether each name of the header was read and means one thing; if not, nothing can be said of the body.
    pub(crate) header_is_sound: bool,
    /// All between the braces as it stands.
    pub(crate) whole_body: TokenStream,
    /// The dataflow: the body without what is no dataflow.
    pub(crate) body: TokenStream,
    /// Whether attributes stand before statements of the body, in it or in its loops.
    pub(crate) has_attributes: bool,
    /// Rust items of the body; only the body sees them.
    pub(crate) items: Vec<syn::Item>,
    /// Where the words `module`, `{` and `}` stand.
    pub(crate) marks: [Span; 3],
}

/// A port with its payload.
#[derive(Clone)]
pub(crate) struct ResolvedPort {
    pub(crate) name: Ident,
    pub(crate) direction: Direction,
    pub(crate) addressing: Addressing,
    pub(crate) payload: Type,
    /// The type as it stands in the header.
    pub(crate) ty: Type,
}

/// A parameter.
#[derive(Clone)]
pub(crate) struct ResolvedParam {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    pub(crate) default: Option<Expr>,
}

/// Finds out what the names of a file's headers mean. `at` is the file's place among those of the program.
pub(super) fn headers(
    sources: &SourceMap,
    file: &File,
    at: usize,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<ResolvedModule> {
    let names = Names::of(file);
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    let mut modules = Vec::new();
    for module in &file.modules {
        let span = span_of(module.name.span());
        if let Some(first) = seen.get(&module.name.to_string()) {
            diagnostics.push(twice("HF0102", "module", &module.name, first));
        } else {
            seen.insert(module.name.to_string(), span);
        }
        let before = diagnostics.len();
        unique_names(module, diagnostics);
        diagnostics.extend(generic_program(module));
        let header_is_sound = module.header_is_whole && diagnostics.len() == before;
        let resolved = resolve_module(sources, &names, module);
        unused_names(module, &resolved.body, diagnostics);
        modules.push(ResolvedModule { header_is_sound, file: at, ..resolved });
    }
    modules
}

/// Nobody uses the program as an operator, so nothing tells its types.
fn generic_program(module: &Module) -> Option<Diagnostic> {
    let generic = module.generics.first().filter(|_| module.name == "main")?;
    Some(
        Diagnostic::error("HF0127", "`main` cannot have type parameters", span_of(generic.span()))
            .label("nothing says which type this is")
            .hint("write the types of its ports: `input words: String`"),
    )
}

/// Returns the module that is the program.
pub(crate) fn program(resolved: &Resolved) -> Result<&ResolvedModule, Diagnostic> {
    resolved.modules.iter().find(|module| module.file == 0 && module.name == "main").ok_or_else(|| {
        let span = resolved.modules.first().map_or(0..0, |module| span_of(module.name.span()));
        let diagnostic = Diagnostic::error("HF0101", "this file has no `module main`", span);
        diagnostic.hint("the module called `main` is the program: `module main(input …, output …) { … }`")
    })
}

fn resolve_module(sources: &SourceMap, names: &Names, module: &Module) -> ResolvedModule {
    let text = |tokens: &dyn ToTokens| sources.text_of(&whole(&tokens.to_token_stream())).to_owned();
    let line = |name: &Ident| sources.place_of(span_of(name.span()).start).0;
    let (mut ports, mut port_interfaces) = (Vec::new(), Vec::new());
    for port in &module.ports {
        let (addressing, payload) = names.split(&port.ty);
        port_interfaces.push(PortInterface {
            name: port.name.to_string(),
            direction: port.direction,
            addressing,
            type_text: text(&payload),
            doc: port.doc.clone(),
            span: span_of(port.name.span()),
            line: line(&port.name),
        });
        ports.push(ResolvedPort {
            name: port.name.clone(),
            direction: port.direction,
            addressing,
            payload,
            ty: port.ty.clone(),
        });
    }
    let param_interface = |param: &crate::ast::Param| ParamInterface {
        name: param.name.to_string(),
        type_text: text(&param.ty),
        default: param.default.as_ref().map(|default| text(default)),
        doc: param.doc.clone(),
        line: line(&param.name),
    };
    let resolved_param = |param: &crate::ast::Param| ResolvedParam {
        name: param.name.clone(),
        ty: param.ty.clone(),
        default: param.default.clone(),
    };
    let written = written(module.body.clone(), &port_names(module));
    ResolvedModule {
        file: 0,
        interface: ModuleInterface {
            name: module.name.to_string(),
            doc: module.doc.clone(),
            ports: port_interfaces,
            params: module.params.iter().map(param_interface).collect(),
        },
        name: module.name.clone(),
        ports,
        params: module.params.iter().map(resolved_param).collect(),
        generics: module.generics.clone(),
        header: module.header.clone(),
        header_is_sound: module.header_is_whole,
        whole_body: module.body.clone(),
        body: written.statements,
        has_attributes: written.has_attributes,
        items: written.items,
        marks: [module.keyword.clone(), module.open_brace.clone(), module.close_brace.clone()],
    }
}

fn port_names(module: &Module) -> PortNames {
    let of = |direction| {
        let ports = module.ports.iter().filter(move |port| port.direction == direction);
        ports.map(|port| port.name.clone()).collect()
    };
    PortNames { inputs: of(Direction::Input), outputs: of(Direction::Output) }
}

/// Returns the bytes from the first token to the last.
fn whole(tokens: &TokenStream) -> Span {
    let mut spans = tokens.clone().into_iter().map(|tree| span_of(tree.span()));
    let first = spans.next().unwrap_or_else(|| span_of(tokens.span()));
    let end = spans.last().map_or(first.end, |last| last.end);
    first.start..end
}

fn unique_names(module: &Module, diagnostics: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    let names = module
        .ports
        .iter()
        .map(|port| ("port", &port.name))
        .chain(module.params.iter().map(|param| ("parameter", &param.name)));
    for (kind, name) in names {
        match seen.get(&name.to_string()) {
            Some(first) => diagnostics.push(twice("HF0107", kind, name, first)),
            None => {
                seen.insert(name.to_string(), span_of(name.span()));
            }
        }
    }
}

fn twice(code: &'static str, kind: &str, name: &Ident, first: &Span) -> Diagnostic {
    Diagnostic::error(code, format!("{kind} `{name}` is declared twice"), span_of(name.span()))
        .label("declared again here")
        .see(first.clone(), "first declared here")
}

/// A name of the header that the body never says is probably a mistake.
fn unused_names(module: &Module, statements: &TokenStream, diagnostics: &mut Vec<Diagnostic>) {
    let mut said = BTreeSet::new();
    words(module.body.clone(), &mut said);
    // Older bodies say `mod` for a port.
    words(statements.clone(), &mut said);
    let unused = |code, name: &Ident, what: &str, hint: String| {
        Diagnostic::warning(code, format!("{what} `{name}` is never used"), span_of(name.span()))
            .label("declared here, but the body does not say its name")
            .hint(hint)
    };
    for port in module.ports.iter().filter(|port| !said.contains(&port.name.to_string())) {
        let (code, hint) = match port.direction {
            Direction::Input => {
                ("HF0201", format!("read it: `{} -> …;`, or `{} -> null();` to drop its items", port.name, port.name))
            }
            Direction::Output => ("HF0202", format!("write to it: `… -> {};`", port.name)),
        };
        diagnostics.push(unused(code, &port.name, port.direction.word(), hint));
    }
    for param in module.params.iter().filter(|param| !said.contains(&param.name.to_string())) {
        diagnostics.push(unused(
            "HF0203",
            &param.name,
            "parameter",
            "use it in the body, or remove it from the header".to_owned(),
        ));
    }
}

fn words(stream: TokenStream, said: &mut BTreeSet<String>) {
    for tree in stream {
        match tree {
            TokenTree::Ident(ident) => {
                said.insert(ident.to_string());
            }
            TokenTree::Group(group) => words(group.stream(), said),
            // Rust's format strings name values too: `println!("{period_ms}")`.
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                said.extend(text.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned));
            }
            TokenTree::Punct(_) => {}
        }
    }
}
