//! Who we are, for others to read, and texts that nobody can guess.

use std::io::{self, Read as _};

use super::env;

/// Returns `user@machine`, as well as it is known.
#[must_use]
pub fn who() -> String {
    let user = env::text("USER").or_else(|| env::text("LOGNAME")).unwrap_or_else(|| "somebody".to_owned());
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{user}@{}", if machine.trim().is_empty() { "a machine" } else { machine.trim() })
}

/// Returns 32 hex digits that nobody can guess.
///
/// # Errors
/// The system gives none.
pub fn random_text() -> io::Result<String> {
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
