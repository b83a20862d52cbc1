//! The choice: cargo where the compiler has the target's standard library and a linker is there, then cargo-zigbuild, then cross.
//!
//! Facts in, a toolchain out, or what each way lacks; nothing is looked up here.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use super::probe::{Compiler, Cross, Linker, Missing, Remedy, Zig};
use crate::build::target::{Builder, Target};
use crate::workspace::cargo_program;

/// What this machine has for one target.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The triple of the compiler that cargo uses; none: it cannot be asked.
    pub host: Option<String>,
    /// Compilers that have the target's standard library; the one that cargo uses is the first, if it is among them.
    pub compilers: Vec<Compiler>,
    /// What the compiler that cargo uses lacks.
    pub lack: Missing,
    /// The target's linker.
    pub linker: Result<Linker, Missing>,
    /// cargo-zigbuild with a zig.
    pub zig: Result<Zig, Missing>,
    /// cross with something that runs containers.
    pub cross: Result<Cross, Missing>,
}

/// How programs are built for one target here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolchain {
    /// The target; none: the compiler's own, of which cargo need not be told.
    pub target: Option<Target>,
    /// The builder.
    pub builder: Builder,
    /// The builder's program; none: cargo.
    pub program: Option<PathBuf>,
    /// Variables it needs.
    pub env: BTreeMap<String, OsString>,
    /// What it is, for people: `cargo and aarch64-linux-gnu-gcc`.
    pub shown: String,
    /// Why it is taken.
    pub why: String,
}

impl Toolchain {
    /// Returns that of this machine itself.
    #[must_use]
    pub fn native() -> Self {
        let (builder, shown) = (Builder::Cargo, Builder::Cargo.name().to_owned());
        Self { target: None, builder, program: None, env: BTreeMap::new(), shown, why: String::new() }
    }

    /// Returns the program that builds.
    #[must_use]
    pub fn program(&self) -> PathBuf {
        self.program.clone().unwrap_or_else(cargo_program)
    }

    /// Returns the builder's word for a build.
    #[must_use]
    pub fn word(&self) -> &'static str {
        if self.builder == Builder::Zigbuild { "zigbuild" } else { "build" }
    }

    /// Returns the variables that the builder needs.
    #[must_use]
    pub fn variables(&self) -> BTreeMap<OsString, OsString> {
        let mut env: BTreeMap<OsString, OsString> =
            self.env.iter().map(|(name, value)| (name.into(), value.clone())).collect();
        if self.builder == Builder::Zigbuild {
            env.insert("CARGO".into(), cargo_program().into());
        }
        env
    }

    fn new(target: &Target, builder: Builder) -> Self {
        let target = Some(target.clone());
        Self { target, builder, shown: builder.name().to_owned(), ..Self::native() }
    }
}

impl Facts {
    /// Chooses how to build for a target.
    ///
    /// # Errors
    /// None of the ways is there; tells what each lacks.
    pub fn choose(&self, target: &Target) -> Result<Toolchain, Vec<(Builder, Missing)>> {
        let is_own = self.host.as_ref() == Some(&target.triple) && target.glibc.is_none();
        if is_own && target.builder.is_none_or(|builder| builder == Builder::Cargo) {
            return Ok(Toolchain::native());
        }
        if let Some(builder) = target.builder {
            let wished = self.by(builder, target).map_err(|missing| vec![(builder, missing)])?;
            return Ok(Toolchain { why: "as it is wished".to_owned(), ..wished });
        }
        let mut lacking: Vec<(Builder, Missing)> = Vec::new();
        for builder in Builder::ALL {
            match self.by(builder, target) {
                Ok(found) => {
                    let why = lacking.last().map_or(found.why.clone(), |(_, missing)| missing.what.clone());
                    return Ok(Toolchain { why, ..found });
                }
                Err(missing) => lacking.push((builder, missing)),
            }
        }
        Err(lacking)
    }

