//! Cycles within a tick, as users see them: programs are compiled, built, run, and their words compared.
//!
//! All programs are one crate with one binary, since linking is the scarce thing; the variable `PROGRAM` says which one runs. A line on a
//! program's standard input is one tick.
#![expect(clippy::disallowed_methods, reason = "the test builds programs and runs them")]
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod built;

use built::Running;

#[test]
fn reachability_ends_within_the_tick() {
    let mut program = Running::start("reachability");
    program.tick("0-1 2-4 3-4 1-2 0-3 0-3 4-0", "reached {0, 1, 2, 3, 4}");
    program.tick("1-2 0-9", "reached {0, 9}");
}

#[test]
fn edges_of_later_ticks_extend_the_fixpoint() {
    let mut program = Running::start("growing");
    program.tick("0-1 1-2 2-0 5-6", "new [0, 1, 2] all [0, 1, 2]");
    program.tick("2-5", "new [5, 6] all [0, 1, 2, 5, 6]");
    program.tick("nothing", "new [] all [0, 1, 2, 5, 6]");
}

#[test]
fn transitive_closure() {
    for name in ["closure", "nonlinear"] {
        let mut program = Running::start(name);
        program.tick("1-2 2-3 3-4", "paths [(1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)]");
        program.tick("1-2 2-1", "paths [(1, 1), (1, 2), (2, 1), (2, 2)]");
    }
}

#[test]
fn deadlocks_over_several_ticks() {
    let mut program = Running::start("deadlock");
    program.say("1-2");
    program.say("2-3");
    program.tick("3-1", "deadlock [1, 2, 3]");
    program.tick("7-8 8-7", "deadlock [7, 8]");
}

#[test]
fn negation_sees_the_finished_fixpoint_in_each_tick() {
    let mut program = Running::start("unreachability");
    program.tick("5-10 0-3 3-6 6-5 11-12", "unreached [11, 12]");
    program.tick("nothing", "unreached [11, 12]");
    program.tick("13-14", "unreached [11, 12, 13, 14]");
    program.tick("10-11", "unreached [13, 14]");
}

#[test]
fn a_bound_that_is_made_outside_is_known_inside() {
    let mut program = Running::start("naturals");
    program.tick("5", "counted [1, 2, 3, 4, 5]");
    program.tick("3", "counted [1, 2, 3]");
}

#[test]
fn two_relations_are_defined_by_each_other() {
    let mut program = Running::start("parity");
    program.tick("4", r#"numbers [("even", 0), ("even", 2), ("even", 4), ("odd", 1), ("odd", 3)]"#);
}

#[test]
fn same_generation() {
    let mut program = Running::start("generations");
    program
        .tick("ann-eve bob-eve cid-ann dora-ann ed-bob flo-cid gil-ed", "same ann=bob cid=dora cid=ed dora=ed flo=gil");
}

#[test]
fn negation_of_what_comes_from_outside_may_be_inside() {
    let mut program = Running::start("blocked");
    program.tick("0-1 1-2 2-3 3-1", "free [1, 2, 3]");
    program.tick("0-1 1-2 2-3 3-1 -2", "free [1]");
}

#[test]
fn cycles_may_follow_and_overlap_each_other() {
    let mut program = Running::start("several");
    let expected = "numbers [3, 4, 6, 8, 10, 11, 12, 13, 15, 16, 17, 20]";
    program.tick("3", expected);
}

#[test]
fn a_round_costs_what_is_new_in_it() {
    let mut program = Running::start("chain");
    // With all matches in each round these would be five thousand million.
    program.tick("100000", "steps 100000 to 100000");
    program.tick("10", "steps 100000 to 100000");
}

#[test]
fn the_examples_of_the_documentation_do_what_it_says() {
    let examples = built::examples();
    assert_eq!(examples.len(), 3);
    for (number, example) in examples.iter().enumerate() {
        let program = Running::start(&format!("example_{number}"));
        example.prints.lines().for_each(|line| program.expect(line));
    }
    for wrong in built::wrong_examples() {
        let (program, said) = built::compiled("wrong.hf", &wrong);
        assert!(program.is_none() && said.len() == 1 && said[0].contains("error[HF0113]"), "{}", said.join("\n"));
    }
}
