//! Writes out a module with all modules it uses, and theirs, into one body.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::Type;

use super::bounds::Bounds;
use super::call::{Call, extract};
use super::items::{self, Items};
use super::rename::Renaming;
use super::scope::{alias, block};
use super::settings;
use super::statement::{assigned, in_their_loops, parse, without_alone};
use super::wire::{Instance, Wiring};
use crate::diagnostic::{Diagnostic, nearest};
use crate::interface::Direction;
use crate::parse::span_of;
use crate::resolve::{Resolved, ResolvedModule, ResolvedParam};
use crate::source::Span;

/// A program may hold this many instances of modules; more are the work of a mistake.
const MAX_INSTANCES: usize = 10_000;

/// A module with everything it uses.
#[derive(Default)]
pub(crate) struct Expanded {
    /// The whole body.
    pub(crate) body: TokenStream,
    /// `let` statements of the instances' parameters.
    pub(crate) values: TokenStream,
    /// The items in the bodies of the modules that were used.
    pub(crate) items: TokenStream,
    /// The modules that were used, each once, in the order of their first use.
    pub(crate) parts: Vec<usize>,
    /// Where ports of instances are declared; statements made of them stand there.
    pub(crate) ports: Vec<Span>,
    /// What is wrong.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Expands a module. Without uses of others its body stays as it is.
pub(crate) fn expand(resolved: &Resolved, module: &ResolvedModule) -> Expanded {
    let taken = module.params.iter().map(|param| param.name.to_string()).collect();
    let (items, out) = (Items::new(module), Expanded::default());
    let mut expander = Expander { resolved, home: module.file, taken, items, count: 0, chain: Vec::new(), out };
    let body = expander.body(module, &Renaming::default());
    let mut out = expander.out;
    out.items = expander.items.tokens;
    let instances = std::mem::take(&mut out.body);
    out.body = body;
    out.body.extend(instances);
    out
}

/// Returns a body in which each use of a module is a name, for looking at the syntax of the rest. A use that is a statement of its own is left out.
pub(crate) fn without_parts(resolved: &Resolved, module: &ResolvedModule) -> TokenStream {
    let mut calls = Vec::new();
    let is_module = |path: &[Ident]| find(resolved, module.file, path).is_some();
    let body = extract(module.body.clone(), &is_module, &mut calls);
    let is_call = |name: &Ident| calls.iter().any(|call| *name == call.placeholder.as_str());
    without_alone(parse(body), &is_call).iter().map(ToTokens::to_token_stream).collect()
}

struct Expander<'a> {
    resolved: &'a Resolved,
    /// The file of the module that is expanded.
    home: usize,
    /// Names of Rust values that are taken.
    taken: BTreeSet<String>,
    items: Items,
    count: usize,
    /// The uses that led here.
    chain: Vec<(String, Span)>,
    out: Expanded,
}

fn find(resolved: &Resolved, file: usize, path: &[Ident]) -> Option<usize> {
    let words: Vec<String> = path.iter().map(ToString::to_string).collect();
    resolved.find(file, &words)
}

impl<'a> Expander<'a> {
    /// Returns the body of a module with its names changed. The instances it uses are put aside in `out.body`, but for those within a loop: they stand there.
    fn body(&mut self, module: &'a ResolvedModule, renaming: &Renaming) -> TokenStream {
        let mut calls = Vec::new();
        let resolved = self.resolved;
        let body = extract(module.body.clone(), &|path| find(resolved, module.file, path).is_some(), &mut calls);
        let body = renaming.statements(body);
        if calls.is_empty() {
            return body;
        }
        let mut instances = Vec::new();
        let mut placeholders = Vec::new();
        for call in &calls {
            if let Some(instance) = self.instance(call, module.file, renaming) {
                placeholders.push((call.placeholder.clone(), instances.len()));
                instances.push(instance);
            }
        }
        if placeholders.len() < calls.len() {
            return TokenStream::new();
        }
        let (instances, mut bodies): (Vec<_>, Vec<_>) = instances.into_iter().unzip();
        let mut instances: Vec<Instance<'a>> = instances;
        let statements = in_their_loops(parse(body), &placeholders, &mut bodies);
        self.out.body.extend(bodies);
        let mut wiring = Wiring::new(placeholders, &mut instances);
        let statements = wiring.statements(statements);
        let found = std::mem::take(&mut wiring.diagnostics);
        self.out.diagnostics.extend(found);
        for instance in &instances {
            self.out.diagnostics.extend(unjoined(instance));
        }
        statements.iter().map(ToTokens::to_token_stream).collect()
    }

