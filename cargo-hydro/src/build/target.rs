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

/// What is wished of building for a machine, word for word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wishes {
    /// A target triple; none: what the machine is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// `musl`, or a version of glibc; none: what the machine has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub libc: Option<String>,
    /// What builds; none: what is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builder: Option<String>,
}

impl Wishes {
    /// Whether nothing is wished.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl From<&RawTarget> for Wishes {
    fn from(raw: &RawTarget) -> Self {
        let word = |word: &Option<serde_spanned::Spanned<String>>| word.as_ref().map(|word| word.get_ref().clone());
        Self { target: word(&raw.target), libc: word(&raw.libc), builder: word(&raw.builder) }
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
    /// Makes what is wished for a machine. `triple` is what the machine is where the wishes do not say. None: they come to what this machine itself is.
    ///
    /// # Errors
    /// Tells which wish does not go with the target.
    pub fn wished(wishes: &Wishes, triple: &str) -> Result<Option<Self>, String> {
        if wishes.is_none() && Self::here().as_deref() == Some(triple) {
            return Ok(None);
        }
        let mut target: Self = wishes.target.as_deref().unwrap_or(triple).parse()?;
        if let Some(libc) = &wishes.libc {
            target = target.with_libc(libc)?;
        }
        target.builder = wishes.builder.as_ref().map(|builder| builder.parse()).transpose()?;
        Ok(Some(target))
    }

    /// Returns the triple of this machine, as far as this very program tells it; nobody is asked.
    fn here() -> Option<String> {
        let glibc = cfg!(target_env = "gnu").then_some((0, 0));
        cfg!(target_os = "linux").then(|| Self::of_machine(std::env::consts::ARCH, glibc).triple)
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

    /// Whether its programs run on a machine whose processor is of this name, as `uname -m` has it. Narrow processors' programs run on wide ones of their family.
    #[must_use]
    pub fn suits(&self, processor: &str) -> bool {
        fn family(architecture: &str) -> &str {
            match architecture {
                "x86_64" | "i586" | "i686" => "x86",
                name if name.starts_with("aarch64") || name.starts_with("arm") || name.starts_with("thumb") => "arm",
                name if name.starts_with("riscv64") => "riscv64",
                name => name,
            }
        }
        let machine = Self::of_machine(processor, None);
        self.triple.contains("-linux-") && family(self.architecture()) == family(machine.architecture())
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
    use super::*;

    fn wished(target: Option<&str>, libc: Option<&str>, builder: Option<&str>) -> Result<String, String> {
        let word = |text: Option<&str>| text.map(str::to_owned);
        let wishes = Wishes { target: word(target), libc: word(libc), builder: word(builder) };
        let made = Target::wished(&wishes, "riscv64gc-unknown-linux-gnu")?.expect("it is not this machine");
        Ok(format!("{made} {}", made.builder.map_or("", Builder::name)))
    }

    #[test]
    fn this_machine_without_a_wish_is_no_target() {
        let own = Target::here().unwrap();
        assert_eq!(Target::wished(&Wishes::default(), &own), Ok(None));
        let musl = Wishes { libc: Some("musl".into()), ..Wishes::default() };
        assert!(Target::wished(&musl, &own).unwrap().unwrap().triple.ends_with("-musl"));
    }

    #[test]
    fn a_program_suits_the_processors_of_its_family() {
        for (triple, processor, suits) in [
            ("x86_64-unknown-linux-gnu", "x86_64", true),
            ("x86_64-unknown-linux-gnu", "aarch64", false),
            ("aarch64-unknown-linux-musl", "arm64", true),
            ("armv7-unknown-linux-gnueabihf", "aarch64", true),
            ("i686-unknown-linux-gnu", "x86_64", true),
            ("riscv64gc-unknown-linux-gnu", "riscv64", true),
            ("aarch64-apple-darwin", "aarch64", false),
        ] {
            let target: Target = triple.parse().unwrap();
            assert_eq!(target.suits(processor), suits, "{triple} on {processor}");
        }
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
            ((None, None, None), "riscv64gc-unknown-linux-gnu "),
            ((None, Some("2.36"), None), "riscv64gc-unknown-linux-gnu.2.36 "),
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
