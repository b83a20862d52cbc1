//! Outputs may be written within a `loop`, however deep.
//!
//! An output's sink stands outside of all loops, and what leaves a loop must pass `all_iterations()`. So each loop that writes an output gets a
//! pipeline of its own for it, which leaves the loop into the one around it, and so on to the sink. What an output gets in a tick, and in which order,
//! is what its writers wrote. Knows nothing of what is in the loops besides.

use hydroflow_lang::parse::{DfirCode, DfirStatement, LoopStatement, Pipeline};
use proc_macro2::Ident;
use quote::{format_ident, quote_spanned};

use crate::interface::Direction;
use crate::resolve::{ResolvedModule, ResolvedPort};

/// Leads what loops write into outputs out of them.
pub(super) fn loops(module: &ResolvedModule, statements: Vec<DfirStatement>) -> Vec<DfirStatement> {
    let outputs = module.ports.iter().filter(|port| port.direction == Direction::Output).collect();
    let mut leaving = Leaving { outputs, count: 0 };
    leaving.level(statements)
}

struct Leaving<'a> {
    outputs: Vec<&'a ResolvedPort>,
    count: usize,
}

impl Leaving<'_> {
    /// Leads what the loops among these statements write to where the statements stand.
    fn level(&mut self, statements: Vec<DfirStatement>) -> Vec<DfirStatement> {
        let mut out = Vec::with_capacity(statements.len());
        for statement in statements {
            match statement {
                DfirStatement::Loop(mut inner) => {
                    inner.statements = self.level(std::mem::take(&mut inner.statements));
                    let left = self.leave(&mut inner);
                    out.push(DfirStatement::Loop(inner));
                    out.extend(left);
                }
                other => out.push(other),
            }
        }
        out
    }

    /// Gives a loop pipelines for the outputs it writes; returns the statements that lead on from there.
    fn leave(&mut self, inner: &mut LoopStatement) -> Vec<DfirStatement> {
        let mut left = Vec::new();
        for port in self.outputs.clone() {
            let name = format_ident!("__hydro_leaving_{}_{}", self.count, port.name, span = port.name.span());
            let mut times = 0;
            for statement in &mut inner.statements {
                match statement {
                    DfirStatement::Named(named) => rename(&mut named.pipeline, &port.name, &name, &mut times),
                    DfirStatement::Pipeline(plain) => rename(&mut plain.pipeline, &port.name, &name, &mut times),
                    DfirStatement::Loop(_) | DfirStatement::Use(_) => {}
                }
            }
            if times > 0 {
                self.count += 1;
                let output = &port.name;
                let span = output.span();
                inner.statements.extend(parsed(quote_spanned!(span=> #name = union();)));
                left.extend(parsed(quote_spanned!(span=> #name -> all_iterations() -> #output;)));
            }
        }
        left
    }
}

fn parsed(statement: proc_macro2::TokenStream) -> Vec<DfirStatement> {
    syn::parse2::<DfirCode>(statement).map(|code| code.statements).unwrap_or_default()
}

/// Renames a pipeline that is named in another; each use keeps its place.
fn rename(pipeline: &mut Pipeline, from: &Ident, to: &Ident, times: &mut usize) {
    match pipeline {
        Pipeline::Name(named) if named.inner == *from => {
            named.inner = Ident::new(&to.to_string(), named.inner.span());
            *times += 1;
        }
        Pipeline::Link(link) => {
            rename(&mut link.lhs, from, to, times);
            rename(&mut link.rhs, from, to, times);
        }
        Pipeline::Paren(paren) => rename(&mut paren.inner.pipeline, from, to, times),
        Pipeline::Name(_) | Pipeline::Operator(_) | Pipeline::ModuleBoundary(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::source::SourceFile;
    use crate::{Options, Products, compile};

    fn mermaid(body: &str) -> String {
        let text = format!("module main(input numbers: u8, output out: u8) {{ {body} }}");
        let options = Options {
            program: "p".to_owned(),
            graph: Default::default(),
            products: Products::All,
            root: String::new(),
        };
        let (compilation, diagnostics) = compile(&SourceFile::new("p.hf", text), &options);
        compilation.unwrap_or_else(|| panic!("{diagnostics:?}")).graphs[0].mermaid.clone()
    }

    #[test]
    fn what_loops_write_leaves_each_loop_once() {
        let one = mermaid("loop { a = numbers -> batch() -> tee(); a -> out; a -> map(|n| n + 1) -> out; };");
        assert_eq!(one.matches("all_iterations()").count(), 1, "{one}");
        let deep = mermaid("loop { a = numbers -> batch() -> tee(); a -> out; loop { a -> batch() -> out; }; };");
        assert_eq!(deep.matches("all_iterations()").count(), 2, "{deep}");
    }

    #[test]
    fn without_loops_nothing_is_put_in() {
        assert!(!mermaid("numbers -> out;").contains("all_iterations"));
    }
}
