//! The dataflow compiler's own suite as `.hf` modules: how much of the surface syntax works, in figures.
//!
//! Nothing of the suite is kept here. It is read at test time from the crates that cargo has downloaded, turned into `.hf` modules, compiled by us,
//! and judged by its own assertions. In the order the data goes: `suite` (where it is), `rust_file` (flows and tests of a file), `doc_examples`,
//! `channels` (captured channels → ports), `module` (`.hf` text → our compiler, and the peer's as the judge), `cases` (test programs), `cargo`
//! (builds and runs them), `wrong` (programs that must not compile), `report` (the figures). Read `figures` first.
//! `cargo test -p cargo-hydro --test system conformance -- --nocapture` prints the figures; with `BLESS=1` it rewrites docs/conformance.md.

mod cargo;
mod cases;
mod channels;
mod doc_examples;
mod figures;
mod module;
mod report;
mod rust_file;
mod suite;
mod wrong;
