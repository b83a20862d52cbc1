//! Lays out the generated crates: one per package of the user's that has `.hf` programs, in the shape of the user's workspace.
//!
//! Paths within the generated workspace equal those in the user's, so that what rustc writes relative to the workspace (panics, diagnostics) is
//! the user's own path already. Files are written only where they differ: cargo looks at their times.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hydroflow_standalone::Compilation;
use hydroflow_standalone::emit::{Layered, LayeredFile};
use toml::Table;

use super::library;
use super::manifest::{package_manifest, root_manifest};
use super::program::Program;
use super::runtime;
use crate::report::{ExitCode, Failure};
use crate::sys;
use crate::workspace::{Package, Workspace};

/// A generated crate's binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binary {
    /// Its name for cargo, unique in the workspace and unlike any binary of the user's.
    pub(super) name: String,
    /// The main `.hf` file as users see it.
    pub(super) shown: String,
    /// Its `.hf` files.
    pub(super) files: Vec<Laid>,
    /// The Rust modules that hold its programs, where it has several.
    pub(super) roots: Vec<String>,
}

/// An `.hf` file in its own layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Laid {
    /// The file as users see it.
    pub(super) shown: String,
    /// The Rust module it becomes, which the user did not name.
    pub(super) rust_name: String,
    /// Lines that differ from the original, as pairs of generated text and user's text.
    pub(super) changed_lines: Vec<(String, String)>,
    /// Line and column of each port's declaration, where the statements stand that we make of it.
    pub(super) ports: Vec<(usize, usize)>,
}

/// The file of a crate's root, in the program's own folder.
pub(super) const ROOT_FILE: &str = "root.rs";

/// How the names of binaries of several programs begin.
pub(super) const SHARED: &str = "hfs-";

/// The generated workspace.
pub(super) struct Crates {
    /// Its root.
    pub(super) root: PathBuf,
    /// Its binaries, in the order they were asked for.
    pub(super) binaries: Vec<Binary>,
}

/// Returns where a workspace's crates are generated.
pub(super) fn root(workspace: &Workspace) -> PathBuf {
    let hash = blake3::hash(workspace.root().as_os_str().as_encoded_bytes()).to_hex();
    workspace.target().join("hydro").join(format!("gen-{}", &hash[..8]))
}

/// Returns the name of a program's binary: `hf-PACKAGE-PATH`, where the path is the file's below `src`, without its ending.
pub(super) fn binary_name(program: &Program) -> String {
    let folder = program.package.folder.canonicalize().unwrap_or_else(|_| program.package.folder.clone());
    let below = program.path.strip_prefix(&folder).unwrap_or(&program.path);
    let below = below.strip_prefix("src").unwrap_or(below).with_extension("");
    let letters = below
        .to_string_lossy()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' })
        .collect::<String>();
    let plain = format!("hf-{}-{letters}", program.package.name);
    // Names that lose letters must not meet: `ä.hf` and `ö.hf` are two programs.
    if below.to_string_lossy().chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '/')) {
        return plain;
    }
    format!("{plain}-{}", &blake3::hash(below.as_os_str().as_encoded_bytes()).to_hex()[..6])
}

/// Returns the name of a binary of several programs. The wrapper knows them by how it begins.
fn shared_name(programs: &[(Program, Compilation)]) -> String {
    let names: Vec<String> = programs.iter().map(|(program, _)| binary_name(program)).collect();
    let package = programs.first().map(|(program, _)| program.package.name.as_str()).unwrap_or_default();
    format!("{SHARED}{package}-{}", &blake3::hash(names.join(" ").as_bytes()).to_hex()[..8])
}

/// Writes the generated workspace for these binaries, each of one program or several; what other programs left there stays, so that their build cache stays.
pub(super) fn lay_out(
    workspace: &Workspace,
    programs: &[Vec<(Program, Compilation)>],
    tls: bool,
) -> Result<Crates, Failure> {
    let writer = Writer { root: root(workspace), workspace, tls };
    writer.run(programs).map_err(|error| match error {
        Problem::Failure(failure) => *failure,
        Problem::Io(path, error) => Failure::new(ExitCode::BuildFailed, format!("cannot write `{}`", path.display()))
            .cause(error)
            .hint("generated crates live in cargo's target folder; `--target-dir` names another one"),
    })
}

