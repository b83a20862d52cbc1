//! Ctrl-C while programs are built: cargo and all it runs end with the command.
//!
//! The build is kept waiting by a build script of the user's package, which never ends by itself.

use std::time::Duration;

use crate::support::{Mark, Workspace, eventually};

const GONE: Duration = Duration::from_secs(2);
const END: Duration = Duration::from_secs(10);

const MANIFEST: &str =
    "[workspace]\nresolver = \"3\"\n\n[package]\nname = \"endless\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
const BUILD: &str = "fn main() {\n    std::fs::write(std::env::var(\"SUITE_BUILD_BEGAN\").unwrap(), \"\").unwrap();\n    std::thread::sleep(std::time::Duration::from_secs(600));\n}\n";
const SCRIPT: &str = "from hydro import Deployment\n\n\nasync def main():\n    deployment = Deployment()\n    deployment.Hydroflow(src=\"src/a.hf\")\n    await deployment.deploy()\n";
const TEST: &str = "async def test_it(deployment):\n    pass\n";

#[test]
fn ctrl_c_ends_a_build_whoever_asked_for_it() {
    let program = "module main() {\n    source_iter([1_u8]) -> null();\n}\n";
    let toml = "[deployment]\nname = \"endless\"\n\n[services.a]\nsrc = \"src/a.hf\"\n";
    let workspace = Workspace::new(
        "endless",
        &[
            ("Cargo.toml", MANIFEST),
            ("Hydro.toml", toml),
            ("build.rs", BUILD),
            ("src/lib.rs", "//! Nothing.\n"),
            ("src/a.hf", program),
            ("a.hydro.py", SCRIPT),
            ("tests/a.hydro.py", TEST),
        ],
    );
    for arguments in [&["build"][..], &["check"], &["deploy"], &["run", "a.hydro.py"], &["test"]] {
        let began = workspace.path("began");
        workspace.remove("began");
        let mark = Mark::new();
        let running = mark.on(workspace.hydro(arguments.iter().copied()).env("SUITE_BUILD_BEGAN", &began)).start();
        eventually("the build script runs", || began.exists());
        running.interrupt();
        let output = running.finish(END).exits(130);
        assert!(!output.stderr.contains("panicked"), "{arguments:?}\n{output}");
        mark.all_gone(GONE);
    }
}
