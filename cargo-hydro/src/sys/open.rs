//! Showing a file to the person at the screen.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;

use super::env;

/// Programs that know which program shows a file, in the order they are tried.
const OPENERS: [&str; 4] = ["xdg-open", "open", "gio", "wslview"];

/// Opens a file in the browser of the variable `BROWSER`, else in whatever the desktop prefers. It stays open when this command ends.
///
/// # Errors
/// There is no such program, or it cannot be started.
pub fn open(file: &Path) -> std::io::Result<()> {
    let here = Path::new(".");
    let chosen = env::text("BROWSER").and_then(|names| names.split(':').find_map(|name| env::find_program(name, here)));
    let program = chosen.or_else(|| OPENERS.iter().find_map(|name| env::find_program(name, here)));
    let missing = || std::io::Error::new(std::io::ErrorKind::NotFound, "no program that opens files was found");
    let program = program.ok_or_else(missing)?;
    let verb = program.ends_with("gio").then(|| OsString::from("open"));
    #[expect(
        clippy::disallowed_methods,
        reason = "this room spawns; the browser is to outlive the command, so it is not guarded"
    )]
    let mut command = std::process::Command::new(program);
    command.args(verb).arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.process_group(0).spawn().map(drop)
}
