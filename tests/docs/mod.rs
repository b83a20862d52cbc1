//! What the documents say is so: each example is built and run, each operator is told of with its true shape, each code has its explanation.
//!
//! The grammar is held to the parser beside the parser, in `hydroflow_standalone/tests/grammar`.

mod examples;
mod explanations;
mod operators;
mod pages;
