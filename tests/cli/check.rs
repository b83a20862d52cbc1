//! `check`: everything that is wrong, without building.

use crate::support::{Workspace, programs};

const MANIFEST: &str = "[workspace]\n[package]\nname = \"checked\"\nedition = \"2024\"\n";

#[test]
fn what_is_right_is_said_to_be_right() {
    let workspace = programs().workspace();
    let output = workspace.hydro(["check"]).run().exits(0).says(&["Checking 1", "Finished no errors"]);
    assert_eq!(output.stdout, "");
}

#[test]
fn all_files_are_looked_at_before_cargo_is_asked() {
    let wrong = |name: &str| format!("module main() {{\n    {name} -> null();\n}}\n");
    let (one, two) = (wrong("first"), wrong("second"));
    let workspace = Workspace::new(
        "check-all",
        &[("Cargo.toml", MANIFEST), ("src/lib.rs", ""), ("src/a.hf", &one), ("src/b.hf", &two)],
    );
    workspace.hydro(["check"]).run().exits(101).says(&[
        "--> src/a.hf:2:5",
        "--> src/b.hf:2:5",
        "error: `src/a.hf`, `src/b.hf` have errors",
    ]);
}

#[test]
fn files_may_have_capitals_in_their_names() {
    let program = "mod Parts;\nuse checked::hf::More::more;\n\nmodule main() {\n    source_iter([1_u8]) -> Parts::part() -> more() -> null();\n}\n";
    let part = "module part(input i: u8, output o: u8) {\n    i -> o;\n}\n";
    let files = [
        ("Cargo.toml", MANIFEST),
        ("src/lib.rs", ""),
        ("src/LoudTicker.hf", program),
        ("src/Parts.hf", part),
        ("src/More.hf", &part.replace("part", "more")),
    ];
    let workspace = Workspace::new("check-capitals", &files);
    let output = workspace.hydro(["check"]).run().exits(0);
    assert!(!output.stderr.contains("--> src/"), "{output}");
}

/// A file with items of its own, and a module with some in its body.
const PART: &str = "use std::collections::BTreeMap as Map;
use std::collections;

const LIMIT: TYPE = 3;

#[derive(Clone)]
struct Kept(TYPE);

fn keep(n: TYPE) -> Kept {
    Kept(n)
}

module NAME(input i: TYPE, output o: usize) {
    const LEAST: TYPE = 1;
    #[derive(Clone)]
    struct Sum(TYPE);
    impl Sum {
        fn add(&mut self, n: TYPE) {
            self.0 += n + LEAST;
        }
    }
    fn double(n: TYPE) -> TYPE {
        n * 2
    }
    i -> filter(|n: &TYPE| *n >= LEAST && *n < LIMIT)
        -> map(|n| double(keep(n).0))
        -> fold::<'tick>(|| Sum(0), |sum: &mut Sum, n| sum.add(n))
        -> identity::<Sum>()
        -> map(|sum| (Kept(sum.0), Map::<TYPE, TYPE>::new(), sum))
        -> identity::<(Kept, Map<TYPE, TYPE>, Sum)>()
        -> map(|(_, map, sum)| (map, sum))
        -> pass::<(collections::BTreeMap<TYPE, TYPE>, Sum)>()
        -> map(|(_, sum)| sum)
        -> map(|Sum(n)| format!(\"{n} {LEAST}\").len())
        -> o;
}

module pass<T>(input i: T, output o: T) {
    i -> identity::<T>() -> o;
}
";

/// A program that uses two such files, and a module of its own.
const MAIN: &str = "mod one;
mod two;

const LIMIT: &str = \"\";

module main() {
    fn double() -> &'static str {
        LIMIT
    }
    source_iter([1_u8]) -> one::first() -> null();
    source_iter([1_u64]) -> two::second() -> here() -> for_each(|_| println!(\"{}\", double()));
}

module here(input i: usize, output o: usize) {
    const LEAST: usize = 1;
    fn double(n: usize) -> usize {
        n * LEAST
    }
    i -> map(double) -> o;
}
";

/// What a file or a body calls something is its own affair, also where it is used beside others; types between angles are those of the file.
#[test]
fn parts_may_have_items_of_the_same_names() {
    let part = |name: &str, ty: &str| PART.replace("NAME", name).replace("TYPE", ty);
    let files = [
        ("Cargo.toml", MANIFEST),
        ("src/lib.rs", ""),
        ("src/both.hf", MAIN),
        ("src/one.hf", &part("first", "u8")),
        ("src/two.hf", &part("second", "u64")),
    ];
    let workspace = Workspace::new("check-names", &files);
    let output = workspace.hydro(["check"]).run().exits(0);
    assert!(!output.stderr.contains("--> src/"), "{output}");
}

#[test]
fn without_rustc_everything_but_types_is_checked_and_nothing_is_compiled() {
    let types = "module main() {\n    source_iter([1_u8]) -> map(|n: String| n) -> null();\n}\n";
    let modules = "module part(input i: u8, output o: u8) {\n    i -> o;\n}\n";
    // rustc would say something of the package's own library.
    let files =
        [("Cargo.toml", MANIFEST), ("src/lib.rs", "no Rust"), ("src/types.hf", types), ("src/modules.hf", modules)];
    let workspace = Workspace::new("check-no-rustc", &files);
    workspace.hydro(["check", "--no-rustc"]).run().exits(0).says(&["Checking 2", "Finished no errors"]);
    workspace.write("src/flow.hf", "module main() {\n    first -> null();\n}\n");
    workspace.hydro(["check", "--no-rustc"]).run().exits(101).says(&["--> src/flow.hf:2:5"]);
}

#[test]
fn the_deployment_is_checked_too() {
    let program = "module main(output out: u64) {\n    source_iter(0..3_u64) -> out;\n}\n";
    let toml = "[deployment]\nname = \"d\"\n\n[services.a]\nsrc = \"src/a.hf\"\n\n[[links]]\nfrom = \"a.out\"\nto = \"b.numbers\"\n";
    let workspace = Workspace::new(
        "check-toml",
        &[("Cargo.toml", MANIFEST), ("src/lib.rs", ""), ("src/a.hf", program), ("Hydro.toml", toml)],
    );
    workspace.hydro(["check"]).run().exits(96).says(&["there is no service `b`", "--> Hydro.toml:9:6"]);
}
