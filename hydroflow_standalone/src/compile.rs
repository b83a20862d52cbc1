//! The whole way of one file through the stages, on a stack of its own.
//!
//! Parsers and the dataflow compiler recurse; limits in `parse` bound how deep, and the stack here is large enough for those limits in any build.

use std::thread;

use proc_macro2::TokenStream;

use crate::diagnostic::{Diagnostic, has_errors};
use crate::emit::{self, Layered};
use crate::graph::{self, Graph, GraphOptions};
use crate::interface::ModuleInterface;
use crate::outline::outline;
use crate::parse::parse;
use crate::resolve::{self, Resolved};
use crate::source::SourceFile;

/// Enough for the limits of `parse` in an unoptimised build; only touched pages are real.
const STACK_BYTES: usize = 512 << 20;

/// What is wanted of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The program's name: the file's stem.
    pub program: String,
    /// How the dataflow is compiled.
    pub graph: GraphOptions,
    /// Which texts are made.
    pub products: Products,
}

/// Which texts are made of a file; each costs time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Products {
    /// Only what is needed to say what is wrong.
    Check,
    /// The program in its own layout, for building.
    Layered,
    /// Everything, for showing.
    All,
}

/// A file that compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compilation {
    /// The header of `module main`.
    pub main: ModuleInterface,
    /// The headers of all modules.
    pub modules: Vec<ModuleInterface>,
    /// The dataflow of each module, drawn.
    pub graphs: Vec<Graph>,
    /// The program in its own layout; with [`Products::Layered`] and [`Products::All`].
    pub layered: Option<Layered>,
    /// The program as ordinary Rust; with [`Products::All`].
    pub plain: Option<String>,
    /// The syntax tree as an outline; with [`Products::All`].
    pub outline: Option<String>,
    /// What rustc's recursion limit must be for the program.
    pub recursion_limit: usize,
}

/// Compiles a file. None: there are errors among the diagnostics.
#[must_use]
pub fn compile(source: &SourceFile, options: &Options) -> (Option<Compilation>, Vec<Diagnostic>) {
    on_large_stack(|| {
        let (resolved, mut diagnostics) = front(source);
        let mut compiled = Vec::new();
        for module in resolved.modules.iter().filter(|module| module.header_is_sound) {
            let (result, found) = graph::compile(source, module, options.graph);
            diagnostics.extend(found);
            compiled.extend(result);
        }
        let main = resolve::program(&resolved).map(|module| module.interface.clone());
        let main = match main {
            Ok(main) if !has_errors(&diagnostics) => main,
            Ok(_) => return (None, diagnostics),
            Err(diagnostic) => {
                // Where nothing could be read, the missing program is a consequence, not the cause.
                if !has_errors(&diagnostics) {
                    diagnostics.push(diagnostic);
                }
                return (None, diagnostics);
            }
        };
        (Some(products(source, &resolved, main, compiled, options)), diagnostics)
    })
}

/// Reads the headers of a file's modules, without looking at their bodies' dataflow.
#[must_use]
pub fn interfaces(source: &SourceFile) -> (Vec<ModuleInterface>, Vec<Diagnostic>) {
    on_large_stack(|| {
        let (resolved, diagnostics) = front(source);
        (resolved.modules.into_iter().map(|module| module.interface).collect(), diagnostics)
    })
}

fn front(source: &SourceFile) -> (Resolved, Vec<Diagnostic>) {
    let (file, mut diagnostics) = parse(source);
    let (resolved, found) = resolve::resolve(source, file);
    diagnostics.extend(found);
    (resolved, diagnostics)
}

fn products(
    source: &SourceFile,
    resolved: &Resolved,
    main: ModuleInterface,
    compiled: Vec<(Graph, TokenStream)>,
    options: &Options,
) -> Compilation {
    let (graphs, dataflows): (Vec<Graph>, Vec<TokenStream>) = compiled.into_iter().unzip();
    let functions: Vec<TokenStream> = resolved
        .modules
        .iter()
        .zip(&dataflows)
        .map(|(module, dataflow)| {
            let mut function = emit::module_function(module, dataflow);
            if module.name == "main" {
                function.extend(emit::main_function(module, &options.program, source.name()));
            }
            function
        })
        .collect();
    let all: TokenStream = functions.iter().cloned().collect();
    let wants = |products| options.products == products || options.products == Products::All;
    Compilation {
        main,
        modules: resolved.modules.iter().map(|module| module.interface.clone()).collect(),
        graphs,
        layered: wants(Products::Layered).then(|| emit::layered(source, resolved, &functions)),
        plain: if wants(Products::All) { emit::plain(resolved, &all, source.name()) } else { None },
        outline: wants(Products::All).then(|| outline(source, resolved)),
        recursion_limit: emit::recursion_limit(&all),
    }
}

/// Runs `work` on a thread with a large stack. Tokens stay on that thread; only texts come back.
fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let started = thread::Builder::new().name("hf".to_owned()).stack_size(STACK_BYTES).spawn_scoped(scope, work);
        match started.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(error) => panic!("cannot start a thread: {error}"),
        }
    })
}
