//! Places compiled dataflow code in the `.hf` file's own spans.
