//! Runs the dataflow compiler on one module: flat graph, partitioned graph, Rust tokens, drawings.

use hydroflow_lang::diagnostic::{Diagnostic as Said, Diagnostics};
use hydroflow_lang::graph::{
    AsCodeOptions, DfirGraph, FlatGraphBuilder, FlatGraphBuilderOutput, WriteConfig, eliminate_extra_unions_tees,
    partition_graph,
};
use hydroflow_lang::parse::DfirCode;
use proc_macro2::TokenStream;
use quote::quote;

use super::conditions::{self, Conditions};
use super::picture::{Edge, Node, picture};
use super::{body, entering, explain, finished, leaving, nothing, parts, ports, recursion, references, tick};
use crate::diagnostic::Diagnostic;
use crate::resolve::{Resolved, ResolvedModule};
use crate::source::SourceMap;

/// How the dataflow is compiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GraphOptions {
    /// Type guards: functions around each operator that give better type errors and cost build time. Off for release builds.
    pub type_guards: bool,
}

/// What is made of a module's dataflow besides diagnostics; each costs time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) options: GraphOptions,
    /// Drawings.
    pub(crate) drawn: bool,
    /// Rust tokens.
    pub(crate) code: bool,
}

/// The dataflow of one module, drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    /// The module.
    pub module: String,
    /// As a mermaid flowchart.
    pub mermaid: String,
    /// As a dot digraph.
    pub dot: String,
    /// As the compiler's own JSON.
    pub json: String,
    /// Ports and operators.
    pub nodes: Vec<Node>,
    /// What flows between them.
    pub edges: Vec<Edge>,
    /// The loops; for each the loop around it.
    pub loops: Vec<Option<usize>>,
}

/// A module's dataflow as Rust tokens.
pub(crate) struct Dataflow {
    /// Drawn, where that is wanted.
    pub(crate) graph: Option<Graph>,
    /// `let` statements for the parameters of the modules it uses.
    pub(crate) values: TokenStream,
    /// An expression that makes the dataflow, where that is wanted.
    pub(crate) code: TokenStream,
    /// The modules it uses, as places in the file's list.
    pub(crate) parts: Vec<usize>,
}

/// Where generated code finds the dataflow runtime.
pub(crate) fn runtime_root() -> TokenStream {
    quote!(::hydro_runtime_shim::private::dfir_rs)
}

/// Compiles a module's body, in each way its conditions can turn out. None: there are errors.
pub(crate) fn compile(
    source: &SourceMap,
    resolved: &Resolved,
    module: &ResolvedModule,
    wanted: Wanted,
) -> (Option<Dataflow>, Vec<Diagnostic>) {
    let conditions = match conditions(resolved, module) {
        Ok(conditions) if conditions.is_empty() => return compile_body(source, resolved, module, wanted),
        Ok(conditions) => conditions,
        Err(diagnostic) => return (None, vec![*diagnostic]),
    };
    let (mut flows, mut diagnostics) = (Vec::new(), Vec::new());
    for way in conditions.ways() {
        let then = |module: &ResolvedModule| ResolvedModule { body: way.body(&module.body), ..module.clone() };
        let modules = resolved.modules.iter().map(then).collect();
        let others = Resolved { modules, files: resolved.files.clone(), root: resolved.root.clone() };
        let (flow, mut found) = compile_body(source, &others, &then(module), wanted);
        // Nobody minds that something is of little use where a condition does not hold.
        found.retain(|found| flows.is_empty() || found.level == crate::diagnostic::Level::Error);
        diagnostics.extend(found);
        flows.extend(flow.map(|flow| (way.condition(), flow)));
    }
    let sound = !crate::diagnostic::has_errors(&diagnostics);
    (sound.then(|| conditions::join(flows)).flatten(), diagnostics)
}

/// The conditions of a module's body and of the bodies it uses.
fn conditions(resolved: &Resolved, module: &ResolvedModule) -> Result<Conditions, Box<Diagnostic>> {
    if !resolved.modules.iter().any(|module| module.has_attributes) {
        return Ok(Conditions::default());
    }
    let used = parts::expand(resolved, module).parts;
    let bodies = used.iter().filter_map(|at| resolved.modules.get(*at)).chain([module]).map(|module| &module.body);
    Conditions::of(bodies).map_err(Box::new)
}

