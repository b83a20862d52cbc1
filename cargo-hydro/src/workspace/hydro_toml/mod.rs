//! `Hydro.toml`, exactly as written.
