//! The whole way of one file through the stages, on a stack of its own.
//!
//! Parsers and the dataflow compiler recurse; limits in `parse` bound how deep, and the stack here is large enough for those limits in any build.

use std::collections::BTreeSet;
use std::thread;

use proc_macro2::TokenStream;

use crate::diagnostic::{Diagnostic, has_errors};
use crate::emit::{self, Layered};
use crate::graph::{self, Dataflow, Graph, GraphOptions};
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
        let whole = resolved.modules.iter().all(|module| module.header_is_sound);
        for (at, module) in resolved
            .modules
            .iter()
            .enumerate()
            .filter(|(_, module)| module.header_is_sound && (whole || module.name == "main"))
        {
            // A generic module has no types of its own; it is compiled where it is used.
            if !module.generics.is_empty() {
                continue;
            }
            let (result, found) = graph::compile(source, &resolved, module, options.graph);
            diagnostics.extend(found);
            compiled.extend(result.map(|dataflow| (at, dataflow)));
        }
        unique(&mut diagnostics);
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

/// What is wrong with a module is found again wherever it is used; it is told once.
fn unique(diagnostics: &mut Vec<Diagnostic>) {
    let mut told = BTreeSet::new();
    diagnostics.retain(|diagnostic| told.insert((diagnostic.code, diagnostic.primary.span.start, diagnostic.message.clone())));
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
    compiled: Vec<(usize, Dataflow)>,
    options: &Options,
) -> Compilation {
    let used: BTreeSet<usize> = compiled.iter().flat_map(|(_, dataflow)| dataflow.parts.iter().copied()).collect();
    let mut functions: Vec<emit::Function> = Vec::new();
    let mut graphs = Vec::new();
    for (at, dataflow) in compiled {
        let module = &resolved.modules[at];
        // A module that others use is compiled there; on its own it was only checked.
        if !used.contains(&at) {
            let mut code = emit::module_function(module, &dataflow);
            if module.name == "main" {
                code.extend(emit::main_function(module, &options.program, source.name()));
            }
            functions.push(emit::Function { module: at, code, parts: dataflow.parts });
        }
        graphs.push(dataflow.graph);
    }
    let all: TokenStream = functions.iter().map(|function| function.code.clone()).collect();
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
