//! The rules of the house that no compiler knows.
//!
//! `arrows` says who may use whom, `files` how a file looks, `documents` that what is written about the code is there.

mod arrows;
mod documents;
mod files;
mod sources;
