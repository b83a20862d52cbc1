//! The files of a program: the main file, those it names by `mod x;`, and those of other packages by `use package::hf::x::…;`.
//!
//! Reads no file itself: a [`Library`] does.

use std::collections::BTreeMap;

use super::header::{ResolvedModule, headers};
use super::imports::{imports, item_names, leaves};
use crate::ast::File;
use crate::diagnostic::Diagnostic;
use crate::parse::{parse, span_of};
use crate::source::{SourceFile, SourceMap, Span};
use crate::standard;

/// Where other files come from.
pub trait Library: Sync {
    /// Returns the file that `mod name;` in `file` means: the one beside it.
    ///
    /// # Errors
    /// Tells why there is none, as a lowercase fragment.
    fn beside(&self, file: &str, name: &str) -> Result<SourceFile, String>;

    /// Returns the file `name.hf` of another package of the workspace.
    ///
    /// # Errors
    /// Tells why there is none, as a lowercase fragment.
    fn in_package(&self, package: &str, name: &str) -> Result<SourceFile, String>;
}

/// A library without files but for those of the language itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLibrary;

impl Library for NoLibrary {
    fn beside(&self, _file: &str, name: &str) -> Result<SourceFile, String> {
        Err(format!("there is no file `{name}.hf` to be read here"))
    }

    fn in_package(&self, package: &str, name: &str) -> Result<SourceFile, String> {
        standard::file(package, name).unwrap_or_else(|| Err(format!("there is no package `{package}` to be read here")))
    }
}

/// A program's files, with names that are known.
pub(crate) struct Resolved {
    /// The files; the main file is the first.
    pub(crate) files: Vec<ResolvedFile>,
    /// The modules of all files, those of the main file first.
    pub(crate) modules: Vec<ResolvedModule>,
    /// The Rust module that holds those of the files; empty: the crate's root.
    pub(crate) root: String,
}

/// One file of a program.
#[derive(Clone)]
pub(crate) struct ResolvedFile {
    /// Its tree.
    pub(crate) file: File,
    /// The name users see.
    pub(crate) name: String,
    /// Its text.
    pub(crate) text: String,
    /// Where it begins in the space of offsets.
    pub(crate) base: usize,
    /// The Rust module its items are in.
    pub(crate) rust_name: String,
    /// Files it names by `mod x;`.
    pub(crate) submodules: BTreeMap<String, usize>,
    /// Modules it imports: the word, and the path it stands for.
    pub(super) imports: BTreeMap<String, Vec<String>>,
    /// Rust items of other `.hf` files that it imports: the word, the file and the item's name there.
    pub(crate) borrowed: Vec<(String, usize, String)>,
    /// What rustc must not see: `mod x;` and imports of modules.
    pub(crate) hidden: Vec<Span>,
}

impl Resolved {
    /// Returns the module that a path means in a file.
    pub(crate) fn find(&self, file: usize, path: &[String]) -> Option<usize> {
        let here = &self.files[file];
        match path {
            [first, rest @ ..] if first == "self" => self.find(file, rest),
            [name] => {
                let own = self
                    .modules
                    .iter()
                    .position(|module| module.file == file && module.name == *name && *name != "main");
                own.or_else(|| {
                    here.imports.get(name).filter(|path| path.len() > 1).and_then(|path| self.find(file, path))
                })
            }
            [package, word, name, rest @ ..] if word == "hf" => {
                let other = self.package_file(package, name)?;
                // `package::hf::name` alone means the module of the file's own name.
                self.find(other, if rest.is_empty() { std::slice::from_ref(name) } else { rest })
            }
            [first, rest @ ..] => self.find(*here.submodules.get(first)?, rest),
            [] => None,
        }
    }

    /// Returns the file of another package that a path begins with.
    pub(super) fn package_file(&self, package: &str, name: &str) -> Option<usize> {
        let rust_name = package_file(package, name);
        self.files.iter().position(|file| file.rust_name == rust_name)
    }

    /// Returns the names of a file's Rust items and imports.
    pub(crate) fn item_names(&self, file: usize) -> impl Iterator<Item = String> {
        item_names(&self.files[file])
    }

    /// The order in which files are put into one another as Rust modules: the main file is the innermost, so that it sees all.
    pub(crate) fn nesting(&self) -> impl Iterator<Item = usize> + use<> {
        (1..self.files.len()).chain([0])
    }

    /// Returns the Rust path of a file's items.
    pub(crate) fn rust_path(&self, file: usize) -> String {
        let mut path = String::from("crate");
        if !self.root.is_empty() {
            path.push_str("::");
            path.push_str(&self.root);
        }
        for outer in self.nesting() {
            path.push_str("::");
            path.push_str(&self.files[outer].rust_name);
            if outer == file {
                break;
            }
        }
        path
    }
}

fn package_file(package: &str, name: &str) -> String {
    format!("package_{}", snake(&format!("{package}_{name}")))
}

