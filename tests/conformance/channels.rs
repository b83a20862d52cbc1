//! Captured channels → ports: what a test function sends into a flow becomes an input of the module, what the flow sends an output.
//!
//! Only what can be said in a header becomes a port: channels with a written type, read by one `source_stream`, or written in closures that do nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Expr, ExprCall, ItemFn, Local, Pat};

use super::rust_file::{Edit, Flow, edited, inner};

/// A channel's end that became a port.
#[derive(Clone, Debug)]
pub(super) struct Port {
    /// The variable, and the port's name.
    pub(super) name: String,
    /// `input` or `output`.
    pub(super) direction: &'static str,
    /// The type of the items.
    pub(super) ty: String,
}

/// A flow whose captured variables are ports now; without ports: a flow that captures nothing.
#[derive(Clone, Debug)]
pub(super) struct Ported {
    /// The ports, in the order of their names.
    pub(super) ports: Vec<Port>,
    /// The flow with port names in it.
    pub(super) flow: String,
}

impl Ported {
    /// Returns the list for the module's header.
    pub(super) fn header(&self) -> String {
        let ports = self.ports.iter().map(|port| format!("{} {}: {}", port.direction, port.name, port.ty));
        ports.collect::<Vec<_>>().join(", ")
    }
}

/// Turns a flow's captured channels into ports. The error says what it captures besides.
pub(super) fn port(function: &ItemFn, text: &str, flow: &Flow) -> Result<Ported, String> {
    let mut scope = Scope { before: flow.call.start, text, ..Scope::default() };
    scope.visit_item_fn(function);
    if let Some(reason) = scope.reason {
        return Err(reason);
    }
    let body = &text[flow.body.clone()];
    let tokens: TokenStream = body.parse().map_err(|_| "no tokens".to_owned())?;
    let mut uses = Uses { scope: &scope, body, ports: BTreeMap::new(), edits: Vec::new(), bound: BTreeSet::new() };
    uses.closures(tokens.clone());
    uses.read(tokens);
    let Uses { ports, edits, bound, .. } = uses;
    let flow = edited(body, &(0..body.len()), &edits);
    let left: TokenStream = flow.parse().map_err(|_| "no tokens".to_owned())?;
    let mut said = BTreeMap::new();
    names(left, &scope.names, &mut said);
    for (name, times) in &said {
        let as_port = edits.iter().filter(|(_, text)| text.rsplit([' ', '\n']).next() == Some(name)).count();
        if !(bound.contains(name) || ports.contains_key(name)) || (ports.contains_key(name) && as_port != *times) {
            return Err(format!("captures `{name}`"));
        }
    }
    Ok(Ported { ports: ports.into_values().collect(), flow })
}

/// The variables of the function around a flow.
#[derive(Default)]
struct Scope<'a> {
    before: usize,
    text: &'a str,
    names: BTreeSet<String>,
    receivers: BTreeMap<String, String>,
    senders: BTreeMap<String, String>,
    reason: Option<String>,
}

impl<'a> Visit<'a> for Scope<'_> {
    fn visit_item_fn(&mut self, function: &'a ItemFn) {
        let range = function.span().byte_range();
        if range.start > self.before || range.end < self.before {
            return;
        }
        if !function.sig.generics.params.is_empty() {
            self.reason = Some("stands in a generic function".to_owned());
        }
        for input in &function.sig.inputs {
            if let syn::FnArg::Typed(input) = input {
                self.visit_pat(&input.pat);
            }
        }
        self.visit_block(&function.block);
    }

    fn visit_local(&mut self, local: &'a Local) {
        if local.span().byte_range().start < self.before {
            self.channel(local);
            syn::visit::visit_local(self, local);
        }
    }

    fn visit_pat_ident(&mut self, pattern: &'a syn::PatIdent) {
        self.names.insert(pattern.ident.to_string());
    }
}

impl Scope<'_> {
    /// `let (a, mut b) = unbounded_channel::<T>();` and `let c = a.clone();`
    fn channel(&mut self, local: &Local) {
        let Some(init) = &local.init else { return };
        match (&local.pat, &*init.expr) {
            (Pat::Tuple(pair), Expr::Call(call)) if pair.elems.len() == 2 => {
                let Some(ty) = self.channel_type(call) else { return };
                self.senders.extend(name_of(&pair.elems[0]).map(|name| (name, ty.clone())));
                self.receivers.extend(name_of(&pair.elems[1]).map(|name| (name, ty)));
            }
            (pattern, Expr::MethodCall(call)) if call.method == "clone" => {
                let of = &self.text[call.receiver.span().byte_range()];
                if let (Some(name), Some(ty)) = (name_of(pattern), self.senders.get(of)) {
                    self.senders.insert(name, ty.clone());
                }
            }
            _ => {}
        }
    }

    fn channel_type(&self, call: &ExprCall) -> Option<String> {
        let Expr::Path(path) = &*call.func else { return None };
        let last = path.path.segments.last().filter(|last| last.ident == "unbounded_channel")?;
        let syn::PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
        let ty = &self.text[arguments.args.first()?.span().byte_range()];
        let inferred = ty.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "_");
        (!inferred).then(|| ty.to_owned())
    }
}

