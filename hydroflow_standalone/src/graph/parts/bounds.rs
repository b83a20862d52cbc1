//! What a generic module asks of its types is asked where it is used, so that what does not fit is told there and not within the module.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Generics, Type};

use super::scope::{block, stands_in};
use crate::resolve::ResolvedModule;

/// The type parameters of a module whose bounds are to be asked about.
pub(super) struct Bounds<'a> {
    module: &'a ResolvedModule,
    generics: Generics,
    /// Bounded type parameters that no port has asked about yet.
    open: Vec<Ident>,
}

impl<'a> Bounds<'a> {
    pub(super) fn new(module: &'a ResolvedModule) -> Self {
        let is_list =
            |tree: &TokenTree| matches!(tree, TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis);
        let head: TokenStream = module.header.clone().into_iter().skip(1).take_while(|tree| !is_list(tree)).collect();
        let generics: Generics = syn::parse2(head).unwrap_or_default();
        let bounded = generics.type_params().filter(|param| !param.bounds.is_empty());
        let open = bounded.map(|param| param.ident.clone()).collect();
        Self { module, generics, open }
    }

    /// Returns an operator that asks what the type of a port tells, with the answer at `place`; none: nothing is left to be asked there.
    pub(super) fn ask(&mut self, ty: &Type, scope: Option<&str>, place: Span) -> Option<TokenStream> {
        let in_type = |name: &Ident| stands_in(name, ty.to_token_stream());
        if !self.open.iter().any(in_type) {
            return None;
        }
        self.open.retain(|name| !in_type(name));
        let params = self.generics.type_params().filter(|param| in_type(&param.ident)).map(|param| {
            let (name, bounds) = (&param.ident, &param.bounds);
            let others = self.module.generics.iter().filter(|other| !in_type(other));
            // Bounds that speak of types which this port does not tell cannot be asked here.
            let is_whole = others.into_iter().all(|other| !stands_in(other, bounds.to_token_stream()));
            if is_whole && !bounds.is_empty() { quote!(#name: #bounds) } else { quote!(#name) }
        });
        let asked = Ident::new(&format!("accepted_by_{}", self.module.name), place);
        let check = quote!(fn #asked<#( #params ),*>(_: &#ty) {} #asked);
        let check: TokenStream = match scope {
            Some(path) => block(check, path).into(),
            None => quote!({ #check }),
        };
        Some(quote_spanned!(place=> -> inspect(#check)))
    }
}