fn compile_body(
    source: &SourceMap,
    resolved: &Resolved,
    module: &ResolvedModule,
    wanted: Wanted,
) -> (Option<Dataflow>, Vec<Diagnostic>) {
    let own = parts::without_parts(resolved, module);
    let (statements, mut diagnostics) = body::statements(source, &own, module.marks[2].start);
    diagnostics.extend(ports::misuses(module, &statements));
    if crate::diagnostic::has_errors(&diagnostics) {
        return (None, diagnostics);
    }
    let expanded = parts::expand(resolved, module);
    if crate::diagnostic::has_errors(&expanded.diagnostics) {
        return (None, expanded.diagnostics);
    }
    let statements = match expanded.parts.as_slice() {
        [] => statements,
        // What is wrong with the body of a part is told where that module is compiled.
        _ => body::statements(source, &expanded.body, module.marks[2].start).0,
    };
    let mut code: DfirCode = match syn::parse2(ports::prelude(module)) {
        Ok(code) => code,
        Err(error) => return (None, vec![explain::internal(&error.to_string())]),
    };
    code.statements.extend(leaving::loops(module, statements));
    let mut said = Heard::default();
    let built = build(code, wanted, &mut said);
    diagnostics.extend(explain::explain(source, module, &expanded.ports, said.0));
    diagnostics.extend(said.1);
    if crate::diagnostic::has_errors(&diagnostics) {
        return (None, diagnostics);
    }
    let (graph, code) = match built {
        Some(Built::Whole { graph, lowered, code }) => {
            (wanted.drawn.then(|| draw(source, module, &graph, &lowered)), code)
        }
        Some(Built::Known) => (None, TokenStream::new()),
        None => return (None, vec![explain::internal("the dataflow compiler gave up without a reason")]),
    };
    let values = items(module, &expanded);
    (Some(Dataflow { graph, values, code, parts: expanded.parts }), diagnostics)
}

/// What stands before the dataflow: the items of the module's body and of the bodies it uses, and the parameters of those.
fn items(module: &ResolvedModule, expanded: &parts::Expanded) -> TokenStream {
    let (own, parts, values) = (&module.items, &expanded.items, &expanded.values);
    quote!(#( #own )* #parts #values)
}

/// Everything the dataflow compiler said, in order, and what we have to say of its graph.
#[derive(Default)]
struct Heard(Vec<Said>, Vec<Diagnostic>);

impl Heard {
    fn add(&mut self, diagnostics: &Diagnostics) {
        self.0.extend(diagnostics.iter().cloned());
    }
}

/// A graph without errors.
enum Built {
    /// Compiled.
    Whole { graph: Box<DfirGraph>, lowered: recursion::Lowered, code: TokenStream },
    /// Known to compile, and nothing of it is wanted.
    Known,
}

fn build(code: DfirCode, wanted: Wanted, said: &mut Heard) -> Option<Built> {
    let loops = entering::places(&code.statements);
    let FlatGraphBuilderOutput { mut flat_graph, uses, diagnostics } = match FlatGraphBuilder::from_dfir(code).build() {
        Ok(output) => output,
        Err(diagnostics) => {
            said.add(&diagnostics);
            return None;
        }
    };
    said.add(&diagnostics);
    if let Err(diagnostic) = flat_graph.merge_modules() {
        said.0.push(diagnostic);
        return None;
    }
    said.1 = recursion::hollow(&flat_graph);
    if !said.1.is_empty() {
        return None;
    }
    eliminate_extra_unions_tees(&mut flat_graph);
    said.0.extend(references::faults(&flat_graph));
    if diagnostics.has_error() || !said.0.iter().all(|said| said.level != hydroflow_lang::diagnostic::Level::Error) {
        return None;
    }
    said.1 = entering::unentered(&flat_graph, &loops);
    if !said.1.is_empty() {
        return None;
    }
    let (flat_graph, lowered) = match recursion::lower(flat_graph) {
        Ok(lowered) => lowered,
        Err(refused) => {
            said.1 = refused;
            return None;
        }
    };
    if !wanted.code && finished::is_known(&flat_graph) {
        return Some(Built::Known);
    }
    generate(flat_graph, &uses, lowered, wanted, said)
}

fn generate(
    flat_graph: DfirGraph,
    uses: &[syn::ItemUse],
    lowered: recursion::Lowered,
    wanted: Wanted,
    said: &mut Heard,
) -> Option<Built> {
    let graph = match partition_graph(flat_graph) {
        Ok(graph) => graph,
        Err(error) => {
            said.0.push(error.diagnostic);
            return None;
        }
    };
    let mut code_options = AsCodeOptions::default();
    code_options.exclude_type_guards = !(wanted.options.type_guards && wanted.code);
    code_options.exclude_meta = true;
    code_options.include_metrics_tracking = false;
    let mut diagnostics = Diagnostics::default();
    let head = lowered.head();
    let head = quote!(#( #uses )* #head);
    let code = graph.as_code_with_options(&runtime_root(), &code_options, head, &mut diagnostics);
    match code {
        Ok(code) => {
            said.add(&diagnostics);
            if !wanted.code {
                return Some(Built::Known);
            }
            let code = nothing::typed(&graph, tick::repeatable(lowered.in_rounds(references::placed(code))));
            Some(Built::Whole { graph: Box::new(graph), lowered, code })
        }
        Err(diagnostics) => {
            said.add(&diagnostics);
            None
        }
    }
}

fn draw(source: &SourceMap, module: &ResolvedModule, graph: &DfirGraph, lowered: &recursion::Lowered) -> Graph {
    let config = WriteConfig { op_text_no_imports: true, ..WriteConfig::default() };
    let (nodes, edges, loops) = picture(source, module, graph, lowered);
    Graph {
        module: module.interface.name.clone(),
        mermaid: graph.to_mermaid(&config),
        dot: graph.to_dot(&config),
        json: serde_json::to_string(graph).unwrap_or_default(),
        nodes,
        edges,
        loops,
    }
}
