//! Help, version, wrong arguments, and the names under which the command is called.

use std::path::Path;

use crate::support::{Hydro, Workspace, assert_golden, program};

const COMMANDS: &[&str] = &["new", "check", "build", "run", "deploy", "test", "graph", "expand"];

fn hydro<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Hydro {
    Hydro::new().arguments(arguments).env("COLUMNS", "100").directory(&std::env::temp_dir())
}

#[test]
fn help_goes_to_stdout_and_names_all() {
    let output = hydro(["--help"]).run().exits(0);
    assert_eq!(output.stderr, "");
    assert_golden("cli/help.stdout", &output.stdout);
    for command in COMMANDS {
        let help = hydro([command, "--help"]).run().exits(0).prints(&["Usage: ", "--message-format <FMT>"]);
        assert!(output.stdout.contains(&format!("\n  {command}")), "--help does not name {command}");
        assert!(help.stderr.is_empty(), "{command}: {help}");
    }
}

#[test]
fn cargos_flags_have_cargos_names() {
    for (command, flags) in [
        (
            "build",
            "--package --release --profile --jobs --target --target-dir --manifest-path --locked --offline --frozen --config --features --all-features --no-default-features --verbose --quiet --color",
        ),
        ("check", "--package --release --profile --manifest-path --locked --offline --frozen --features"),
        ("run", "--release --profile --manifest-path --locked --offline --frozen --features --local"),
        ("deploy", "--release --profile --manifest-path --locked --offline --frozen --features --local"),
        ("test", "--release --profile --manifest-path --locked --offline --frozen --features --exact --list"),
    ] {
        let help = hydro([command, "--help"]).run().exits(0);
        for flag in flags.split(' ') {
            assert!(
                [" ", "\n", "..."].iter().any(|end| help.stdout.contains(&format!("{flag}{end}"))),
                "{command} has no {flag}\n{help}"
            );
        }
    }
}

#[test]
fn the_version_is_the_crates() {
    let expected = format!("hydro {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(hydro(["--version"]).run().exits(0).stdout, expected);
    assert_eq!(hydro(["-V"]).run().exits(0).stdout, expected);
}

#[test]
fn wrong_arguments_end_with_one_and_say_what_would_be_right() {
    hydro([]).run().exits(1).says(&["Usage: hydro"]);
    hydro(["biuld"]).run().exits(1).says(&["unrecognized subcommand 'biuld'", "'build'"]);
    hydro(["build", "--relase"]).run().exits(1).says(&["unexpected argument '--relase'", "'--release'"]);
    hydro(["build", "--message-format", "xml"]).run().exits(1).says(&["[possible values: human, json]"]);
    hydro(["build", "--release", "--profile", "dev"]).run().exits(1).says(&["cannot be used with"]);
    hydro(["new"]).run().exits(1).says(&["<PATH>"]);
    hydro(["graph", "--format", "pdf"]).run().exits(1).says(&["mermaid"]);
    hydro(["run", "x.sh"]).run().exits(1).says(&["`x.sh` is no script", "hint: scripts end in `.hydro.py`"]);
}

#[test]
fn all_its_names_do_the_same() {
    let workspace = Workspace::new(
        "names",
        &[("Cargo.toml", "[workspace]\n[package]\nname = \"names\"\nedition = \"2024\"\n"), ("src/lib.rs", "")],
    );
    let (hydro, cargo_hydro) = (program(env!("CARGO_BIN_EXE_hydro")), program(env!("CARGO_BIN_EXE_cargo-hydro")));
    let folder = cargo_hydro.parent().expect("lies in a folder");
    #[expect(clippy::disallowed_methods, reason = "the path is to be longer than it was")]
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").expect("is set"));
    let ways: [(&Path, &[&str]); 4] =
        [(&hydro, &[]), (&cargo_hydro, &[]), (&cargo_hydro, &["hydro"]), (Path::new("cargo"), &["hydro"])];
    for (program, words) in ways {
        let call =
            || Hydro::named(program).env("PATH", &path).directory(workspace.root()).arguments(words.iter().copied());
        call().arguments(["build"]).run().exits(4).says(&["there are no `.hf` programs in"]);
        assert!(call().arguments(["--version"]).run().exits(0).stdout.starts_with("hydro "), "{program:?} {words:?}");
    }
}

#[test]
fn without_a_package_there_is_nothing_to_do() {
    let folder = tempfile::tempdir().expect("can be made");
    for command in ["build", "check", "deploy", "test", "graph"] {
        Hydro::new().arguments([command]).directory(folder.path()).run().exits(102).says(&[
            "there is no `Cargo.toml` in",
            "hint: ",
            "`cargo hydro new NAME`",
        ]);
    }
    Hydro::new()
        .arguments(["build", "--manifest-path", "no/Cargo.toml"])
        .directory(folder.path())
        .run()
        .exits(102)
        .says(&["no/Cargo.toml"]);
    std::fs::write(folder.path().join("Cargo.toml"), "[package\n").expect("can be written");
    Hydro::new()
        .arguments(["build"])
        .directory(folder.path())
        .run()
        .exits(102)
        .says(&["`cargo metadata` cannot read", "Cargo.toml"]);
}
