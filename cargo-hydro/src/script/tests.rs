//! Real scripts, run by python3 against a real session, with commands as services.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::task::LocalSet;
use tokio::time::timeout;

use super::{Language, OpenSession, Python, RunRequest, SessionOptions, run};
use crate::build::BuildOptions;
use crate::report::{ReportOptions, Reporter, Services};
use crate::sys::{Process, Stop};
use crate::workspace::{CargoFlags, Workspace};

/// Longer than anything here takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// A cargo package with a script in it.
struct Project {
    folder: tempfile::TempDir,
    workspace: Workspace,
}

/// What a script left.
struct Left {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Project {
    /// Makes one in a folder whose name is not easy.
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("höf skript ").tempdir().expect("has a folder");
        let manifest = "[package]\nname = \"p\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
        std::fs::write(folder.path().join("Cargo.toml"), manifest).expect("is written");
        std::fs::create_dir(folder.path().join("src")).expect("is made");
        std::fs::write(folder.path().join("src/lib.rs"), "").expect("is written");
        let workspace = Workspace::discover(folder.path(), &CargoFlags::default()).expect("is a package");
        Self { folder, workspace }
    }

    /// Runs a script to its end, or until it writes `until`, when it is interrupted.
    fn run(&self, script: &str, until: Option<&str>) -> Left {
        self.run_words(script, &["run", "a.hydro.py"], until)
    }

    fn run_words(&self, script: &str, words: &[&str], until: Option<&str>) -> Left {
        std::fs::write(self.folder.path().join("a.hydro.py"), script).expect("is written");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("starts");
        let work = async { timeout(DEADLINE, self.beside(words, until)).await };
        LocalSet::new().block_on(&runtime, work).expect("ends in time")
    }

    async fn beside(&self, words: &[&str], until: Option<&str>) -> Left {
        let options = SessionOptions {
            workspace: self.workspace.clone(),
            script: self.folder.path().join("a.hydro.py"),
            max_cost: None,
            local: true,
            build: BuildOptions::default(),
            claims: false,
        };
        let quiet = ReportOptions { services: Services::LeftToScript, ..ReportOptions::default() };
        let session = OpenSession::open(options, Reporter::captured(quiet).0).expect("opens");
        let python = Python::find(&self.workspace).expect("is installed");
        let mut launch = python.launch(words.iter().map(OsString::from));
        launch.directory = Some(self.folder.path().to_owned());
        session.introduce(&mut launch);
        let mut process = Process::spawn(launch).expect("starts");
        let mut pipe = process.take_stdout().expect("is a pipe");
        let mut errors = process.take_stderr().expect("is a pipe");
        let (mut stdout, mut stderr) = (Vec::new(), String::new());
        if let Some(word) = until {
            while !String::from_utf8_lossy(&stdout).contains(word) {
                assert!(pipe.read_buf(&mut stdout).await.expect("reads") > 0, "ended before `{word}`");
            }
            process.signal(Stop::Interrupted);
            process.signal(Stop::Asked);
        }
        let (rest, all, exit) =
            tokio::join!(pipe.read_to_end(&mut stdout), errors.read_to_string(&mut stderr), process.wait());
        rest.expect("reads");
        all.expect("is text");
        session.session().stop().await;
        Left { code: exit.expect("ends").code, stdout: String::from_utf8_lossy(&stdout).into_owned(), stderr }
    }
}

/// A failing script must show the user's lines and none of ours.
fn assert_own_lines(stderr: &str, line: &str) {
    assert!(stderr.contains(line), "`{line}` is missing in\n{stderr}");
    assert!(stderr.contains("File \"a.hydro.py\", line "), "{stderr}");
    for theirs in ["_engine.py", "_service.py", "_runner.py", "asyncio/", "importlib"] {
        assert!(!stderr.contains(theirs), "`{theirs}` is shown in\n{stderr}");
    }
}

