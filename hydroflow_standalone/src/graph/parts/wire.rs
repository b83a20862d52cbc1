//! Joins the ports of instances to the pipelines around them.
//!
//! An instance's port is a pipeline with a name of its own. Where a pipeline goes through an instance it is cut: its first half ends in the
//! input's pipeline, its second half begins at the output's.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Group, Ident, Span, TokenTree};
use quote::format_ident;

use super::statement::{Element, Statement, is_alone};
use crate::diagnostic::{Diagnostic, nearest};
use crate::interface::Direction;
use crate::parse::span_of;
use crate::resolve::ResolvedModule;

/// A use of a module, with the ports that were joined so far.
pub(super) struct Instance<'a> {
    pub(super) module: &'a ResolvedModule,
    pub(super) prefix: String,
    pub(super) span: Span,
    pub(super) joined: BTreeSet<String>,
}

impl Instance<'_> {
    /// Returns the pipeline of a port.
    fn port(&mut self, direction: Direction, index: Option<&Group>, place: Span) -> Result<Ident, Box<Diagnostic>> {
        let ports: Vec<&str> = self
            .module
            .interface
            .ports
            .iter()
            .filter(|port| port.direction == direction)
            .map(|port| port.name.as_str())
            .collect();
        let module = &self.module.interface.name;
        let word = direction.word();
        let listed = || ports.iter().map(|port| format!("`{port}`")).collect::<Vec<_>>().join(", ");
        let error = |message: String, span: Span| {
            let declared = span_of(self.module.name.span());
            Box::new(
                Diagnostic::error("HF0121", message, span_of(span))
                    .see(declared, format!("the module `{module}` is declared here")),
            )
        };
        let name = match index {
            None => match ports.as_slice() {
                [only] => (*only).to_owned(),
                [] => {
                    return Err(Box::new(
                        error(format!("`{module}` has no {word}"), place).label(format!("used as if it had an {word}")),
                    ));
                }
                _ => {
                    let example = if direction == Direction::Input {
                        format!("[{}]…", ports[0])
                    } else {
                        format!("…[{}]", ports[0])
                    };
                    return Err(Box::new(
                        error(format!("`{module}` has several {word}s"), place)
                            .hint(format!("say which: `{example}`; there are {}", listed())),
                    ));
                }
            },
            Some(index) => {
                let named = index.stream().to_string();
                if !ports.contains(&named.as_str()) {
                    let place = index.stream().into_iter().next().map_or(index.span(), |tree| tree.span());
                    let error = *error(format!("`{module}` has no {word} `{named}`"), place);
                    return Err(Box::new(match nearest(&named, ports.iter().copied()) {
                        Some(near) => error.similar(word, &named, near),
                        None if ports.is_empty() => error.hint(format!("it has no {word} at all")),
                        None => error.hint(format!("its {word}s are {}", listed())),
                    }));
                }
                named
            }
        };
        let pipeline = format_ident!("{}{}", self.prefix, name, span = place);
        self.joined.insert(name);
        Ok(pipeline)
    }
}

