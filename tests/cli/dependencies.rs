//! A program's dependencies are its package's: versions from the user's lock, features, paths, renames, inheritance from the workspace.

use crate::support::{Hydro, Workspace};

const PROGRAM: &str = r#"use words::{KIND, said};

module main() {
    source_iter([greeting::hello()])
        -> map(|hello| format!("{hello} {} {} {KIND} {}", said(), inherited::NAME, dependent::WITH))
        -> for_each(|line| {
            println!("{line}");
            std::process::exit(0);
        });
}
"#;

/// A registry that is a folder: cargo takes what it would download from there.
const CONFIG: &str = r#"[registries.words]
index = "https://registry.invalid/index"

[source.words]
registry = "https://registry.invalid/index"
replace-with = "folder"

[source.folder]
directory = "vendor"
"#;

/// Returns the files of one version of the crate `words`.
fn words(version: &str, word: &str) -> [(String, String); 3] {
    let manifest = format!(
        "[package]\nname = \"words\"\nversion = \"{version}\"\nedition = \"2024\"\n\n[features]\ndefault = [\"plain\"]\nplain = []\nfancy = []\n"
    );
    let library = format!(
        "//! Words.\n\n/// Which features are on.\npub const KIND: &str = if cfg!(feature = \"plain\") {{ \"plain\" }} else if cfg!(feature = \"fancy\") {{ \"fancy\" }} else {{ \"none\" }};\n\n/// A word.\npub fn said() -> &'static str {{\n    \"{word}\"\n}}\n"
    );
    let file = |name: &str| format!("vendor/words-{version}/{name}");
    [
        (file("Cargo.toml"), manifest),
        (file("src/lib.rs"), library),
        (file(".cargo-checksum.json"), "{\"files\":{}}".to_owned()),
    ]
}

const ROOT: &str = r#"[workspace]
resolver = "3"
members = ["program"]

[workspace.package]
edition = "2024"

[workspace.dependencies]
words = { version = "1", registry = "words", default-features = false }
inherited = { path = "inherited" }
"#;

fn workspace() -> Workspace {
    let package = |name: &str| format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    let program = "[package]\nname = \"dependent\"\nversion = \"0.1.0\"\nedition.workspace = true\n\n[features]\nextra = []\n\n[dependencies]\nwords = { workspace = true, features = [\"fancy\"] }\ninherited.workspace = true\ngreeting = { package = \"hello-world\", path = \"../hello\" }\n";
    let library = "//! The package's own library.\n\n/// Which features are on.\npub const WITH: &str = if cfg!(feature = \"extra\") { \"with extra\" } else { \"without\" };\n";
    let (inherited, hello) = (package("inherited"), package("hello-world"));
    let versions = [words("1.0.0", "first"), words("1.1.0", "second")].concat();
    let mut files: Vec<(&str, &str)> = versions.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    files.extend([
        (".cargo/config.toml", CONFIG),
        ("Cargo.toml", ROOT),
        ("inherited/Cargo.toml", &inherited),
        ("inherited/src/lib.rs", "//! A name.\n\n/// The name.\npub const NAME: &str = \"inherited\";\n"),
        ("hello/Cargo.toml", &hello),
        ("hello/src/lib.rs", "//! A word.\n\n/// The word.\npub fn hello() -> &'static str {\n    \"hello\"\n}\n"),
        ("program/Cargo.toml", program),
        ("program/src/lib.rs", library),
        ("program/src/all.hf", PROGRAM),
    ]);
    Workspace::new("dependencies", &files)
}

#[test]
fn the_users_manifests_and_lock_decide() {
    let workspace = workspace();
    workspace.remove("Cargo.lock");
    let cargo = |arguments: &[&str]| {
        Hydro::named("cargo").directory(workspace.root()).arguments(arguments.iter().copied()).run().exits(0);
    };
    let answer = |arguments: &[&str]| {
        let call = workspace.hydro(["build", "--message-format", "json"]);
        let built = call.arguments(arguments.iter().copied()).run().exits(0);
        Hydro::named(built.executable("program/src/all.hf")).run().exits(0).stdout
    };
    // A lock from the time when there was no newer version.
    workspace.write("Cargo.toml", &ROOT.replace("version = \"1\"", "version = \"=1.0.0\""));
    cargo(&["generate-lockfile"]);
    workspace.write("Cargo.toml", ROOT);
    assert_eq!(answer(&[]), "hello first inherited fancy without\n", "the lock names the older version");
    let lock = workspace.read("Cargo.lock");
    assert_eq!(answer(&["--features", "extra"]), "hello first inherited fancy with extra\n");
    assert_eq!(workspace.read("Cargo.lock"), lock, "a build does not change the lock");
    cargo(&["update", "--package", "words"]);
    assert_eq!(answer(&[]), "hello second inherited fancy without\n", "the lock names the newer version");
}
