//! Scripts that others run: plain python3, with and without a `main` of its own, cells of a notebook; and what becomes of them when the engine does not go on.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Hydro, Mark, Output, programs};

const GONE: Duration = Duration::from_secs(4);

/// Prepares a call of python3 that finds the package and the command, as a user's shell does.
fn python(name: &str, text: &str) -> Hydro {
    let workspace = programs().workspace();
    let file = format!("{name}.py");
    workspace.write(&file, text);
    let package = workspace.hydro(["sdk", "python"]).run().exits(0);
    let command = std::path::Path::new(env!("CARGO_BIN_EXE_hydro")).parent().expect("lies in a folder");
    let path = std::env::join_paths(
        [command.to_owned()].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    Hydro::named("python3")
        .directory(workspace.root())
        .argument(file)
        .env("PYTHONPATH", package.stdout.trim())
        .env("PATH", path.expect("is a path"))
}

fn run(name: &str, text: &str) -> Output {
    let mark = Mark::new();
    let output = mark.on(python(name, text)).run();
    mark.all_gone(GONE);
    output
}

const TALK: &str = "import sys
from hydro import Deployment


async def main():
    deployment = Deployment()
    server = deployment.Hydroflow(src=\"src/server.hf\")
    await deployment.deploy()
    answers = server.ports.outbound.receive()
    await server.ports.inbound.send(\"hello\")
    print(await answers, deployment.name, sys.argv)
    sys.exit(3)
";

#[test]
fn plain_python_runs_a_script_as_hydro_run_does() {
    let plain = run("plain", TALK).exits(3);
    let ours = programs().workspace().hydro(["run", "plain.py"]).run().exits(3);
    assert_eq!(
        (plain.stdout.as_str(), ours.stdout.as_str()),
        ("HELLO plain ['plain.py']\n", "HELLO plain ['plain.py']\n")
    );
}

#[test]
fn a_script_that_calls_its_own_main_has_an_engine_beside_it() {
    let text = TALK.replace("import sys\n", "import asyncio\nimport sys\n") + "\n\nasyncio.run(main())\n";
    let output = run("own-main", &text).exits(3);
    assert_eq!(output.stdout, "HELLO own-main ['own-main.py']\n");
}

/// Does what IPython does with cells: each is compiled alone and may await.
const CELLS: &str = r#"
import ast, asyncio, inspect, sys
sys.modules["__main__"].__dict__.pop("__file__")
cells = [
    "from hydro import Deployment\ndeployment = Deployment('cells')",
    "server = deployment.Hydroflow(src='src/server.hf', name='server')",
    "await deployment.deploy()",
    "answers = server.ports.outbound.receive()\nawait server.ports.inbound.send('hello')",
    "print(await answers, deployment._repr_html_().count('<tr>'), '<svg' in deployment._repr_svg_())",
    "await deployment.stop()",
]
space = {"__name__": "cell"}


async def notebook():
    for cell in cells:
        result = eval(compile(cell, "cell", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), space)
        if inspect.isawaitable(result):
            await result


asyncio.run(notebook())
"#;

#[test]
fn cells_of_a_notebook_await_and_show() {
    assert_eq!(run("cells", CELLS).exits(0).stdout, "HELLO 2 True\n");
}

#[test]
fn a_script_whose_engine_dies_gets_an_exception() {
    let text = "import asyncio
from hydro import Deployment, _launch


async def main():
    deployment = Deployment()
    sleeper = deployment.Command(\"sleep\", \"600\")
    await deployment.deploy()
    print(\"engine\", _launch._engine.pid, flush=True)
    try:
        await sleeper.exit_code()
    except ConnectionError as error:
        print(\"caught\", flush=True)
        await sleeper.stop()


asyncio.run(main())
";
    let mark = Mark::new();
    let running = mark.on(python("orphan", text)).start();
    let pid = std::cell::Cell::new(0);
    running.until("the engine's id", |output| {
        let id = output.stdout.lines().find_map(|line| line.strip_prefix("engine ")?.parse().ok());
        pid.set(id.unwrap_or(0));
        id.is_some()
    });
    kill_process(Pid::from_raw(pid.get()).expect("an id"), Signal::KILL).expect("runs");
    let output = running.finish(Duration::from_secs(30)).exits(1);
    mark.all_gone(GONE);
    assert!(output.stdout.ends_with("caught\n"), "{output}");
    output.says(&["orphan.py\", line 14, in main", "hydro.EngineGone: the engine"]);
}

#[test]
fn a_package_of_another_version_is_refused_with_both_versions() {
    let text = "import hydro\n\nhydro._engine.PROTOCOL = 7\nhydro._engine.VERSION = \"9.9\"\n\n\nasync def main():\n    hydro.Deployment()\n";
    let output = programs().script("version", text).run().exits(1);
    output.says(&[
        "version.hydro.py\", line 8, in main",
        "hydro.VersionMismatch: the python package (9.9) speaks version 7 of the script protocol, and this engine (0.1.0) version 1",
        "hint: `hydro run SCRIPT` brings a package that fits",
    ]);
}

#[test]
fn a_script_that_does_not_listen_to_ctrl_c_is_ended_with_all_it_started() {
    let text = "import asyncio
from hydro import Deployment


async def main():
    deployment = Deployment()
    deployment.Command(\"sleep\", \"600\")
    await deployment.deploy()
    print(\"up\", flush=True)
    while True:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            print(\"deaf\", flush=True)
";
    let mark = Mark::new();
    let running = mark.on(programs().script("deaf", text)).start();
    running.prints("up");
    running.interrupt();
    running.prints("deaf");
    running.finish(Duration::from_secs(60)).exits(130);
    mark.all_gone(GONE);
}

#[test]
fn two_scripts_have_no_deployment_in_common() {
    let script = |tail: &str| {
        format!(
            "from hydro import Deployment\n\n\nasync def main():\n    deployment = Deployment(\"common\")\n    print(deployment.name, flush=True)\n    {tail}\n"
        )
    };
    let body = "sleeper = deployment.Command(\"sleep\", \"600\")\n    await deployment.deploy()\n    await sleeper.exit_code()";
    let first = programs().script("common-first", &script(body)).start();
    first.prints("common\n");
    let second = programs().script("common-second", &script("pass"));
    second.run().exits(1).says(&[
        "common-second.hydro.py\", line 5, in main",
        "hydro.HydroError: `common` is run by somebody else at this moment",
        "hint: another script or `cargo hydro deploy` has it",
    ]);
    first.interrupt();
    first.finish(Duration::from_secs(60)).exits(130);
    programs().script("common-third", &script("pass")).run().exits(0);
    // A name that nobody gave is made another one.
    let unnamed =
        script("await deployment.Command(\"sleep\", \"600\", name=\"s\").stdout()").replace("(\"common\")", "()");
    let waits = unnamed
        .replace("await deployment.Command", "s = deployment.Command")
        .replace(".stdout()", "\n    await deployment.deploy()\n    await s.exit_code()");
    let one = programs().script("unnamed", &waits).start();
    one.prints("unnamed\n");
    let other = programs().script("unnamed", &waits).start();
    other.prints("unnamed_2\n");
    for running in [one, other] {
        running.interrupt();
        running.finish(Duration::from_secs(60)).exits(130);
    }
}
