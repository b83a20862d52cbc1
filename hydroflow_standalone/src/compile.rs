//! The whole way of one file through the stages, on a stack of its own.
//!
//! Parsers and the dataflow compiler recurse; limits in `parse` bound how deep, and the stack here is large enough for those limits in any build.

use std::collections::BTreeSet;
use std::thread;

use proc_macro2::TokenStream;

use crate::diagnostic::{Diagnostic, has_errors};
use crate::emit::{self, Layered};
use crate::graph::{self, Dataflow, Graph, GraphOptions, Wanted};
use crate::interface::ModuleInterface;
use crate::outline::outline;
use crate::resolve::{self, Library, NoLibrary, Resolved, load};
use crate::source::{SourceFile, SourceMap};
use crate::standard;

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
    /// The Rust module that the program becomes a part of, as a name at the crate's root; empty: the crate's root itself.
    pub root: String,
}

/// Which texts are made of a file; each costs time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Products {
    /// Only what is needed to say what is wrong with a program.
    Check,
    /// The same of a file that may have modules alone.
    CheckLibrary,
    /// The program in its own layout, for building.
    Layered,
    /// The same of a file that may have modules alone, for checking.
    Library,
    /// A Rust function for each module, for a program that drives them itself.
    Embedded,
    /// Everything, for showing.
    All,
}

impl Products {
    fn is_check(self) -> bool {
        matches!(self, Self::Check | Self::CheckLibrary)
    }
}

/// A file that compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compilation {
    /// The header of `module main`.
    pub main: ModuleInterface,
    /// The headers of all modules.
    pub modules: Vec<ModuleInterface>,
    /// The files the program is made of, by the names users see; the main file is the first.
    pub files: Vec<String>,
    /// The dataflow of each module, drawn; with [`Products::All`].
    pub graphs: Vec<Graph>,
    /// The program in its own layout; with [`Products::Layered`] and [`Products::All`].
    pub layered: Option<Layered>,
    /// A Rust function for each module; with [`Products::Embedded`].
    pub embedded: Option<String>,
    /// The program as ordinary Rust; with [`Products::All`].
    pub plain: Option<String>,
    /// The syntax tree as an outline; with [`Products::All`].
    pub outline: Option<String>,
    /// What rustc's recursion limit must be for the program; of use for texts that were made.
    pub recursion_limit: usize,
}

/// A compilation, what there is to say of it, and the texts that the spans of the diagnostics refer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The program; none: there are errors.
    pub compilation: Option<Compilation>,
    /// What there is to say.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts of all files.
    pub sources: SourceMap,
}

/// Compiles a file that needs no other. None: there are errors among the diagnostics.
#[must_use]
pub fn compile(source: &SourceFile, options: &Options) -> (Option<Compilation>, Vec<Diagnostic>) {
    let outcome = compile_with(source, &NoLibrary, options);
    (outcome.compilation, outcome.diagnostics)
}

/// Compiles a file with those it names, which `library` provides.
#[must_use]
pub fn compile_with(source: &SourceFile, library: &dyn Library, options: &Options) -> Outcome {
    on_large_stack(|| {
        let (mut resolved, sources, mut diagnostics) = load(source, library);
        resolved.root.clone_from(&options.root);
        let compiled = compile_modules(&sources, &resolved, options, &mut diagnostics);
        unique(&mut diagnostics);
        let main = main_interface(&resolved, options.products);
        let compilation = match main {
            _ if has_errors(&diagnostics) => None,
            Ok(main) => Some(products(&sources, &resolved, main, compiled, options)),
            // Where something could not be read, the missing program is a consequence, not the cause.
            Err(diagnostic) => {
                diagnostics.push(*diagnostic);
                None
            }
        };
        Outcome { compilation, diagnostics, sources }
    })
}

fn main_interface(resolved: &Resolved, products: Products) -> Result<ModuleInterface, Box<Diagnostic>> {
    match resolve::program(resolved) {
        Ok(main) => Ok(main.interface.clone()),
        Err(_) if matches!(products, Products::Library | Products::CheckLibrary | Products::Embedded) => {
            Ok(ModuleInterface { name: "main".to_owned(), doc: String::new(), ports: Vec::new(), params: Vec::new() })
        }
        Err(diagnostic) => Err(Box::new(diagnostic)),
    }
}

