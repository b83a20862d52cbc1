//! What a program is built for: a target triple, the oldest glibc it has to run with, and the builder where the user chose one.
//!
//! Values and their text. Whether anything here can build for a target is not known here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::workspace::hydro_toml::RawTarget;

/// A version of glibc, as the names of its symbols tell it.
pub type Glibc = (u32, u32);

/// What builds programs for a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Builder {
    /// Cargo, with a linker that was found.
    Cargo,
    /// cargo-zigbuild: zig is the linker, and carries each version of glibc.
    Zigbuild,
    /// cross: cargo in a container.
    Cross,
}

impl Builder {
    /// All of them, in the order in which they are chosen.
    pub const ALL: [Self; 3] = [Self::Cargo, Self::Zigbuild, Self::Cross];

    /// Returns its name, as flags and Hydro.toml have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cargo => "cargo",
            Self::Zigbuild => "zigbuild",
            Self::Cross => "cross",
        }
    }
}

impl FromStr for Builder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|builder| builder.name() == text);
        found.ok_or_else(|| format!("there is no builder `{text}` (the builders are `cargo`, `zigbuild` and `cross`)"))
    }
}

/// What a program is built for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    /// The target triple, as rustc knows it.
    pub triple: String,
    /// The oldest glibc it has to run with; none: that of whatever builds it.
    pub glibc: Option<Glibc>,
    /// What builds it; none: what is found.
    pub builder: Option<Builder>,
}

impl Target {
    /// Makes what Hydro.toml wishes for a machine. `triple` is what the machine is where the file does not say; none where the wishes name no target at all, so that
    /// the machine's own is the only answer.
    ///
    /// # Errors
    /// Tells which wish does not go with the target.
    pub fn wished(wishes: &RawTarget, triple: Option<&str>) -> Result<Option<Self>, String> {
        let Some(text) = wishes.target.as_ref().map(|target| target.get_ref().as_str()).or(triple) else {
            return Ok(None);
        };
        let mut target: Self = text.parse()?;
        if let Some(libc) = &wishes.libc {
            target = target.with_libc(libc.get_ref())?;
        }
        target.builder = wishes.builder.as_ref().map(|builder| builder.get_ref().parse()).transpose()?;
        Ok(Some(target))
    }

    /// Makes the target of a Linux machine that has told what it is: its processor as `uname -m` names it, and the version of its glibc; none: it has musl.
    #[must_use]
    pub fn of_machine(processor: &str, glibc: Option<Glibc>) -> Self {
        let (architecture, end) = match processor {
            "armv7l" | "armv8l" => ("armv7", "eabihf"),
            "armv6l" => ("arm", "eabihf"),
            "riscv64" => ("riscv64gc", ""),
            "ppc64le" => ("powerpc64le", ""),
            "arm64" => ("aarch64", ""),
            "amd64" => ("x86_64", ""),
            "i386" | "i486" | "i586" => ("i686", ""),
            other => (other, ""),
        };
        let library = if glibc.is_some() { "gnu" } else { "musl" };
        Self { triple: format!("{architecture}-unknown-linux-{library}{end}"), glibc, builder: None }
    }

    /// Returns the same target with another C library: `musl`, or a version of glibc.
    ///
    /// # Errors
    /// The target has no such library.
    pub fn with_libc(mut self, libc: &str) -> Result<Self, String> {
        let Some((start, environment)) = self.triple.rsplit_once('-').filter(|_| self.triple.contains("-linux-"))
        else {
            return Err(format!("`libc` is for Linux; the target is `{}`", self.triple));
        };
        let (is_gnu, is_musl) = (environment.starts_with("gnu"), environment.starts_with("musl"));
        if libc == "musl" {
            if let Some(rest) = environment.strip_prefix("gnu") {
                self.triple = format!("{start}-musl{rest}");
            } else if !is_musl {
                return Err(format!("there is no `{}` with musl", self.triple));
            }
            self.glibc = None;
            return Ok(self);
        }
        let version = version(libc)
            .ok_or_else(|| format!("`libc` is `\"musl\"` or a version of glibc, as in `\"2.17\"`, not `{libc}`"))?;
        if !is_gnu {
            return Err(format!("`{}` has no glibc", self.triple));
        }
        self.glibc = Some(version);
        Ok(self)
    }

    /// Returns the processor's architecture, the triple's first word.
    #[must_use]
    pub fn architecture(&self) -> &str {
        self.triple.split('-').next().unwrap_or_default()
    }

