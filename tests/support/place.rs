//! Where the suites' files are.
//!
//! Everything lies at fixed places below the target folder, so that the second run finds its programs built.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};

/// Returns the root of the repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("cargo-hydro lies in the repository")
}

/// Returns the target folder that all suites' workspaces share: what their programs depend on is compiled once.
pub(crate) fn shared_target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("lies in the target folder").join("hydro-tests")
}

/// Whether scripts in JavaScript can be tested: node is there. On CI it must be; elsewhere its absence is told.
pub(crate) fn node_is_there() -> bool {
    is_there("node")
}

/// Whether a program of Node.js is there that a test needs. On CI it must be; elsewhere its absence is told.
pub(crate) fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(program).is_file()) {
        return true;
    }
    not_covered(&format!("there is no `{program}` on PATH; install Node.js to test scripts in JavaScript"));
    false
}

/// Tells that a test shows nothing here, and why. On CI that is a failure.
#[track_caller]
#[expect(clippy::print_stderr, reason = "whoever runs the tests must know what they did not show")]
pub(crate) fn not_covered(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "not covered, though CI must cover it: {why}");
    eprintln!("NOT COVERED: {why}");
}

/// Returns an address of this machine that nobody else has: the whole of 127.0.0.0/8 is ours, and a port that is merely free now may be gone
/// when a program wants it.
pub(crate) fn own_address() -> String {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    format!("127.{}.{low}.{}:4000", high | 1, NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Returns the place of a test's own files. It is always the same, so its name must be the test's alone.
pub(crate) fn scratch(name: &str) -> PathBuf {
    shared_target().join("work").join(name)
}

/// Returns a copy of one of the command's programs. It stays what it is while somebody builds the next one.
pub(crate) fn program(built: &str) -> PathBuf {
    let bytes = fs::read(built).expect("cargo has built it");
    let bin = shared_target().join("bin");
    let folder = bin.join(&blake3::hash(&bytes).to_hex()[..16]);
    let copy = folder.join(Path::new(built).file_name().expect("is a file"));
    if copy.is_file() {
        return copy;
    }
    fs::create_dir_all(&folder).expect("can be made");
    let part = tempfile::NamedTempFile::new_in(&folder).expect("can be made");
    fs::copy(built, part.path()).expect("can be copied");
    // The file must be closed before it can be executed.
    part.into_temp_path().persist(&copy).expect("can be renamed");
    copy
}
