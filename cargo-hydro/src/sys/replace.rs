//! Becoming another program.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::ExitCode;

/// Becomes another program: the same process, with its arguments. Returns only where that fails, with the shell's code for it.
#[must_use]
pub fn become_program(mut line: Vec<OsString>) -> ExitCode {
    if line.is_empty() {
        return ExitCode::from(127);
    }
    let program = line.remove(0);
    #[expect(clippy::disallowed_methods, reason = "this is the place that the rule leaves for it")]
    let error = std::process::Command::new(program).args(line).exec();
    ExitCode::from(if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 })
}
