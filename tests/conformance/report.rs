//! The figures as a document: docs/conformance.md.
//!
//! Tells what was done, how far each part of the suite came, and each thing that is otherwise than with the peer, with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::cargo::Ended;
use super::cases::{Arm, FlowFate, Part};
use super::suite::Suite;
use super::wrong::{Finder, Verdict};

/// All that came out.
pub(super) struct Results {
    /// Each flow.
    pub(super) fates: Vec<FlowFate>,
    /// Each test program.
    pub(super) outcomes: Vec<Outcome>,
    /// Each program that must not compile.
    pub(super) verdicts: BTreeMap<String, (Finder, Verdict)>,
}

/// How a test program ended in each arm in which it could be made; the error is rustc's.
pub(super) struct Outcome {
    /// The part of the suite.
    pub(super) part: Part,
    /// Where the program stands.
    pub(super) place: String,
    /// Its flows' numbers among the fates.
    pub(super) flows: Vec<usize>,
    /// The ends.
    pub(super) ends: BTreeMap<Arm, Result<Ended, String>>,
}

/// What two runs print differently, whoever compiles: there only the assertions are compared.
const PRINTS_BY_CHANCE: &[&str] = &[
    "surface_async.rs test_echo_udp",
    "surface_book.rs test_source_interval",
    "surface_counter.rs",
    "op__counter",
    "op_source_interval",
    "op_spin",
];

/// Why tests end otherwise as modules of their own.
const KNOWN_DIFFERENCES: &[(&str, &str)] = &[(
    "surface_partition.rs",
    "several pipelines write one output, and the test wants their items mixed as they were made; a module's output gets one writer's items \
     after the other's within a tick",
)];

/// Why programs that must not compile are told at another line.
const KNOWN_VERDICTS: &[(&str, &str)] =
    &[("surface_inline_cycle", "a cycle within a tick runs to its fixpoint in `.hf` (docs/recursion.md)")];

/// Whether tests of a file are known to end otherwise as modules.
pub(super) fn differs(file: &str) -> bool {
    KNOWN_DIFFERENCES.iter().any(|(place, _)| file == *place)
}

/// The programs that must not compile and that are known to be told elsewhere.
pub(super) fn known_verdicts() -> Vec<&'static str> {
    KNOWN_VERDICTS.iter().map(|(name, _)| *name).collect()
}

impl Outcome {
    /// Whether there is something to compare with: the program passes with the peer's macro.
    pub(super) fn judged(&self) -> bool {
        matches!(self.ends.get(&Arm::Peer), Some(Ok(ended)) if ended.passed)
    }

    /// Whether it ends in all our arms as it does with the peer's macro.
    pub(super) fn same(&self) -> bool {
        let arms: Vec<Arm> = self.ends.keys().copied().filter(|arm| *arm != Arm::Peer).collect();
        !arms.is_empty() && arms.into_iter().all(|arm| self.same_in(arm))
    }

    fn same_in(&self, arm: Arm) -> bool {
        let (Some(Ok(peer)), Some(Ok(ours))) = (self.ends.get(&Arm::Peer), self.ends.get(&arm)) else { return false };
        let by_chance = PRINTS_BY_CHANCE.iter().any(|place| self.place.starts_with(place));
        peer.passed == ours.passed && (by_chance || words(&peer.printed) == words(&ours.printed))
    }

    fn is_built(&self) -> bool {
        [Arm::Embedded, Arm::Ported].iter().any(|arm| matches!(self.ends.get(arm), Some(Ok(_))))
    }

    fn difference(&self, arm: Arm) -> Option<String> {
        match self.ends.get(&arm)? {
            Err(refused) => Some(format!("rustc: {refused}")),
            Ok(_) if self.same_in(arm) => None,
            Ok(ended) if ended.passed => Some("prints something else".to_owned()),
            Ok(ended) => Some(ended.reason.clone()),
        }
    }
}

/// Sets print in any order.
fn words(printed: &str) -> Vec<&str> {
    let mut words: Vec<&str> = printed.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    words
}

/// Writes the document.
pub(super) fn text(suite: &Suite, results: &Results) -> String {
    let mut text = String::from(HEAD);
    flows(&mut text, results);
    tests(&mut text, results);
    wrong(&mut text, results);
    differences(&mut text, results);
    text.replace("[VERSIONS]", &suite.versions)
}

const HEAD: &str = "\
# How much of the surface syntax works

