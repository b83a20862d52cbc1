//! What the operating system tells of itself: room on disk, limits, programs and their versions, its package manager.

use std::path::Path;

use crate::sys::{self, Launch};

/// Asks a program for its version; none: it is not there, or does not say.
pub(super) fn version(program: &str, argument: &str) -> Option<String> {
    sys::env::find_program(program, Path::new("/"))?;
    let launch = Launch { program: program.into(), args: vec![argument.into()], ..Launch::default() };
    let mut first = None;
    // ssh tells it on standard error.
    let exit = sys::run(launch, &mut |_, line| {
        if first.is_none() && !line.trim().is_empty() {
            first = Some(line.trim().to_owned());
        }
    });
    exit.ok().filter(|exit| exit.success())?;
    first
}

/// Returns the numbers of the first version in a text.
pub(super) fn numbers(text: &str) -> Vec<u32> {
    let word = text.split_whitespace().map(|word| word.trim_start_matches('v'));
    let mut versions = word.filter(|word| word.starts_with(|letter: char| letter.is_ascii_digit()));
    versions.next().unwrap_or_default().split('.').map_while(|part| part.parse().ok()).collect()
}

/// Returns the command that installs a package, by the names that Debian, Fedora and others, and Homebrew have for it.
pub(super) fn install(debian: &str, others: &str, homebrew: &str) -> Vec<String> {
    let managers = [
        ("apt-get", "apt-get install -y", debian),
        ("dnf", "dnf install -y", others),
        ("brew", "brew install", homebrew),
    ];
    let found = managers.into_iter().find(|(program, ..)| sys::env::find_program(program, Path::new("/")).is_some());
    found
        .filter(|(.., package)| !package.is_empty())
        .map(|(_, line, package)| format!("{line} {package}"))
        .into_iter()
        .collect()
}

/// Reads a number that the kernel keeps in a file.
pub(super) fn number(file: &str) -> Option<u64> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        for (text, expected) in [
            ("Python 3.11.2", vec![3, 11, 2]),
            ("v22.17.0", vec![22, 17, 0]),
            ("rustc 1.95.0 (59807616e 2026-04-14)", vec![1, 95]),
            ("nothing", vec![]),
        ] {
            assert!(numbers(text).starts_with(&expected), "{text}: {:?}", numbers(text));
        }
    }
}
