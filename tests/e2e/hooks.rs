//! Hooks of `Hydro.toml`: called at their turns with the live deployment; what is wrong with them is told at their own line.

use std::time::Duration;

use crate::support::{Mark, node_is_there, programs};

const GONE: Duration = Duration::from_secs(4);
const ENDS: Duration = Duration::from_secs(60);

fn toml(name: &str, more: &str) -> String {
    format!(
        "[deployment]\nname = \"{name}\"\n[hooks]\nscript = \"turns.hydro.py\"\n{more}\n[services.bed]\ncommand = [\"sleep\", \"600\"]\n[services.task]\ncommand = [\"sh\", \"-c\", \"sleep 0.2; exit 3\"]\n"
    )
}

const ALL: &str = r#"from hydro import Deployment


async def before_deploy(deployment: Deployment) -> None:
    print("before", deployment.name, [member["state"] for member in deployment.status()])


def after_deploy(deployment):
    print("after", [member["state"] for member in deployment.status()])


async def on_exit(deployment, service, exit):
    print("exit of", service.name, exit.code, exit.expected)


async def on_stop(deployment):
    bed = deployment.services["bed"]
    print("stop", bed.resolve()[0]["name"])
"#;

#[test]
fn hooks_are_called_at_their_turns() {
    let deployed = programs().with(&toml("turns", ""), &[("turns.hydro.py", ALL)]);
    let mark = Mark::new();
    let running = mark.on(deployed.hydro(["deploy"])).start();
    running.prints("exit of task 3 False");
    running.interrupt();
    let output = running.finish(ENDS).exits(130);
    mark.all_gone(GONE);
    let told: Vec<&str> = output.stdout.lines().filter(|line| line.contains("hooks")).collect();
    let words = ["before turns ['new', 'new']", "after ['up', 'up']", "exit of task 3 False", "stop bed"];
    assert_eq!(told.len(), words.len(), "{output}");
    assert!(told.iter().zip(words).all(|(line, word)| line.ends_with(word)), "{output}");
}

#[test]
fn a_saved_script_of_hooks_counts_at_once_with_watch() {
    let says = |word: &str| format!("def after_deploy(deployment):\n    print(\"after it: {word}\")\n");
    let toml = "[deployment]\nname = \"turns-watched\"\n[hooks]\nscript = \"turns.hydro.py\"\n[services.bed]\ncommand = [\"sleep\", \"600\"]\n";
    let deployed = programs().with(toml, &[("turns.hydro.py", &says("one"))]);
    let mark = Mark::new();
    let running = mark.on(deployed.hydro(["deploy", "--watch"])).start();
    running.prints("after it: one");
    running.says("saved changes are applied");
    programs().workspace().write("turns.hydro.py", &says("two"));
    running.prints("after it: two");
    running.interrupt();
    running.finish(ENDS).exits(130);
    mark.all_gone(GONE);
}

#[test]
fn what_a_hook_raises_ends_the_deploy_at_its_line() {
    let wrong = "def before_deploy(deployment):\n    check()\n\n\ndef check():\n    raise ValueError(\"no disk\")\n";
    let deployed = programs().with(&toml("vetoed", ""), &[("turns.hydro.py", wrong)]);
    let output = deployed.hydro(["deploy"]).run().exits(110);
    assert!(!output.stderr.contains("Started"), "nothing is started\n{output}");
    output.says(&[
        "error: the hook `before_deploy` failed: ValueError: no disk",
        "turns.hydro.py:6",
        "line 2, in before_deploy",
    ]);
    drop(deployed);

    let late = "async def after_deploy(deployment):\n    await deployment.services[\"bed\"].ports.x.send(1)\n";
    let deployed = programs().with(&toml("vetoed", ""), &[("turns.hydro.py", late)]);
    let mark = Mark::new();
    let output = mark.on(deployed.hydro(["deploy"])).run().exits(110);
    mark.all_gone(GONE);
    output.says(&[
        "Started bed",
        "the hook `after_deploy` failed: hydro.UnknownPort: `bed` has no port `x`",
        "turns.hydro.py:2",
    ]);
    let output = deployed.hydro(["deploy", "--detach"]).run().exits(110);
    output.says(&["the hook `after_deploy` failed", "turns.hydro.py:2"]);
    deployed.hydro(["down"]).run();
}