fn compile_modules(
    sources: &SourceMap,
    resolved: &Resolved,
    options: &Options,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<(usize, Dataflow)> {
    let wanted =
        Wanted { options: options.graph, drawn: options.products == Products::All, code: !options.products.is_check() };
    let mut compiled = Vec::new();
    let whole = resolved.modules.iter().all(|module| module.header_is_sound);
    for (at, module) in resolved.modules.iter().enumerate() {
        let is_generic = !module.generics.is_empty();
        // The program of another file is that file's affair.
        let skipped = (module.file != 0 && module.name == "main")
            || ((is_generic || !wanted.code) && is_standard(resolved, module.file));
        if skipped || !module.header_is_sound || !(whole || module.name == "main") {
            continue;
        }
        // A generic module has no types of its own: code is made of it where it is used.
        let made = if is_generic { Wanted { drawn: false, code: false, ..wanted } } else { wanted };
        let (result, found) = graph::compile(sources, resolved, module, made);
        diagnostics.extend(found);
        compiled.extend(result.filter(|_| !is_generic).map(|dataflow| (at, dataflow)));
    }
    compiled
}

/// Nothing is wrong with the modules that come with the language; they are checked where they are used.
fn is_standard(resolved: &Resolved, file: usize) -> bool {
    let file = &resolved.files[file];
    standard::file_shown_as(&file.name).is_some_and(|known| known.text() == file.text)
}

/// What is wrong with a module is found again wherever it is used; it is told once.
fn unique(diagnostics: &mut Vec<Diagnostic>) {
    let mut told = BTreeSet::new();
    diagnostics
        .retain(|diagnostic| told.insert((diagnostic.code, diagnostic.primary.span.start, diagnostic.message.clone())));
    // A circle of modules is found from each of them.
    let mut circles = BTreeSet::new();
    diagnostics.retain(|diagnostic| {
        let labels = std::iter::once(&diagnostic.primary).chain(&diagnostic.secondary);
        let places: BTreeSet<usize> = labels.map(|label| label.span.start).collect();
        diagnostic.code != "HF0120" || circles.insert(places)
    });
    // So are too many of them.
    let mut is_first = true;
    diagnostics.retain(|diagnostic| diagnostic.code != "HF0125" || std::mem::take(&mut is_first));
    // A module whose file or import is wrong is unknown for that reason.
    if diagnostics.iter().any(|diagnostic| matches!(diagnostic.code, "HF0010" | "HF0012" | "HF0013" | "HF0014")) {
        diagnostics.retain(|diagnostic| diagnostic.code != "HF0108" || diagnostic.suggestion.is_some());
    }
}

/// Reads the headers of a file's modules and compiles as many of their bodies as can be, for showing; a program is not needed.
#[must_use]
pub fn drawings(
    source: &SourceFile,
    library: &dyn Library,
) -> (Vec<ModuleInterface>, Vec<Graph>, Vec<Diagnostic>, SourceMap) {
    on_large_stack(|| {
        let (resolved, sources, mut diagnostics) = load(source, library);
        let mut graphs = Vec::new();
        let drawn = |module: &&resolve::ResolvedModule| {
            module.file == 0 && module.header_is_sound && module.generics.is_empty()
        };
        for module in resolved.modules.iter().filter(drawn) {
            let wanted = Wanted { options: GraphOptions::default(), drawn: true, code: true };
            let (result, found) = graph::compile(&sources, &resolved, module, wanted);
            diagnostics.extend(found);
            graphs.extend(result.and_then(|dataflow| dataflow.graph));
        }
        unique(&mut diagnostics);
        let own = resolved.modules.into_iter().filter(|module| module.file == 0);
        (own.map(|module| module.interface).collect(), graphs, diagnostics, sources)
    })
}

/// Reads the headers of a file's modules, without looking at their bodies' dataflow.
#[must_use]
pub fn interfaces(source: &SourceFile) -> (Vec<ModuleInterface>, Vec<Diagnostic>) {
    on_large_stack(|| {
        let (resolved, _, mut diagnostics) = load(source, &NoLibrary);
        // Other files have nothing to do with this one's headers.
        diagnostics.retain(|diagnostic| !matches!(diagnostic.code, "HF0010" | "HF0013"));
        (resolved.modules.into_iter().map(|module| module.interface).collect(), diagnostics)
    })
}

fn products(
    sources: &SourceMap,
    resolved: &Resolved,
    main: ModuleInterface,
    compiled: Vec<(usize, Dataflow)>,
    options: &Options,
) -> Compilation {
    let embedded = if options.products == Products::Embedded { emit::embedded(resolved, &compiled) } else { None };
    let used: BTreeSet<usize> = compiled.iter().flat_map(|(_, dataflow)| dataflow.parts.iter().copied()).collect();
    let mut functions: Vec<emit::Function> = Vec::new();
    let mut graphs = Vec::new();
    for (at, dataflow) in compiled {
        let module = &resolved.modules[at];
        // A module that others use is compiled there, and one of another file only there; on its own it was only checked.
        if !used.contains(&at) && module.file == 0 && !options.products.is_check() {
            let mut code = emit::module_function(module, &dataflow);
            if module.name == "main" {
                code.extend(emit::main_function(module, &options.program, sources.name()));
            }
            functions.push(emit::Function { module: at, code, parts: dataflow.parts });
        }
        graphs.extend(dataflow.graph);
    }
    let all: TokenStream = functions.iter().map(|function| function.code.clone()).collect();
    let all_wanted = options.products == Products::All;
    let layout_wanted = all_wanted || matches!(options.products, Products::Layered | Products::Library);
    Compilation {
        main,
        modules: resolved.modules.iter().map(|module| module.interface.clone()).collect(),
        files: resolved.files.iter().map(|file| file.name.clone()).collect(),
        graphs,
        layered: layout_wanted.then(|| emit::layered(resolved, &functions)),
        embedded,
        plain: if all_wanted { emit::plain(resolved, &all) } else { None },
        outline: all_wanted.then(|| outline(sources, resolved)),
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