    /// Makes an instance: its parameters as values, its ports and its body as statements.
    fn instance(&mut self, call: &Call, file: usize, outer: &Renaming) -> Option<(Instance<'a>, TokenStream)> {
        let at = find(self.resolved, file, &call.path)?;
        let module = &self.resolved.modules[at];
        let name = module.interface.name.clone();
        if let Some(begin) = self.chain.iter().position(|(known, _)| *known == name) {
            self.out.diagnostics.push(recursive(&self.chain[begin..], &name, call));
            return None;
        }
        self.count += 1;
        if self.count > MAX_INSTANCES {
            if self.count == MAX_INSTANCES + 1 {
                let place = self.chain.first().map_or_else(|| span_of(call.span()), |(_, place)| place.clone());
                let error = Diagnostic::error("HF0125", format!("more than {MAX_INSTANCES} modules are used"), place)
                    .label("with all that this one uses");
                self.out.diagnostics.push(error.hint("modules that use modules multiply; use fewer"));
            }
            return None;
        }
        if !self.out.parts.contains(&at) {
            self.out.parts.push(at);
        }
        self.out.ports.extend(module.ports.iter().map(|port| span_of(port.name.span())));
        let prefix = format!("__hf{}_", self.count);
        let mut renaming = Renaming { prefix: prefix.clone(), ..Renaming::default() };
        renaming.pipelines = assigned(&parse(module.body.clone())).iter().map(ToString::to_string).collect();
        renaming.pipelines.extend(module.ports.iter().map(|port| port.name.to_string()));
        renaming.types = self.types(module, call, outer);
        renaming.values = self.items.of(at, module).clone();
        if module.file != self.home {
            renaming.scope = Some(self.resolved.rust_path(module.file));
            let own = items::names(module);
            renaming.names = self.resolved.item_names(module.file).filter(|name| !own.contains(name)).collect();
        }
        self.parameters(module, call, outer, &mut renaming);
        let before = std::mem::take(&mut self.out.body);
        self.ports(module, call.span(), &renaming);
        self.chain.push((name, span_of(call.span())));
        let body = self.body(module, &renaming);
        self.chain.pop();
        self.out.body.extend(body);
        let body = std::mem::replace(&mut self.out.body, before);
        Some((Instance { module, prefix, span: call.span(), joined: BTreeSet::new() }, body))
    }

