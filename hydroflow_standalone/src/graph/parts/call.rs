//! Finds the uses of modules in a body: `relay()`, `monitor(period_ms: 200)`, `relay::<u32>()`.
//!
//! A use is put away behind a name, so that the rest of the body is ordinary surface syntax.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};

use super::statement::{is_mark, opens_pipelines};

/// One use of a module.
pub(super) struct Call {
    /// The name that stands for it in the body.
    pub(super) placeholder: String,
    /// The path as written, one word per segment.
    pub(super) path: Vec<Ident>,
    /// Type arguments between `::<` and `>`.
    pub(super) generics: TokenStream,
    /// The arguments between the parentheses.
    pub(super) arguments: Group,
}

impl Call {
    /// Returns where the module's name stands.
    pub(super) fn span(&self) -> Span {
        self.path.last().map_or_else(Span::call_site, Ident::span)
    }
}

/// Takes the uses of modules out of a body. `is_module` knows which paths are modules.
pub(super) fn extract(body: TokenStream, is_module: &dyn Fn(&[Ident]) -> bool, calls: &mut Vec<Call>) -> TokenStream {
    let trees: Vec<TokenTree> = body.into_iter().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while at < trees.len() {
        if let Some((mut call, length)) = call_at(&trees, at)
            && is_module(&call.path)
        {
            call.placeholder = format!("__hf_part_{}", calls.len());
            out.push(Ident::new(&call.placeholder, call.span()).into());
            calls.push(call);
            at += length;
            continue;
        }
        match &trees[at] {
            TokenTree::Group(group) if opens_pipelines(group, &trees[..at]) => {
                let mut inner = Group::new(group.delimiter(), extract(group.stream(), is_module, calls));
                inner.set_span(group.span());
                out.push(inner.into());
            }
            other => out.push(other.clone()),
        }
        at += 1;
    }
    out.into_iter().collect()
}

/// Reads a path, type arguments and parentheses, as an operator has them.
fn call_at(trees: &[TokenTree], start: usize) -> Option<(Call, usize)> {
    if start > 0 && (is_mark(&trees[start - 1], '.') || is_mark(&trees[start - 1], ':')) {
        return None;
    }
    let mut path = Vec::new();
    let mut generics = TokenStream::new();
    let mut at = start;
    loop {
        let TokenTree::Ident(word) = trees.get(at)? else { return None };
        path.push(word.clone());
        at += 1;
        match trees.get(at)? {
            TokenTree::Group(arguments) if arguments.delimiter() == Delimiter::Parenthesis => {
                let call = Call { placeholder: String::new(), path, generics, arguments: arguments.clone() };
                return Some((call, at + 1 - start));
            }
            mark if is_mark(mark, ':') && trees.get(at + 1).is_some_and(|next| is_mark(next, ':')) => at += 2,
            _ => return None,
        }
        if trees.get(at).is_some_and(|next| is_mark(next, '<')) {
            let length = angle_length(&trees[at..])?;
            generics = trees[at + 1..at + length - 1].iter().cloned().collect();
            at += length;
            let TokenTree::Group(arguments) = trees.get(at)? else { return None };
            let call = Call { placeholder: String::new(), path, generics, arguments: arguments.clone() };
            return (arguments.delimiter() == Delimiter::Parenthesis).then_some((call, at + 1 - start));
        }
    }
}

/// How many trees `<…>` takes.
fn angle_length(trees: &[TokenTree]) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, tree) in trees.iter().enumerate() {
        let arrow = at > 0 && (is_mark(&trees[at - 1], '-') || is_mark(&trees[at - 1], '='));
        if is_mark(tree, '<') {
            depth += 1;
        } else if is_mark(tree, '>') && !arrow {
            depth -= 1;
            if depth == 0 {
                return Some(at + 1);
            }
        }
    }
    None
}
