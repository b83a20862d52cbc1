//! Golden files: texts that were looked at once and stay as they are. `BLESS=1` rewrites them.

use std::fs;
use std::path::Path;

use super::place::repository;

/// Asserts that the golden file (relative to `tests/`) says the same.
#[track_caller]
pub(crate) fn assert_golden(file: &str, actual: &str) {
    let path = repository().join("tests").join(file);
    let actual = format!("{}\n", actual.trim_end());
    #[expect(clippy::disallowed_methods, reason = "asked for by whoever runs the tests")]
    let bless = std::env::var("BLESS").is_ok_and(|value| value == "1");
    if bless {
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("can be made");
        fs::write(&path, actual).expect("can be written");
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == actual,
        "tests/{file} differs (BLESS=1 rewrites it)\n---- expected\n{expected}\n---- actual\n{actual}"
    );
}
