//! Looks what this machine has: compilers and their standard libraries, linkers, zig, containers.
//!
//! Asks programs only where files do not tell. Decides nothing.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::choose::{Facts, Toolchain};
use crate::build::target::{Builder, Target};
use crate::report::{ExitCode, Failure};
use crate::sys::{self, Launch, Stream};
use crate::workspace::{CargoConfig, Workspace};

/// What is not there, and how to get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What is missing.
    pub what: String,
    /// What mends it.
    pub remedy: Remedy,
}

/// What mends something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// A command line.
    Command(String),
    /// Something else to do.
    Advice(String),
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(line) => write!(f, "`{line}`"),
            Self::Advice(text) => f.write_str(text),
        }
    }
}

/// A Rust compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiler {
    /// Its program.
    pub program: PathBuf,
    /// Its version.
    pub version: String,
    /// The triple it builds for unless told otherwise.
    pub host: String,
    /// Whether it is the one that cargo uses by itself.
    pub is_cargos: bool,
}

impl Compiler {
    /// Returns whether it has the standard library of a target; none: it knows no such target.
    #[must_use]
    pub fn has_library(&self, triple: &str, directory: &Path) -> Option<bool> {
        let folder = said(&self.program, &["--print", "target-libdir", "--target", triple], directory)?;
        let is_std = |name: &str| name.starts_with("libstd-") && name.ends_with(".rlib");
        let entries = std::fs::read_dir(folder.trim()).into_iter().flatten().flatten();
        Some(entries.into_iter().any(|entry| is_std(&entry.file_name().to_string_lossy())))
    }

    /// Returns whether it can build what we generate.
    fn is_new_enough(&self) -> bool {
        let numbers = |text: &str| -> Vec<u32> { text.split(['.', '-']).map_while(|part| part.parse().ok()).collect() };
        numbers(&self.version) >= numbers(env!("CARGO_PKG_RUST_VERSION"))
    }
}

/// A linker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linker {
    /// Its program.
    pub program: PathBuf,
    /// Whether cargo knows of it.
    pub is_set: bool,
}

impl Linker {
    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> String {
        self.program.file_name().unwrap_or(self.program.as_os_str()).to_string_lossy().into_owned()
    }

    /// Tells C sources of the compiler, where they would look for one by another name.
    pub(super) fn compiler_variable(&self, target: &Target) -> Option<(String, OsString)> {
        let name = format!("CC_{}", target.triple.replace(['-', '.'], "_"));
        let is_odd = target.triple.contains("-musl") && !self.name().contains("musl");
        (is_odd && sys::env::path(&name).is_none()).then(|| (name, self.program.clone().into()))
    }
}

/// cargo-zigbuild and its zig.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zig {
    /// cargo-zigbuild.
    pub program: PathBuf,
    /// A Python with the package `ziglang`, where cargo-zigbuild would not find it by itself.
    pub python: Option<PathBuf>,
    /// Where zig is, for people.
    pub shown: String,
}

/// cross and what runs its containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cross {
    /// cross.
    pub program: PathBuf,
    /// `docker` or `podman`, or what a variable names.
    pub engine: String,
}

/// Returns the triple that cargo builds for unless told otherwise.
///
/// # Errors
/// There is no compiler.
pub fn host(workspace: &Workspace) -> Result<String, Failure> {
    let config = CargoConfig::read(workspace.root(), &workspace.flags().config);
    let own = compiler(&own_compiler(&config).0, true, workspace.root());
    own.map(|own| own.host).ok_or_else(|| {
        Failure::new(ExitCode::BuildFailed, "cannot run rustc")
            .hint("Rust is needed to build programs: https://rustup.rs")
    })
}

