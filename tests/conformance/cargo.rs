//! The generated workspace of test programs: laid down, built by one cargo call for each arm's round, run case by case.
//!
//! A case that rustc refuses is taken out with its reason, and the others are built again. Knows nothing of flows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::cases::{Arm, Case};
use super::suite::Suite;
use crate::support::{Hydro, Output};

/// Building goes on without the cases that rustc refuses; errors of later stages appear only then.
const ROUNDS: usize = 8;
/// A cold build on a busy machine, and then some.
const BUILD: Duration = Duration::from_secs(3600);
/// Longer than any test of the suite takes; one that needs it hangs.
const PATIENCE: &str = "30";

/// What came of the cases of one arm.
#[derive(Debug, Default)]
pub(super) struct Built {
    /// Cases that rustc refuses, and its first error.
    pub(super) refused: BTreeMap<String, String>,
    executable: PathBuf,
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    /// Whether its assertions held.
    pub(super) passed: bool,
    /// What it printed.
    pub(super) printed: String,
    /// The panic's message, or that it hangs.
    pub(super) reason: String,
}

impl Arm {
    fn package(self) -> &'static str {
        match self {
            Self::Peer => "peer",
            Self::Embedded => "embedded",
            Self::Ported => "ported",
        }
    }
}

/// Lays the workspace down and builds the tests of all arms.
pub(super) fn build(suite: &Suite, cases: &[Case]) -> BTreeMap<Arm, Built> {
    let root = suite.workshop();
    lay_workspace(suite, &root);
    let mut built: BTreeMap<Arm, Built> = BTreeMap::new();
    for _ in 0..ROUNDS {
        let mut modules: BTreeMap<Arm, BTreeSet<String>> = BTreeMap::new();
        for arm in [Arm::Peer, Arm::Embedded, Arm::Ported] {
            let refused = &built.entry(arm).or_default().refused;
            modules.insert(arm, lay_arm(&root.join(arm.package()), arm, cases, refused));
        }
        let output = cargo(&root, &["build", "--tests", "--workspace", "--keep-going", "--message-format=json"]);
        let mut refusals = 0;
        for message in output.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            refusals += usize::from(read(&message, &mut built));
        }
        if output.code == 0 {
            return built;
        }
        assert!(refusals > 0, "cargo cannot build the test programs\n{}", output.stderr);
    }
    panic!("rustc still refuses test programs after {ROUNDS} rounds: {built:#?}");
}

/// Reads one of cargo's messages; true where it refuses a case that was not refused before.
fn read(message: &Value, built: &mut BTreeMap<Arm, Built>) -> bool {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let target = text(&message["target"]["name"]);
    let Some((_, built)) = built.iter_mut().find(|(arm, _)| arm.package() == target) else { return false };
    if let Some(executable) = message["executable"].as_str() {
        built.executable = executable.into();
    }
    if message["message"]["level"] != "error" {
        return false;
    }
    let spans = message["message"]["spans"].as_array().cloned().unwrap_or_default();
    let places = spans.iter().map(|span| text(&span["file_name"]));
    let case = places.filter_map(|file| Some(Path::new(&file).file_stem()?.to_string_lossy().into_owned()));
    let Some(case) = case.into_iter().find(|case| case != "lib") else { return false };
    let said = text(&message["message"]["message"]);
    let said = said.lines().next().unwrap_or_default().to_owned();
    match built.refused.entry(case) {
        std::collections::btree_map::Entry::Vacant(free) => {
            free.insert(said);
            true
        }
        std::collections::btree_map::Entry::Occupied(_) => false,
    }
}

/// Runs one case of an arm.
pub(super) fn run(suite: &Suite, built: &Built, case: &Case) -> Ended {
    let test = format!("{}::{}", case.name, case.test);
    let executable = built.executable.to_string_lossy().into_owned();
    let output = Hydro::named("timeout")
        .arguments(["-k", "1", PATIENCE, &executable, &test, "--exact", "--nocapture", "--test-threads=1"])
        .directory(&suite.workshop().join("stand_in"))
        .run();
    ended(&output, &test)
}

fn ended(output: &Output, test: &str) -> Ended {
    let passed = output.code == 0 && output.stdout.contains("test result: ok. 1 passed");
    // A program's own text may begin on the harness's line.
    let begin = format!("test {test} ... ");
    let should_panic = format!("test {test} - should panic ... ");
    let printed: Vec<&str> = output
        .stdout
        .lines()
        .map(|line| line.strip_prefix(&begin).or_else(|| line.strip_prefix(&should_panic)).unwrap_or(line))
        .filter(|line| !(line.starts_with("running ") || line.starts_with("test result:") || line.trim() == "ok"))
        .collect();
    let reason = if output.code == 124 || output.code == 137 {
        format!("still ran after {PATIENCE} s")
    } else {
        let message = output.stderr.lines().skip_while(|line| !line.contains("panicked at")).skip(1);
        message.take(3).map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
    };
    Ended { passed, printed: printed.join("\n").trim().to_owned(), reason }
}