#[test]
fn a_script_deploys_reads_stops_and_learns_the_ends() {
    let left = Project::new().run(
        r#"
from hydro import Deployment

async def main():
    deployment = Deployment()
    assert deployment.name == "a", deployment.name
    here = deployment.Localhost()
    talker = deployment.Command("sh", "-c", "echo one; echo bad >&2; echo two; exit 3", on=here)
    sleeper = deployment.Command("sleep", "60", env={"A": "b"}, name="bed")
    assert list(deployment.services) == ["sh", "bed"], deployment.services
    await deployment.deploy()
    assert await talker.exit_code() == 3
    assert [line async for line in talker.stdout()] == ["one", "two"]
    assert [line async for line in talker.stdout()] == ["one", "two"], "from the start, for everyone"
    assert [line async for line in talker.stderr()] == ["bad"]
    await sleeper.kill()
    assert await sleeper.exit_code() == -9
    await here.terminate()
    print("done", repr(talker), sleeper.address)
"#,
        None,
    );
    assert_eq!((left.code, left.stdout.as_str()), (Some(0), "done <Service sh> None\n"), "{}", left.stderr);
}

#[test]
fn streams_go_on_where_a_loop_left_and_wait_for_slow_readers() {
    let left = Project::new().run(
        r#"
import asyncio
from hydro import Deployment

async def main():
    async with Deployment() as deployment:
        counter = deployment.Command("seq", "5000")
        await deployment.deploy()
        lines = counter.stdout()
        first = []
        async for line in lines:
            first.append(line)
            if len(first) == 10:
                break
        rest = [line async for line in lines]
        assert first + rest == [str(n) for n in range(1, 5001)], (first, rest[:3], len(rest))
        late = counter.stdout()
        assert await late.__anext__() == "1"
        await late.aclose()
        assert [line async for line in late] == []
        pair = deployment.Command("sh", "-c", "echo $0; exit 4", "member", count=2)
        sleeper = deployment.Command("sleep", "60")
        await deployment.deploy()
        assert len(pair) == 2 and [await member.exit_code() for member in pair] == [4, 4]
        assert [line async for line in pair[1].stdout()] == ["member"]
        assert [line async for line in pair.stdout()] == ["member", "member"]
        try:
            await asyncio.wait_for(sleeper.exit_code(), 0.05)
            assert False, "still sleeps"
        except asyncio.TimeoutError:
            pass
    assert await sleeper.exit_code() == -15, "leaving the block stops it"
    print("done")
"#,
        None,
    );
    assert_eq!((left.code, left.stdout.as_str()), (Some(0), "done\n"), "{}", left.stderr);
}

#[test]
fn an_exception_shows_the_line_that_caused_it() {
    let project = Project::new();
    let left = project.run(
        "from hydro import Deployment\nasync def main():\n    d = Deployment()\n    d.Command('true').ports.outbound\n",
        None,
    );
    assert_eq!(left.code, Some(1));
    assert_own_lines(&left.stderr, "line 4, in main\n    d.Command('true').ports.outbound\n");
    assert!(left.stderr.contains("hydro.UnknownPort: `true` has no port `outbound`"), "{}", left.stderr);

    let left =
        project.run("from hydro import Deployment\ndef main():\n    Deployment().Hydroflow(src='no.hf')\n", None);
    assert_own_lines(&left.stderr, "Deployment().Hydroflow(src='no.hf')\n");
    assert!(left.stderr.contains("hydro.HydroError: cannot find `no.hf`"), "{}", left.stderr);

    let text = "from hydro import Deployment\nasync def main():\n    d = Deployment()\n    d.Command('/no/such')\n    await d.deploy()\n";
    let left = project.run(text, None);
    assert_own_lines(&left.stderr, "await d.deploy()\n");
    assert!(left.stderr.contains("cannot find the program `/no/such`"), "{}", left.stderr);

    let left = project
        .run("import asyncio\nasync def main():\n    await asyncio.gather(f())\nasync def f():\n    1 / 0\n", None);
    assert_own_lines(&left.stderr, "line 5, in f\n    1 / 0\n");
}

#[test]
fn scripts_that_cannot_begin_say_why() {
    let project = Project::new();
    let left = project.run("x = 1\n", None);
    assert_eq!(left.code, Some(1));
    assert!(left.stderr.starts_with("error: `a.hydro.py` has no function `main`"), "{}", left.stderr);
    let left = project.run("def main(:\n", None);
    assert_eq!(left.code, Some(1));
    assert!(left.stderr.contains("line 1\n    def main(:\n") && left.stderr.contains("SyntaxError"), "{}", left.stderr);
    let left = project.run("import sys\nasync def main():\n    print(sys.argv)\n    sys.exit(7)\n", None);
    assert_eq!((left.code, left.stdout.as_str()), (Some(7), "['a.hydro.py']\n"));
}