    /// Makes a pipeline of each port.
    fn ports(&mut self, module: &ResolvedModule, place: proc_macro2::Span, renaming: &Renaming) {
        let mut bounds = Bounds::new(module);
        for port in &module.ports {
            let ty = self.type_of(module, &port.name, &port.ty, renaming);
            let pipeline = renaming.pipeline(&port.name);
            let asked = bounds.ask(&port.ty, renaming.scope.as_deref(), place);
            // What becomes of an output's items is the affair of whoever uses the module, so that is where they come from.
            let given = (port.direction == Direction::Output).then(|| quote_spanned!(place=> -> identity()));
            self.out.body.extend(
                quote_spanned!(port.name.span()=> #pipeline = union() -> identity::<#ty>() #asked #given -> tee();),
            );
        }
    }

    fn types(
        &mut self,
        module: &ResolvedModule,
        call: &Call,
        outer: &Renaming,
    ) -> std::collections::BTreeMap<String, TokenStream> {
        let given = settings::types(call).unwrap_or_else(|error| {
            self.out.diagnostics.push(*error);
            module.generics.iter().map(|name| quote_spanned!(name.span()=> _)).collect()
        });
        if !given.is_empty() && given.len() != module.generics.len() {
            let (wanted, plural) = (module.generics.len(), if module.generics.len() == 1 { "" } else { "s" });
            let message =
                format!("`{}` has {wanted} type parameter{plural}, not {}", module.interface.name, given.len());
            let declared = span_of(module.name.span());
            let error = Diagnostic::error("HF0123", message, span_of(call.span())).see(declared, "declared here");
            self.out.diagnostics.push(error.hint("give as many types, or none where rustc can find them out"));
        }
        let mut given = given.into_iter();
        let inferred = |name: &Ident| quote_spanned!(name.span()=> _);
        let ty = |name: &Ident| given.next().map_or_else(|| inferred(name), |ty| outer.of_scope(ty));
        module
            .generics
            .iter()
            .map(ToString::to_string)
            .zip(module.generics.iter().map(ty).collect::<Vec<_>>())
            .collect()
    }

    /// Returns the type of a port or parameter as the function around sees it. In another file it has a name there.
    fn type_of(&self, module: &ResolvedModule, name: &Ident, ty: &Type, renaming: &Renaming) -> TokenStream {
        if module.file == self.home {
            return renaming.expression(ty.to_token_stream(), false);
        }
        let path: TokenStream = self.resolved.rust_path(module.file).parse().unwrap_or_default();
        let (alias, generics) = alias(module, name, ty);
        let arguments = generics.iter().filter_map(|name| renaming.types.get(&name.to_string()));
        let arguments = (!generics.is_empty()).then(|| quote_spanned!(name.span()=> <#( #arguments ),*>));
        quote_spanned!(name.span()=> #path::#alias #arguments)
    }

    /// Binds parameters to what the use gives, or to their defaults.
    fn parameters(&mut self, module: &ResolvedModule, call: &Call, outer: &Renaming, renaming: &mut Renaming) {
        let mut given = match settings::settings(call, &module.interface.name) {
            Ok(given) => given,
            Err(error) => return self.out.diagnostics.push(*error),
        };
        for param in &module.params {
            let text = param.name.to_string();
            let place = given.iter().position(|(name, _)| *name == param.name);
            let value = match place.map(|at| given.remove(at).1) {
                Some(value) => in_scope(outer.expression(value, false), outer),
                None => match &param.default {
                    Some(default) => in_scope(default.to_token_stream(), renaming),
                    None => {
                        self.out.diagnostics.push(missing(module, param, call));
                        continue;
                    }
                },
            };
            let (ty, mut name) = (self.type_of(module, &param.name, &param.ty, renaming), param.name.clone());
            if !self.taken.insert(text.clone()) {
                name = format_ident!("__hf{}_{}", self.count, text, span = param.name.span());
                renaming.values.insert(text, name.to_string());
            }
            self.out.values.extend(quote_spanned!(param.name.span()=> let #name: #ty = #value;));
        }
        self.out.diagnostics.extend(given.iter().map(|(name, _)| unknown(module, name)));
    }
}

/// A value means the names of the file it stands in.
fn in_scope(value: TokenStream, renaming: &Renaming) -> TokenStream {
    match &renaming.scope {
        Some(path) => block(value, path).into(),
        None => value,
    }
}

fn recursive(chain: &[(String, Span)], name: &str, call: &Call) -> Diagnostic {
    let words: Vec<String> = chain.iter().map(|(name, _)| format!("`{name}`")).chain([format!("`{name}`")]).collect();
    let error = Diagnostic::error(
        "HF0120",
        format!("the module `{name}` uses itself: {}", words.join(" → ")),
        span_of(call.span()),
    )
    .label("used again here");
    let others = chain.iter().filter(|(_, span)| *span != span_of(call.span()));
    let error = others.fold(error, |error, (name, span)| error.see(span.clone(), format!("`{name}` is used here")));
    error.hint(
        "a module is written out where it is used, so it cannot hold itself; put what repeats into a loop or a link",
    )
}

fn missing(module: &ResolvedModule, param: &ResolvedParam, call: &Call) -> Diagnostic {
    let name = &param.name;
    Diagnostic::error(
        "HF0122",
        format!("`{}` needs the parameter `{name}`", module.interface.name),
        span_of(call.span()),
    )
    .see(span_of(name.span()), "declared here, without a default")
    .hint(format!("write `{}({name}: …)`", module.interface.name))
}

fn unknown(module: &ResolvedModule, name: &Ident) -> Diagnostic {
    let known: Vec<&str> = module.interface.params.iter().map(|param| param.name.as_str()).collect();
    let (of, word, place) = (&module.interface.name, name.to_string(), span_of(name.span()));
    let error = Diagnostic::error("HF0122", format!("`{of}` has no parameter `{word}`"), place);
    match nearest(&word, known.iter().copied()) {
        Some(near) => error.similar("parameter", &word, near),
        None if known.is_empty() => error.hint("it has no parameters"),
        None => error.hint(format!("its parameters are `{}`", known.join("`, `"))),
    }
}

/// Every input of an instance must be written to; an output may be left alone.
fn unjoined(instance: &Instance<'_>) -> Vec<Diagnostic> {
    let inputs = instance
        .module
        .interface
        .ports
        .iter()
        .filter(|port| port.direction == Direction::Input && !instance.joined.contains(&port.name));
    let error = |port: &crate::interface::PortInterface| {
        Diagnostic::error(
            "HF0126",
            format!("nothing goes into the input `{}` of this `{}`", port.name, instance.module.interface.name),
            span_of(instance.span),
        )
        .see(port.span.clone(), "declared here")
        .hint(format!("write to it: `… -> [{}]…`, or `null() -> …` where nothing comes", port.name))
    };
    inputs.map(error).collect()
}