`.hf` bodies are the surface syntax of the dataflow compiler, so the judge is that compiler's own suite ([VERSIONS]): the tests of its surface syntax,
the examples in the documentation of its operators, its example programs, and its programs that must not compile. Nothing of it is kept in this
repository. `cargo test -p cargo-hydro --test system conformance -- --nocapture` reads it from the crates that cargo has downloaded, prints this page, and
fails where the page differs; with `BLESS=1` it rewrites the page.

Each flow of the suite (`dfir_syntax! { … }`) becomes the body of a `module main` in a `.hf` text and goes through our compiler. What comes out runs in two ways:

- **in its place**: the compiled flow is put back where the macro's call stood, in the test function as its authors wrote it. There it sees the variables of the
  function, which a `.hf` file would not; so every flow can be judged, by its own assertions.
- **as a module**: the flow is a `.hf` file of its own. Channels that the function sends into become inputs, channels that the flow sends into become outputs, items beside the
  flow stand beside the module, and the test drives the module's function tick by tick through its ports. Only flows that capture nothing else can be this; the runtime shim's links
  are replaced by the test's channels.

The same function with the peer's own macro, in the same harness, tells what is right: it must pass, and print the same words.
One difference is meant: `enumerate()` counts on from tick to tick in `.hf`, so the texts say `enumerate::<'tick>()`, which is what the peer means by `enumerate()`.

";

fn title(part: Part) -> &'static str {
    match part {
        Part::Tests => "tests of the surface syntax",
        Part::Operators => "examples of operators",
        Part::Examples => "example programs",
        Part::SwitchedOff => "examples the peer switched off",
    }
}

/// A table's row.
fn row<T: ToString>(text: &mut String, name: &str, cells: impl IntoIterator<Item = T>) {
    let cells: Vec<String> = cells.into_iter().map(|cell| cell.to_string()).collect();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
}

fn head(text: &mut String, name: &str, columns: &[&str]) {
    row(text, name, columns);
    row(text, "---", columns.iter().map(|_| "--:"));
}

fn flows(text: &mut String, results: &Results) {
    text.push_str("## Flows\n\n");
    let columns: Vec<&str> = Part::ALL.into_iter().map(title).chain(["all"]).collect();
    head(text, "", &columns);
    let built: BTreeSet<usize> =
        results.outcomes.iter().filter(|one| one.is_built()).flat_map(|one| one.flows.clone()).collect();
    let mut count_at = |name: &str, of: &dyn Fn(usize, &FlowFate) -> bool| {
        let fates = || results.fates.iter().enumerate().filter(|(at, fate)| of(*at, fate));
        let counted: Vec<usize> =
            Part::ALL.iter().map(|part| fates().filter(|(_, fate)| fate.part == *part).count()).collect();
        row(text, name, counted.into_iter().chain([fates().count()]));
    };
    count_at("found", &|_, _| true);
    count_at("the peer's compiler takes", &|_, fate| fate.peer.is_ok());
    count_at("**of these ours takes**", &|_, fate| fate.peer.is_ok() && fate.ours.is_ok());
    count_at("of these stand in programs that are built", &|at, fate| fate.peer.is_ok() && built.contains(&at));
    let mut count = |name: &str, of: &dyn Fn(&FlowFate) -> bool| count_at(name, &|_, fate| of(fate));
    count("the peer's refuses, ours takes", &|fate| fate.peer.is_err() && fate.ours.is_ok());
    count("both refuse", &|fate| fate.peer.is_err() && fate.ours.is_err());
    count("can be modules: capture nothing", &|fate| fate.ported == Ok(0));
    count("can be modules: capture channels alone", &|fate| matches!(fate.ported, Ok(ports) if ports > 0));
    count("**of these modules ours takes**", &|fate| matches!(fate.ported_ours, Some(Ok(()))));
    text.push_str(
        "\nThe flows that only ours takes go in circles within a tick, which the peer's compiler has given up; most of them are such as its tests only \
         want parsed.\n\n",
    );
}