#[test]
fn an_interrupted_script_cleans_up_once() {
    let script = r#"
import asyncio
from hydro import Deployment

async def main():
    deployment = Deployment()
    sleeper = deployment.Command("sleep", "60")
    await deployment.deploy()
    try:
        print("up", flush=True)
        await sleeper.exit_code()
    finally:
        await sleeper.stop()
        print("stopped", await sleeper.exit_code())
"#;
    let left = Project::new().run(script, Some("up"));
    assert_eq!((left.code, left.stdout.as_str()), (Some(130), "up\nstopped -15\n"), "{}", left.stderr);
    assert_eq!(left.stderr, "");
}

#[test]
fn tests_are_listed_without_being_run() {
    let script = "import nothing_of_the_kind\nasync def test_one(deployment): 'a/b.hf'\ndef test_two(): pass\nasync def helper(): 'c.hf x'\n";
    let left = Project::new().run_words(script, &["list", "a.hydro.py", "no.hydro.py"], None);
    assert_eq!(left.code, Some(0), "{}", left.stderr);
    let listings: serde_json::Value = serde_json::from_str(&left.stdout).expect("is JSON");
    assert_eq!(listings[0]["tests"], serde_json::json!([{"name": "test_one", "line": 2}]));
    assert_eq!(listings[0]["sources"], serde_json::json!(["a/b.hf"]));
    assert!(listings[1]["error"].as_str().is_some_and(|error| error.contains("cannot read")), "{listings}");
}

#[test]
fn a_test_gets_what_it_asks_for() {
    let project = Project::new();
    let script = "async def test_one(deployment):\n    print(deployment.name, deployment.services)\nasync def test_two(other): pass\n";
    let left = project.run_words(script, &["test", "a.hydro.py", "test_one"], None);
    assert_eq!((left.code, left.stdout.as_str()), (Some(0), "a {}\n"), "{}", left.stderr);
    let left = project.run_words(script, &["test", "a.hydro.py", "test_two"], None);
    assert_eq!(left.code, Some(1));
    assert!(left.stderr.contains("the test wants `other`, which nothing provides"), "{}", left.stderr);
}

#[test]
fn running_gives_the_scripts_code_and_tells_of_failed_services() {
    let project = Project::new();
    let script = project.folder.path().join("b.hydro.py");
    let text = r#"
import sys
from hydro import Deployment
async def main():
    deployment = Deployment()
    broken = deployment.Command("sh", "-c", "echo no database >&2; exit 3", name="broken")
    deployment.Command("sleep", "300")
    await deployment.deploy()
    await broken.exit_code()
    sys.exit(int(sys.argv[1]))
"#;
    std::fs::write(&script, text).expect("is written");
    let quiet = ReportOptions { services: Services::LeftToScript, ..ReportOptions::default() };
    let run = |code: &str| {
        let (reporter, captured) = Reporter::captured(quiet);
        let request = RunRequest {
            workspace: project.workspace.clone(),
            script: script.clone(),
            language: Language::Python,
            args: vec![code.into()],
            local: true,
            max_cost: None,
            build: BuildOptions::default(),
        };
        (run(&request, &reporter), captured.stderr())
    };
    assert_eq!(run("0"), (Ok(0), String::new()));
    let (code, stderr) = run("7");
    assert_eq!(code, Ok(7));
    assert_eq!(stderr, "warning: `broken` exited with code 3; its last lines:\n    no database\n");
}

#[test]
fn a_script_that_is_not_there_is_an_error() {
    let project = Project::new();
    let request = |script: PathBuf| RunRequest {
        workspace: project.workspace.clone(),
        script,
        language: Language::Python,
        args: vec![],
        local: true,
        max_cost: None,
        build: BuildOptions::default(),
    };
    let reporter = Reporter::captured(ReportOptions::default()).0;
    let missing = run(&request("no/such.py".into()), &reporter).expect_err("is missing");
    assert_eq!((missing.code as u8, missing.message.as_str()), (1, "cannot read the script `no/such.py`"));
    assert!(
        run(&request(project.folder.path().into()), &reporter).is_err_and(|error| error.causes == ["it is a folder"])
    );
}
