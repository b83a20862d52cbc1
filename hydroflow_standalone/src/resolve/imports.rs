//! What a `use` means: modules, which rustc must not see, Rust items of other `.hf` files, which it finds elsewhere, or anything else of Rust's.

use proc_macro2::Ident;
use syn::{Item, UseTree};

use super::files::{Resolved, ResolvedFile};
use crate::diagnostic::{Diagnostic, nearest};
use crate::parse::span_of;

/// Returns what a `use` names, one path for each name, and the word it is known by.
pub(super) fn leaves(item: &Item) -> Vec<(Vec<Ident>, Ident)> {
    fn collect(tree: &UseTree, before: &[Ident], found: &mut Vec<(Vec<Ident>, Ident)>) {
        let with = |word: &Ident| before.iter().cloned().chain([word.clone()]).collect::<Vec<_>>();
        match tree {
            UseTree::Path(path) => collect(&path.tree, &with(&path.ident), found),
            UseTree::Name(name) => found.push((with(&name.ident), name.ident.clone())),
            UseTree::Rename(rename) => found.push((with(&rename.ident), rename.rename.clone())),
            UseTree::Group(group) => group.items.iter().for_each(|tree| collect(tree, before, found)),
            UseTree::Glob(_) => {}
        }
    }
    let mut found = Vec::new();
    if let Item::Use(item) = item {
        collect(&item.tree, &[], &mut found);
    }
    found
}

/// What one name of a `use` means.
enum Meaning {
    /// A module.
    Module,
    /// A file of another package; its modules are known by its name, and so is the one that is called like the file.
    File(usize),
    /// A Rust item of another `.hf` file, which may be named together with modules of that file.
    Borrowed(usize, String),
    /// Nothing that the other `.hf` file has.
    Unknown(usize),
    /// What rustc finds by itself.
    Rust,
}

/// Finds the imports that mean modules or items of other files.
pub(super) fn imports(resolved: &mut Resolved, at: usize, diagnostics: &mut Vec<Diagnostic>) {
    let mut found = Vec::new();
    for item in &resolved.files[at].file.items {
        let names: Vec<(Vec<Ident>, Ident, Meaning)> = leaves(&item.item)
            .into_iter()
            .map(|(path, word)| {
                let meaning = meaning(resolved, at, &path);
                (path, word, meaning)
            })
            .collect();
        let is_rust = |(.., meaning): &&(Vec<Ident>, Ident, Meaning)| matches!(meaning, Meaning::Rust);
        if names.iter().all(|name| is_rust(&name)) {
            continue;
        }
        if let Some((_, word, _)) = names.iter().find(is_rust) {
            let error =
                Diagnostic::error("HF0012", "names of `.hf` files and others stand in one `use`", span_of(word.span()))
                    .label("this is in no `.hf` file");
            diagnostics.push(error.hint("import what is in `.hf` files by a `use` of its own"));
            continue;
        }
        for (path, _, meaning) in &names {
            if let Meaning::Unknown(other) = meaning {
                diagnostics.push(unknown(resolved, *other, path));
            }
        }
        found.push((item.span.clone(), names));
    }
    for (span, names) in found {
        let file = &mut resolved.files[at];
        file.hidden.push(span);
        for (path, word, meaning) in names {
            match meaning {
                Meaning::Module => {
                    file.imports.insert(word.to_string(), path.iter().map(ToString::to_string).collect());
                }
                Meaning::File(other) => {
                    file.imports.insert(word.to_string(), path.iter().map(ToString::to_string).collect());
                    file.submodules.insert(word.to_string(), other);
                }
                Meaning::Borrowed(other, name) => file.borrowed.push((word.to_string(), other, name)),
                Meaning::Unknown(_) | Meaning::Rust => {}
            }
        }
    }
}

fn meaning(resolved: &Resolved, at: usize, path: &[Ident]) -> Meaning {
    let words: Vec<String> = path.iter().map(ToString::to_string).collect();
    if let [package, word, name] = words.as_slice()
        && word == "hf"
        && let Some(file) = resolved.package_file(package, name)
    {
        return Meaning::File(file);
    }
    if words.len() > 1 && resolved.find(at, &words).is_some() {
        return Meaning::Module;
    }
    let other = match words.as_slice() {
        [package, word, name, _, ..] if word == "hf" => resolved.package_file(package, name),
        [submodule, name] => {
            let other = resolved.files[at].submodules.get(submodule).copied();
            other.filter(|other| has_item(&resolved.files[*other], name) || has_all_names(&resolved.files[*other]))
        }
        _ => None,
    };
    match (other, words.last()) {
        (Some(other), Some(name)) if has_item(&resolved.files[other], name) => Meaning::Borrowed(other, name.clone()),
        (Some(other), _) => Meaning::Unknown(other),
        _ => Meaning::Rust,
    }
}

fn has_item(file: &ResolvedFile, name: &str) -> bool {
    item_names(file).any(|known| known == name)
}

/// Whether the names of a file's items stand in its text; macros and `*` bring more of them.
fn has_all_names(file: &ResolvedFile) -> bool {
    fn has_glob(tree: &UseTree) -> bool {
        match tree {
            UseTree::Path(path) => has_glob(&path.tree),
            UseTree::Group(group) => group.items.iter().any(has_glob),
            UseTree::Glob(_) => true,
            UseTree::Name(_) | UseTree::Rename(_) => false,
        }
    }
    !file.file.items.iter().any(|item| match &item.item {
        Item::Use(item) => has_glob(&item.tree),
        Item::Macro(_) | Item::Verbatim(_) | Item::TraitAlias(_) | Item::ExternCrate(_) | Item::ForeignMod(_) => true,
        _ => false,
    })
}

/// The names of a file's Rust items, and of what it imports itself.
pub(super) fn item_names(file: &ResolvedFile) -> impl Iterator<Item = String> {
    let name = |item: &Item| match item {
        Item::Const(item) => vec![item.ident.to_string()],
        Item::Enum(item) => vec![item.ident.to_string()],
        Item::Fn(item) => vec![item.sig.ident.to_string()],
        Item::Mod(item) => vec![item.ident.to_string()],
        Item::Static(item) => vec![item.ident.to_string()],
        Item::Struct(item) => vec![item.ident.to_string()],
        Item::Trait(item) => vec![item.ident.to_string()],
        Item::Type(item) => vec![item.ident.to_string()],
        Item::Union(item) => vec![item.ident.to_string()],
        Item::Use(_) => leaves(item).into_iter().map(|(_, word)| word.to_string()).collect(),
        _ => Vec::new(),
    };
    file.file.items.iter().flat_map(move |item| name(&item.item))
}

fn unknown(resolved: &Resolved, other: usize, path: &[Ident]) -> Diagnostic {
    let (name, place) = path.last().map_or_else(Default::default, |word| (word.to_string(), span_of(word.span())));
    let file = &resolved.files[other];
    let modules = resolved.modules.iter().filter(|module| module.file == other && module.name != "main");
    let modules: Vec<String> = modules.map(|module| module.name.to_string()).collect();
    let items: Vec<String> = item_names(file).collect();
    let error = Diagnostic::error("HF0014", format!("`{}` has no module or item `{name}`", file.name), place);
    match nearest(&name, modules.iter().chain(&items).map(String::as_str)) {
        Some(near) => error.similar("name", &name, near),
        None if modules.is_empty() => error.hint("it has no modules for others"),
        None => error.hint(format!("its modules are `{}`", modules.join("`, `"))),
    }
}
