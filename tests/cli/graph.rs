//! `graph`: deployments and programs as drawings.

use crate::support::Workspace;

fn workspace() -> Workspace {
    let source = "module main(output out: u64) {\n    numbers = source_iter(0..3_u64) -> tee();\n    numbers -> out;\n    numbers -> for_each(|i| println!(\"{i}\"));\n}\n";
    let sink = "module main(input numbers: u64) {\n    numbers -> null();\n}\n";
    let toml = "[deployment]\nname = \"drawn\"\n\n[services.left]\nsrc = \"src/source.hf\"\n\n[services.right]\nsrc = \"src/sink.hf\"\ncount = 3\n\n[services.beside]\ncommand = [\"sleep\", \"60\"]\n\n[[links]]\nfrom = \"left.out\"\nto = \"right.numbers\"\n";
    let manifest = "[workspace]\n[package]\nname = \"drawn\"\nedition = \"2024\"\n";
    Workspace::new(
        "graph",
        &[
            ("Cargo.toml", manifest),
            ("Hydro.toml", toml),
            ("src/lib.rs", ""),
            ("src/source.hf", source),
            ("src/sink.hf", sink),
        ],
    )
}

fn draw(arguments: &[&str]) -> String {
    let output = workspace().hydro(["graph"].into_iter().chain(arguments.iter().copied())).run().exits(0);
    assert_eq!(output.stderr, "");
    output.stdout
}

#[track_caller]
fn assert_holds(drawing: &str, words: &[&str]) {
    for word in words {
        assert!(drawing.contains(word), "no `{word}` in\n{drawing}");
    }
}

#[test]
fn a_deployment_is_drawn_with_its_services_and_links() {
    let mermaid = draw(&[]);
    assert!(mermaid.contains("flowchart"), "{mermaid}");
    assert_holds(&mermaid, &["left", "right", "beside", "out", "numbers"]);
    let dot = draw(&["--format", "dot"]);
    assert!(dot.starts_with("digraph"), "{dot}");
    assert_holds(&dot, &["left", "right", "beside", "out", "numbers"]);
    let json: serde_json::Value = serde_json::from_str(&draw(&["--format", "json"])).expect("is JSON");
    assert_eq!(json["deployment"], "drawn");
    assert_eq!(json["services"].as_array().map(Vec::len), Some(3));
    assert_eq!((&json["links"][0]["from"], &json["links"][0]["to"]), (&"left.out".into(), &"right.numbers".into()));
}

#[test]
fn a_program_is_drawn_with_its_operators() {
    let mermaid = draw(&["src/source.hf"]);
    assert!(mermaid.contains("flowchart"), "{mermaid}");
    assert_holds(&mermaid, &["source_iter", "tee", "for_each", "out"]);
    let dot = draw(&["--format", "dot", "src/source.hf"]);
    assert!(dot.contains("digraph"), "{dot}");
    assert_holds(&dot, &["source_iter", "tee", "for_each"]);
    serde_json::from_str::<serde_json::Value>(&draw(&["--format", "json", "src/source.hf"])).expect("is JSON");
    let wrong = workspace().hydro(["graph", "src/lost.hf"]).run().exits(101);
    wrong.says(&["cannot read `src/lost.hf`"]);
}
