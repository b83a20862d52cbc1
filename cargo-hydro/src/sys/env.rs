//! The environment of this process, read only.
//!
//! Does not know what the variables mean.

use std::path::{Path, PathBuf};

/// Returns the variable's value; none where it is not set, empty, or no Unicode text.
#[must_use]
pub fn text(name: &str) -> Option<String> {
    path(name).and_then(|value| value.into_os_string().into_string().ok())
}

/// Returns the variable's value as a path; none where it is not set or empty.
#[must_use]
pub fn path(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Returns all variables whose names begin like one of these, in order.
#[must_use]
pub fn beginning_with(beginnings: &[&str]) -> Vec<(String, String)> {
    let text = |value: std::ffi::OsString| value.to_string_lossy().into_owned();
    let variables = std::env::vars_os().map(|(name, value)| (text(name), text(value)));
    let mut found: Vec<_> =
        variables.filter(|(name, _)| beginnings.iter().any(|beginning| name.starts_with(beginning))).collect();
    found.sort();
    found
}

/// Finds an executable as a shell would: by path where the name holds a `/`, else on `PATH`.
#[must_use]
pub fn find_program(name: &str, directory: &Path) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(directory.join(name)).filter(|file| is_executable(file));
    }
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|file| is_executable(file))
}

/// Returns all executables of a name on `PATH`, in its order.
#[must_use]
pub fn programs(name: &str) -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(name)).filter(|file| is_executable(file)).collect()
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_as_a_shell_finds_them() {
        let root = Path::new("/");
        assert!(find_program("sh", root).is_some_and(|file| file.is_absolute()));
        assert_eq!(find_program("bin/sh", root), Some(PathBuf::from("/bin/sh")));
        assert_eq!(find_program("no-such-program-anywhere", root), None);
        assert_eq!(find_program("/etc/passwd", root), None, "not executable");
    }
}
