//! Cycles without `defer_tick()`: they run to a fixpoint within the tick.
//!
//! The dataflow compiler has no cycles within a tick, but it has nested loops, and `defer_tick()` in a nested loop goes from one round of the
//! loop to the next. So each cycle (a strongly connected component of operators) becomes a loop in a loop of its own:
//!
//! - What enters goes through `batch()` into the outer loop, and through another into the inner one.
//! - Where the cycle closes, `unique() -> defer_tick()` takes what is new to the next round. A cycle closes at its `union()`s that something enters
//!   from outside (so that rustc knows the type before it meets the closures behind), and where that is not enough, at an edge that goes back.
//! - What leaves goes through `unique()` and twice through `all_iterations()`. So it is seen outside when the last round is over, and each value once.
//!
//! # What it means
//! - A cycle works on sets: a value that was there before in this tick is not new and goes round no further. What goes round or leaves
//!   must be `Clone + Eq + Hash`.
//! - The rounds end when a round brings nothing new. Values that are always new, as those of `map(|x| x + 1)` without a bound, never end: the tick goes
//!   on for ever, and memory grows. That cannot be told from the text, so it is no error.
//! - Round by round: what a round finds comes before what the next one finds. The order within a round is the compiler's, the same in each run.
//! - `'tick` is all rounds of one tick, since the compiler clears state at the end of the tick. `'static` is for ever, and what it remembers takes
//!   part in each tick: a clock makes the loops run in ticks in which nothing enters, as an operator outside of loops would.
//! - Whatever is outside the cycle sees it finished, negation above all.
//! - Only operators for which more input means more output, never less, may be in a cycle: `rules` lists them. Where only one input of an operator must
//!   be complete before the others are read (`difference`'s `[neg]`), that input must come from outside.
//!
//! The operators that are put in have the spans of the operators they stand beside. Nothing here knows the text.
//!
//! `cycles` finds them, `rules` judges their operators, `refuse` says what is wrong, `cut` chooses where they close, `lower` builds the graph with the loops,
//! and `rounds` sees to it that a join says only in the first round what it remembers.

mod cut;
mod cycles;
mod lower;
mod refuse;
mod rounds;
mod rules;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use hydroflow_lang::graph::{DfirGraph, GraphLoopId, GraphNodeId};
use proc_macro2::TokenStream;

use crate::diagnostic::Diagnostic;
use rounds::Rounds;

/// What was done to a graph to get rid of its cycles.
#[derive(Debug, Default)]
pub(super) struct Lowered {
    rounds: Rounds,
    made: BTreeSet<GraphNodeId>,
    loops: BTreeSet<GraphLoopId>,
}

impl Lowered {
    /// Returns the statements that must stand before the generated code.
    pub(super) fn head(&self) -> TokenStream {
        self.rounds.flags()
    }

    /// Returns the generated code as it runs in rounds.
    pub(super) fn in_rounds(&self, code: TokenStream) -> TokenStream {
        self.rounds.tell(code)
    }

    /// Whether an operator was put in, so that the user knows nothing of it.
    pub(super) fn is_made(&self, node: GraphNodeId) -> bool {
        self.made.contains(&node)
    }

    /// Whether a loop stands for a cycle.
    pub(super) fn is_cycle(&self, id: GraphLoopId) -> bool {
        self.loops.contains(&id)
    }
}

/// Finds rings in which nothing but unions, tees and delays stands. The compiler takes needless ones away, and stumbles over the last of a ring.
pub(super) fn hollow(graph: &DfirGraph) -> Vec<Diagnostic> {
    cycles::hollow(graph).into_iter().map(|node| refuse::hollow(graph, node)).collect()
}

/// Turns the cycles of a flat graph into loops.
///
/// # Errors
/// An operator stands in a cycle that cannot be run round by round, or refers to a value that went on to feed it.
pub(super) fn lower(graph: DfirGraph) -> Result<(DfirGraph, Lowered), Vec<Diagnostic>> {
    let late = refuse::late_readers(&graph);
    if !late.is_empty() {
        return Err(late);
    }
    let cycles = cycles::cycles(&graph);
    if cycles.is_empty() {
        return Ok((graph, Lowered::default()));
    }
    let refused: Vec<Diagnostic> = cycles.iter().flat_map(|cycle| refuse::refuse(&graph, cycle)).collect();
    if !refused.is_empty() {
        return Err(refused);
    }
    Ok(lower::lower(&graph, &cycles))
}
