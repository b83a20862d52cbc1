//! `(T, SocketAddr)` and `(T, MemberId)`: which ports carry an address beside their payload.
//!
//! Follows `use … as …` and `type …` of the same file; a name from elsewhere that hides a tuple is taken as the payload itself.

use std::collections::BTreeMap;

use quote::ToTokens;
use syn::{Item, Type, UseTree};

use crate::ast::File;
use crate::interface::Addressing;

/// The file's own names for types: `use a::B as C` and `type C = B`.
pub(super) struct Names {
    renamed: BTreeMap<String, String>,
    aliases: BTreeMap<String, Type>,
}

impl Names {
    pub(super) fn of(file: &File) -> Self {
        let mut names = Self { renamed: BTreeMap::new(), aliases: BTreeMap::new() };
        for item in &file.items {
            match &item.item {
                Item::Use(item) => names.add_use(&item.tree),
                Item::Type(item) if item.generics.params.is_empty() => {
                    names.aliases.insert(item.ident.to_string(), (*item.ty).clone());
                }
                _ => {}
            }
        }
        names
    }

    fn add_use(&mut self, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => self.add_use(&path.tree),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_use(tree)),
            UseTree::Rename(rename) => {
                self.renamed.insert(rename.rename.to_string(), rename.ident.to_string());
            }
            UseTree::Name(_) | UseTree::Glob(_) => {}
        }
    }

    /// Returns how a port's items are addressed and what their payload is.
    pub(super) fn split(&self, ty: &Type) -> (Addressing, Type) {
        let ty = self.unaliased(ty);
        if let Type::Tuple(tuple) = &ty
            && tuple.elems.len() == 2
            && let (Some(payload), Some(address)) = (tuple.elems.first(), tuple.elems.last())
            && let Some(addressing) = self.address(address)
        {
            return (addressing, payload.clone());
        }
        (Addressing::Plain, ty)
    }

    fn address(&self, ty: &Type) -> Option<Addressing> {
        let Type::Path(path) = self.unaliased(ty) else { return None };
        let last = path.path.segments.last()?;
        let name = last.ident.to_string();
        match self.renamed.get(&name).unwrap_or(&name).as_str() {
            "SocketAddr" => Some(Addressing::Socket),
            "MemberId" => Some(Addressing::Member),
            _ => None,
        }
    }

    /// Follows the file's own aliases; a chain of aliases is never longer than there are aliases.
    fn unaliased(&self, ty: &Type) -> Type {
        let mut ty = ty.clone();
        for _ in 0..=self.aliases.len() {
            let Type::Path(path) = &ty else { break };
            let Some(ident) = path.path.get_ident() else { break };
            match self.aliases.get(&ident.to_string()) {
                Some(behind) if self.is_tuple_or_alias(behind) => ty = behind.clone(),
                _ => break,
            }
        }
        ty
    }

    /// Only what may turn out to be a tuple or an address is looked through, so that a type keeps the name its author gave it.
    fn is_tuple_or_alias(&self, ty: &Type) -> bool {
        matches!(ty, Type::Tuple(_)) || ty.to_token_stream().to_string().ends_with("SocketAddr") || self.is_alias(ty)
    }

    fn is_alias(&self, ty: &Type) -> bool {
        matches!(ty, Type::Path(path) if path.path.get_ident().is_some_and(|ident| self.aliases.contains_key(&ident.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    fn addressing(text: &str) -> (Addressing, String) {
        let source = SourceFile::new("x.hf", text);
        let (file, diagnostics) = crate::parse::parse(&source, 0);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        let (addressing, payload) = Names::of(&file).split(&file.modules[0].ports[0].ty);
        (addressing, payload.to_token_stream().to_string())
    }

    #[test]
    fn the_shape_of_the_type_decides() {
        assert_eq!(addressing("module main(input a: u8) {}"), (Addressing::Plain, "u8".into()));
        assert_eq!(addressing("module main(input a: (u8, u8)) {}").0, Addressing::Plain);
        assert_eq!(addressing("module main(input a: (u8, SocketAddr)) {}"), (Addressing::Socket, "u8".into()));
        assert_eq!(addressing("module main(input a: (u8, std::net::SocketAddr)) {}").0, Addressing::Socket);
        assert_eq!(addressing("module main(input a: ((u8, u8), MemberId)) {}").0, Addressing::Member);
    }

    #[test]
    fn names_of_the_file_are_followed() {
        assert_eq!(
            addressing("use std::net::SocketAddr as Peer; module main(input a: (u8, Peer)) {}").0,
            Addressing::Socket
        );
        assert_eq!(
            addressing("use std::net::SocketAddr; type Item = (String, SocketAddr); module main(input a: Item) {}"),
            (Addressing::Socket, "String".into())
        );
        assert_eq!(addressing("type P = std::net::SocketAddr; module main(input a: (u8, P)) {}").0, Addressing::Socket);
        assert_eq!(addressing("type A = B; type B = A; module main(input a: A) {}").0, Addressing::Plain);
        assert_eq!(addressing("type Name = String; module main(input a: Name) {}"), (Addressing::Plain, "Name".into()));
    }
}