enum Problem {
    Failure(Box<Failure>),
    Io(PathBuf, std::io::Error),
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self::Failure(Box::new(failure))
    }
}

struct Writer<'a> {
    root: PathBuf,
    workspace: &'a Workspace,
    /// Whether programs can speak TLS even where their package does not ask for it.
    tls: bool,
}

impl Writer<'_> {
    fn run(&self, programs: &[Vec<(Program, Compilation)>]) -> Result<Crates, Problem> {
        let mut binaries = Vec::new();
        let mut packages: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
        for (at, of_binary) in programs.iter().enumerate() {
            let Some((program, _)) = of_binary.first() else { continue };
            binaries.push(self.binary(of_binary)?);
            packages.entry(program.package.folder.clone()).or_default().push(at);
        }
        let shim = runtime::provide(self.workspace.target())?;
        let mut root_package = None;
        let mut members = BTreeSet::new();
        for (folder, indices) in &packages {
            let (program, _) = &programs[indices[0]][0];
            runtime::check_version(&program.package)?;
            let bins: Vec<(String, String)> = indices
                .iter()
                .map(|&at| (binaries[at].name.clone(), format!("{}/{ROOT_FILE}", binaries[at].name)))
                .collect();
            let bins = with_earlier(&self.generated(folder), bins);
            let others = self
                .others(&program.package, indices.iter().flat_map(|&at| programs[at].iter().map(|program| &program.1)));
            let manifest = package_manifest(&program.package, &others, &bins, (&shim, self.tls));
            let relative = self.relative(folder);
            if relative.as_os_str().is_empty() {
                root_package = Some(manifest);
            } else {
                members.insert(relative.to_string_lossy().into_owned());
                self.write(&self.generated(folder).join("Cargo.toml"), &manifest.to_string())?;
            }
        }
        self.root_manifest(root_package, members)?;
        self.lock_file()?;
        Ok(Crates { root: self.root.clone(), binaries })
    }

    /// Writes what a binary is made of. One of several programs has a crate root that takes theirs in as modules.
    fn binary(&self, programs: &[(Program, Compilation)]) -> Result<Binary, Problem> {
        let package = |program: &Program| self.generated(&program.package.folder);
        if let [(program, compilation)] = programs
            && program.root.is_empty()
        {
            let name = binary_name(program);
            let folder = package(program).join(&name);
            let files = self.program(&folder, program, compilation)?;
            self.write(&folder.join(ROOT_FILE), &crate_root(program, compilation))?;
            return Ok(Binary { name, shown: program.source.name().to_owned(), files, roots: Vec::new() });
        }
        let name = shared_name(programs);
        let (mut files, mut roots, mut shown) = (Vec::new(), Vec::new(), Vec::new());
        for (program, compilation) in programs {
            let folder = package(program).join(&name).join(binary_name(program));
            files.extend(self.program(&folder, program, compilation)?);
            roots.push(program.root.clone());
            shown.push(program.source.name());
        }
        if let Some((program, _)) = programs.first() {
            let folder = package(program).join(&name);
            self.write(&folder.join(ROOT_FILE), &shared_root(&folder, programs))?;
        }
        Ok(Binary { name, shown: shown.join(", "), files, roots })
    }

    /// Writes the `.hf` texts in their own layout, their expansions, and the crate root that takes them in. Each program has a folder of its own in
    /// which paths are the user's, for what a file is followed by depends on the program.
    fn program(&self, folder: &Path, program: &Program, compilation: &Compilation) -> Result<Vec<Laid>, Problem> {
        let Some(layered) = &compilation.layered else {
            return Err(Failure::new(ExitCode::BuildFailed, "internal error: a program without its text").into());
        };
        let place = |file: &LayeredFile| folder.join(file.name.trim_start_matches('/'));
        let mut files = Vec::new();
        for (at, file) in layered.files.iter().enumerate() {
            let path = place(file);
            for (module, expansion) in &file.expansions {
                self.write(&expansions(&path).join(module), expansion)?;
            }
            let mut text = file.text.clone();
            if let Some(next) = layered.files.get(at + 1) {
                let next_path = place(next);
                let beside = next_path.parent() == path.parent();
                let way = if beside { next_path.file_name().map(PathBuf::from).unwrap_or_default() } else { next_path };
                let lints = lints(next, layered, program.has_main());
                let path = way.to_string_lossy();
                text.push_str(&format!("{lints}#[path = {path:?}]\npub(crate) mod {};\n", next.rust_name));
            }
            self.write(&path, &text)?;
            files.push(laid(self.workspace, program, file));
        }
        Ok(files)
    }

    /// The packages whose `.hf` files the programs of a package use besides its own.
    fn others<'p>(&self, package: &Package, programs: impl Iterator<Item = &'p Compilation>) -> Vec<Package> {
        let files = programs.flat_map(|compilation| &compilation.files);
        let holders = files.filter_map(|file| self.workspace.package_of(&library::path(self.workspace, file)?));
        let others: BTreeMap<&str, &Package> = holders.map(|package| (package.name.as_str(), package)).collect();
        others.into_values().filter(|other| other.name != package.name).cloned().collect()
    }

    fn root_manifest(&self, root_package: Option<Table>, mut members: BTreeSet<String>) -> Result<(), Problem> {
        let path = self.workspace.root().join("Cargo.toml");
        let text = std::fs::read_to_string(&path).map_err(|error| Problem::Io(path.clone(), error))?;
        let user: Table = toml::from_str(&text)
            .map_err(|error| Failure::new(ExitCode::Metadata, "cannot read `Cargo.toml`").cause(error))?;
        let here = self.root.join("Cargo.toml");
        let before: Table =
            std::fs::read_to_string(&here).ok().and_then(|text| toml::from_str(&text).ok()).unwrap_or_default();
        let known = before.get("workspace").and_then(|table| table.get("members")).and_then(toml::Value::as_array);
        for member in known.into_iter().flatten().filter_map(toml::Value::as_str) {
            let still_there =
                self.workspace.packages().iter().any(|package| self.relative(&package.folder) == Path::new(member));
            if still_there && self.root.join(member).join("Cargo.toml").is_file() {
                members.insert(member.to_owned());
            }
        }
        let mut manifest = root_manifest(self.workspace.root(), &user, &members.into_iter().collect::<Vec<_>>());
        let package_before =
            || ["package", "bin", "dependencies", "target", "features"].map(|key| (key, before.get(key).cloned()));
        match root_package {
            Some(package) => manifest.extend(package),
            None => {
                manifest.extend(package_before().into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))))
            }
        }
        self.write(&here, &manifest.to_string())
    }

    /// The user's lock decides versions. Ours starts from it and is started again when it changes.
    fn lock_file(&self) -> Result<(), Problem> {
        let user = std::fs::read(self.workspace.root().join("Cargo.lock")).unwrap_or_default();
        let hash = blake3::hash(&user).to_hex().to_string();
        let (lock, origin) = (self.root.join("Cargo.lock"), self.root.join("Cargo.lock.origin"));
        if !user.is_empty() && std::fs::read_to_string(&origin).is_ok_and(|before| before == hash) && lock.is_file() {
            return Ok(());
        }
        if !user.is_empty() {
            sys::fs::write_atomic(&lock, &user).map_err(|error| Problem::Io(lock.clone(), error))?;
        }
        self.write(&origin, &hash)
    }

    fn generated(&self, folder: &Path) -> PathBuf {
        self.root.join(self.relative(folder))
    }

    /// A package outside the root's folder (`members = ["../x"]`) gets a room of its own.
    fn relative(&self, folder: &Path) -> PathBuf {
        folder.strip_prefix(self.workspace.root()).map_or_else(
            |_| Path::new("outside").join(&blake3::hash(folder.as_os_str().as_encoded_bytes()).to_hex()[..8]),
            Path::to_owned,
        )
    }

    fn write(&self, path: &Path, text: &str) -> Result<(), Problem> {
        let io = |error| Problem::Io(path.to_owned(), error);
        std::fs::create_dir_all(path.parent().unwrap_or(&self.root)).map_err(io)?;
        sys::fs::write_if_changed(path, text.as_bytes()).map(|_| ()).map_err(io)
    }
}