/// Rewrites the statements of one body.
pub(super) struct Wiring<'a, 'b> {
    /// Instances by the names that stand for them: placeholders, and names that were given to them.
    names: BTreeMap<String, usize>,
    instances: &'b mut [Instance<'a>],
    /// Pipelines whose head is elsewhere than their name.
    heads: BTreeMap<String, Ident>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl<'a, 'b> Wiring<'a, 'b> {
    /// Begins with the placeholders: `(name, index of the instance)`.
    pub(super) fn new(
        placeholders: impl IntoIterator<Item = (String, usize)>,
        instances: &'b mut [Instance<'a>],
    ) -> Self {
        Self { names: placeholders.into_iter().collect(), instances, heads: BTreeMap::new(), diagnostics: Vec::new() }
    }

    /// Rewrites all statements. Names are known before they are used, wherever they stand.
    pub(super) fn statements(&mut self, statements: Vec<Statement>) -> Vec<Statement> {
        let statements = self.take_names(statements);
        self.take_heads(&statements);
        statements.into_iter().flat_map(|statement| self.statement(statement)).collect()
    }

    /// `hb = monitor(…);` only names an instance, and `monitor(…);` only makes one.
    fn take_names(&mut self, statements: Vec<Statement>) -> Vec<Statement> {
        let mut rest = Vec::new();
        for statement in statements {
            match statement {
                Statement::Pipeline { name: Some(name), elements, .. } if self.is_instance_alone(&elements) => {
                    if let Some(instance) = self.instance_of(&elements[0]) {
                        self.names.insert(name.to_string(), instance);
                    }
                }
                // A use that is a statement of its own is joined to nothing.
                Statement::Pipeline { name: None, elements, .. } if self.is_instance_alone(&elements) => {}
                Statement::Loop { head, body, braces, end } => {
                    rest.push(Statement::Loop { head, body: self.take_names(body), braces, end })
                }
                other => rest.push(other),
            }
        }
        rest
    }

    /// A named pipeline that goes through an instance is cut, so what is written to its name goes to a head of its own.
    fn take_heads(&mut self, statements: &[Statement]) {
        for statement in statements {
            match statement {
                Statement::Pipeline { name: Some(name), elements, .. } => {
                    if elements.iter().any(|element| self.instance_of(element).is_some()) {
                        self.heads.insert(name.to_string(), format_ident!("{}__head", name, span = name.span()));
                    }
                }
                Statement::Loop { body, .. } => self.take_heads(body),
                Statement::Pipeline { name: None, .. } | Statement::Other(_) => {}
            }
        }
    }

    fn is_instance_alone(&self, elements: &[Element]) -> bool {
        is_alone(elements, &|name| self.names.contains_key(&name.to_string()))
    }

    fn statement(&mut self, statement: Statement) -> Vec<Statement> {
        match statement {
            Statement::Pipeline { name, elements, end } => self.pipeline(name, elements, &end),
            Statement::Loop { head, body, braces, end } => {
                let body = body.into_iter().flat_map(|statement| self.statement(statement)).collect();
                vec![Statement::Loop { head, body, braces, end }]
            }
            other => vec![other],
        }
    }

    /// Cuts a pipeline at its instances. Of a named one the first part is its head, the last part has its name.
    fn pipeline(&mut self, name: Option<Ident>, elements: Vec<Element>, end: &TokenTree) -> Vec<Statement> {
        let count = elements.len();
        let mut parts: Vec<Vec<Element>> = vec![Vec::new()];
        for (at, element) in elements.into_iter().enumerate() {
            let (first, last) = (at == 0, at + 1 == count);
            match self.instance_of(&element) {
                None => self.plain(element, [first, last && name.is_none()], &mut parts),
                Some(instance) => {
                    let place = element.core.first().map_or_else(Span::call_site, TokenTree::span);
                    if !first || name.is_some() {
                        let input = self.instances[instance].port(Direction::Input, element.inn.as_ref(), place);
                        // At the head of a named pipeline nothing has to come in.
                        self.enter(input, !first, &mut parts);
                    }
                    if !last || name.is_some() {
                        parts.push(Vec::new());
                        let output = self.instances[instance].port(Direction::Output, element.out.as_ref(), place);
                        self.enter(output, true, &mut parts);
                        if let (Some(part), false) = (parts.last_mut().and_then(|part| part.last_mut()), last) {
                            part.arrow = element.arrow;
                        }
                    }
                }
            }
        }
        self.named(name, parts, end)
    }

    fn instance_of(&self, element: &Element) -> Option<usize> {
        self.names.get(&element.name()?.to_string()).copied()
    }

    /// Puts a port's pipeline into the part that is open. Where it is not needed, its absence is fine.
    fn enter(&mut self, port: Result<Ident, Box<Diagnostic>>, needed: bool, parts: &mut [Vec<Element>]) {
        match port {
            Ok(pipeline) => {
                if let Some(part) = parts.last_mut() {
                    part.push(Element::of_name(pipeline));
                }
            }
            Err(diagnostic) if needed => self.diagnostics.push(*diagnostic),
            Err(_) => {}
        }
    }

    /// An element of the user's own. A name whose head is elsewhere is entered there, and left at its end.
    fn plain(&mut self, mut element: Element, [first, last]: [bool; 2], parts: &mut Vec<Vec<Element>>) {
        let head = element.name().and_then(|name| self.heads.get(&name.to_string())).filter(|_| !first).cloned();
        if let (Some(head), Some(part)) = (head, parts.last_mut()) {
            let way_in = Element { inn: element.inn.take(), ..Element::of_name(head) };
            part.push(way_in);
            if last {
                return;
            }
            parts.push(Vec::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push(element);
        }
    }

    fn named(&self, name: Option<Ident>, parts: Vec<Vec<Element>>, end: &TokenTree) -> Vec<Statement> {
        let parts: Vec<Vec<Element>> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let last = parts.len().saturating_sub(1);
        let statement = |(at, mut elements): (usize, Vec<Element>)| {
            if let Some(element) = elements.last_mut() {
                element.arrow.clear();
            }
            let given = match &name {
                Some(name) if at == last => Some(name.clone()),
                Some(name) if at == 0 => self.heads.get(&name.to_string()).cloned(),
                _ => None,
            };
            Statement::Pipeline { name: given, elements, end: end.clone() }
        };
        parts.into_iter().enumerate().map(statement).collect()
    }
}
