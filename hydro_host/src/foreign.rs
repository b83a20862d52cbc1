//! Programs for another processor: started so that the kernel's refusal is heard.
//!
//! What the kernel does not run, `execvp` hands to a shell, as it may be a script without a first line that says so; a program for another processor fails there
//! in odd words. Whether the kernel runs it all the same (by an emulator that it knows) only the kernel can say.

use std::collections::BTreeMap;
use std::ffi::{CString, OsString, c_char};
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// What executables are marked with that are for this processor; none: nobody has said it here.
const OURS: Option<u16> = if cfg!(target_arch = "x86_64") {
    Some(62)
} else if cfg!(target_arch = "aarch64") {
    Some(183)
} else if cfg!(target_arch = "arm") {
    Some(40)
} else if cfg!(target_arch = "riscv64") {
    Some(243)
} else {
    None
};

/// A program for another processor, with all that the kernel needs to start it.
pub(crate) struct Foreign {
    path: CString,
    args: Pointers,
    env: Pointers,
}

/// Texts, and a list of where they are that ends with none.
struct Pointers {
    list: Vec<*const c_char>,
    /// What is pointed to. Moving them moves no text.
    _texts: Vec<CString>,
}

// SAFETY: the list points to texts that are its own and that nobody changes.
unsafe impl Send for Pointers {}
// SAFETY: as above.
unsafe impl Sync for Pointers {}

impl Pointers {
    fn to(texts: Vec<CString>) -> Self {
        let list = texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect();
        Self { list, _texts: texts }
    }
}

impl Foreign {
    /// Returns a program if it is one for another processor. `directory` is where it will work, `env` all its variables.
    pub(crate) fn of(
        program: &str,
        args: &[String],
        directory: &Path,
        env: &BTreeMap<OsString, OsString>,
    ) -> Option<Self> {
        let path = find(program, directory, env)?;
        if is_ours(&path) {
            return None;
        }
        let words = std::iter::once(program).chain(args.iter().map(String::as_str));
        let args: Option<Vec<CString>> = words.map(|word| CString::new(word).ok()).collect();
        let pair = |(name, value): (&OsString, &OsString)| {
            let mut text = name.clone();
            text.push("=");
            text.push(value);
            CString::new(text.into_vec()).ok()
        };
        let env: Option<Vec<CString>> = env.iter().map(pair).collect();
        let path = CString::new(path.into_os_string().into_vec()).ok()?;
        Some(Self { path, args: Pointers::to(args?), env: Pointers::to(env?) })
    }

    /// Becomes it. Allocates nothing.
    pub(crate) fn exec(&self) -> io::Error {
        // SAFETY: all three end as C has it, and live as long as this call.
        unsafe { libc::execve(self.path.as_ptr(), self.args.list.as_ptr(), self.env.list.as_ptr()) };
        io::Error::last_os_error()
    }
}

fn find(program: &str, directory: &Path, env: &BTreeMap<OsString, OsString>) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(directory.join(program));
    }
    let path = env.get(OsString::from_vec(b"PATH".to_vec()).as_os_str())?;
    std::env::split_paths(path).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Whether a file is for this processor, or nothing that is for any.
fn is_ours(path: &Path) -> bool {
    let mut head = [0; 20];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    if read.is_err() || !head.starts_with(b"\x7fELF") {
        return true;
    }
    let [.., low, high] = head;
    let machine = if head[5] == 1 { u16::from_le_bytes([low, high]) } else { u16::from_be_bytes([low, high]) };
    OURS.is_none_or(|ours| ours == machine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_programs_of_other_processors_are_foreign() {
        let folder = tempfile::tempdir().unwrap();
        let mut head = [0; 64];
        head[..6].copy_from_slice(b"\x7fELF\x02\x01");
        // No processor has it.
        head[18..20].copy_from_slice(&0xfffe_u16.to_le_bytes());
        std::fs::write(folder.path().join("other"), head).unwrap();
        std::fs::write(folder.path().join("script"), "echo no first line says what it is\n").unwrap();
        let env = BTreeMap::from([("PATH".into(), folder.path().as_os_str().to_owned())]);
        let of = |program: &str| Foreign::of(program, &["a b".to_owned()], Path::new("/"), &env);
        assert_eq!(of("other").is_some(), OURS.is_some());
        for ours in ["script", "/bin/sh", "nothing", "/nothing"] {
            assert!(of(ours).is_none(), "{ours}");
        }
    }
}