/// Binaries that an earlier build laid out and whose files are still there stay in the manifest, so that it does not change with each command.
fn with_earlier(folder: &Path, mut bins: Vec<(String, String)>) -> Vec<(String, String)> {
    let before: Table = std::fs::read_to_string(folder.join("Cargo.toml"))
        .ok()
        .and_then(|text| toml::from_str(&text).ok())
        .unwrap_or_default();
    for bin in before.get("bin").and_then(toml::Value::as_array).into_iter().flatten() {
        let text = |key: &str| bin.get(key).and_then(toml::Value::as_str).map(str::to_owned);
        if let (Some(name), Some(path)) = (text("name"), text("path"))
            && folder.join(&path).is_file()
            && !bins.iter().any(|(known, _)| *known == name)
        {
            bins.push((name, path));
        }
    }
    bins.sort();
    bins
}

/// Where the macro looks for the expansions of a file's modules.
fn expansions(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".expansions");
    PathBuf::from(name)
}

fn laid(workspace: &Workspace, program: &Program, file: &LayeredFile) -> Laid {
    let original = if file.name == program.source.name() {
        program.source.text().to_owned()
    } else {
        library::text(workspace, &file.name)
    };
    let line = |text: &str, number: usize| text.lines().nth(number - 1).unwrap_or_default().trim().to_owned();
    let pairs = file.changed_lines.iter().map(|&number| (line(&file.text, number), line(&original, number)));
    Laid {
        shown: file.name.clone(),
        rust_name: file.rust_name.clone(),
        changed_lines: pairs.filter(|(now, _)| !now.is_empty()).collect(),
        ports: file.ports.clone(),
    }
}

