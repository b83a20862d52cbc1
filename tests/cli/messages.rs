//! What all events have in common, whoever writes them.

use crate::support::{Workspace, programs};

#[test]
fn the_first_line_names_the_format_and_all_are_numbered() {
    let output = programs().workspace().hydro(["build", "--message-format", "json"]).run().exits(0);
    let events = output.events();
    assert_eq!(events[0]["reason"], "hydro-format");
    assert_eq!(events[0]["version"], "1.0");
    for (number, event) in events[1..].iter().enumerate() {
        assert_eq!(event["seq"], number, "{event}");
        assert!(event["ts"].as_u64().is_some_and(|ts| ts > 1_700_000_000_000), "{event}");
        assert!(event["reason"].is_string(), "{event}");
    }
    assert_eq!(output.stderr, "");
}

#[test]
fn errors_are_events_too() {
    let manifest = "[workspace]\n[package]\nname = \"messages\"\nedition = \"2024\"\n";
    let files =
        [("Cargo.toml", manifest), ("src/lib.rs", ""), ("src/a.hf", "module main() {\n    nothing -> null();\n}\n")];
    let workspace = Workspace::new("messages", &files);
    let output = workspace.hydro(["build", "--message-format", "json"]).run().exits(101);
    assert_eq!(output.stderr, "");
    let [diagnostic] = &output.events_of("diagnostic")[..] else { panic!("one diagnostic was to come\n{output}") };
    let message = &diagnostic["message"];
    assert_eq!(
        (&message["$message_type"], &message["level"], &message["code"]["code"]),
        (&"diagnostic".into(), &"error".into(), &"HF0103".into())
    );
    let span = &message["spans"][0];
    assert_eq!(
        (&span["file_name"], &span["line_start"], &span["column_start"]),
        (&"src/a.hf".into(), &2.into(), &5.into())
    );
    let [failure] = &output.events_of("failure")[..] else { panic!("one failure was to come\n{output}") };
    assert_eq!((&failure["code"], &failure["message"]), (&101.into(), &"`src/a.hf` has errors".into()));
}

#[test]
fn quiet_and_verbose_tell_less_and_more() {
    let workspace = programs().workspace();
    assert_eq!(workspace.hydro(["build", "--quiet"]).run().exits(0).stderr, "");
    workspace.hydro(["build", "--verbose"]).run().exits(0).says(&["Fresh src/client.hf", "Fresh src/words.hf"]);
}

#[test]
fn colours_come_only_when_asked_for() {
    let workspace = Workspace::new(
        "colours",
        &[
            ("Cargo.toml", "[workspace]\n[package]\nname = \"colours\"\nedition = \"2024\"\n"),
            ("src/lib.rs", ""),
            ("src/a.hf", "module"),
        ],
    );
    let escapes =
        |arguments: &[&str]| workspace.hydro(arguments.iter().copied()).run().exits(101).stderr.contains('\u{1b}');
    assert!(!escapes(&["check"]));
    assert!(escapes(&["check", "--color", "always"]));
    assert!(!escapes(&["check", "--color", "never"]));
}
