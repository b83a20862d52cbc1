//! Files that lead to each other, to themselves, or to nothing.

use std::collections::BTreeMap;

use hydroflow_standalone::Library;
use hydroflow_standalone::source::SourceFile;

use super::said;

/// Files in memory.
struct Files(BTreeMap<&'static str, &'static str>);

impl Files {
    fn read(&self, path: String) -> Result<SourceFile, String> {
        let text = self.0.get(path.as_str()).ok_or_else(|| format!("there is no `{path}`"))?;
        Ok(SourceFile::new(path, *text))
    }
}

impl Library for Files {
    fn beside(&self, file: &str, name: &str) -> Result<SourceFile, String> {
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        self.read(format!("{folder}/{name}.hf"))
    }

    fn in_package(&self, package: &str, name: &str) -> Result<SourceFile, String> {
        self.read(format!("{package}/src/{name}.hf"))
    }
}

const ONE: &str = "module one(input i: u8, output o: u8) { i -> o; }\n";

fn program(head: &str, others: &[(&'static str, &'static str)]) -> Vec<String> {
    let text = format!("{head}\nmodule main() {{ source_iter([1]) -> null(); }}\n");
    said(&text, &Files(others.iter().copied().collect()))
}

#[test]
fn a_circle_is_found_whichever_way_it_was_come_to() {
    let direct = program("mod a;", &[("src/a.hf", "mod b;\n"), ("src/b.hf", "\nmod a;\n")]);
    assert_eq!(
        direct,
        ["HF0011 src/b.hf:2 `mod a;` leads back to a file that led here: `src/a.hf` → `src/b.hf` → `src/a.hf`"]
    );
    // Both files are known already when the circle closes.
    let both = program("mod a;\nmod b;", &[("src/a.hf", "mod b;\n"), ("src/b.hf", "\nmod a;\n")]);
    assert_eq!(both, direct);
    let own = program("mod a;", &[("src/a.hf", "mod a;\n")]);
    assert_eq!(own, ["HF0011 src/a.hf:1 `mod a;` leads back to a file that led here: `src/a.hf` → `src/a.hf`"]);
}

#[test]
fn a_file_that_is_used_twice_is_no_circle() {
    let files = [("src/a.hf", "mod c;\n"), ("src/b.hf", "mod c;\n"), ("src/c.hf", ONE)];
    assert_eq!(program("mod a;\nmod b;\nmod c;", &files), Vec::<String>::new());
}

#[test]
fn packages_that_import_from_each_other_end() {
    let files = [
        ("x/src/a.hf", "use y::hf::b::one;\nmodule two(input i: u8, output o: u8) { i -> one() -> o; }\n"),
        ("y/src/b.hf", "use x::hf::a::two;\nmodule one(input i: u8, output o: u8) { i -> two() -> o; }\n"),
    ];
    let found = program("use x::hf::a::two;", &files);
    assert!(!found.is_empty() && found.iter().all(|said| said.starts_with("HF0120")), "{found:#?}");
    let files = [
        ("x/src/a.hf", "use y::hf::b::one;\nuse y::hf::b::more as most;\n"),
        ("y/src/b.hf", "use x::hf::a::one;\nuse x::hf::a::most as more;\n"),
    ];
    // What nobody has is rustc's to tell.
    assert_eq!(program("use x::hf::a::one;", &files), Vec::<String>::new());
}

#[test]
fn a_module_that_is_never_used_is_compiled_all_the_same() {
    let files = [("src/a.hf", "module idle(input i: u8) {\n    i -> nul();\n}\n")];
    assert_eq!(program("mod a;", &files).len(), 1);
}