    /// Returns the triple as cargo's variables have it: `CARGO_TARGET_…_LINKER`.
    pub(super) fn variable(&self, what: &str) -> String {
        let triple = self.triple.to_uppercase().replace(['-', '.'], "_");
        format!("CARGO_TARGET_{triple}_{what}")
    }
}

/// `TRIPLE`, or `TRIPLE.MAJOR.MINOR` for a version of glibc, as cargo-zigbuild takes it.
impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_word = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        if text.is_empty() || text.starts_with(['-', '.']) || !text.chars().all(is_word) {
            return Err(format!("`{text}` is no target triple; `rustc --print target-list` lists them"));
        }
        let whole = || Self { triple: text.to_owned(), glibc: None, builder: None };
        let Some((triple, suffix)) = text.split_once('.').filter(|(triple, _)| triple.contains("-linux-gnu")) else {
            return Ok(whole());
        };
        let glibc = version(suffix).ok_or_else(|| format!("`{suffix}` is no version of glibc, as in `2.17`"))?;
        Ok(Self { triple: triple.to_owned(), glibc: Some(glibc), builder: None })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.glibc {
            Some((major, minor)) => write!(f, "{}.{major}.{minor}", self.triple),
            None => f.write_str(&self.triple),
        }
    }
}

fn version(text: &str) -> Option<Glibc> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use serde_spanned::Spanned;

    use super::*;

    fn wished(target: Option<&str>, libc: Option<&str>, builder: Option<&str>) -> Result<String, String> {
        let word = |text: Option<&str>| text.map(|text| Spanned::new(0..0, text.to_owned()));
        let wishes = RawTarget { target: word(target), libc: word(libc), builder: word(builder) };
        let made = Target::wished(&wishes, Some("x86_64-unknown-linux-gnu"))?.expect("there is a triple");
        Ok(format!("{made} {}", made.builder.map_or("", Builder::name)))
    }

    #[test]
    fn what_a_machine_tells_of_itself_makes_a_target() {
        for (processor, glibc, expected) in [
            ("x86_64", Some((2, 36)), "x86_64-unknown-linux-gnu.2.36"),
            ("aarch64", None, "aarch64-unknown-linux-musl"),
            ("armv7l", Some((2, 31)), "armv7-unknown-linux-gnueabihf.2.31"),
            ("riscv64", Some((2, 39)), "riscv64gc-unknown-linux-gnu.2.39"),
        ] {
            let target = Target::of_machine(processor, glibc);
            assert_eq!(target.to_string(), expected);
            assert_eq!(expected.parse(), Ok(target));
        }
    }

    #[test]
    fn wishes_make_a_target_or_say_why_not() {
        let arm = Some("aarch64-unknown-linux-gnu");
        for (wishes, expected) in [
            ((None, None, None), "x86_64-unknown-linux-gnu "),
            ((arm, None, Some("cross")), "aarch64-unknown-linux-gnu cross"),
            ((arm, Some("musl"), None), "aarch64-unknown-linux-musl "),
            ((arm, Some("2.17"), Some("zigbuild")), "aarch64-unknown-linux-gnu.2.17 zigbuild"),
            ((Some("armv7-unknown-linux-gnueabihf"), Some("musl"), None), "armv7-unknown-linux-musleabihf "),
            ((Some("x86_64-unknown-linux-gnu.2.28"), None, None), "x86_64-unknown-linux-gnu.2.28 "),
            ((Some("x86_64-unknown-linux-gnu.2.28"), Some("musl"), None), "x86_64-unknown-linux-musl "),
            ((Some("thumbv8m.main-none-eabi"), None, None), "thumbv8m.main-none-eabi "),
        ] {
            assert_eq!(wished(wishes.0, wishes.1, wishes.2).as_deref(), Ok(expected), "{wishes:?}");
        }
        for (wishes, part) in [
            ((arm, Some("newest"), None), "not `newest`"),
            ((arm, Some("2"), None), "not `2`"),
            ((Some("aarch64-unknown-linux-musl"), Some("2.17"), None), "has no glibc"),
            ((Some("aarch64-apple-darwin"), Some("musl"), None), "is for Linux"),
            ((arm, None, Some("make")), "there is no builder `make`"),
            ((Some("x86_64-unknown-linux-gnu.new"), None, None), "no version of glibc"),
            ((Some("--config"), None, None), "no target triple"),
            ((Some(""), None, None), "no target triple"),
        ] {
            let error = wished(wishes.0, wishes.1, wishes.2).expect_err(part);
            assert!(error.contains(part), "{error}");
        }
    }
}