/// Finds out how to build for a target here.
///
/// # Errors
/// It cannot be done; the failure says what each way lacks.
pub fn toolchain(workspace: &Workspace, target: &Target) -> Result<Toolchain, Failure> {
    let config = CargoConfig::read(workspace.root(), &workspace.flags().config);
    let found = compilers(workspace.root(), &config);
    let facts = facts(workspace.root(), &config, &found, target)?;
    facts.choose(target).map_err(|lacking| {
        let message = format!("cannot build for `{target}` on this machine");
        let failure =
            lacking.iter().fold(Failure::new(ExitCode::BuildFailed, message), |failure, (builder, missing)| {
                failure.cause(format!("{}: {}", builder.name(), missing.what))
            });
        let remedies: Vec<String> = remedies(&lacking).iter().map(|remedy| remedy.to_string()).collect();
        failure.hint(format!("{}; `cargo hydro doctor --target {target}` tells more", remedies.join(", or ")))
    })
}

/// Returns what would mend it, each once.
#[must_use]
pub fn remedies(lacking: &[(Builder, Missing)]) -> Vec<&Remedy> {
    let mut found: Vec<&Remedy> = Vec::new();
    for (builder, missing) in lacking {
        // A container is the last thing to ask for where another way lacks as little.
        let is_last = *builder == Builder::Cross && !found.is_empty();
        if !is_last && !found.contains(&&missing.remedy) {
            found.push(&missing.remedy);
        }
    }
    found
}

/// Looks what there is for a target.
///
/// # Errors
/// The compiler that cargo uses knows no such target.
pub fn facts(directory: &Path, config: &CargoConfig, found: &[Compiler], target: &Target) -> Result<Facts, Failure> {
    let own = found.iter().find(|compiler| compiler.is_cargos);
    let host = own.map(|own| own.host.clone());
    let has = |compiler: &&Compiler| compiler.has_library(&target.triple, directory);
    if let Some(own) = own
        && has(&own).is_none()
    {
        return Err(unknown(own, target, directory));
    }
    Ok(Facts {
        linker: linker(target, config, host.as_deref()),
        lack: lack(own, target),
        compilers: found.iter().filter(|compiler| has(compiler) == Some(true)).cloned().collect(),
        zig: zig(directory),
        cross: cross(),
        host,
    })
}

fn unknown(compiler: &Compiler, target: &Target, directory: &Path) -> Failure {
    let message = format!("rustc {} knows no target `{}`", compiler.version, target.triple);
    let list = said(&compiler.program, &["--print", "target-list"], directory).unwrap_or_default();
    let failure = Failure::new(ExitCode::BuildFailed, message);
    match hydroflow_standalone::diagnostic::nearest(&target.triple, list.lines()) {
        Some(near) => failure.hint(format!("there is a target with a similar name: `{near}`")),
        None => failure.hint("`rustc --print target-list` lists the targets"),
    }
}

fn lack(own: Option<&Compiler>, target: &Target) -> Missing {
    let Some(own) = own else {
        return Missing {
            what: "there is no rustc".to_owned(),
            remedy: Remedy::Advice("Rust is needed to build programs: https://rustup.rs".to_owned()),
        };
    };
    Missing {
        what: format!("rustc {} has no standard library for it", own.version),
        remedy: Remedy::Command(format!("rustup target add {}", target.triple)),
    }
}

/// Finds the compilers: the one that cargo uses, and others on `PATH` that are new enough.
#[must_use]
pub fn compilers(directory: &Path, config: &CargoConfig) -> Vec<Compiler> {
    let (own, is_set) = own_compiler(config);
    let mut found: Vec<Compiler> = compiler(&own, true, directory).into_iter().collect();
    if is_set {
        return found;
    }
    let mut known: Vec<PathBuf> = Vec::new();
    for program in sys::env::programs("rustc") {
        // What rustup gives is the one above, whichever of its names it is called by.
        let real = program.canonicalize().unwrap_or_else(|_| program.clone());
        if real.file_stem().is_some_and(|name| name == "rustup") || known.contains(&real) {
            continue;
        }
        known.push(real);
        let other = compiler(&program, false, directory);
        let is_same =
            |other: &Compiler| found.iter().any(|one| (&one.version, &one.host) == (&other.version, &other.host));
        found.extend(other.filter(|other| other.is_new_enough() && !is_same(other)));
    }
    found
}

