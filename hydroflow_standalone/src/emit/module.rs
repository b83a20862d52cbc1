//! The Rust functions of a program: one per module, and `fn main` with the program's description.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Ident;

use crate::graph::{Dataflow, port_value, runtime_root};
use crate::interface::{Addressing, Direction, ModuleInterface};
use crate::resolve::{ResolvedModule, ResolvedParam, ResolvedPort};

/// Returns the name of a module's function.
pub(super) fn function_name(module: &ResolvedModule) -> Ident {
    format_ident!("module_{}", module.name, span = Span::call_site())
}

/// Returns a module's function. That of the program binds its ports and parameters to the outside; that of another module is given them.
pub(crate) fn module_function(module: &ResolvedModule, dataflow: &Dataflow) -> TokenStream {
    if module.name == "main" {
        bound_function(module, dataflow)
    } else {
        open_function(module, dataflow, &function_name(module), &TokenStream::new())
    }
}

fn bound_function(module: &ResolvedModule, dataflow: &Dataflow) -> TokenStream {
    let name = function_name(module);
    let bindings = Ident::new("__hydro_bindings", Span::call_site());
    let params = module.params.iter().map(|param| bind_param(param, &bindings));
    let ports = module.ports.iter().map(|port| bind_port(port, &bindings));
    let Dataflow { values, code, .. } = dataflow;
    let dfir = dfir_type(&quote!(+ use<>));
    quote! {
        #[allow(unused_mut, unused_variables, dead_code, non_snake_case)]
        fn #name(#bindings: &mut ::hydro_runtime_shim::private::Bindings) -> ::core::result::Result<
            #dfir,
            ::hydro_runtime_shim::private::BindError,
        > {
            #( #params )*
            #( #ports )*
            #values
            ::core::result::Result::Ok(#code)
        }
    }
}

/// Items of a module that is no program never leave the process, so nothing is asked of their types.
pub(super) fn open_function(
    module: &ResolvedModule,
    dataflow: &Dataflow,
    name: &Ident,
    visibility: &TokenStream,
) -> TokenStream {
    let root = runtime_root();
    let ports = module.ports.iter().map(|port| {
        let (value, ty) = (port_value(port), &port.ty);
        match port.direction {
            Direction::Input => quote!(#value: impl #root::futures::Stream<Item = #ty> + ::core::marker::Unpin + 'static),
            Direction::Output => {
                quote!(#value: impl #root::futures::Sink<#ty, Error = ::core::convert::Infallible> + ::core::marker::Unpin + 'static)
            }
        }
    });
    let params = module.params.iter().map(|ResolvedParam { name, ty, .. }| quote!(#name: #ty));
    let Dataflow { values, code, .. } = dataflow;
    let dfir = dfir_type(&TokenStream::new());
    quote! {
        #[allow(unused_mut, unused_variables, unused_imports, dead_code, non_snake_case, clippy::too_many_arguments)]
        #visibility fn #name(#( #ports, )* #( #params, )*) -> #dfir {
            #values
            #code
        }
    }
}

fn dfir_type(captures: &TokenStream) -> TokenStream {
    let root = runtime_root();
    quote! {
        #root::scheduled::context::Dfir<
            impl for<'a> ::core::ops::AsyncFnMut(&'a mut #root::scheduled::context::Context) -> bool + 'static #captures
        >
    }
}

fn bind_param(param: &ResolvedParam, bindings: &Ident) -> TokenStream {
    let ResolvedParam { name, ty, default } = param;
    let text = Literal::string(&plain_name(name));
    let default = match default {
        Some(default) => quote!(::core::option::Option::Some(|| { let default: #ty = #default; default })),
        None => quote!(::core::option::Option::None),
    };
    quote_spanned!(name.span()=> let #name: #ty = #bindings.param::<#ty>(#text, #default)?;)
}

fn bind_port(port: &ResolvedPort, bindings: &Ident) -> TokenStream {
    let (value, payload) = (port_value(port), &port.payload);
    let method = match (port.direction, port.addressing) {
        (Direction::Input, Addressing::Plain) => "input_plain",
        (Direction::Input, Addressing::Socket) => "input_socket",
        (Direction::Input, Addressing::Member) => "input_member",
        (Direction::Output, Addressing::Plain) => "output_plain",
        (Direction::Output, Addressing::Socket) => "output_socket",
        (Direction::Output, Addressing::Member) => "output_member",
    };
    let method = Ident::new(method, port.name.span());
    let name = Literal::string(&plain_name(&port.name));
    let ty = &port.ty;
    quote_spanned! {port.name.span()=>
        // The whole type as written: names that only it uses count as used, and what is wrong with it is said there.
        let _ = ::core::marker::PhantomData::<#ty>;
        let #value = #bindings.#method::<#payload>(#name);
    }
}

fn plain_name(name: &Ident) -> String {
    name.to_string().trim_start_matches("r#").to_owned()
}

/// Returns `fn main` of a program: its description, and the call that runs `module main`.
pub(crate) fn main_function(module: &ResolvedModule, program: &str, source: &str) -> TokenStream {
    let ModuleInterface { doc, .. } = &module.interface;
    let ports = module.ports.iter().zip(&module.interface.ports).map(|(port, interface)| {
        let direction =
            Ident::new(if port.direction == Direction::Input { "Input" } else { "Output" }, Span::call_site());
        let addressing = match port.addressing {
            Addressing::Plain => quote!(Plain),
            Addressing::Socket => quote!(Socket),
            Addressing::Member => quote!(Member),
        };
        let (payload, name) = (&port.payload, plain_name(&port.name));
        let (type_text, doc) = (&interface.type_text, &interface.doc);
        let line = Literal::u32_unsuffixed(u32::try_from(interface.line).unwrap_or(0));
        quote! {
            ::hydro_runtime_shim::private::Port {
                name: #name,
                direction: ::hydro_runtime_shim::contract::Direction::#direction,
                addressing: ::hydro_runtime_shim::contract::Addressing::#addressing,
                type_text: #type_text,
                doc: #doc,
                line: #line,
                type_name: ::core::any::type_name::<#payload>,
                type_id: ::core::any::TypeId::of::<#payload>,
                moves: {
                    #[allow(unused_imports)]
                    use ::hydro_runtime_shim::private::Stays as _;
                    ::hydro_runtime_shim::private::Moves::<#payload>::BETWEEN_THREADS
                },
            }
        }
    });
    let params = module.interface.params.iter().map(|param| {
        let (name, type_text, doc) = (param.name.trim_start_matches("r#"), &param.type_text, &param.doc);
        let default = match &param.default {
            Some(default) => quote!(::core::option::Option::Some(#default)),
            None => quote!(::core::option::Option::None),
        };
        quote!(::hydro_runtime_shim::private::Param { name: #name, type_text: #type_text, default: #default, doc: #doc })
    });
    let function = function_name(module);
    quote! {
        pub fn main() -> ::std::process::ExitCode {
            static PROGRAM: ::hydro_runtime_shim::private::Program = ::hydro_runtime_shim::private::Program {
                name: #program,
                source: #source,
                doc: #doc,
                ports: &[#( #ports ),*],
                params: &[#( #params ),*],
            };
            ::hydro_runtime_shim::private::run(&PROGRAM, #function)
        }
    }
}