/// A program need not use all that the files of its modules have; what its own file does not use is told. What a file of modules alone does not use
/// is there for others.
fn lints(file: &LayeredFile, layered: &Layered, has_main: bool) -> &'static str {
    let is_own = layered.files.last().is_some_and(|last| last.name == file.name);
    match (is_own, layered.files.len()) {
        (true, _) if !has_main => "#[allow(dead_code)]\n",
        // Nothing around it changed the user's own settings.
        (true, 1) => "",
        (true, _) => "#[warn(dead_code, unused_imports)]\n",
        (false, _) => "#[allow(dead_code, unused_imports)]\n",
    }
}

/// The crate root: it takes the outermost `.hf` text in as a module, so that the texts themselves can stay as they are.
fn crate_root(program: &Program, compilation: &Compilation) -> String {
    let Some(layered) = &compilation.layered else { return String::new() };
    let Some(first) = layered.files.first() else { return String::new() };
    let limit = compilation.recursion_limit;
    // A file of modules alone is only checked.
    let has_main = program.has_main();
    let entry = if has_main { format!("{}()", layered.entry) } else { "::std::process::ExitCode::SUCCESS".to_owned() };
    format!(
        "//! Generated by cargo hydro; the program is the file below.\n#![recursion_limit = \"{limit}\"]\n#![allow(unused_doc_comments)]\n\
         {}#[path = {:?}]\nmod {};\n\nfn main() -> ::std::process::ExitCode {{\n    {entry}\n}}\n",
        lints(first, layered, has_main),
        first.name.trim_start_matches('/'),
        first.rust_name,
    )
}

/// The crate root of several programs: a Rust module takes each one's outermost text in, which lies in the program's own folder below.
fn shared_root(folder: &Path, programs: &[(Program, Compilation)]) -> String {
    let limit = programs.iter().map(|(_, compilation)| compilation.recursion_limit).max().unwrap_or_default();
    let module = |(program, compilation): &(Program, Compilation)| {
        let layered = compilation.layered.as_ref()?;
        let first = layered.files.first()?;
        let path = folder.join(binary_name(program)).join(first.name.trim_start_matches('/'));
        Some(format!(
            "mod {} {{\n    {}    #[path = {:?}]\n    pub(crate) mod {};\n}}\n",
            program.root,
            lints(first, layered, true),
            path.to_string_lossy(),
            first.rust_name,
        ))
    };
    let main = |(program, compilation): &(Program, Compilation)| {
        Some(format!("({:?}, {})", program.source.name(), compilation.layered.as_ref()?.entry))
    };
    format!(
        "//! Generated by cargo hydro; the programs are the files below.\n#![recursion_limit = \"{limit}\"]\n#![allow(unused_doc_comments)]\n{}\n\
         fn main() -> ::std::process::ExitCode {{\n    ::hydro_runtime_shim::private::run_together(&[{}])\n}}\n",
        programs.iter().filter_map(module).collect::<String>(),
        programs.iter().filter_map(main).collect::<Vec<_>>().join(", "),
    )
}
