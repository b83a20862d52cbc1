//! The syntax tree of one `.hf` file: values without meaning.
//!
//! Rust items are kept as tokens and module bodies too; what they mean is rustc's and `graph`'s affair.

use proc_macro2::{Ident, TokenStream};

use crate::interface::Direction;
use crate::source::Span;

/// One `.hf` file.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// Rust items around the modules, in order.
    pub items: Vec<RustItem>,
    /// Modules, in order.
    pub modules: Vec<Module>,
    /// `mod name;`: other files, in order.
    pub submodules: Vec<Submodule>,
}

/// `mod name;`
#[derive(Clone, Debug)]
pub struct Submodule {
    /// The name.
    pub name: Ident,
    /// The whole item.
    pub span: Span,
}

/// A Rust item, kept as it is.
#[derive(Clone, Debug)]
pub struct RustItem {
    /// The parsed item.
    pub item: syn::Item,
    /// Its text.
    pub span: Span,
}

/// `module name(ports and parameters) { body }`.
#[derive(Clone, Debug)]
pub struct Module {
    /// Doc comment without markers.
    pub doc: String,
    /// The word `module`.
    pub keyword: Span,
    /// The name.
    pub name: Ident,
    /// Type parameters, in order; their bounds stand in `header`.
    pub generics: Vec<Ident>,
    /// The name, the type parameters and the port list as they stand.
    pub header: TokenStream,
    /// Whether all of the header could be read; if not, names that the body says may be missing.
    pub header_is_whole: bool,
    /// Ports, in order.
    pub ports: Vec<Port>,
    /// Parameters, in order.
    pub params: Vec<Param>,
    /// The dataflow between the braces.
    pub body: TokenStream,
    /// The brace that opens the body.
    pub open_brace: Span,
    /// The brace that closes the body.
    pub close_brace: Span,
}

/// `input name: Type` or `output name: Type`.
#[derive(Clone, Debug)]
pub struct Port {
    /// Doc comment without markers.
    pub doc: String,
    /// `input` or `output`.
    pub direction: Direction,
    /// The name.
    pub name: Ident,
    /// The type of its items, with the address where there is one.
    pub ty: syn::Type,
}

/// `param name: Type = default`.
#[derive(Clone, Debug)]
pub struct Param {
    /// Doc comment without markers.
    pub doc: String,
    /// The name.
    pub name: Ident,
    /// The type.
    pub ty: syn::Type,
    /// The default; none: a value is required.
    pub default: Option<syn::Expr>,
}
