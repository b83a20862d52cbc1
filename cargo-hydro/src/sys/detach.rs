//! A process that outlives us: this program again, in a session of its own, without a terminal.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Starts this program with these arguments and waits for its first line: what it has to say when it is ready. It goes on without us.
/// What it writes to stderr goes to `complaints`.
///
/// # Errors
/// It cannot be started, or ended without a line.
pub fn start_detached(arguments: &[OsString], directory: &Path, complaints: &Path) -> io::Result<String> {
    let program = if cfg!(target_os = "linux") { PathBuf::from("/proc/self/exe") } else { std::env::current_exe()? };
    #[expect(clippy::disallowed_methods, reason = "this is the place that the rule leaves for it")]
    let mut command = std::process::Command::new(program);
    command.arg0("hydro-daemon").args(arguments).current_dir(directory);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(complaints)?);
    let detach = || rustix::process::setsid().map(drop).map_err(io::Error::from);
    // SAFETY: the closure makes one system call and allocates nothing.
    unsafe { command.pre_exec(detach) };
    let mut child = command.spawn()?;
    let mut line = String::new();
    if let Some(output) = child.stdout.take() {
        BufReader::new(output).read_line(&mut line)?;
    }
    if line.is_empty() {
        let status = child.wait()?;
        return Err(io::Error::other(format!("it ended at once: {status}")));
    }
    Ok(line.trim_end().to_owned())
}

/// Says that this process, started by [`start_detached`], is ready.
pub fn say_ready(line: &str) {
    use std::io::Write as _;
    // Who waited for it may be gone; then nobody needs to know.
    let _ = writeln!(io::stdout(), "{line}");
}
