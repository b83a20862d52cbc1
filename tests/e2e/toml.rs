//! A wrong `Hydro.toml`: each mistake is told at its line, before anything is built.

use crate::support::{Workspace, assert_golden, redact};

const MANIFEST: &str =
    "[workspace]\nresolver = \"3\"\n\n[package]\nname = \"toml\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
const SERVER: &str = "module main(input questions: String, output answers: u64) {\n    questions -> map(|text| text.len() as u64) -> answers;\n}\n";
const CLIENT: &str = "module main(input answers: u64, output questions: String, param text: String = \"?\".to_owned()) {\n    source_iter([text]) -> questions;\n    answers -> null();\n}\n";
const SERVICES: &str = "[deployment]\nname = \"d\"\n\n[services.server]\nsrc = \"src/server.hf\"\n\n[services.client]\nsrc = \"src/client.hf\"\n";
const LINKS: &str = "\n[[links]]\nfrom = \"client.questions\"\nto = \"server.questions\"\n\n[[links]]\nfrom = \"server.answers\"\nto = \"client.answers\"\n";

/// Each case, the line that is to be named, and the whole file.
fn cases() -> Vec<(&'static str, &'static str, String)> {
    let whole = format!("{SERVICES}{LINKS}");
    let replaced = |from: &str, to: &str| {
        assert!(whole.contains(from), "{from}");
        whole.replacen(from, to, 1)
    };
    vec![
        ("unknown_port", "11", replaced("client.questions", "client.question")),
        ("unknown_service", "12:6", replaced("\"server.questions", "\"sever.questions")),
        (
            "wrong_direction",
            "11",
            replaced(
                "from = \"client.questions\"\nto = \"server.questions\"",
                "from = \"server.questions\"\nto = \"client.questions\"",
            ),
        ),
        ("unlinked_input", "7", replaced("\n[[links]]\nfrom = \"server.answers\"\nto = \"client.answers\"\n", "")),
        ("linked_twice", "19", format!("{whole}\n[[links]]\nfrom = \"server.answers\"\nto = \"client.answers\"\n")),
        ("no_port_named", "11", replaced("\"client.questions\"", "\"client\"")),
        (
            "unknown_policy",
            "13",
            replaced("to = \"server.questions\"\n", "to = \"server.questions\"\npolicy = \"random\"\n"),
        ),
        (
            "unknown_parameter",
            "7",
            replaced("src = \"src/client.hf\"", "src = \"src/client.hf\"\nparams = { txet = \"!\" }"),
        ),
        ("missing_source", "5", replaced("src/server.hf", "src/sever.hf")),
        ("no_program", "4", replaced("src = \"src/server.hf\"\n", "")),
        ("unknown_machine", "4", replaced("src = \"src/server.hf\"", "src = \"src/server.hf\"\non = \"moon\"")),
        ("no_address", "4", replaced("src = \"src/server.hf\"", "src = \"src/server.hf\"\nlisten = \"4000\"")),
        ("wrong_count", "6", replaced("src = \"src/server.hf\"", "src = \"src/server.hf\"\ncount = -1")),
        ("wrong_kind", "5:7", replaced("src = \"src/server.hf\"", "src = 3")),
        (
            "source_and_command",
            "6:1",
            replaced("src = \"src/server.hf\"", "src = \"src/server.hf\"\ncommand = [\"sleep\", \"1\"]"),
        ),
        (
            "parameters_of_a_command",
            "6:12",
            replaced("src = \"src/server.hf\"", "command = [\"sleep\", \"1\"]\nparams = { seconds = 1 }"),
        ),
        ("broken_syntax", "4", replaced("[services.server]", "[services.server")),
    ]
}

fn workspace(name: &str, toml: &str) -> Workspace {
    let files = [
        ("Cargo.toml", MANIFEST),
        ("Hydro.toml", toml),
        ("src/lib.rs", "//! Nothing.\n"),
        ("src/server.hf", SERVER),
        ("src/client.hf", CLIENT),
    ];
    Workspace::new(name, &files)
}

#[test]
fn each_mistake_is_told_at_its_line() {
    for (case, line, toml) in cases() {
        let workspace = workspace("toml", &toml);
        let output = workspace.hydro(["deploy"]).run().exits(96);
        assert_golden(&format!("e2e/toml/{case}.stderr"), &redact(&output.stderr, workspace.root()));
        assert!(output.stderr.contains(&format!("--> Hydro.toml:{line}")), "{case}: line {line}\n{output}");
        assert!(!output.stderr.contains("Compiling"), "{case}: nothing is built\n{output}");
    }
}

#[test]
fn unknown_keys_are_doubtful_and_no_more() {
    let toml = format!("{SERVICES}{LINKS}").replacen(
        "src = \"src/server.hf\"",
        "src = \"src/server.hf\"\ncuont = 3\nfeatures = 1",
        1,
    );
    let workspace = workspace("toml-keys", &toml);
    let output = workspace.hydro(["graph"]).run().exits(0);
    assert_golden("e2e/toml/unknown_key.stderr", &redact(&output.stderr, workspace.root()));
    assert!(output.stdout.contains("server"), "{output}");
    output.says(&[
        "warning",
        "Hydro.toml:6",
        "a service has no key `cuont`",
        "`count`",
        "Hydro.toml:7",
        "`features` is not supported yet",
    ]);
}

#[test]
fn without_the_file_the_next_step_is_said() {
    let workspace = workspace("toml-none", "");
    workspace.remove("Hydro.toml");
    for command in ["deploy", "run", "graph"] {
        let output = workspace.hydro([command]).run().exits(96);
        output.says(&["Hydro.toml", "hint: "]);
    }
}

#[test]
fn machines_of_a_cloud_need_credentials_and_may_have_a_bound() {
    let toml = format!(
        "{SERVICES}{LINKS}\n[machines.far]\nkind = \"gcp\"\nproject = \"p\"\nzone = \"z\"\ntype = \"e2-micro\"\n"
    )
    .replacen("src = \"src/server.hf\"", "src = \"src/server.hf\"\non = \"far\"", 1);
    let workspace = workspace("toml-cloud", &toml);
    let deploy = |bound: &str| {
        let call = workspace.hydro(["deploy", "--max-cost-per-hour", bound]);
        call.env("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json").run().exits(110)
    };
    deploy("0.01").says(&["the machines cost up to", "far: ", "(e2-micro in z)"]);
    deploy("1").says(&["cannot use the credentials", "/nowhere/key.json", "gcloud auth application-default login"]);
    workspace.hydro(["expand", "--stage", "plan"]).run().exits(0).prints(&["\"server\""]);
}