    fn by(&self, builder: Builder, target: &Target) -> Result<Toolchain, Missing> {
        match builder {
            Builder::Cargo => self.by_cargo(target),
            Builder::Zigbuild => self.by_zig(target),
            Builder::Cross => self.by_cross(target),
        }
    }

    fn by_cargo(&self, target: &Target) -> Result<Toolchain, Missing> {
        if let Some((major, minor)) = target.glibc {
            let what = format!("only zig links for glibc {major}.{minor}");
            return Err(Missing { what, remedy: without_glibc() });
        }
        let mut made = self.with_compiler(Toolchain::new(target, Builder::Cargo))?;
        match &self.linker {
            Ok(linker) => {
                if !linker.is_set {
                    made.env.insert(target.variable("LINKER"), linker.program.clone().into());
                    made.env.extend(linker.compiler_variable(target));
                }
                made.shown = format!("{} and {}", made.shown, linker.name());
                if made.why.is_empty() {
                    made.why = "its standard library and a linker were found".to_owned();
                }
            }
            // Whoever wishes for cargo has told it of a linker in a way that is not looked at here.
            Err(_) if target.builder == Some(Builder::Cargo) => {}
            Err(missing) => return Err(missing.clone()),
        }
        Ok(made)
    }

    fn by_zig(&self, target: &Target) -> Result<Toolchain, Missing> {
        let zig = self.zig.as_ref().map_err(Clone::clone)?;
        let mut made = self.with_compiler(Toolchain::new(target, Builder::Zigbuild))?;
        made.program = Some(zig.program.clone());
        made.env.extend(zig.python.clone().map(|python| ("CARGO_ZIGBUILD_PYTHON_PATH".to_owned(), python.into())));
        Ok(made)
    }

    fn by_cross(&self, target: &Target) -> Result<Toolchain, Missing> {
        if target.glibc.is_some() {
            let what = "cross has the glibc of its images".to_owned();
            return Err(Missing { what, remedy: without_glibc() });
        }
        let cross = self.cross.as_ref().map_err(Clone::clone)?;
        Ok(Toolchain { program: Some(cross.program.clone()), ..Toolchain::new(target, Builder::Cross) })
    }

    fn with_compiler(&self, made: Toolchain) -> Result<Toolchain, Missing> {
        let compiler = self.compilers.first().ok_or_else(|| self.lack.clone())?;
        if compiler.is_cargos {
            return Ok(made);
        }
        let (mut env, why) = (made.env.clone(), self.lack.what.clone());
        env.insert("RUSTC".to_owned(), compiler.program.clone().into());
        let shown = format!("{}, {} {}", made.shown, compiler.program.display(), compiler.version);
        Ok(Toolchain { env, shown, why, ..made })
    }
}