/// Returns the compiler that cargo uses, and whether the user has set it.
fn own_compiler(config: &CargoConfig) -> (PathBuf, bool) {
    let set = sys::env::path("RUSTC").or_else(|| config.program(&["build", "rustc"]));
    let is_set = set.is_some();
    (set.unwrap_or_else(|| "rustc".into()), is_set)
}

fn compiler(program: &Path, is_cargos: bool, directory: &Path) -> Option<Compiler> {
    let text = said(program, &["-vV"], directory)?;
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(|text| text.trim().to_owned());
    Some(Compiler { program: program.to_owned(), version: field("release:")?, host: field("host:")?, is_cargos })
}

/// Finds the linker of a target: what cargo is told, else a C compiler for it on `PATH`.
///
/// # Errors
/// There is none.
pub fn linker(target: &Target, config: &CargoConfig, host: Option<&str>) -> Result<Linker, Missing> {
    let set = sys::env::path(&target.variable("LINKER"))
        .or_else(|| config.program(&["target", target.triple.as_str(), "linker"]));
    if let Some(program) = set {
        return Ok(Linker { program, is_set: true });
    }
    let names = linker_names(target, host);
    let mut found = names.iter().find_map(|name| sys::env::find_program(name, Path::new("/")));
    if let Some(program) = found.take_if(|program| target.triple.contains("-linux-gnu") && !has_libc(program)) {
        let what = format!("{} finds no C library", program.display());
        let remedy =
            "install the C library that the linker's package recommends, as `libc6-dev-arm64-cross`".to_owned();
        return Err(Missing { what, remedy: Remedy::Advice(remedy) });
    }
    found
        .map(|program| Linker { program, is_set: false })
        .ok_or_else(|| no_linker(target, names.first().map_or("", String::as_str)))
}

fn no_linker(target: &Target, name: &str) -> Missing {
    let package = name.strip_suffix("-gcc").filter(|name| name.contains("-linux-gnu"));
    match package.filter(|_| sys::env::find_program("apt-get", Path::new("/")).is_some()) {
        Some(package) => Missing {
            what: format!("no linker for it was found (`{name}`)"),
            remedy: Remedy::Command(format!("apt-get install gcc-{package}")),
        },
        None => Missing {
            what: "no linker for it was found".to_owned(),
            remedy: Remedy::Advice(format!("a linker, which `{}` names", target.variable("LINKER"))),
        },
    }
}

/// Whether a C compiler finds what each program begins with. It repeats the name of a file that it does not find.
fn has_libc(compiler: &Path) -> bool {
    let place = said(compiler, &["-print-file-name=crti.o"], Path::new("/"));
    place.is_none_or(|place| Path::new(place.trim()).is_absolute())
}

/// Returns what the C compiler of a target is called, as distributions name it.
fn linker_names(target: &Target, host: Option<&str>) -> Vec<String> {
    let Some((start, environment)) = target.triple.split_once("-linux-") else { return Vec::new() };
    let words = start.split('-').next().unwrap_or_default();
    let processor = match words {
        "armv7" | "thumbv7neon" => "arm",
        "i586" => "i686",
        word => word.strip_suffix("gc").filter(|word| word.starts_with("riscv")).unwrap_or(word),
    };
    let gnu = environment.replace("musl", "gnu");
    let mut names = vec![format!("{processor}-linux-{environment}-gcc"), format!("{processor}-linux-{gnu}-gcc")];
    // Rust carries musl itself, so any linker of the same processor will do.
    if environment.starts_with("musl") && host.is_some_and(|host| host.starts_with(&format!("{words}-"))) {
        names.extend(["musl-gcc".to_owned(), "cc".to_owned()]);
    }
    names.dedup();
    names
}

