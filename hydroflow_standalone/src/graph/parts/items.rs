//! Items in bodies of used modules: all bodies become one, so where two have an item of the same name, the later one's gets another.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Item;

use super::rename::Renaming;
use crate::resolve::ResolvedModule;

/// The items of the modules that are written out together.
#[derive(Default)]
pub(super) struct Items {
    taken: BTreeSet<String>,
    renamed: BTreeMap<usize, BTreeMap<String, String>>,
    /// All items but those of the module that is written out.
    pub(super) tokens: TokenStream,
}

impl Items {
    /// Begins with the module that is written out, whose items keep their names.
    pub(super) fn new(module: &ResolvedModule) -> Self {
        Self { taken: names(module), ..Self::default() }
    }

    /// Takes in the items of the module `at`, once; returns what their names become.
    pub(super) fn of(&mut self, at: usize, module: &ResolvedModule) -> &BTreeMap<String, String> {
        let Self { taken, renamed, tokens } = self;
        renamed.entry(at).or_insert_with(|| {
            let mut values = BTreeMap::new();
            for name in names(module) {
                if !taken.insert(name.clone()) {
                    let other = (at..).map(|number| another(&name, number)).find(|other| taken.insert(other.clone()));
                    values.extend(other.map(|other| (name, other)));
                }
            }
            let renaming = Renaming { values: values.clone(), ..Renaming::default() };
            tokens.extend(module.items.iter().map(|item| renaming.expression(item.to_token_stream(), false)));
            values
        })
    }
}

/// The names of the items in a module's body.
pub(super) fn names(module: &ResolvedModule) -> BTreeSet<String> {
    module.items.iter().filter_map(name).collect()
}

/// A name of the same shape, so that rustc does not complain of it.
fn another(name: &str, number: usize) -> String {
    match (name.starts_with(char::is_uppercase), name.contains(char::is_lowercase)) {
        (true, true) => format!("{name}Of{number}"),
        (true, false) => format!("{name}_OF_{number}"),
        (false, _) => format!("{name}_of_{number}"),
    }
}

fn name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}