fn lay_workspace(suite: &Suite, root: &Path) {
    let dfir = suite.version("dfir_rs");
    write(
        &root.join("Cargo.toml"),
        "[workspace]\nmembers = [\"peer\", \"embedded\", \"ported\", \"stand_in\"]\nresolver = \"3\"\n\n\
         [profile.dev]\ndebug = false\nincremental = false\n",
    );
    // The versions that our own workspace is built with.
    let lock = fs::read_to_string(suite.root.join("Cargo.lock")).expect("the workspace has a lock file");
    let known = root.join("workspace.lock");
    if !fs::read_to_string(&known).is_ok_and(|known| known == lock) {
        write(&root.join("Cargo.lock"), &lock);
        write(&known, &lock);
    }
    let runtime = format!(
        "dfir_rs = {{ version = \"={dfir}\", default-features = false, features = [\"macros\", \"tokio\"] }}\n"
    );
    let manifest = |name: &str, dependencies: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
             [lib]\npath = \"{}\"\ndoctest = false\n\n[dependencies]\n{runtime}{dependencies}",
            if name == "stand_in" { "lib.rs" } else { "src/lib.rs" }
        )
    };
    let shim = suite.root.join("hydro_runtime_shim");
    let real = format!("real_shim = {{ package = \"hydro_runtime_shim\", path = {:?} }}\n", shim.display().to_string());
    write(&root.join("stand_in/Cargo.toml"), &manifest("stand_in", &real));
    write(&root.join("stand_in/lib.rs"), include_str!("stand_in/lib.rs"));
    // Programs work in this folder, and some read this file.
    let json = fs::read_to_string(suite.runtime.join("example.json")).expect("the suite has a file to be read");
    write(&root.join("stand_in/example.json"), &json);
    let mut dependencies = String::new();
    for name in [
        "bytes",
        "futures",
        "lattices",
        "serde_json",
        "tokio-stream",
        "tokio-util",
        "tracing",
        "variadics",
        "web-time",
        "dfir_pipes",
    ] {
        dependencies.push_str(&format!("{name} = \"={}\"\n", suite.version(name)));
    }
    dependencies.push_str(&format!("dfir_macro = \"={}\"\n", suite.version("dfir_lang")));
    dependencies
        .push_str(&format!("serde = {{ version = \"={}\", features = [\"derive\"] }}\n", suite.version("serde")));
    dependencies.push_str(&format!(
        "tokio = {{ version = \"={}\", features = [\"rt\", \"macros\", \"time\", \"sync\", \"net\", \"io-util\", \"io-std\", \"fs\"] }}\n",
        suite.version("tokio")
    ));
    write(&root.join("peer/Cargo.toml"), &manifest("peer", &dependencies));
    dependencies.push_str("hydro_runtime_shim = { package = \"stand_in\", path = \"../stand_in\" }\n");
    for arm in [Arm::Embedded, Arm::Ported] {
        write(&root.join(arm.package()).join("Cargo.toml"), &manifest(arm.package(), &dependencies));
    }
}

/// Lays one arm's cases down, each in a file of its own.
fn lay_arm(folder: &Path, arm: Arm, cases: &[Case], refused: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut library = String::from("#![recursion_limit = \"1024\"]\n#![allow(warnings)]\n#![cfg(test)]\n");
    let mut laid = BTreeSet::new();
    for case in cases.iter().filter(|case| !refused.contains_key(&case.name)) {
        let Some(text) = case.texts.get(&arm) else { continue };
        library.push_str(&format!("mod {};\n", case.name));
        write(&folder.join("src").join(format!("{}.rs", case.name)), text);
        laid.insert(case.name.clone());
    }
    write(&folder.join("src/lib.rs"), &library);
    laid
}

/// A file that is there already keeps its time, so that cargo has nothing to do the next time.
fn write(path: &Path, text: &str) {
    if fs::read_to_string(path).is_ok_and(|there| there == text) {
        return;
    }
    fs::create_dir_all(path.parent().expect("is in a folder")).expect("can be made");
    fs::write(path, text).expect("can be written");
}

/// Calls cargo; without the network where what is needed has been downloaded.
pub(super) fn cargo(root: &Path, arguments: &[&str]) -> Output {
    let target = root.join("target").to_string_lossy().into_owned();
    let call = |offline: &[&str]| {
        Hydro::named("cargo")
            .arguments(arguments.iter().copied())
            .arguments(offline.iter().copied())
            .directory(root)
            .env("CARGO_TARGET_DIR", &target)
            .start()
            .finish(BUILD)
    };
    let output = call(&["--offline"]);
    if output.code != 0 && output.stderr.contains("offline") { call(&[]) } else { output }
}
