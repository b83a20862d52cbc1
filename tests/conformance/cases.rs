//! Test programs of the suite in three arms: with the peer's macro, with our code for the same flow, and with the flow as a module with ports.
//!
//! The Rust around a flow, and so what judges it, stays as its authors wrote it.

use std::collections::BTreeMap;
use std::ops::Range;

use syn::Item;
use syn::spanned::Spanned;
use syn::visit::Visit;

use super::channels::{self, Ported};
use super::module::{self, Compiled};
use super::report::differs;
use super::rust_file::{Edit, Flow, RustFile, TestFunction, edited};

/// The parts of the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// `tests/surface_*.rs`
    Tests,
    /// The examples in the operators' documentation.
    Operators,
    /// The example programs.
    Examples,
    /// Example programs that the peer has switched off since its compiler cannot do with them any more.
    SwitchedOff,
}

impl Part {
    /// All of them.
    pub(super) const ALL: [Self; 4] = [Self::Tests, Self::Operators, Self::Examples, Self::SwitchedOff];
}

/// Who compiles the flows of a test program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Arm {
    /// The peer's macro: what the right result is.
    Peer,
    /// Our compiler; the flow sees the variables of the function it stands in.
    Embedded,
    /// Our compiler; the flow is a module of its own, and channels are its ports.
    Ported,
}

/// What became of one flow.
#[derive(Clone, Debug)]
pub(super) struct FlowFate {
    /// The part of the suite.
    pub(super) part: Part,
    /// File and line.
    pub(super) place: String,
    /// Only to be parsed, by its authors' wish.
    pub(super) parse_only: bool,
    /// What the peer's compiler says.
    pub(super) peer: Result<(), String>,
    /// What our compiler says of the body as it stands.
    pub(super) ours: Result<(), String>,
    /// How many ports it has as a module of its own, or what it captures besides channels.
    pub(super) ported: Result<usize, String>,
    /// What our compiler says of the module of its own.
    pub(super) ported_ours: Option<Result<(), String>>,
}

/// One test function with its flows, in each arm that could be made.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// A Rust name, unique.
    pub(super) name: String,
    /// The test's path below the case's module.
    pub(super) test: String,
    /// The part of the suite.
    pub(super) part: Part,
    /// Where the test stands.
    pub(super) place: String,
    /// The text in each arm.
    pub(super) texts: BTreeMap<Arm, String>,
    /// Its flows' numbers in the list of fates.
    pub(super) flows: Vec<usize>,
}

/// Makes the programs of one file and tells the fate of its flows.
pub(super) fn of(part: Part, file: &RustFile, fates: &mut Vec<FlowFate>) -> Vec<Case> {
    let first = fates.len();
    let mut embedded = Vec::new();
    for flow in &file.flows {
        let name = format!("{}:{}", file.name, flow.line);
        let body = &file.text[flow.body.clone()];
        let compiled = module::ours(&name, &module::text("", "", body));
        fates.push(FlowFate {
            part,
            place: name,
            parse_only: flow.is_only_parsed(),
            peer: module::accepted_by_peer(body),
            ours: compiled.as_ref().map(|_| ()).map_err(Clone::clone),
            ported: Err("stands in a function that several tests share, or in none that is run".to_owned()),
            ported_ours: None,
        });
        embedded.push(compiled);
    }
    let runs = |test: &TestFunction| file.flows_in(&test.range).any(|(_, flow)| !flow.is_only_parsed());
    let tests: Vec<(usize, &TestFunction)> = file.tests.iter().enumerate().filter(|(_, test)| runs(test)).collect();
    tests.into_iter().map(|test| case(file, test, &embedded, (fates, first))).collect()
}

fn case(
    file: &RustFile,
    (number, test): (usize, &TestFunction),
    embedded: &[Result<Compiled, String>],
    (fates, first): (&mut Vec<FlowFate>, usize),
) -> Case {
    let fates = &mut fates[first..];
    let stem = file.name.trim_end_matches(".rs");
    let mut program = Program { file, test, edits: file.plain_edits(), modules: String::new(), lifted: Vec::new() };
    let mut texts = BTreeMap::new();
    if file.flows_in(&test.range).all(|(at, _)| fates[at].peer.is_ok()) {
        texts.insert(Arm::Peer, program.with(&|flow| peer_call(file, flow)));
    }
    let call = |flow: &Flow| {
        let at = file.flows.iter().position(|other| other.call == flow.call)?;
        embedded[at].as_ref().ok().map(|compiled| format!("{{ {} }}", compiled.dataflow))
    };
    let complete = file.flows_in(&test.range).all(|(at, _)| embedded[at].is_ok());
    if complete {
        let in_place = program.with(&|flow| call(flow).unwrap_or_default());
        let ported = program.port(fates);
        if !ported.is_empty() {
            let own = |flow: &Flow| ported.get(&flow.call.start).cloned();
            texts.insert(Arm::Ported, program.with(&|flow| own(flow).or_else(|| call(flow)).unwrap_or_default()));
        }
        // What ends well as a module need not run in its place as well.
        if ported.is_empty() || differs(&file.name) {
            texts.insert(Arm::Embedded, in_place);
        }
    }
    Case {
        name: format!("{}_{number}", stem.replace('/', "_")),
        part: fates.first().map_or(Part::Tests, |fate| fate.part),
        test: test.name.clone(),
        place: format!("{} {}", file.name, test.name),
        texts,
        flows: file.flows_in(&test.range).map(|(at, _)| first + at).collect(),
    }
}