fn tests(text: &mut String, results: &Results) {
    text.push_str("## Test functions with flows\n\n");
    let columns: Vec<&str> = Part::ALL.into_iter().map(title).chain(["all"]).collect();
    head(text, "", &columns);
    let mut count = |name: &str, of: &dyn Fn(&Outcome) -> bool| {
        let counted: Vec<usize> = Part::ALL
            .iter()
            .map(|part| results.outcomes.iter().filter(|outcome| outcome.part == *part && of(outcome)).count())
            .collect();
        let all = counted.iter().sum();
        row(text, name, counted.into_iter().chain([all]));
    };
    let made = |outcome: &Outcome, arm| outcome.ends.contains_key(&arm);
    let built = |outcome: &Outcome, arm| matches!(outcome.ends.get(&arm), Some(Ok(_)));
    count("found", &|_| true);
    count("pass with the peer's macro", &Outcome::judged);
    count("**of these end the same with ours**", &|outcome| outcome.judged() && outcome.same());
    count("in its place: made", &|outcome| made(outcome, Arm::Embedded));
    count("in its place: rustc takes", &|outcome| built(outcome, Arm::Embedded));
    count("in its place: ends as with the peer's macro", &|outcome| outcome.same_in(Arm::Embedded));
    count("as a module: made", &|outcome| made(outcome, Arm::Ported));
    count("as a module: rustc takes", &|outcome| built(outcome, Arm::Ported));
    count("as a module: ends as with the peer's macro", &|outcome| outcome.same_in(Arm::Ported));
    text.push_str(
        "\nExample programs of several files are compiled by ours, but not built: they need crates of their own. Where a program prints what chance decides \
         (clock, port numbers), its assertions alone are compared.\n\n",
    );
}

fn wrong(text: &mut String, results: &Results) {
    text.push_str("## Programs that must not compile\n\n");
    head(text, "", &["found by the command", "found by rustc", "all"]);
    let mut count = |name: &str, of: &dyn Fn(&Verdict) -> bool| {
        let by = |finder| results.verdicts.values().filter(|(by, verdict)| *by == finder && of(verdict)).count();
        let (command, rustc) = (by(Finder::Command), by(Finder::Rustc));
        row(text, name, [command, rustc, command + rustc]);
    };
    count("found", &|_| true);
    count("**an error at a `.hf` line where the peer has one**", &|verdict| *verdict == Verdict::Right);
    count("an error at another line", &|verdict| matches!(verdict, Verdict::Elsewhere(..)));
    count("no error", &|verdict| *verdict == Verdict::Accepted);
    count("our compiler panicked", &|verdict| *verdict == Verdict::Panicked);
    text.push_str(
        "\nEach program is a `.hf` file in which every line stays where it was, so the lines in the peer's own messages are the judge. Where \
         the peer can only point to the whole macro call, or panics, every line of the flow is right.\n\n",
    );
}

fn differences(text: &mut String, results: &Results) {
    text.push_str("## What is otherwise than with the peer\n\n");
    let mut item = |what: &str, why: &str| {
        let _ = writeln!(text, "- {what}: {why}");
    };
    for fate in &results.fates {
        if let (Ok(()), Err(reason)) = (&fate.peer, &fate.ours) {
            item(&fate.place, &format!("refused. {reason}"));
        }
        if let Some(Err(reason)) = &fate.ported_ours {
            item(&fate.place, &format!("refused as a module. {reason}"));
        }
    }
    for outcome in &results.outcomes {
        if outcome.ends.contains_key(&Arm::Peer) && !outcome.judged() {
            let reason = outcome.difference(Arm::Peer).unwrap_or_else(|| "its assertions fail".to_owned());
            item(&outcome.place, &format!("not compared, since it does not pass with the peer's macro here. {reason}"));
            continue;
        }
        for (arm, name) in [(Arm::Embedded, "in its place"), (Arm::Ported, "as a module")] {
            let Some(difference) = outcome.difference(arm).filter(|_| outcome.judged()) else { continue };
            let known = KNOWN_DIFFERENCES.iter().find(|(place, _)| outcome.place.starts_with(place));
            item(&format!("{}, {name}", outcome.place), known.map_or(&difference, |(_, why)| why));
        }
    }
    for (name, (_, verdict)) in &results.verdicts {
        let known = KNOWN_VERDICTS.iter().find(|(known, _)| known == name).map(|(_, why)| *why);
        match verdict {
            Verdict::Right => {}
            Verdict::Elsewhere(ours, peers) => {
                let lines = format!("told at {ours:?}, the peer tells {peers:?}. {}", known.unwrap_or_default());
                item(name, lines.trim());
            }
            Verdict::Accepted => item(name, &format!("no error. {}", known.unwrap_or_default())),
            Verdict::Panicked => item(name, "our compiler panicked"),
        }
    }
    not_modules(text, results);
}

/// Why flows cannot be modules, by reason.
fn not_modules(text: &mut String, results: &Results) {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for fate in results.fates.iter().filter(|fate| fate.peer.is_ok() && !fate.parse_only) {
        if let Err(reason) = &fate.ported {
            let reason = if reason.starts_with("captures") {
                "captures a variable of its function that is no typed channel"
            } else {
                reason
            };
            *reasons.entry(reason).or_default() += 1;
        }
    }
    text.push_str("\n## Flows that only run in their place\n\n");
    for (reason, count) in reasons {
        let _ = writeln!(text, "- {count}: {reason}");
    }
}