/// Finds cargo-zigbuild and the zig that it uses.
///
/// # Errors
/// One of the two is missing.
pub fn zig(directory: &Path) -> Result<Zig, Missing> {
    // It brings zig along.
    let remedy = Remedy::Command("pip install cargo-zigbuild".to_owned());
    let Some(program) = sys::env::find_program("cargo-zigbuild", directory) else {
        return Err(Missing { what: "cargo-zigbuild was not found".to_owned(), remedy });
    };
    let has_zig = |python: &Path| said(python, &["-c", "import ziglang"], directory).is_some();
    let own = ["CARGO_ZIGBUILD_ZIG_PATH", "CARGO_ZIGBUILD_PYTHON_PATH"]
        .into_iter()
        .find(|name| sys::env::path(name).is_some());
    let (python, shown) = if let Some(name) = own {
        (None, format!("zig by `{name}`"))
    } else if let Some(zig) = sys::env::find_program("zig", directory) {
        (None, zig.display().to_string())
    } else {
        // Of an environment of Python that is not active, only the command may be on `PATH`.
        let real = program.canonicalize().unwrap_or_else(|_| program.clone());
        let beside = real.parent().map(|folder| folder.join("python3")).filter(|python| python.is_file());
        if let Some(python) = beside.filter(|python| has_zig(python)) {
            let shown = format!("zig of {}", python.display());
            (Some(python), shown)
        } else if has_zig(Path::new("python3")) {
            (None, "zig of python3".to_owned())
        } else {
            let what = format!("{} finds no zig", program.display());
            return Err(Missing { what, remedy: Remedy::Command("pip install ziglang".to_owned()) });
        }
    };
    Ok(Zig { program, python, shown })
}

/// Finds cross and what runs its containers.
///
/// # Errors
/// One of the two is missing.
pub fn cross() -> Result<Cross, Missing> {
    let root = Path::new("/");
    let Some(program) = sys::env::find_program("cross", root) else {
        let remedy = Remedy::Command("cargo install cross".to_owned());
        return Err(Missing { what: "cross was not found".to_owned(), remedy });
    };
    if let Some(engine) = sys::env::text("CROSS_CONTAINER_ENGINE") {
        return Ok(Cross { program, engine });
    }
    let engine = ["docker", "podman"].into_iter().find(|name| sys::env::find_program(name, root).is_some());
    engine.map(|engine| Cross { program, engine: engine.to_owned() }).ok_or_else(|| Missing {
        what: "cross needs docker or podman, and neither was found".to_owned(),
        remedy: Remedy::Advice("install podman or docker".to_owned()),
    })
}

/// Returns what a program writes; none: it cannot be started, or fails.
fn said(program: &Path, arguments: &[&str], directory: &Path) -> Option<String> {
    let args = arguments.iter().map(Into::into).collect();
    let directory = Some(directory.to_owned());
    let launch = Launch { program: program.into(), args, directory, ..Launch::default() };
    let mut text = String::new();
    let exit = sys::run(launch, &mut |stream, line| {
        if stream == Stream::Stdout {
            text.push_str(line);
            text.push('\n');
        }
    });
    exit.is_ok_and(|exit| exit.success()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linkers_go_by_the_names_that_distributions_give_them() {
        let host = Some("x86_64-unknown-linux-gnu");
        for (triple, expected) in [
            ("aarch64-unknown-linux-gnu", "aarch64-linux-gnu-gcc"),
            ("armv7-unknown-linux-gnueabihf", "arm-linux-gnueabihf-gcc"),
            ("riscv64gc-unknown-linux-gnu", "riscv64-linux-gnu-gcc"),
            ("i686-unknown-linux-gnu", "i686-linux-gnu-gcc"),
            ("aarch64-unknown-linux-musl", "aarch64-linux-musl-gcc aarch64-linux-gnu-gcc"),
            ("x86_64-unknown-linux-musl", "x86_64-linux-musl-gcc x86_64-linux-gnu-gcc musl-gcc cc"),
            ("aarch64-apple-darwin", ""),
        ] {
            assert_eq!(linker_names(&triple.parse().unwrap(), host).join(" "), expected, "{triple}");
        }
    }

    #[test]
    fn compilers_that_are_too_old_are_left_out() {
        let compiler = |version: &str| Compiler {
            program: "rustc".into(),
            version: version.to_owned(),
            host: String::new(),
            is_cargos: false,
        };
        for (version, expected) in [("1.95.0", true), ("1.97.0-nightly", true), ("2.0.0", true), ("1.63.0", false)] {
            assert_eq!(compiler(version).is_new_enough(), expected, "{version}");
        }
    }
}
