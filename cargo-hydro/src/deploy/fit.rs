//! Whether what was built runs where it is to run, and what is built in its place where a machine's C library is older than what was linked with.
//!
//! Goes by what a machine has told of itself. Pure: builds nothing, asks nobody.

use crate::build::{Glibc, Target};
use crate::machine::Probe;
use crate::report::{ExitCode, Failure, Origin};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It runs there.
    Runs,
    /// Built for this it does.
    Older(Target),
    /// It does not, and nothing is known that does.
    Not,
}

/// Says whether a program runs on a machine that was built for this target (none: what this machine is) and asks for this version of glibc.
pub(super) fn fit(need: Option<Glibc>, target: Option<&Target>, probe: &Probe) -> Fit {
    if target.is_some_and(|target| !target.suits(&probe.arch)) {
        return Fit::Not;
    }
    let (Some(need), Some(has)) = (need, probe.glibc) else {
        return if need.is_none() { Fit::Runs } else { Fit::Not };
    };
    if has >= need {
        return Fit::Runs;
    }
    match target {
        // Whoever names a version means it.
        Some(target) if target.glibc.is_some() => Fit::Not,
        Some(target) => Fit::Older(Target { glibc: Some(has), ..target.clone() }),
        None => Fit::Older(probe.target()),
    }
}

/// Tells that a program does not run on a machine. `what` is the program, for people.
pub(super) fn refusal(
    (what, origin): (&str, Option<&Origin>),
    (need, target): (Option<Glibc>, Option<&Target>),
    (machine, probe): (&str, &Probe),
) -> Failure {
    let cannot = |why: String| {
        let mut failure = Failure::new(ExitCode::DeployFailed, format!("{what} cannot run on `{machine}`: {why}"));
        failure.origin = origin.cloned();
        failure
    };
    if let Some(target) = target.filter(|target| !target.suits(&probe.arch)) {
        let failure = cannot(format!("it is built for `{target}`, and the processor there is {}", probe.arch));
        return failure.hint("leave `target` out of the machine's table: a deploy finds out what it is");
    }
    let needs = need.map_or_else(String::new, |(major, minor)| format!("it needs glibc {major}.{minor}, and "));
    match probe.glibc {
        Some((major, minor)) => cannot(format!("{needs}there is glibc {major}.{minor}")).hint(format!(
            "programs for it are built by cargo-zigbuild, of which `cargo hydro doctor --target {}` tells more, or with `libc = \"musl\"` at the machine",
            probe.target()
        )),
        None => cannot(format!("{needs}there is no glibc"))
            .hint("leave `target` and `libc` out of the machine's table: a deploy finds out what it has"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(arch: &str, glibc: Option<Glibc>) -> Probe {
        Probe { arch: arch.into(), glibc, ..Probe::default() }
    }

    #[test]
    fn an_older_c_library_asks_for_another_build_and_another_processor_for_none() {
        let own = probe("x86_64", Some((2, 31)));
        assert_eq!(fit(Some((2, 31)), None, &own), Fit::Runs);
        assert_eq!(fit(None, None, &probe("x86_64", None)), Fit::Runs, "it is static");
        let older = |text: &str| Fit::Older(text.parse().unwrap());
        assert_eq!(fit(Some((2, 34)), None, &own), older("x86_64-unknown-linux-gnu.2.31"));
        let arm: Target = "aarch64-unknown-linux-gnu".parse().unwrap();
        let board = probe("aarch64", Some((2, 17)));
        assert_eq!(fit(Some((2, 34)), Some(&arm), &board), older("aarch64-unknown-linux-gnu.2.17"));
        assert_eq!(fit(Some((2, 34)), Some(&arm), &own), Fit::Not);
        assert_eq!(fit(Some((2, 34)), Some(&arm), &probe("aarch64", None)), Fit::Not);
        let told = "aarch64-unknown-linux-gnu.2.28".parse().unwrap();
        assert_eq!(fit(Some((2, 28)), Some(&told), &board), Fit::Not, "it was told which one");
    }

    #[test]
    fn a_refusal_says_what_is_needed_and_what_is_there() {
        let told = |target: Option<&str>, there: &Probe| {
            let target: Option<Target> = target.map(|text| text.parse().unwrap());
            let failure = refusal(("`a`", None), (Some((2, 34)), target.as_ref()), ("one", there));
            format!("{} | {}", failure.message, failure.hint.unwrap())
        };
        let older = told(None, &probe("x86_64", Some((2, 31))));
        assert!(
            older.starts_with("`a` cannot run on `one`: it needs glibc 2.34, and there is glibc 2.31 | "),
            "{older}"
        );
        assert!(older.contains("doctor --target x86_64-unknown-linux-gnu.2.31"), "{older}");
        let other = told(Some("x86_64-unknown-linux-gnu"), &probe("aarch64", Some((2, 36))));
        assert!(other.contains("built for `x86_64-unknown-linux-gnu`, and the processor there is aarch64"), "{other}");
        let musl = told(Some("x86_64-unknown-linux-gnu"), &probe("x86_64", None));
        assert!(musl.contains("there is no glibc"), "{musl}");
    }
}
