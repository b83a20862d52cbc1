//! `.hf` text → Rust crate text.
