//! A start at boot where no systemd sees to it: a line of the user's own table of cron.
//!
//! Knows nothing of what is started.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fs::{FlockOperation, flock};

use crate::child::command;

/// Has the host of this folder started when the machine is. An error says what is missing.
pub(crate) fn add(folder: &Path) -> Result<(), String> {
    if !runs() {
        return Err("no cron runs there".to_owned());
    }
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    // In cron's table `%` ends the command.
    if [&program, folder].iter().any(|path| path.to_string_lossy().contains(['%', '\'', '\n'])) {
        return Err(format!("cron cannot have a line with `{}` in it", folder.display()));
    }
    // Members find programs as they do now; what cron itself has is less.
    let path = std::env::var_os("PATH").and_then(|path| path.into_string().ok());
    let path = path.filter(|path| !path.contains(['%', '\'', '\n'])).map(|path| format!("PATH='{path}' "));
    let (path, place) = (path.unwrap_or_default(), folder.display());
    let line =
        format!("@reboot [ -d '{place}' ] && {path}exec '{}' serve '{place}' {}", program.display(), mark(folder));
    change(folder, |table| [without(table, folder).as_str(), &line, "\n"].concat())
        .map_err(|error| format!("cron does not take a line of ours: {error}"))
}

/// Takes the line away.
pub(crate) fn remove(folder: &Path) {
    if runs() {
        // A line that stays finds no folder at the next start, and ends.
        let _ = change(folder, |table| without(table, folder));
    }
}

/// Whether there is a cron that would start something.
fn runs() -> bool {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut names = all.filter_map(|entry| std::fs::read_to_string(entry.path().join("comm")).ok());
    names.any(|name| matches!(name.trim(), "cron" | "crond"))
}

fn mark(folder: &Path) -> String {
    format!("# hydro {}", folder.display())
}

fn without(table: &str, folder: &Path) -> String {
    let mark = mark(folder);
    table.lines().filter(|line| !line.ends_with(&mark)).flat_map(|line| [line, "\n"]).collect()
}

/// Changes the table. Two hosts of one user do it one after the other.
fn change(folder: &Path, edit: impl FnOnce(&str) -> String) -> io::Result<()> {
    let beside = folder.parent().unwrap_or(folder);
    let lock = std::fs::File::open(beside)?;
    flock(&lock, FlockOperation::LockExclusive)?;
    let mut list = command("crontab");
    let before = list.arg("-l").stdin(Stdio::null()).output()?;
    // Who has no table yet is told so with an error.
    let before =
        if before.status.success() { String::from_utf8_lossy(&before.stdout).into_owned() } else { String::new() };
    let after = edit(&before);
    if after == before {
        return Ok(());
    }
    let mut write = command("crontab");
    feed(if after.is_empty() { write.arg("-r") } else { write.arg("-") }, &after)
}

fn feed(command: &mut Command, text: &str) -> io::Result<()> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // Who does not read it says why.
        let _ = stdin.write_all(text.as_bytes());
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_line_is_taken_away() {
        let folder = Path::new("/root/.hydro/deployments/a");
        let table = "# mine\n@reboot x # hydro /root/.hydro/deployments/a\n@daily y\n@reboot z # hydro /root/.hydro/deployments/ab\n";
        assert_eq!(without(table, folder), "# mine\n@daily y\n@reboot z # hydro /root/.hydro/deployments/ab\n");
    }
}