/// The peer checks the wording of its warnings where the compiler lets it; what the flow does is what counts here.
fn peer_call(file: &RustFile, flow: &Flow) -> String {
    if flow.macro_name == "dfir_expect_warnings" {
        return format!("dfir_rs::dfir_syntax_noemit! {{ {} }}", &file.text[flow.body.clone()]);
    }
    file.text[flow.call.clone()].to_owned()
}

struct Program<'a> {
    file: &'a RustFile,
    test: &'a TestFunction,
    edits: Vec<Edit>,
    modules: String,
    lifted: Vec<Edit>,
}

impl Program<'_> {
    /// Returns the program with each flow's call replaced.
    fn with(&self, call: &dyn Fn(&Flow) -> String) -> String {
        let mut edits = self.edits.clone();
        edits.extend(self.lifted.iter().map(|(range, _)| (range.clone(), String::new())));
        edits.extend(self.file.flows.iter().map(|flow| (flow.call.clone(), call(flow))));
        let text = &self.file.text;
        let mut program = String::from("#![allow(warnings)]\n");
        for (_, range) in &self.file.shared {
            program.push_str(&edited(text, range, &edits));
            program.push('\n');
        }
        for (_, item) in &self.lifted {
            program.push_str(item);
            program.push('\n');
        }
        program.push_str(&edited(text, &self.test.range, &edits));
        program.push('\n');
        program.push_str(&self.modules);
        program
    }

    /// Makes modules of the test's flows where they can be; returns the calls of their functions by where the flow stands.
    fn port(&mut self, fates: &mut [FlowFate]) -> BTreeMap<usize, String> {
        let mut calls = BTreeMap::new();
        let flows: Vec<(usize, &Flow)> = self.file.flows_in(&self.test.range).collect();
        for (at, flow) in flows {
            let ported = channels::port(&self.test.item, &self.file.text, flow);
            fates[at].ported = ported.as_ref().map(|ported| ported.ports.len()).map_err(Clone::clone);
            let Ok(ported) = ported else { continue };
            let text = module::text(&self.items(flow), &ported.header(), &ported.flow);
            let compiled = module::ours(&fates[at].place, &text);
            fates[at].ported_ours = Some(compiled.as_ref().map(|_| ()).map_err(Clone::clone));
            if let Ok(compiled) = compiled {
                let call = self.module(flow, calls.len(), (&ported, &compiled));
                calls.insert(flow.call.start, call);
            }
        }
        if !calls.is_empty() {
            self.lifted = self.local_items();
        }
        calls
    }

    /// Puts a module's function beside the test and returns the call that makes its dataflow.
    fn module(&mut self, flow: &Flow, number: usize, (ported, compiled): (&Ported, &Compiled)) -> String {
        let uses: String = self.uses(flow).into_iter().map(|item| item + "\n").collect();
        let function = compiled.function.replacen("fn module_main", "pub fn module_main", 1);
        self.modules.push_str(&format!("mod flow_{number} {{ use super::*; {uses} {function} }}\n"));
        let gives = ported.ports.iter().map(|port| format!("bindings.give({0:?}, {0}); ", port.name));
        let gives: String = gives.collect();
        format!(
            "{{ let mut bindings = ::hydro_runtime_shim::private::Bindings::default(); {gives}\
             flow_{number}::module_main(&mut bindings).expect(\"all ports are given\") }}"
        )
    }

    /// What stands beside the module in its `.hf` file.
    fn items(&self, flow: &Flow) -> String {
        let text = &self.file.text;
        let has_flow = |range: &Range<usize>| self.file.flows_in(range).next().is_some();
        let shared = self.file.shared.iter().filter(|(_, range)| !has_flow(range));
        let shared = shared.map(|(_, range)| edited(text, range, &self.edits));
        let local = self.local_items().into_iter().map(|(_, item)| item);
        shared.chain(self.uses(flow)).chain(local).collect::<Vec<_>>().join("\n")
    }

    /// The items within the test function, without its `use`s.
    fn local_items(&self) -> Vec<Edit> {
        let items = self.test.item.block.stmts.iter().filter_map(|statement| match statement {
            syn::Stmt::Item(item) if !matches!(item, Item::Use(_)) => Some(item.span().byte_range()),
            _ => None,
        });
        items
            .filter(|range| self.file.flows_in(range).next().is_none())
            .map(|range| (range.clone(), self.file.text[range].to_owned()))
            .collect()
    }

    /// The `use`s within the test function that a flow sees.
    fn uses(&self, flow: &Flow) -> Vec<String> {
        let mut uses = Uses { at: flow.call.start, found: Vec::new() };
        uses.visit_block(&self.test.item.block);
        uses.found.into_iter().map(|range| self.file.text[range].to_owned()).collect()
    }
}

struct Uses {
    at: usize,
    found: Vec<Range<usize>>,
}

impl<'a> Visit<'a> for Uses {
    fn visit_block(&mut self, block: &'a syn::Block) {
        if !block.span().byte_range().contains(&self.at) {
            return;
        }
        self.found.extend(block.stmts.iter().filter_map(|statement| match statement {
            syn::Stmt::Item(Item::Use(item)) => Some(item.span().byte_range()),
            _ => None,
        }));
        syn::visit::visit_block(self, block);
    }
}