fn without_glibc() -> Remedy {
    Remedy::Advice("leave the version of glibc out".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARM: &str = "aarch64-unknown-linux-gnu";

    fn missing(what: &str) -> Missing {
        Missing { what: what.to_owned(), remedy: Remedy::Advice(String::new()) }
    }

    fn compiler(is_cargos: bool) -> Compiler {
        let program = if is_cargos { "rustc" } else { "/usr/bin/rustc" };
        Compiler { program: program.into(), version: "1.96.0".into(), host: String::new(), is_cargos }
    }

    /// A machine that has nothing but its own compiler.
    fn bare() -> Facts {
        Facts {
            host: Some("x86_64-unknown-linux-gnu".into()),
            compilers: Vec::new(),
            lack: missing("no standard library"),
            linker: Err(missing("no linker")),
            zig: Err(missing("no zig")),
            cross: Err(missing("no cross")),
        }
    }

    fn gcc(is_set: bool) -> Result<Linker, Missing> {
        Ok(Linker { program: "/usr/bin/aarch64-linux-gnu-gcc".into(), is_set })
    }

    fn zig() -> Result<Zig, Missing> {
        Ok(Zig { program: "/z/cargo-zigbuild".into(), python: Some("/z/python".into()), shown: String::new() })
    }

    fn cross() -> Result<Cross, Missing> {
        Ok(Cross { program: "/c/cross".into(), engine: "docker".into() })
    }

    /// What is taken for a target and a wish: how it is shown, why, and its variables.
    fn taken(facts: &Facts, target: &str, builder: Option<Builder>) -> String {
        let target = Target { builder, ..target.parse().unwrap() };
        match facts.choose(&target) {
            Ok(Toolchain { target: None, .. }) => "own".to_owned(),
            Ok(made) => {
                let env: Vec<String> =
                    made.env.iter().map(|(name, value)| format!("{name}={}", value.display())).collect();
                format!("{}: {} [{}]", made.shown, made.why, env.join(" "))
            }
            Err(lacking) => {
                let told: Vec<String> =
                    lacking.iter().map(|(builder, missing)| format!("{}: {}", builder.name(), missing.what)).collect();
                format!("nothing: {}", told.join("; "))
            }
        }
    }

    #[test]
    fn the_compilers_own_target_needs_nothing() {
        for wish in [None, Some(Builder::Cargo)] {
            assert_eq!(taken(&bare(), "x86_64-unknown-linux-gnu", wish), "own");
        }
        let older = taken(&bare(), "x86_64-unknown-linux-gnu.2.17", None);
        let nothing =
            "nothing: cargo: only zig links for glibc 2.17; zigbuild: no zig; cross: cross has the glibc of its images";
        assert_eq!(older, nothing);
    }

    #[test]
    fn cargo_then_zig_then_cross() {
        let mut facts = Facts { cross: cross(), ..bare() };
        assert_eq!(taken(&facts, ARM, None), "cross: no zig []");
        facts.zig = zig();
        assert_eq!(taken(&facts, ARM, None), "cross: no standard library []", "zig needs it too");
        facts.compilers = vec![compiler(true)];
        assert_eq!(taken(&facts, ARM, None), "zigbuild: no linker [CARGO_ZIGBUILD_PYTHON_PATH=/z/python]");
        facts.linker = gcc(true);
        let found = "cargo and aarch64-linux-gnu-gcc: its standard library and a linker were found";
        assert_eq!(taken(&facts, ARM, None), format!("{found} []"), "cargo knows it already");
        facts.linker = gcc(false);
        let linker = "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=/usr/bin/aarch64-linux-gnu-gcc";
        assert_eq!(taken(&facts, ARM, None), format!("{found} [{linker}]"));
        facts.compilers = vec![compiler(false)];
        let other = "cargo, /usr/bin/rustc 1.96.0 and aarch64-linux-gnu-gcc: no standard library";
        assert_eq!(taken(&facts, ARM, None), format!("{other} [{linker} RUSTC=/usr/bin/rustc]"));
    }

    #[test]
    fn a_wish_is_followed_or_refused() {
        let facts = Facts { compilers: vec![compiler(true)], zig: zig(), cross: cross(), ..bare() };
        assert_eq!(taken(&facts, ARM, Some(Builder::Cross)), "cross: as it is wished []");
        let own = "x86_64-unknown-linux-gnu";
        let by_zig = "zigbuild: as it is wished [CARGO_ZIGBUILD_PYTHON_PATH=/z/python]";
        assert_eq!(taken(&facts, own, Some(Builder::Zigbuild)), by_zig);
        assert_eq!(taken(&facts, ARM, Some(Builder::Cargo)), "cargo: as it is wished []", "without a linker");
        let refused = "nothing: cargo: no standard library";
        assert_eq!(taken(&bare(), ARM, Some(Builder::Cargo)), refused);
        let older = taken(&facts, "aarch64-unknown-linux-gnu.2.17", None);
        assert_eq!(older, "zigbuild: only zig links for glibc 2.17 [CARGO_ZIGBUILD_PYTHON_PATH=/z/python]");
    }
}
