//! The whole way through the suite, and what must hold of its figures.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::cargo::{self, Built, Ended};
use super::cases::{self, Arm, Case, FlowFate, Part};
use super::doc_examples;
use super::report::{self, Outcome, Results};
use super::rust_file::RustFile;
use super::suite::{Suite, files};
use super::wrong::{self, Verdict};
use crate::support::repository;

/// Enough for the peer's compiler in an unoptimised build.
const STACK_BYTES: usize = 256 << 20;
/// Tests wait more than they work.
const AT_ONCE: usize = 6;

#[test]
fn the_suite_of_the_dataflow_compiler_works_in_hf() {
    let suite = Suite::find();
    let results = on_large_stack(|| results(&suite));
    let text = report::text(&suite, &results);
    #[expect(clippy::print_stdout, reason = "with --nocapture this is how the figures are asked for")]
    {
        println!("{text}");
    }
    let path = repository().join("docs/conformance.md");
    #[expect(clippy::disallowed_methods, reason = "asked for by whoever runs the tests")]
    if std::env::var("BLESS").is_ok_and(|value| value == "1") {
        std::fs::write(&path, &text).expect("can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "docs/conformance.md tells other figures than those above; BLESS=1 rewrites it");

    let refused = results.fates.iter().filter(|fate| fate.peer.is_ok() && fate.ours.is_err());
    assert_eq!(refused.count(), 0, "flows that the peer accepts and we refuse");
    let outcomes = results.outcomes.iter().filter(|outcome| outcome.judged());
    let (all, same) = outcomes.fold((0, 0), |(all, same), outcome| (all + 1, same + usize::from(outcome.same())));
    assert!(same * 10 >= all * 9, "of {all} tests {same} end as the peer's do");
    let wrong = results.verdicts.iter().filter(|(_, (_, verdict))| *verdict != Verdict::Right);
    assert_eq!(
        wrong.map(|(name, _)| name).collect::<Vec<_>>(),
        report::known_verdicts(),
        "programs told at other lines"
    );
}

fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let started = thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        match started.expect("a thread can be started").join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn results(suite: &Suite) -> Results {
    let (fates, cases) = read(suite);
    let built = cargo::build(suite, &cases);
    let outcomes = run(suite, &cases, &built);
    Results { fates, outcomes, verdicts: wrong::verdicts(suite) }
}

/// Reads the suite's flows and makes programs of those that can be run alone.
fn read(suite: &Suite) -> (Vec<FlowFate>, Vec<Case>) {
    let (mut fates, mut all) = (Vec::new(), Vec::new());
    let tests = suite.runtime.join("tests");
    for (path, text) in files(&tests, ".rs") {
        let name = path.strip_prefix(&tests).expect("is below").to_string_lossy().into_owned();
        if name.starts_with("surface_") && name != "surface_compile_fail.rs" {
            all.extend(cases::of(Part::Tests, &RustFile::parse(&name, &text), &mut fates));
        }
    }
    for file in doc_examples::read(&suite.compiler) {
        all.extend(cases::of(Part::Operators, &file, &mut fates));
    }
    let examples = suite.runtime.join("examples");
    for (path, text) in [files(&examples, ".rs"), files(&examples, ".rs.disabled")].concat() {
        let name = path.strip_prefix(&examples).expect("is below").to_string_lossy().into_owned();
        let off = name.ends_with(".disabled") || name.starts_with("deadlock_detector");
        let part = if off { Part::SwitchedOff } else { Part::Examples };
        let name = name.trim_end_matches(".disabled");
        let programs = cases::of(part, &RustFile::parse(name, &text), &mut fates);
        // Those of several files need crates that are not ours to bring.
        if !name.contains('/') || name.starts_with("hello_world") {
            all.extend(programs);
        }
    }
    (fates, all)
}

fn run(suite: &Suite, cases: &[Case], built: &BTreeMap<Arm, Built>) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let outcomes: Mutex<BTreeMap<usize, Outcome>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(at) else { return };
                    let end = |arm| -> Option<Result<Ended, String>> {
                        case.texts.get(&arm)?;
                        let refused = built[&arm].refused.get(&case.name).cloned();
                        Some(refused.map_or_else(|| Ok(cargo::run(suite, &built[&arm], case)), Err))
                    };
                    let ends = [Arm::Peer, Arm::Embedded, Arm::Ported].map(|arm| (arm, end(arm)));
                    let ends = ends.into_iter().filter_map(|(arm, end)| Some((arm, end?))).collect();
                    let outcome =
                        Outcome { part: case.part, place: case.place.clone(), flows: case.flows.clone(), ends };
                    outcomes.lock().expect("no thread panicked").insert(at, outcome);
                }
            });
        }
    });
    outcomes.into_inner().expect("no thread panicked").into_values().collect()
}
