//! A workspace whose path has spaces and letters outside of ASCII.

use std::time::Duration;

use crate::support::{Workspace, redact};

#[test]
fn spaces_and_letters_of_any_language_do_not_matter() {
    let script = "from hydro import Deployment\n\n\nasync def main():\n    deployment = Deployment()\n    service = deployment.Hydroflow(src=\"src/schöner gruß.hf\", name=\"gruss\")\n    await deployment.deploy()\n    async for line in service.stdout():\n        print(line)\n        break\n";
    let program =
        "module main() {\n    source_iter([\"grüße\"]) -> for_each(|word| println!(\"{word} from {}\", file!()));\n}\n";
    let workspace = Workspace::new(
        "räume mit lücken/日本 語",
        &[
            (
                "Cargo.toml",
                "[workspace]\nresolver = \"3\"\n\n[package]\nname = \"spaces\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
            ),
            ("Hydro.toml", "[deployment]\nname = \"räume\"\n\n[services.gruss]\nsrc = \"src/schöner gruß.hf\"\n"),
            ("src/lib.rs", "//! Nothing.\n"),
            ("src/schöner gruß.hf", program),
            ("ein gruß.hydro.py", script),
        ],
    );
    workspace.hydro(["build"]).run().exits(0);
    let told = workspace.hydro(["build"]).run().exits(0).stderr;
    assert_eq!(redact(&told, workspace.root()), "", "nothing is built twice");
    workspace.hydro(["run", "ein gruß.hydro.py"]).run().exits(0).prints(&["grüße from src/schöner gruß.hf\n"]);
    let running = workspace.hydro(["deploy"]).start();
    running.prints("gruss │ grüße from src/schöner gruß.hf\n");
    running.interrupt();
    running.finish(Duration::from_secs(30)).exits(130);
}
