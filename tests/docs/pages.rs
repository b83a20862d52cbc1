//! `doc`, `graph --format svg` and `explain`, as a user calls them.

use crate::support::{Workspace, repository};

fn echo() -> Workspace {
    Workspace::copy("documented_echo", &repository().join("examples/kvs"))
}

#[test]
fn doc_writes_a_page_for_each_file_and_one_that_leads_to_them() {
    let workspace = echo();
    let target = workspace.path("pages").display().to_string();
    workspace.hydro(["doc", "--target-dir", &target]).run().exits(0).says(&["Documenting 2 `.hf` files", "Generated"]);
    let index = workspace.read("pages/hydro/doc/index.html");
    for part in ["href=\"src.kvs_server.html\"", "href=\"src.kvs_client.html\"", "gossip_out", "<svg "] {
        assert!(index.contains(part), "{part} is missing in\n{index}");
    }
    let page = workspace.read("pages/hydro/doc/src.kvs_server.html");
    for part in ["What clients ask.", "gossip_ms", "class=\"edge reads\"", "partition", "id=\"L1\""] {
        assert!(page.contains(part), "{part} is missing in\n{page}");
    }
    for html in [&index, &page] {
        assert!(!html.contains("<script") && !html.contains("http://") || html.contains("xmlns"), "loads something");
    }
    workspace.remove("pages");
}

#[test]
fn doc_tells_what_is_wrong_and_where() {
    let workspace = Workspace::new(
        "documented_wrong",
        &[
            ("Cargo.toml", "[workspace]\n[package]\nname = \"wrong\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"),
            ("src/lib.rs", ""),
            ("src/wrong.hf", "module main() {\n    source_iter([1]) -> nowhere;\n}\n"),
        ],
    );
    workspace.hydro(["doc"]).run().exits(101).says(&[
        "error[HF0103]",
        "src/wrong.hf:2:25",
        "`src/wrong.hf` has errors",
    ]);
}

#[test]
fn graph_draws_a_module_and_a_deployment_as_svg() {
    let workspace = echo();
    let module = workspace.hydro(["graph", "--format", "svg", "src/kvs_server.hf"]).run().exits(0);
    assert!(module.stdout.starts_with("<svg ") && module.stdout.trim_end().ends_with("</svg>"), "{module}");
    module.prints(&["requests", "responses", "prefers-color-scheme"]);
    workspace.hydro(["graph", "--format", "svg"]).run().exits(0).prints(&["<svg ", "replica ×3", "gossip_in"]);
    let missing = workspace.hydro(["graph", "--format", "svg", "--module", "mian", "src/kvs_server.hf"]).run();
    missing.exits(4).says(&["no module `mian`", "`main`"]);
}

#[test]
fn explain_tells_what_a_code_means() {
    let workspace = echo();
    workspace.hydro(["explain", "HF0103"]).run().exits(0).prints(&["# HF0103: a name that nothing has", "## Right"]);
    let list = workspace.hydro(["explain", "--list"]).run().exits(0);
    list.prints(&["HF0001  ", "HT0001  "]);
    let json = workspace.hydro(["explain", "103", "--message-format", "json"]).run().exits(0);
    let events = json.events_of("explanation");
    assert_eq!(events[0]["code"], "HF0103");
    assert!(events[0]["wrong"].as_str().is_some_and(|text| text.contains("module main")), "{json}");
    workspace.hydro(["explain", "E0308"]).run().exits(1).says(&["rustc --explain E0308"]);
    workspace.hydro(["explain", "HF01033"]).run().exits(1).says(&["a similar code exists: `HF0103`"]);
    workspace.hydro(["explain"]).run().exits(1);
}
