//! `hydro test`: each test in a deployment of its own, reports that say why, and no process left.

use std::time::Duration;

use crate::support::{Deployed, Hydro, Mark, programs};

const TOML: &str = "[deployment]\nname = \"tested\"\n\n[services.ticker]\nsrc = \"src/ticker.hf\"\n\n[services.counter]\nsrc = \"src/counter.hf\"\n\n[[links]]\nfrom = \"ticker.out\"\nto = \"counter.numbers\"\n";

const GOOD: &str = "import asyncio


async def test_ticks_come(deployment):
    lines = deployment.services[\"ticker\"].stdout()
    assert await anext(lines) == \"tick 0\"


async def test_without_a_deployment():
    await asyncio.sleep(0)


def helper():
    raise AssertionError(\"nobody calls this\")
";

const BAD: &str = "async def test_that_fails(deployment):
    lines = deployment.services[\"ticker\"].stdout()
    first = await anext(lines)
    assert first == \"tock\", f\"it says {first}\"
";

const SLOW: &str = "import asyncio


async def test_that_never_ends(deployment):
    print(\"it hangs\")
    await asyncio.sleep(600)
";

fn tests(files: &[(&str, &str)]) -> Deployed {
    programs().with(TOML, files)
}

/// Runs `hydro test`; nothing it started may be left.
fn run(call: Hydro) -> crate::support::Output {
    let mark = Mark::new();
    let output = mark.on(call).run();
    mark.all_gone(Duration::from_secs(2));
    output
}

#[test]
fn passing_tests_pass() {
    let deployed = tests(&[("tests/good.hydro.py", GOOD)]);
    let output = run(deployed.hydro(["test"])).exits(0);
    assert_eq!(output.stdout, "");
    output.says(&[
        "PASS [",
        "] tests/good.hydro.py::test_ticks_come\n",
        "] tests/good.hydro.py::test_without_a_deployment\n",
        "2 tests run: 2 passed\n",
    ]);
}

#[test]
fn a_failing_test_shows_its_line_and_the_services_last_lines() {
    let deployed = tests(&[("tests/good.hydro.py", GOOD), ("tests/bad.hydro.py", BAD)]);
    let output = run(deployed.hydro(["test"])).exits(100);
    let report = &output.stderr;
    let failed = report.find("FAIL [").unwrap_or_else(|| panic!("{output}"));
    for text in [
        "tests/bad.hydro.py\", line 4, in test_that_fails",
        "AssertionError: it says tick 0",
        "---- ticker (running), last lines:",
        "tick 0",
        "---- counter (running)",
    ] {
        assert!(report[failed..].contains(text), "no `{text}`\n{output}");
    }
    output.says(&["3 tests run: 2 passed, 1 failed"]);
}

#[test]
fn filters_choose_and_lists_list() {
    let deployed = tests(&[("tests/good.hydro.py", GOOD), ("tests/bad.hydro.py", BAD)]);
    let listed = run(deployed.hydro(["test", "--list"])).exits(0);
    assert_eq!(
        listed.stdout,
        "tests/bad.hydro.py::test_that_fails\ntests/good.hydro.py::test_ticks_come\ntests/good.hydro.py::test_without_a_deployment\n"
    );
    run(deployed.hydro(["test", "ticks"])).exits(0).says(&["1 test run: 1 passed, 2 skipped"]);
    run(deployed.hydro(["test", "--exact", "tests/good.hydro.py::test_ticks_come"]))
        .exits(0)
        .says(&["1 test run: 1 passed, 2 skipped"]);
    run(deployed.hydro(["test", "nothing-like-it"])).exits(4).says(&["nothing-like-it"]);
}

#[test]
fn results_come_as_json_too() {
    let deployed = tests(&[("tests/good.hydro.py", GOOD), ("tests/bad.hydro.py", BAD)]);
    let output = run(deployed.hydro(["test", "--message-format", "json"])).exits(100);
    let mut results: Vec<(String, String)> = output
        .events_of("test-finished")
        .iter()
        .map(|event| {
            (event["test"].as_str().expect("is text").to_owned(), event["status"].as_str().expect("is text").to_owned())
        })
        .collect();
    results.sort();
    let expected = [
        ("tests/bad.hydro.py::test_that_fails", "fail"),
        ("tests/good.hydro.py::test_ticks_come", "pass"),
        ("tests/good.hydro.py::test_without_a_deployment", "pass"),
    ];
    assert_eq!(results, expected.map(|(test, status)| (test.to_owned(), status.to_owned())));
    let summary = &output.events_of("test-summary")[0];
    assert_eq!((&summary["passed"], &summary["failed"]), (&2.into(), &1.into()));
}

#[test]
fn a_test_that_never_ends_is_ended() {
    let deployed = tests(&[("tests/slow.hydro.py", SLOW)]);
    let output = run(deployed.hydro(["test", "--timeout", "5"])).exits(100);
    output.says(&["did not end within 5 s; `--timeout` allows more", "it hangs", "tests/slow.hydro.py\", line 6"]);
}

#[test]
fn ctrl_c_ends_all_tests() {
    let deployed = tests(&[("tests/slow.hydro.py", SLOW)]);
    let mark = Mark::new();
    let running = mark.on(deployed.hydro(["test", "--verbose"])).start();
    running.says("START");
    crate::support::eventually("the test's services run", || {
        mark.processes().values().any(|line| line.contains("/counter"))
    });
    running.interrupt();
    running.finish(Duration::from_secs(30)).exits(130);
    mark.all_gone(Duration::from_secs(2));
}

#[test]
fn a_broken_test_file_fails_and_an_empty_workspace_matches_nothing() {
    let deployed = tests(&[("tests/broken.hydro.py", "async def test_x(:\n")]);
    run(deployed.hydro(["test"])).exits(100).says(&["FAIL", "tests/broken.hydro.py", "line 1", "SyntaxError"]);
    drop(deployed);
    let deployed = tests(&[]);
    run(deployed.hydro(["test"])).exits(4);
}
