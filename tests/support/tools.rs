//! Programs of the system that some tests need: who lacks one says so, and with `HYDRO_TESTS_REQUIRE=all` that is a failure.

use std::io::Write as _;
use std::path::Path;

/// Returns whether all that is named is there: names of programs on `PATH`, or paths. What is skipped without it is told.
#[track_caller]
pub(crate) fn has_all(tools: &[&str], skipped: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |tool: &str| std::env::split_paths(&path).any(|folder| folder.join(tool).exists());
    let missing: Vec<&&str> = tools.iter().filter(|tool| !Path::new(tool).exists() && !is_there(tool)).collect();
    if missing.is_empty() {
        return true;
    }
    #[expect(clippy::disallowed_methods, reason = "asked for by whoever runs the tests")]
    let required = std::env::var("HYDRO_TESTS_REQUIRE").is_ok_and(|value| value == "all");
    assert!(!required, "{skipped}: there is no {missing:?}, and HYDRO_TESTS_REQUIRE=all asks for it");
    tell(&format!("skipped: {skipped}: there is no {missing:?}"));
    false
}

/// Says something whether the test that says it passes or not: what macros print is shown of those only that fail.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
