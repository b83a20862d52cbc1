//! The rounds of a cycle in the generated code: only in the first round of a tick a join says what it remembers.
//!
//! In the compiler's code a join takes each run for a new tick, and gives all its matches again. In a cycle that would be right, as they are not new
//! a second time, and slow: as many times all matches as there are rounds. So the word in the generated code that says "new tick" is replaced: by `false` where
//! the join remembers nothing across ticks, otherwise by a flag that the clock of the cycle sets and the first round takes down.

use std::collections::BTreeMap;

use hydroflow_lang::graph::GraphNodeId;
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{format_ident, quote};

/// The joins that stand in cycles.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    /// The end of the name of a join's state, and the flag that is up in the first round if it remembers anything.
    joins: BTreeMap<String, Option<Ident>>,
}

impl Rounds {
    /// Adds a join. With `remembers`, returns the name of the flag that must be put up when a tick begins.
    pub(super) fn add(&mut self, join: GraphNodeId, remembers: bool) -> Option<Ident> {
        let flag =
            remembers.then(|| format_ident!("__hydro_first_round_{}", self.joins.len(), span = Span::call_site()));
        let text = format!("{join:?}");
        let number = text.trim_start_matches(|c: char| !c.is_ascii_digit()).trim_end_matches(')');
        self.joins.insert(format!("_node_{number}_joindata_rhs"), flag.clone());
        flag
    }

    /// Returns the declarations of the flags.
    pub(super) fn flags(&self) -> TokenStream {
        let flags = self.joins.values().flatten();
        quote!(#( let #flags = ::core::cell::Cell::new(true); )*)
    }

    /// Tells the joins in generated code which round it is.
    pub(super) fn tell(&self, code: TokenStream) -> TokenStream {
        if self.joins.is_empty() { code } else { self.stream(code) }
    }

    fn stream(&self, code: TokenStream) -> TokenStream {
        let tree = |tree| match tree {
            TokenTree::Group(group) => {
                let mut inner = self.stream(group.stream());
                if group.delimiter() == Delimiter::Parenthesis {
                    inner = self.arguments(inner);
                }
                let mut told = Group::new(group.delimiter(), inner);
                told.set_span(group.span());
                TokenTree::Group(told)
            }
            other => other,
        };
        code.into_iter().map(tree).collect()
    }

    /// The arguments of a join end in `&mut …_joindata_rhs, true`.
    fn arguments(&self, arguments: TokenStream) -> TokenStream {
        let mut trees: Vec<TokenTree> = arguments.into_iter().collect();
        if let [.., TokenTree::Ident(state), TokenTree::Punct(_), TokenTree::Ident(new_tick)] = trees.as_slice()
            && new_tick == "true"
            && let Some(flag) = self.flag(&state.to_string())
        {
            trees.pop();
            let first = match flag {
                Some(flag) => quote!(#flag.replace(false)),
                None => quote!(false),
            };
            trees.extend(first);
        }
        trees.into_iter().collect()
    }

    fn flag(&self, state: &str) -> Option<&Option<Ident>> {
        let at = state.find("_node_")?;
        self.joins.get(&state[at..])
    }
}
