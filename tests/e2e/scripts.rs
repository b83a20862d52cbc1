//! Scripts: their own lines in what goes wrong, their own exit codes, nothing left when they end.

use std::time::Duration;

use crate::support::{Mark, Output, programs, shared_target};

const GONE: Duration = Duration::from_secs(2);

/// Runs a script to its end; nothing it started may be left.
fn run(name: &str, text: &str) -> Output {
    let mark = Mark::new();
    let output = mark.on(programs().script(name, text)).run();
    mark.all_gone(GONE);
    let sdk = shared_target().join("hydro/sdk-").to_string_lossy().into_owned();
    assert!(!output.stderr.contains(&sdk), "frames of the package are shown\n{output}");
    output
}

fn script(body: &str) -> String {
    let body: String = body.lines().map(|line| format!("    {line}\n")).collect();
    format!("from hydro import Deployment\n\n\nasync def main():\n    deployment = Deployment()\n{body}")
}

#[test]
fn a_script_sees_lines_and_decides_the_end() {
    let body = "ticker = deployment.Hydroflow(src=\"src/ticker.hf\", params={\"period_ms\": 5})\nawait deployment.deploy()\nasync for line in ticker.stdout():\n    print(line)\n    if line == \"tick 3\":\n        break";
    let output = run("lines", &script(body)).exits(0);
    assert_eq!(output.stdout, "tick 0\ntick 1\ntick 2\ntick 3\n", "only what the script prints\n{output}");
}

#[test]
fn an_exception_shows_the_scripts_own_line() {
    let body = "deployment.Hydroflow(src=\"src/ticker.hf\")\nawait deployment.deploy()\nraise ValueError(\"that will not do\")";
    let output = run("raises", &script(body)).exits(1);
    output.says(&[
        "Traceback (most recent call last):",
        "raises.hydro.py\", line 8, in main",
        "ValueError: that will not do",
    ]);
}

#[test]
fn a_script_exits_with_its_own_code() {
    run("exits", &script("import sys\nsys.exit(7)")).exits(7);
    run("exits-well", &script("deployment.Hydroflow(src=\"src/ticker.hf\")\nawait deployment.deploy()")).exits(0);
    run("no-main", "x = 1\n")
        .exits(1)
        .says(&["`no-main.hydro.py` has no function `main`", "hint: write `async def main():`"]);
    run("syntax", "async def main(:\n    pass\n").exits(1).says(&["syntax.hydro.py\", line 1", "SyntaxError"]);
    programs()
        .workspace()
        .hydro(["run", "nowhere.hydro.py"])
        .run()
        .exits(1)
        .says(&["cannot read the script `nowhere.hydro.py`"]);
}

#[test]
fn arguments_reach_the_script() {
    programs()
        .script("arguments", "import sys\n\n\nasync def main():\n    print(sys.argv)\n")
        .arguments(["--", "a", "--b c"])
        .run()
        .exits(0)
        .prints(&["['arguments.hydro.py', 'a', '--b c']\n"]);
}

#[test]
fn wrong_links_are_told_at_the_scripts_line() {
    let services = "words = deployment.Hydroflow(src=\"src/words.hf\", name=\"words\")\nnumbers = deployment.Hydroflow(src=\"src/numbers.hf\", name=\"numbers\")\ncounter = deployment.Hydroflow(src=\"src/counter.hf\", name=\"counter\")\n";
    let link = |code: &str| script(&format!("{services}{code}\nawait deployment.deploy()"));
    run("unknown-port", &link("numbers.ports.outt.connect(counter.ports.numbers)")).exits(1).says(&[
        "line 9, in main",
        "`numbers` has no port `outt`",
        "hint: a name like it exists: `out`",
    ]);
    run("wrong-way", &link("counter.ports.numbers.connect(numbers.ports.out)")).exits(1).says(&[
        "wrong-way.hydro.py",
        "9",
        "`counter.numbers` is an input",
    ]);
    run("other-type", &link("words.ports.out.connect(counter.ports.numbers)"))
        .exits(1)
        .says(&["other-type.hydro.py:9", "`words.out` and `counter.numbers` carry different types"]);
    run("unlinked", &link("pass"))
        .exits(1)
        .says(&["unlinked.hydro.py:8", "nothing is linked to the input `counter.numbers`"]);
    run("unknown-parameter", &script("deployment.Hydroflow(src=\"src/numbers.hf\", params={\"cuont\": 3})"))
        .exits(1)
        .says(&["line 6, in main", "no parameter `cuont`", "`count`"]);
    run("unknown-source", &script("deployment.Hydroflow(src=\"src/nubmers.hf\")"))
        .exits(1)
        .says(&["line 6, in main", "cannot find `src/nubmers.hf`"]);
}

