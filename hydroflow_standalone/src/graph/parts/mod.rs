//! Modules used as operators: each use becomes an instance, whose statements are written into the user's.
//!
//! Works on tokens, before the dataflow compiler sees anything, so that every token keeps its place in the text. `call` finds the uses, `settings` reads what they set,
//! `statement` takes a body apart, `rename` keeps the names of instances from meeting and `items` those of items, `scope` lets those of other files see their own, `bounds` asks whether types fit, `wire` joins an instance's ports to the pipelines around it,
//! `expand` does it for a whole module, recursively. Read [`expand`] first.

mod bounds;
mod call;
mod expand;
mod items;
mod rename;
mod scope;
mod settings;
mod statement;
mod wire;

pub(crate) use expand::{Expanded, expand, without_parts};
pub(crate) use scope::alias;
pub(super) use statement::opens_pipelines;
