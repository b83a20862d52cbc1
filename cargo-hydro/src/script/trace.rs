//! What a script and the engine say to each other, written down where somebody asks for it.
//!
//! One line per message: `> ` and the script's words, or `< ` and the engine's. Read [`Trace::wished`] first.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use crate::report::{ExitCode, Failure};
use crate::sys;

/// Names the file; what is there already stays.
const VARIABLE: &str = "HYDRO_SCRIPT_TRACE";

/// Who speaks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Speaker {
    Script,
    Engine,
}

/// Where the words go.
#[derive(Debug)]
pub(super) struct Trace {
    file: File,
}

impl Trace {
    /// Opens the file that the environment names, if it names one.
    pub(super) fn wished() -> Result<Option<Self>, Failure> {
        let Some(path) = sys::env::path(VARIABLE) else { return Ok(None) };
        Self::open(&path).map(Some).map_err(|error| {
            Failure::new(ExitCode::Usage, format!("cannot write to `{}`", path.display()))
                .cause(error)
                .cause(format!("the variable `{VARIABLE}` names it"))
        })
    }

    fn open(path: &Path) -> std::io::Result<Self> {
        Ok(Self { file: File::options().append(true).create(true).open(path)? })
    }

    /// Writes messages down, each of which ends in a newline.
    pub(super) fn note(&self, speaker: Speaker, messages: &[u8]) {
        let sign = match speaker {
            Speaker::Script => b"> ",
            Speaker::Engine => b"< ",
        };
        let mut lines = Vec::with_capacity(messages.len() + 64);
        for message in messages.split_inclusive(|byte| *byte == b'\n') {
            lines.extend_from_slice(sign);
            lines.extend_from_slice(message);
        }
        // A full disk must not end the script.
        let _ = (&self.file).write_all(&lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_stand_in_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace");
        let trace = Trace::open(&path).unwrap();
        trace.note(Speaker::Script, b"{\"id\":1}\n");
        Trace::open(&path).unwrap().note(Speaker::Engine, b"{\"id\":1}\n{\"id\":2}\n");
        assert_eq!(std::fs::read_to_string(path).unwrap(), "> {\"id\":1}\n< {\"id\":1}\n< {\"id\":2}\n");
    }
}