#[test]
fn a_service_that_ends_at_once_is_an_exception_with_its_last_lines() {
    let body = "exits = deployment.Hydroflow(src=\"src/exits.hf\", name=\"broken\")\nawait deployment.deploy()\nprint(\"not reached\")";
    let output = run("at-once", &script(body)).exits(1);
    assert_eq!(output.stdout, "");
    output.says(&["line 7, in main", "starting `broken` failed: it exited with code 3", "there is no disk"]);
}

#[test]
fn a_program_that_does_not_compile_is_told_at_its_own_line() {
    programs().workspace().write("wrong.hf", "module main() {\n    source_iter(0..3) -> mapp(|i| i) -> null();\n}\n");
    let output = run("wrong-program", &script("deployment.Hydroflow(src=\"wrong.hf\")\nawait deployment.deploy()"));
    programs().workspace().remove("wrong.hf");
    output.exits(1).says(&["unknown operator `mapp`", "--> wrong.hf:2:26", "wrong-program.hydro.py\", line 7"]);
}

#[test]
fn ports_of_running_services_can_be_talked_to() {
    let body = "server = deployment.Hydroflow(src=\"src/server.hf\", name=\"server\")\nserver.ports.inbound.open()\nawait deployment.deploy()\nanswers = server.ports.outbound.receive()\nawait server.ports.inbound.send(\"hello\")\nasync for answer in answers:\n    print(answer)\n    break\nawait server.stop()\nprint(await server.exit_code())";
    let output = run("talks", &script(body)).exits(0);
    assert_eq!(output.stdout, "HELLO\n0\n", "{output}");
}

#[test]
fn a_script_cuts_links_heals_them_and_counts_what_went_over_them() {
    for (name, setting) in [("shm", ""), ("tcp", "local_links=\"tcp\""), ("tls", "tls=\"always\"")] {
        let text = PARTITION.replace("Deployment()", &format!("Deployment({setting})"));
        let output = run(&format!("partition-{name}"), &text).exits(0);
        let expected = format!("stream to check.0 by {name}\ncut\nagain, without a gap\n");
        assert_eq!(output.stdout, expected, "{output}");
    }
    let output = run(
        "partition-command",
        &script("command = deployment.Command(\"sleep\", \"60\")\nawait deployment.deploy()\nawait command.metrics()"),
    );
    output.exits(1).says(&["asking `sleep` failed: it is a command and has no admin socket"]);
}

/// What is sent while the two are apart arrives when they are together again.
const PARTITION: &str = r#"from hydro import Deployment


async def main():
    deployment = Deployment()
    stream = deployment.Hydroflow(src="src/stream.hf", params={"rate": 1})
    check = deployment.Hydroflow(src="src/check.hf")
    stream.ports.out.connect(check.ports.numbers)
    await deployment.deploy()
    lines = check.stdout()
    async for line in lines:
        break
    [metrics] = await stream.metrics()
    link = metrics["links"][0]
    print(metrics["service"], "to", link["peer"], "by", link["endpoint"].replace("dial:", "").split(":")[0])
    await deployment.partition(stream[0], check)
    while metrics["links"][0]["connected"] or metrics["links"][0]["queue_messages"] < 100:
        [metrics] = await stream.metrics()
    print("cut")
    await deployment.heal()
    async for line in lines:
        assert not line.startswith("wrong"), line
        if int(line.split()[-1]) > metrics["links"][0]["messages"]:
            break
    [metrics] = await check.metrics()
    assert metrics["links"][0]["reconnects"] == 1, metrics
    print("again, without a gap")
"#;

#[test]
fn without_python_the_next_step_is_said() {
    let call = programs().script("no-python", &script("pass")).env("PATH", "/nonexistent");
    call.run()
        .exits(1)
        .says(&["error: cannot find `python3` on PATH, which runs scripts", "hint: install Python 3.9 or newer"]);
}
