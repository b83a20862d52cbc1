//! What a message suggests can be done by an editor: the change stands in the JSON, and the text is right once it is made.

use serde_json::Value;

use super::{LIBRARY, MANIFEST};
use crate::support::{Output, Workspace};

/// What is wrong, the code that tells it, and the wrong program.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("operator", "HF0108", "module main() {\n    source_iter([1]) -> mpa(|i| i + 1) -> null();\n}\n"),
    ("port", "HF0103", "module main(output outbound: u64) {\n    source_iter([1]) -> outbund;\n}\n"),
    ("pipeline", "HF0103", "module main() {\n    größen = source_iter([\"é\"]);\n    größem -> null();\n}\n"),
    ("parentheses", "HF0103", "module main() {\n    source_iter([1]) -> null;\n}\n"),
    ("semicolon", "HF0005", "module main() {\n    ones = source_iter([1])\n    ones -> null();\n}\n"),
    (
        "former_name",
        "HF0210",
        "module main() {\n    all = merge() -> null();\n    source_iter([1]) -> all;\n    source_iter([2]) -> all;\n}\n",
    ),
    ("module_word", "HF0004", "modul main() {\n    source_iter([1]) -> null();\n}\n"),
    ("header_word", "HF0004", "module main(inptu i: u64) {\n    i -> null();\n}\n"),
    (
        "port_of_a_module",
        "HF0121",
        "module relay(input i: u64, output left: u64, output right: u64) {\n    i -> left;\n    i -> right;\n}\n\n\
         module main() {\n    source_iter([1]) -> r;\n    r = relay();\n    r[lfet] -> null();\n}\n",
    ),
    (
        "parameter_of_a_module",
        "HF0122",
        "module above(input i: u64, output o: u64, param least: u64 = 1) {\n    i -> filter(|i| *i >= least) -> o;\n}\n\n\
         module main() {\n    source_iter([1]) -> above(laest: 2) -> null();\n}\n",
    ),
    ("import", "HF0014", "use hydro::hf::heartbeat::hartbeat;\n\nmodule main() {\n    hartbeat() -> null();\n}\n"),
    (
        "variable",
        "E0425",
        "module main(param limit: u64 = 3) {\n    source_iter([1]) -> filter(|i| *i < limt) -> null();\n}\n",
    ),
];

/// Returns the changes that the output's messages suggest, with the code of each: bytes, and what stands there then.
fn changes(output: &Output, file: &str) -> Vec<(String, std::ops::Range<usize>, String)> {
    let mut changes = Vec::new();
    for event in output.events_of("diagnostic") {
        let code = event["message"]["code"]["code"].as_str().unwrap_or_default().to_owned();
        for span in children(&event["message"]).filter(|span| span["suggested_replacement"].is_string()) {
            assert_eq!(span["file_name"], file, "{event:#}");
            let applicability = span["suggestion_applicability"].as_str().unwrap_or_default();
            assert!(matches!(applicability, "MachineApplicable" | "MaybeIncorrect"), "{event:#}");
            let at = |key: &str| usize::try_from(span[key].as_u64().expect("is a number")).expect("fits");
            let text = span["suggested_replacement"].as_str().expect("is a text").to_owned();
            changes.push((code.clone(), at("byte_start")..at("byte_end"), text));
        }
    }
    changes
}

fn children(message: &Value) -> impl Iterator<Item = &Value> {
    let children = message["children"].as_array().into_iter().flatten();
    children.flat_map(|child| child["spans"].as_array().into_iter().flatten())
}

/// Makes the changes, the last one first, so that none moves another.
fn changed(text: &str, mut changes: Vec<(String, std::ops::Range<usize>, String)>) -> String {
    changes.sort_by_key(|(_, span, _)| std::cmp::Reverse(span.start));
    let mut text = text.to_owned();
    for (_, span, replacement) in changes {
        text.replace_range(span, &replacement);
    }
    text
}

#[test]
fn suggested_changes_make_programs_right() {
    let manifest = ("Cargo.toml".to_owned(), MANIFEST.to_owned());
    let mut files = vec![manifest, ("src/lib.rs".to_owned(), LIBRARY.to_owned())];
    files.extend(PROGRAMS.iter().map(|(name, _, text)| (format!("src/{name}.hf"), (*text).to_owned())));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let workspace = Workspace::new("ui-suggestions", &files);
    for (name, code, text) in PROGRAMS {
        let file = format!("src/{name}.hf");
        let output = workspace.hydro(["check", &file, "--message-format", "json"]).run();
        let changes = changes(&output, &file);
        let codes: Vec<&str> = changes.iter().map(|(code, ..)| code.as_str()).collect();
        assert_eq!(codes, [*code], "{name}\n{output}");
        // An import is used under the name it had.
        let right = changed(text, changes).replace("    hartbeat()", "    heartbeat()");
        workspace.write(&file, &right);
        let output = workspace.hydro(["check", &file]).run().exits(0);
        assert!(!output.stderr.contains("[HF"), "{name}\n{right}\n{output}");
    }
}

#[test]
fn keys_of_hydro_toml_are_suggested_and_its_errors_have_codes() {
    let server = "module main(input words: String) {\n    words -> null();\n}\n";
    let toml = "[services.server]\nsrc = \"src/server.hf\"\ncuont = 1\nenv = { HYDRO_INPUT_WORDS = \"null\" }\n";
    let files = [("Cargo.toml", MANIFEST), ("Hydro.toml", toml), ("src/lib.rs", LIBRARY), ("src/server.hf", server)];
    let workspace = Workspace::new("ui-suggestions-toml", &files);
    let plan = ["expand", "--stage", "plan", "--message-format", "json"];
    let output = workspace.hydro(plan).run().exits(0);
    // The plan itself is data, which stands beside the events.
    let events = Output {
        stdout: output.stdout.lines().filter(|line| line.contains("\"reason\"")).collect::<Vec<_>>().join("\n"),
        ..output
    };
    let changes = changes(&events, "Hydro.toml");
    assert_eq!(changes.iter().map(|(code, ..)| code.as_str()).collect::<Vec<_>>(), ["HT0003"], "{events}");
    workspace.write("Hydro.toml", &changed(toml, changes));
    let output = workspace.hydro(["expand", "--stage", "plan"]).run().exits(0);
    assert!(!output.stderr.contains("[HT"), "{output}");

    workspace.write("Hydro.toml", &toml.replace("cuont = 1", "count = \"one\""));
    let output = workspace.hydro(plan).run().exits(96);
    let told = output.events_of("diagnostic");
    assert_eq!(told.len(), 1, "{output}");
    let message = &told[0]["message"];
    assert_eq!((&message["code"]["code"], &message["level"]), (&"HT0002".into(), &"error".into()));
    assert_eq!((&message["spans"][0]["line_start"], &message["spans"][0]["column_start"]), (&3.into(), &9.into()));
    assert_eq!(message["spans"][0]["text"][0]["text"], "count = \"one\"");
}
