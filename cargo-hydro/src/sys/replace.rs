//! Becoming another program.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::ExitCode;

/// Becomes another program: the same process, with its arguments. Returns only where that fails, with the shell's code for it.
#[must_use]
pub fn become_program(line: Vec<OsString>) -> ExitCode {
    ExitCode::from(become_program_in(line, &BTreeMap::new(), Path::new(".")))
}

/// Becomes another program with more variables, in another folder. Returns as [`become_program`] does.
#[must_use]
pub fn become_program_in(mut line: Vec<OsString>, env: &BTreeMap<String, String>, directory: &Path) -> u8 {
    if line.is_empty() {
        return 127;
    }
    let program = line.remove(0);
    #[expect(clippy::disallowed_methods, reason = "this is the place that the rule leaves for it")]
    let error = std::process::Command::new(program).args(line).envs(env).current_dir(directory).exec();
    if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 }
}
