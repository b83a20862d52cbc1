//! The modules that come with the language: what they do in real programs, and what the documents say of them.

mod document;
mod programs;