#[test]
fn a_hook_that_takes_too_long_and_a_script_that_is_none_are_told() {
    let slow = "import asyncio\n\n\nasync def before_deploy(deployment):\n    print(\"waiting\")\n    await asyncio.sleep(600)\n";
    let deployed = programs().with(&toml("slow", "timeout = \"2s\""), &[("turns.hydro.py", slow)]);
    let output = deployed.hydro(["deploy"]).run().exits(110);
    output.says(&[
        "the hook `before_deploy` did not end within 2 s",
        "Hydro.toml:4",
        "hint: `timeout` in `[hooks]` allows more",
    ]);
    drop(deployed);
    let deployed = programs().with(&toml("broken", ""), &[("turns.hydro.py", "def before_deploy(:\n")]);
    let output = deployed.hydro(["deploy"]).run().exits(110);
    output.says(&["the script of the hooks exited with code 1", "SyntaxError", "Hydro.toml:4"]);
    drop(deployed);
    let deployed = programs().with(&toml("missing", ""), &[]);
    deployed.hydro(["deploy"]).run().exits(96).says(&["cannot find the script of the hooks", "Hydro.toml:4"]);
    drop(deployed);
    let keys = toml("keys", "").replace("script", "skript");
    let deployed = programs().with(&keys, &[]);
    deployed.hydro(["check"]).run().exits(96).says(&["nothing says where the hooks are", "a similar name: `script`"]);
}

#[test]
fn in_the_background_hooks_hear_of_ends_too() {
    let deployed = programs().with(&toml("behind", ""), &[("turns.hydro.py", ALL)]);
    deployed.hydro(["deploy", "--detach"]).run().exits(0);
    crate::support::eventually("the end of the task is told", || {
        deployed.hydro(["logs"]).run().stdout.contains("exit of task 3 False")
    });
    deployed.hydro(["down"]).run().exits(0);
    let told = deployed.hydro(["logs"]).run();
    assert!(told.stdout.contains("stop bed"), "{told}");
}

const ALL_IN_JAVASCRIPT: &str = r#"export async function beforeDeploy(deployment) {
  console.log("before", deployment.name, ...deployment.status().map((member) => member.state));
}

export const afterDeploy = (deployment) => console.log("after", ...deployment.status().map((member) => member.state));

export async function onExit(deployment, service, exit) {
  console.log("exit of", service.name, exit.code, exit.expected);
}

export async function onStop({ services }) {
  console.log("stop", services.bed.resolve()[0].name);
}
"#;

#[test]
fn hooks_in_javascript_are_called_at_the_same_turns() {
    if !node_is_there() {
        return;
    }
    let toml = |name: &str| toml(name, "").replace("turns.hydro.py", "turns.hydro.mjs");
    let deployed = programs().with(&toml("turns-js"), &[("turns.hydro.mjs", ALL_IN_JAVASCRIPT)]);
    let mark = Mark::new();
    let running = mark.on(deployed.hydro(["deploy"])).start();
    running.prints("exit of task 3 false");
    running.interrupt();
    let output = running.finish(ENDS).exits(130);
    mark.all_gone(GONE);
    let told: Vec<&str> = output.stdout.lines().filter(|line| line.contains("hooks")).collect();
    let words = ["before turns-js new new", "after up up", "exit of task 3 false", "stop bed"];
    assert_eq!(told.len(), words.len(), "{output}");
    assert!(told.iter().zip(words).all(|(line, word)| line.ends_with(word)), "{output}");
    drop(deployed);

    let wrong = "export function beforeDeploy() {\n  check();\n}\n\nfunction check() {\n  throw new RangeError(\"no disk\");\n}\n";
    let deployed = programs().with(&toml("vetoed-js"), &[("turns.hydro.mjs", wrong)]);
    deployed.hydro(["deploy"]).run().exits(110).says(&[
        "error: the hook `before_deploy` failed: RangeError: no disk",
        "turns.hydro.mjs:6",
        "at beforeDeploy (turns.hydro.mjs:2:3)",
    ]);
}
