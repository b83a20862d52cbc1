//! What generated code says of its ticks.

use dfir_rs::scheduled::context::Context;

/// Returns the closure of a tick. Its bound tells rustc, before it looks into the closure, that ticks repeat: a value that is moved out in one
/// is then reported where it is moved.
pub fn repeatable<Tick: for<'a> AsyncFnMut(&'a mut Context) -> bool>(tick: Tick) -> Tick {
    tick
}