/// Reads a program's files and finds out what the names of their headers mean.
pub(crate) fn load(main: &SourceFile, library: &dyn Library) -> (Resolved, SourceMap, Vec<Diagnostic>) {
    let mut loader =
        Loader { library, sources: SourceMap::new(main.clone()), files: Vec::new(), diagnostics: Vec::new() };
    loader.take(main.clone(), 0, format!("program_{}", rust_word(main.name())));
    let mut at = 0;
    while at < loader.files.len() {
        loader.submodules(at);
        loader.packages(at);
        at += 1;
    }
    let mut resolved = Resolved { files: loader.files, modules: Vec::new(), root: String::new() };
    let mut diagnostics = loader.diagnostics;
    for at in 0..resolved.files.len() {
        let modules = headers(&loader.sources, &resolved.files[at].file, at, &mut diagnostics);
        resolved.modules.extend(modules);
    }
    for at in 0..resolved.files.len() {
        imports(&mut resolved, at, &mut diagnostics);
    }
    (resolved, loader.sources, diagnostics)
}

/// A file's stem as a word of Rust.
fn rust_word(name: &str) -> String {
    let stem = name.rsplit('/').next().unwrap_or(name).trim_end_matches(".hf");
    snake(&stem.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '_' }).collect::<String>())
}

/// A word as Rust likes modules to be called, so that it does not complain of names that users never see. Different words stay different.
fn snake(word: &str) -> String {
    let lower: Vec<String> = word.split('_').filter(|part| !part.is_empty()).map(str::to_lowercase).collect();
    let lower = lower.join("_");
    if lower == word {
        return lower;
    }
    let mark = word.bytes().fold(5381_u32, |mark, byte| mark.wrapping_mul(33) ^ u32::from(byte));
    format!("{lower}_{mark:08x}")
}

struct Loader<'a> {
    library: &'a dyn Library,
    sources: SourceMap,
    files: Vec<ResolvedFile>,
    diagnostics: Vec<Diagnostic>,
}

impl Loader<'_> {
    fn take(&mut self, source: SourceFile, base: usize, rust_name: String) -> usize {
        let (file, diagnostics) = parse(&source, base);
        self.diagnostics.extend(diagnostics);
        let (name, text) = (source.name().to_owned(), source.text().to_owned());
        let (submodules, imports) = (BTreeMap::new(), BTreeMap::new());
        let (borrowed, hidden) = (Vec::new(), Vec::new());
        self.files.push(ResolvedFile { file, name, text, base, rust_name, submodules, imports, borrowed, hidden });
        self.files.len() - 1
    }

    fn submodules(&mut self, at: usize) {
        for submodule in self.files[at].file.submodules.clone() {
            let name = submodule.name.to_string();
            let place = span_of(submodule.name.span());
            self.files[at].hidden.push(submodule.span);
            let found = match self.library.beside(&self.files[at].name, &name) {
                Ok(source) => source,
                Err(reason) => {
                    let error = Diagnostic::error("HF0010", format!("cannot read the file of `mod {name};`"), place)
                        .label(reason);
                    self.diagnostics.push(error.hint(format!("write the modules into `{name}.hf` beside this file")));
                    continue;
                }
            };
            if let Some(circle) = self.circle(at, found.name()) {
                let error = Diagnostic::error(
                    "HF0011",
                    format!("`mod {name};` leads back to a file that led here: {circle}"),
                    place,
                );
                self.diagnostics.push(error.hint("move what both files need into a third one"));
                continue;
            }
            let rust_name = format!("file_{}_{}", self.files.len(), rust_word(found.name()));
            let known = self.files.iter().position(|file| file.name == found.name());
            let other = known.unwrap_or_else(|| {
                let base = self.sources.add(found.clone());
                self.take(found, base, rust_name)
            });
            self.files[at].submodules.insert(name, other);
        }
    }

    /// Returns the files on the way back, where the file `name` leads to the file `at`.
    fn circle(&self, at: usize, name: &str) -> Option<String> {
        let start = self.files.iter().position(|file| file.name == name)?;
        let mut came_from: BTreeMap<usize, usize> = BTreeMap::new();
        let mut open = vec![start];
        while let Some(here) = open.pop().filter(|_| start != at && !came_from.contains_key(&at)) {
            for next in self.files[here].submodules.values() {
                if *next != start && !came_from.contains_key(next) {
                    came_from.insert(*next, here);
                    open.push(*next);
                }
            }
        }
        let mut way = vec![start, at];
        while way.last() != Some(&start) {
            way.push(*came_from.get(way.last()?)?);
        }
        way.reverse();
        let shown: Vec<String> = way.iter().map(|file| format!("`{}`", self.files[*file].name)).collect();
        Some(shown.join(" → "))
    }

    /// Reads the files of other packages that a file imports from.
    fn packages(&mut self, at: usize) {
        let named: Vec<_> = self.files[at].file.items.iter().flat_map(|item| leaves(&item.item)).collect();
        for (path, _) in named {
            let words: Vec<String> = path.iter().map(ToString::to_string).collect();
            let [package, word, name, ..] = words.as_slice() else { continue };
            if word != "hf" || self.files.iter().any(|file| file.rust_name == package_file(package, name)) {
                continue;
            }
            match self.library.in_package(package, name) {
                Ok(source) => {
                    let base = self.sources.add(source.clone());
                    self.take(source, base, package_file(package, name));
                }
                Err(reason) => {
                    let place = path.get(2).map_or(0..0, |word| span_of(word.span()));
                    self.diagnostics.push(
                        Diagnostic::error("HF0013", format!("cannot read `{package}::hf::{name}`"), place)
                            .label(reason),
                    );
                }
            }
        }
    }
}