fn name_of(pattern: &Pat) -> Option<String> {
    match pattern {
        Pat::Ident(name) => Some(name.ident.to_string()),
        _ => None,
    }
}

/// How a flow uses the variables around it.
struct Uses<'a> {
    scope: &'a Scope<'a>,
    body: &'a str,
    ports: BTreeMap<String, Port>,
    edits: Vec<Edit>,
    bound: BTreeSet<String>,
}

impl Uses<'_> {
    /// Names that closures of the flow bind hide those outside.
    fn closures(&mut self, stream: TokenStream) {
        let mut open = false;
        for tree in stream {
            match tree {
                TokenTree::Punct(mark) if mark.as_char() == '|' => open = !open,
                TokenTree::Ident(name) if open => {
                    self.bound.insert(name.to_string());
                }
                TokenTree::Group(group) if open => words(group.stream(), &mut self.bound),
                TokenTree::Group(group) => self.closures(group.stream()),
                _ => {}
            }
        }
    }

    fn read(&mut self, stream: TokenStream) {
        let trees: Vec<TokenTree> = stream.into_iter().collect();
        for (at, tree) in trees.iter().enumerate() {
            let TokenTree::Group(group) = tree else { continue };
            let found = match at.checked_sub(1).map(|before| &trees[before]) {
                Some(TokenTree::Ident(word)) if word == "source_stream" => self.input(group),
                Some(TokenTree::Ident(word)) if word == "for_each" => self.output(group),
                _ => None,
            };
            match found {
                Some(replacement) => {
                    let start = trees[at - 1].span().byte_range().start;
                    self.edits.push((start..group.span().byte_range().end, replacement));
                }
                None => self.read(group.stream()),
            }
        }
    }

    fn input(&mut self, arguments: &Group) -> Option<String> {
        let name = self.body[inner(arguments)].trim().to_owned();
        let ty = self.scope.receivers.get(&name)?.clone();
        let port = Port { name: name.clone(), direction: "input", ty };
        self.ports.insert(name.clone(), port).is_none().then_some(name)
    }

    /// `|pattern| sender.send(expression).unwrap()`
    fn output(&mut self, arguments: &Group) -> Option<String> {
        let closure: syn::ExprClosure = syn::parse2(arguments.stream()).ok()?;
        let [pattern] = closure.inputs.iter().collect::<Vec<_>>()[..] else { return None };
        let send = sending(&closure.body)?;
        let slice = |range: Range<usize>| &self.body[range];
        let name = slice(send.receiver.span().byte_range()).to_owned();
        let ty = self.scope.senders.get(&name)?.clone();
        let (pattern, sent) = (slice(pattern.span().byte_range()), slice(send.args.first()?.span().byte_range()));
        let replacement =
            if pattern == sent { format!("\n{name}") } else { format!("map(|{pattern}| {sent}) -> {name}") };
        self.ports.insert(name.clone(), Port { name, direction: "output", ty });
        Some(replacement)
    }
}

/// Finds `x.send(y)` in `x.send(y).unwrap()`, also in a block of its own.
fn sending(expression: &Expr) -> Option<&syn::ExprMethodCall> {
    match expression {
        Expr::Block(block) => match &block.block.stmts[..] {
            [syn::Stmt::Expr(inner, _)] => sending(inner),
            _ => None,
        },
        Expr::MethodCall(unwrap) if unwrap.method == "unwrap" => match &*unwrap.receiver {
            Expr::MethodCall(send) if send.method == "send" && send.args.len() == 1 => Some(send),
            _ => None,
        },
        _ => None,
    }
}

/// Counts how often a flow names a variable of the function, in format strings too.
fn names(stream: TokenStream, scope: &BTreeSet<String>, said: &mut BTreeMap<String, usize>) {
    for tree in stream {
        match tree {
            TokenTree::Ident(name) if scope.contains(&name.to_string()) => {
                *said.entry(name.to_string()).or_default() += 1;
            }
            TokenTree::Group(group) => names(group.stream(), scope, said),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                for name in scope.iter().filter(|name| text.contains(&format!("{{{name}"))) {
                    *said.entry(name.clone()).or_default() += 1;
                }
            }
            _ => {}
        }
    }
}

fn words(stream: TokenStream, found: &mut BTreeSet<String>) {
    for tree in stream {
        match tree {
            TokenTree::Ident(name) => {
                found.insert(name.to_string());
            }
            TokenTree::Group(group) if group.delimiter() != Delimiter::Brace => words(group.stream(), found),
            _ => {}
        }
    }
}
