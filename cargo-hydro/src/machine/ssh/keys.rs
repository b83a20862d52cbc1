//! Keys that open machines which are made for a deployment, and who those machines are.
//!
//! Knows nothing of how machines are made.

use std::io;
use std::path::{Path, PathBuf};

use super::SshError;
use crate::sys;

/// A pair of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPair {
    /// The file of the private half.
    pub private: PathBuf,
    /// The public half, as in `authorized_keys`.
    pub public: String,
}

impl KeyPair {
    /// Finds the pair of a folder, or makes one there. Blocks.
    ///
    /// # Errors
    /// The folder cannot be used, or there is no `ssh-keygen`.
    pub fn in_folder(folder: &Path) -> Result<Self, SshError> {
        let failed = |why: String| {
            let hint = "it comes with `ssh` (package openssh-client), and the workspace must be writable";
            SshError::new("cannot make a key with `ssh-keygen`", why, hint)
        };
        let (private, public) = (folder.join("id"), folder.join("id.pub"));
        if !private.is_file() {
            sys::fs::create_private_folder(folder).map_err(|error| failed(error.to_string()))?;
            let new = tempfile::tempdir_in(folder).map_err(|error| failed(error.to_string()))?;
            generate(&new.path().join("id")).map_err(failed)?;
            // The private one last: where it is, both are.
            let put = |from: &str, to: &Path| std::fs::rename(new.path().join(from), to);
            put("id.pub", &public).and_then(|()| put("id", &private)).map_err(|error| failed(error.to_string()))?;
        }
        let text = std::fs::read_to_string(&public).map_err(|error| failed(error.to_string()))?;
        Ok(Self { private, public: text.trim().to_owned() })
    }
}

fn generate(path: &Path) -> Result<(), String> {
    let words = ["-q", "-t", "ed25519", "-N", "", "-C", "hydro", "-f"];
    let mut args: Vec<std::ffi::OsString> = words.map(Into::into).into();
    args.push(path.into());
    let launch = sys::Launch { program: "ssh-keygen".into(), args, ..sys::Launch::default() };
    let mut said = Vec::new();
    match sys::run(launch, &mut |_, line| said.push(line.to_owned())) {
        Ok(exit) if exit.success() => Ok(()),
        Ok(exit) => Err(format!("it {exit}: {}", said.join(" "))),
        Err(error) => Err(error.to_string()),
    }
}

/// Writes down who a machine is, in place of what was known of it.
///
/// # Errors
/// The folder cannot be written to.
pub fn write_known_host(file: &Path, host: &str, keys: &[String]) -> io::Result<()> {
    let lines: String = keys.iter().map(|key| format!("{host} {key}\n")).collect();
    sys::fs::write_private(file, lines.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_pair_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("keys");
        let first = KeyPair::in_folder(&place).unwrap();
        assert!(first.public.starts_with("ssh-ed25519 ") && !first.public.contains('\n'), "{first:?}");
        assert_eq!(KeyPair::in_folder(&place).unwrap(), first);
        assert_eq!(std::fs::read_dir(&place).unwrap().count(), 2, "nothing else is left");
        let known = place.join("known");
        write_known_host(&known, "192.0.2.1", &["ssh-ed25519 AAAA".into()]).unwrap();
        assert_eq!(std::fs::read_to_string(known).unwrap(), "192.0.2.1 ssh-ed25519 AAAA\n");
    }
}
