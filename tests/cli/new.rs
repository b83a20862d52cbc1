//! `new`: what it makes works as it is.

use crate::support::{Hydro, Workspace, scratch};

/// Makes a workspace of a template and goes the way of a new user: check, build, run, test.
fn goes_all_the_way(template: &str, script_prints: &str, tests: usize) {
    goes_with(&[], "py", template, script_prints, tests);
}

fn goes_with(flags: &[&str], ending: &str, template: &str, script_prints: &str, tests: usize) {
    let home = Workspace::new(&format!("new-{template}-{ending}"), &[]);
    let name = format!("my-{template}");
    home.remove(&name);
    let words = ["new", &name, "--template", template].into_iter().chain(flags.iter().copied());
    let made = home.hydro(words).run().exits(0);
    made.says(&[
        &format!("Created workspace `{name}` from template `{template}`"),
        &format!("cd {name} && cargo hydro deploy"),
    ]);
    let workspace = Workspace::at(home.path(&name));
    assert!(
        workspace.read("Cargo.toml").contains(&format!("name = \"{name}\"")),
        "the package has the workspace's name"
    );
    workspace.hydro(["check"]).run().exits(0).says(&["Finished no errors"]);
    workspace.hydro(["build"]).run().exits(0);
    let script = format!("{name}.hydro.{ending}");
    workspace.hydro(["run", &script]).run().exits(0).prints(&[script_prints]);
    workspace.hydro(["test"]).run().exits(0).says(&[&format!("{tests} tests run: {tests} passed")]);
}

#[test]
fn echo_is_made_built_run_and_tested() {
    goes_all_the_way("echo", "echoed hello 3\n", 2);
}

#[test]
fn chat_is_made_built_run_and_tested() {
    goes_all_the_way("chat", "alice hears: ", 3);
}

#[test]
fn echo_is_made_in_javascript() {
    if crate::support::node_is_there() {
        goes_with(&["--javascript"], "mjs", "echo", "echoed hello 3\n", 2);
    }
}

#[test]
fn nothing_is_overwritten() {
    let home = Workspace::new("new-taken", &[("taken/mine.txt", "mine")]);
    home.hydro(["new", "taken"])
        .run()
        .exits(1)
        .says(&["`taken` exists and is not an empty folder", "hint: choose another path"]);
    assert_eq!(home.read("taken/mine.txt"), "mine");
    assert!(!home.path("taken/Cargo.toml").exists());
}

#[test]
fn a_name_must_do_for_a_package() {
    let home = Workspace::new("new-names", &[]);
    home.remove("größe");
    for wrong in ["9lives", "größe", "a b"] {
        home.hydro(["new", wrong]).run().exits(1).says(&[
            &format!("`{wrong}` cannot be the name of a cargo package"),
            "hint: ",
            "`--name`",
        ]);
        assert!(!home.path(wrong).exists(), "{wrong}");
    }
    home.hydro(["new", "größe", "--name", "size"]).run().exits(0);
    assert!(home.read("größe/Cargo.toml").contains("name = \"size\""));
    home.hydro(["new", "x", "--template", "nothing"]).run().exits(1).says(&["[possible values: echo, chat"]);
    Hydro::new()
        .arguments(["new", "/proc/x"])
        .directory(&scratch(""))
        .run()
        .exits(1)
        .says(&["cannot write to `/proc/x`"]);
}
