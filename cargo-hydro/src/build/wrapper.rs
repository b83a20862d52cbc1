//! The command as rustc's wrapper: how the generated crates, and only they, get `--remap-path-prefix`.
//!
//! Cargo calls the wrapper for workspace members alone, so the flag does not touch the build cache of the dependencies. With it, debug
//! information and backtraces name the user's files.

use std::ffi::OsString;
use std::path::Path;

/// Set by us for our own cargo call: `GENERATED_ROOT` and `USER_ROOT` joined by `=`.
pub(super) const VARIABLE: &str = "CARGO_HYDRO_REMAP";
/// A wrapper that the user has set, to be called by ours.
pub(super) const INNER: &str = "CARGO_HYDRO_INNER_WRAPPER";

/// Returns the command line to become, where this process was called as rustc's wrapper.
#[must_use]
pub fn called_as_wrapper(arguments: &[OsString]) -> Option<Vec<OsString>> {
    let remap = crate::sys::env::text(VARIABLE)?;
    let rustc = arguments.get(1)?;
    if !Path::new(rustc).file_stem()?.to_string_lossy().starts_with("rustc") && crate::sys::env::text(INNER).is_none() {
        return None;
    }
    let mut line: Vec<OsString> = crate::sys::env::path(INNER).map(Into::into).into_iter().collect();
    line.extend(arguments[1..].iter().cloned());
    for rule in rules(&remap) {
        line.extend(["--remap-path-prefix".into(), rule.into()]);
    }
    Some(line)
}

/// What becomes of generated paths. The last rule that fits counts: paths in a program's own folder are relative to the workspace, as users write them.
fn rules(remap: &str) -> Vec<String> {
    let mut rules = vec![remap.to_owned()];
    let (Some((generated, _)), Some(package), Some(binary)) =
        (remap.split_once('='), crate::sys::env::path("CARGO_MANIFEST_DIR"), crate::sys::env::text("CARGO_BIN_NAME"))
    else {
        return rules;
    };
    let own = package.join(binary);
    if let Ok(relative) = own.strip_prefix(generated) {
        rules.push(format!("{}=", own.display()));
        rules.push(format!("{}=", relative.display()));
    }
    rules
}
