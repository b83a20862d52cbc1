//! The syntax tree as an outline for people and golden tests.

use std::fmt::Write;

use crate::ast::File;
use crate::parse::span_of;
use crate::resolve::Resolved;
use crate::source::SourceFile;

/// Draws the tree of a file: items, modules, ports, parameters and statements, each with its line.
pub(crate) fn outline(source: &SourceFile, resolved: &Resolved) -> String {
    let mut text = String::new();
    let File { items, modules, .. } = &resolved.files[0].file;
    let line = |offset: usize| source.line_column(offset).0;
    for item in items {
        let first = source.slice(&item.span).lines().next().unwrap_or_default().trim_end();
        put(&mut text, format_args!("item {first}  // line {}\n", line(item.span.start)));
    }
    for (module, resolved) in modules.iter().zip(&resolved.modules) {
        put(&mut text, format_args!("module {}  // line {}\n", module.name, line(module.keyword.start)));
        for port in &resolved.interface.ports {
            let addressed = format!("{:?}", port.addressing).to_lowercase();
            let (word, name, ty) = (port.direction.word(), &port.name, &port.type_text);
            put(&mut text, format_args!("  {word} {name}: {ty} ({addressed})  // line {}\n", port.line));
        }
        for param in &resolved.interface.params {
            let default = param.default.as_ref().map(|default| format!(" = {default}")).unwrap_or_default();
            put(
                &mut text,
                format_args!("  param {}: {}{default}  // line {}\n", param.name, param.type_text, param.line),
            );
        }
        for statement in statements(source, module) {
            put(&mut text, format_args!("  {}  // line {}\n", statement.1, line(statement.0)));
        }
    }
    text
}

/// The body's statements, each on one line with single spaces.
fn statements(source: &SourceFile, module: &crate::ast::Module) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut open = false;
    for tree in module.body.clone() {
        let span = span_of(tree.span());
        match found.last_mut() {
            Some(last) if open => last.1 = span.end,
            _ => found.push((span.start, span.end)),
        }
        open = !matches!(&tree, proc_macro2::TokenTree::Punct(punct) if punct.as_char() == ';');
    }
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    found.into_iter().map(|(start, end)| (start, one_line(source.slice(&(start..end))))).collect()
}

fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(arguments);
}
