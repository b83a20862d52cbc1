//! Whole runs: real test files, python3, commands as services.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{Filter, TestRequest, run};
use crate::build::BuildOptions;
use crate::report::{Format, ReportOptions, Reporter, Services};
use crate::workspace::{CargoFlags, Workspace};

/// Makes a package with one file of tests.
fn project(tests: &str) -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("höf test ").tempdir().expect("has a folder");
    let manifest = "[package]\nname = \"p\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    for (file, text) in [("Cargo.toml", manifest), ("src/lib.rs", ""), ("tests/a.hydro.py", tests)] {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().expect("has a folder")).expect("is made");
        std::fs::write(path, text).expect("is written");
    }
    folder
}

fn request(folder: &Path, words: &[&str]) -> TestRequest {
    TestRequest {
        workspace: Workspace::discover(folder, &CargoFlags::default()).expect("is a package"),
        build: BuildOptions::default(),
        filter: Filter { words: words.iter().map(|word| (*word).into()).collect(), exact: false },
        list: false,
        jobs: None,
        limit: None,
    }
}

/// Runs tests; returns the exit code, stdout and stderr.
fn told(request: &TestRequest, format: Format) -> (u8, String, String) {
    let options = ReportOptions { format, services: Services::LeftToScript, ..ReportOptions::default() };
    let (reporter, captured) = Reporter::captured(options);
    let code = run(request, &reporter).unwrap_or_else(|failure| {
        reporter.failure(&failure);
        failure.code as u8
    });
    (code, captured.stdout(), captured.stderr())
}

/// The word behind `mark` on the line that has it.
fn after<'a>(text: &'a str, mark: &str) -> &'a str {
    text.split_once(mark).and_then(|(_, rest)| rest.split_whitespace().next()).expect(mark)
}

#[test]
fn passes_and_failures_are_told_and_nothing_is_left() {
    let folder = project(
        r#"
async def test_good(deployment):
    service = deployment.Command("sh", "-c", "echo hello; exec sleep 300")
    await deployment.deploy()
    assert await service.stdout().__anext__() == "hello"

async def test_bad(deployment):
    service = deployment.Command("sh", "-c", "echo pid $$; exec sleep 300", name="sleeper")
    await deployment.deploy()
    line = await service.stdout().__anext__()
    assert line == "hello", "wrong greeting"
"#,
    );
    let (code, stdout, stderr) = told(&request(folder.path(), &[]), Format::Human);
    assert_eq!((code, stdout.as_str()), (100, ""), "{stderr}");
    assert!(stderr.contains("] tests/a.hydro.py::test_good\n"), "{stderr}");
    assert!(stderr.contains("] tests/a.hydro.py::test_bad\n"), "{stderr}");
    assert!(stderr.contains("    File \"tests/a.hydro.py\", line 11, in test_bad\n"), "{stderr}");
    assert!(stderr.contains("AssertionError: wrong greeting\n"), "{stderr}");
    assert!(stderr.contains("---- sleeper (running), last lines:\n"), "{stderr}");
    assert!(stderr.contains("2 tests run: 1 passed, 1 failed\n"), "{stderr}");
    let pid = after(&stderr, "    pid ");
    assert!(!Path::new("/proc").join(pid).exists(), "the service {pid} still runs");
}

#[test]
fn a_test_that_hangs_ends_at_its_limit_and_shows_where() {
    let folder = project(
        r#"
import asyncio, time
async def test_waits():
    await asyncio.sleep(300)
async def test_is_stuck():
    time.sleep(300)
"#,
    );
    let began = Instant::now();
    let limited = TestRequest { limit: Some(Duration::from_secs(2)), ..request(folder.path(), &[]) };
    let (code, _, stderr) = told(&limited, Format::Human);
    assert_eq!(code, 100, "{stderr}");
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    assert!(stderr.contains("did not end within 2 s"), "{stderr}");
    assert!(stderr.contains("line 4, in test_waits\n"), "{stderr}");
}

#[test]
fn tests_are_chosen_listed_and_told_as_json() {
    let folder = project("async def test_one(): pass\nasync def test_two(): pass\n");
    let (code, stdout, stderr) = told(&TestRequest { list: true, ..request(folder.path(), &[]) }, Format::Human);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(stdout, "tests/a.hydro.py::test_one\ntests/a.hydro.py::test_two\n");
    let (code, stdout, _) = told(&request(folder.path(), &["two"]), Format::Json);
    let events: Vec<serde_json::Value> =
        stdout.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect();
    assert_eq!(code, 0, "{stdout}");
    let reasons: Vec<&str> = events.iter().filter_map(|event| event["reason"].as_str()).collect();
    assert_eq!(reasons, ["hydro-format", "test-started", "test-finished", "test-summary"]);
    assert_eq!((&events[2]["status"], &events[3]["skipped"]), (&"pass".into(), &1.into()));
}

#[test]
fn where_nothing_matches_the_code_is_four() {
    let folder = project("async def test_one(): pass\ndef test_two(): pass\n");
    let (code, _, stderr) = told(&request(folder.path(), &["nothing"]), Format::Human);
    assert_eq!(code, 4);
    let stderr = stderr
        .strip_prefix("warning: tests/a.hydro.py:2: `test_two` is not run, as it is not `async def`\n")
        .unwrap_or_default();
    assert!(stderr.starts_with("error: none of the 1 tests matches `nothing`\n"), "{stderr}");
    std::fs::remove_file(folder.path().join("tests/a.hydro.py")).expect("is removed");
    assert_eq!(told(&request(folder.path(), &[]), Format::Human).0, 4);
}

#[test]
fn a_file_with_wrong_syntax_is_a_failed_test() {
    let folder = project("async def test_one(: pass\n");
    let (code, _, stderr) = told(&request(folder.path(), &[]), Format::Human);
    assert_eq!(code, 100);
    assert!(stderr.contains("] tests/a.hydro.py\n"), "{stderr}");
    assert!(stderr.contains("File \"tests/a.hydro.py\", line 1\n") && stderr.contains("SyntaxError"), "{stderr}");
}

#[test]
fn tests_get_the_deployment_of_hydro_toml_running() {
    let folder = project(
        r#"
async def test_one(deployment):
    greeter = deployment.services["greeter"]
    assert deployment.name == "greetings"
    assert [await lines.__anext__() for lines in (member.stdout() for member in greeter)] == ["hello", "hello"]
    await greeter[0].kill()
    assert await greeter[0].exit_code() == -9
    deployment.Command("true", name="late")
    await deployment.deploy()
    assert await deployment.services["late"].exit_code() == 0
"#,
    );
    let toml = "[deployment]\nname = \"greetings\"\n[services.greeter]\ncount = 2\ncommand = [\"sh\", \"-c\", \"echo hello; exec sleep 300\"]\n";
    std::fs::write(folder.path().join("Hydro.toml"), toml).expect("is written");
    let (code, _, stderr) = told(&request(folder.path(), &[]), Format::Human);
    assert_eq!(code, 0, "{stderr}");
    std::fs::write(folder.path().join("Hydro.toml"), toml.replace("= 2", "= \"two\"")).expect("is written");
    let (code, _, stderr) = told(&request(folder.path(), &[]), Format::Human);
    assert_eq!(code, 96, "{stderr}");
    assert!(stderr.contains("Hydro.toml:4:"), "{stderr}");
}
