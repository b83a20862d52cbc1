//! Module body → dataflow graph → Rust tokens. The only user of `hydroflow_lang`, so that its next release is this folder's work.
//!
//! `body` reads statements with recovery, `conditions` sees to `#[cfg]`, `former` knows what operators were called once and `demux` how that one was written, `lasting` lets counters go on from tick to tick, `ports` puts the module's ports at the ends of its pipelines,
//! `leaving` leads them out of loops, `entering` finds loops that nothing comes into, `references` finds those to singletons that cannot be, `compile` runs the dataflow compiler, `finished` knows when a check need not,
//! `tick` tells rustc that ticks repeat, `nothing` what `null()` is a source of, `explain` turns what the compiler says into our words.

mod body;
mod compile;
mod conditions;
mod demux;
mod entering;
mod explain;
mod finished;
mod former;
mod lasting;
mod leaving;
mod nothing;
mod operators;
mod parts;
mod picture;
mod ports;
mod recursion;
mod references;
mod tick;

pub(crate) use compile::{Dataflow, Wanted, compile, runtime_root};
pub use compile::{Graph, GraphOptions};
pub use operators::{Count, OperatorShape, operators};
pub(crate) use parts::alias;
pub use picture::{Edge, EdgeKind, Node, NodeKind};
pub(crate) use ports::value as port_value;
