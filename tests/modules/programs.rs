//! Programs made of the language's own modules: built with one call, run, and held to what they print.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Output, Running, Workspace, command, repository};

/// The program that prints nothing.
pub(super) const PANICS: &str = "disorder";
const END: Duration = Duration::from_secs(30);

/// Returns the names of the programs.
pub(super) fn names() -> Vec<String> {
    let files = std::fs::read_dir(repository().join("tests/modules/programs/src")).expect("is there").flatten();
    let mut names: Vec<String> =
        files.filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".hf")?.to_owned())).collect();
    names.sort();
    names
}

/// Returns the text of a file beside the programs.
pub(super) fn text(file: &str) -> String {
    let path = repository().join("tests/modules/programs/src").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn workspace() -> Workspace {
    Workspace::copy("modules", &repository().join("tests/modules/programs"))
}

fn built() -> &'static (Workspace, Output) {
    static BUILT: OnceLock<(Workspace, Output)> = OnceLock::new();
    BUILT.get_or_init(|| {
        let workspace = workspace();
        let output = workspace.hydro(["build", "--message-format", "json"]).run().exits(0);
        (workspace, output)
    })
}

/// Runs a program until it has printed as many lines as it should, and then ends it.
fn printed(executable: &PathBuf, lines: usize) -> String {
    let running = Running::start(command(executable));
    running.until(&format!("{lines} lines are printed"), |output| output.stdout.lines().count() >= lines);
    running.signal(Signal::TERM);
    let output = running.finish(END);
    assert_eq!(output.stderr, "", "{}", executable.display());
    output.stdout
}

#[test]
fn every_program_prints_what_its_modules_promise() {
    let (_, output) = built();
    let mut wrong = BTreeMap::new();
    for name in names().into_iter().filter(|name| name != PANICS) {
        let expected = text(&format!("{name}.stdout"));
        let printed = printed(&output.executable(&format!("src/{name}.hf")), expected.lines().count());
        if printed != expected {
            wrong.insert(name, printed);
        }
    }
    assert!(wrong.is_empty(), "these printed something else: {wrong:#?}");
}

#[test]
fn a_file_that_is_not_on_disk_neither_warns_nor_makes_a_program_stale() {
    let (workspace, first) = built();
    let diagnostics = first.events_of("diagnostic");
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    let again = workspace.hydro(["build", "--message-format", "json"]).run().exits(0);
    let artifacts = again.events_of("artifact");
    assert_eq!(artifacts.len(), names().len());
    assert!(artifacts.iter().all(|artifact| artifact["fresh"] == true), "{again}");
}

#[test]
fn a_panic_within_a_module_names_files_as_users_write_them() {
    let (workspace, output) = built();
    let mut call = command(output.executable(&format!("src/{PANICS}.hf")));
    call.env("RUST_BACKTRACE", "1").current_dir(workspace.root());
    let ended =
        Running::start(call).finish(END).says(&["panicked at src/disorder.hf:8:9", "at ./hydro/deduplicate.hf:20"]);
    assert!(ended.code != 0 && !ended.stderr.contains("hf-modules"), "{ended}");
}

#[test]
fn what_does_not_fit_into_a_module_is_told_by_the_names_that_users_see() {
    let manifest = "[workspace]\n[package]\nname = \"misfit\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    let program = "use hydro::hf::deduplicate;

module main() {
    items = deduplicate();
    source_iter([(0.5, \"half\")]) -> items;
    items[first] -> for_each(|(id, text): (f64, &str)| println!(\"{id} {text}\"));
}
";
    let files = [("Cargo.toml", manifest), ("src/lib.rs", ""), ("src/misfit.hf", program)];
    let output = Workspace::new("misfit", &files).hydro(["check"]).run().exits(101);
    output.clone().says(&["`{float}: Ord`", "--> src/misfit.hf:4:13", "--> hydro/deduplicate.hf:38:31"]);
    assert_eq!(output.stderr.matches("error[").count(), 1, "the rest is a consequence\n{output}");
    assert!(!output.stderr.contains("hf-misfit"), "{output}");
}

#[test]
fn a_file_or_module_that_the_language_does_not_have_is_told() {
    let manifest = "[workspace]\n[package]\nname = \"missing\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    let program = "use hydro::hf::leese;
use hydro::hf::lease::keper;

module main() {
    source_iter([1]) -> null();
}
";
    let files = [("Cargo.toml", manifest), ("src/lib.rs", ""), ("src/missing.hf", program)];
    Workspace::new("missing", &files).hydro(["check"]).run().exits(101).says(&[
        "error[HF0013]: cannot read `hydro::hf::leese`",
        "a similar name exists: `lease`",
        "src/missing.hf:1:16",
        "error[HF0014]: `hydro/lease.hf` has no module or item `keper`",
        "a similar name exists: `keeper`",
        "src/missing.hf:2:23",
    ]);
}
