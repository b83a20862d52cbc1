//! What is JavaScript's alone: what a script may look like, how it ends, and how that is told.

use std::path::Path;
use std::time::Duration;

use crate::support::{Hydro, Mark, Output, command, node_is_there, program, programs, shared_target};

const GONE: Duration = Duration::from_secs(2);

/// Begins a run of a script, which lies under a name of its own beside the programs.
fn script(file: &str, text: &str) -> Hydro {
    programs().workspace().write(&format!("javascript/{file}"), text);
    programs().workspace().hydro(["run", &format!("javascript/{file}")])
}

/// Runs a script to its end; nothing it started may be left, and no frame of the package is shown.
fn run(file: &str, text: &str) -> Output {
    let mark = Mark::new();
    let output = mark.on(script(file, text)).run();
    mark.all_gone(GONE);
    let sdk = shared_target().join("hydro/sdk-").to_string_lossy().into_owned();
    assert!(!output.stderr.contains(&sdk) && !output.stderr.contains("node:internal"), "frames of ours\n{output}");
    output
}

/// Starts a service, then does this.
fn with_ticker(body: &str) -> String {
    format!(
        "import {{ Deployment }} from \"hydro\";\n\nconst deployment = new Deployment();\nconst ticker = deployment.Hydroflow({{ src: \"src/ticker.hf\" }});\nawait deployment.deploy();\n{body}"
    )
}

#[test]
fn a_script_may_do_all_at_its_top_level() {
    if !node_is_there() {
        return;
    }
    let text = with_ticker("console.log(await ticker.stdout().item());\nprocess.exitCode = 4;\n");
    assert_eq!(run("top.hydro.mjs", &text).exits(4).stdout, "tick 0\n");
    // A `.js` file is a module here whatever the packages around it say.
    programs().workspace().write("javascript/common/package.json", "{ \"type\": \"commonjs\" }\n");
    assert_eq!(run("common/top.hydro.js", &text).exits(4).stdout, "tick 0\n");
    // Nobody waits for the promise, and it is worked on all the same.
    let text = with_ticker(
        "ticker.stdout().item().then((line) => console.log(line, import.meta.url === `file://${process.argv[1]}`));\n",
    );
    assert_eq!(run("unawaited.hydro.mjs", &text).exits(0).stdout, "tick 0 true\n");
}

#[test]
fn what_is_wrong_is_told_at_its_line() {
    if !node_is_there() {
        return;
    }
    run("syntax.hydro.mjs", "const a = 1;\nexport async function main(: {}\n").exits(1).says(&[
        "javascript/syntax.hydro.mjs:2\nexport async function main(: {}\n",
        "SyntaxError: Unexpected token ':'",
    ]);
    run("import.hydro.mjs", "import { Deploymnt } from \"hydro\";\n")
        .exits(1)
        .says(&["javascript/import.hydro.mjs:1\nimport { Deploymnt }", "does not provide an export named 'Deploymnt'"]);
    run("hidden.hydro.mjs", "async function main() {}\n").exits(1).says(&[
        "error: `javascript/hidden.hydro.mjs` does not export its function `main`",
        "hint: write `export async function main()`",
    ]);
    let text = "export async function main() {\n  Promise.reject(new Error(\"nobody listens\"));\n  await new Promise((done) => setTimeout(done, 60000));\n}\n";
    run("rejection.hydro.mjs", text).exits(1).says(&[
        "javascript/rejection.hydro.mjs:2\n",
        "Error: nobody listens",
        "at main (javascript/rejection.hydro.mjs:2:18)",
    ]);
    let text = "import { Deployment } from \"hydro\";\n\nasync function start(deployment) {\n  await deployment.deploy();\n}\n\nexport async function main() {\n  const deployment = new Deployment();\n  deployment.Hydroflow({ src: \"src/exits.hf\" });\n  try {\n    await start(deployment);\n  } catch (error) {\n    throw new Error(\"cannot start\", { cause: error });\n  }\n}\n";
    run("cause.hydro.mjs", text).exits(1).says(&[
        "Error: cannot start\n    at main (javascript/cause.hydro.mjs:13:11)",
        "caused by: javascript/cause.hydro.mjs:4\n",
        "HydroError: starting `exits` failed: it exited with code 3",
        "there is no disk",
        "at main (javascript/cause.hydro.mjs:11:11)",
    ]);
    run("option.hydro.mjs", &with_ticker("deployment.Hydroflow({ src: \"src/ticker.hf\", prams: {} });\n"))
        .exits(1)
        .says(&["javascript/option.hydro.mjs:6\n", "TypeError: Hydroflow() knows no option `prams`"]);
    let forever = "await new Promise(() => {});\n";
    for text in [forever.to_owned(), format!("export async function main() {{ {forever} }}\n")] {
        run("never.hydro.mjs", &text).exits(13).says(&["error: the script waits for what never comes"]);
    }
}

#[test]
fn an_interrupted_script_cleans_up() {
    if !node_is_there() {
        return;
    }
    let body = "try {\n  for await (const line of ticker.stdout()) if (line === \"tick 1\") console.log(line);\n} finally {\n  await ticker.stop();\n  console.log(\"stopped:\", await ticker.exitCode());\n}\n";
    let waits = "console.log(await ticker.stdout().item());\nawait new Promise((done) => setTimeout(done, 600000));\n";
    for (name, body, first, last) in
        [("cleans", body, "tick 1\n", "tick 1\nstopped: 0\n"), ("waits", waits, "tick 0\n", "tick 0\n")]
    {
        let mark = Mark::new();
        let running = mark.on(script(&format!("{name}.hydro.mjs"), &with_ticker(body))).start();
        running.prints(first);
        running.interrupt();
        let output = running.finish(Duration::from_secs(30)).exits(130);
        assert_eq!(output.stdout, last, "{output}");
        assert!(!output.stderr.contains("Interrupted"), "{output}");
        mark.all_gone(GONE);
    }
}

#[test]
fn without_an_engine_or_node_the_next_step_is_said() {
    if !node_is_there() {
        return;
    }
    let text = "import { Deployment } from \"hydro\";\nnew Deployment();\n";
    script("no-node.hydro.mjs", text).env("PATH", "/nonexistent").run().exits(1).says(&[
        "error: cannot find `node` on PATH, which runs scripts in JavaScript",
        "hint: install Node.js 18.19 or newer",
    ]);
    script("no-script.hydro.cjs", text).run().exits(1).says(&["`javascript/no-script.hydro.cjs` is no script"]);
}

/// Stands in for the package `tsx`: takes one type out.
const TSX: [(&str, &str); 3] = [
    ("package.json", "{ \"name\": \"tsx\", \"type\": \"module\", \"exports\": { \"./esm/api\": \"./api.js\" } }\n"),
    (
        "api.js",
        "import module from \"node:module\";\nexport const register = () => module.register(\"./hooks.js\", import.meta.url);\n",
    ),
    (
        "hooks.js",
        "import { readFileSync } from \"node:fs\";\nexport function load(url, context, next) {\n  if (!url.endsWith(\".ts\")) return next(url, context);\n  const source = readFileSync(new URL(url), \"utf8\").replace(\": string\", \"\");\n  return { format: \"module\", source, shortCircuit: true };\n}\n",
    ),
];

#[test]
fn typescript_runs_where_somebody_takes_the_types_out() {
    if !node_is_there() {
        return;
    }
    let features = command("node").args(["-p", "process.features.typescript"]).output().expect("node runs");
    let node_does = String::from_utf8_lossy(&features.stdout).trim() == "strip";
    let text = with_ticker("const line: string = await ticker.stdout().item();\nconsole.log(line);\n");
    let output = run("typed.hydro.ts", &text);
    if node_does {
        assert_eq!(output.exits(0).stdout, "tick 0\n");
        return;
    }
    output.exits(1).says(&["does not run TypeScript: `javascript/typed.hydro.ts`", "hint: use Node.js 22.18 or newer"]);
    for (file, text) in TSX {
        programs().workspace().write(&format!("javascript/typed/node_modules/tsx/{file}"), text);
    }
    assert_eq!(run("typed/typed.hydro.ts", &text).exits(0).stdout, "tick 0\n");
}

#[test]
fn tests_in_javascript_run_beside_those_in_python() {
    if !node_is_there() {
        return;
    }
    let good = "import assert from \"node:assert\";\n\nexport async function test_ticks_come(deployment) {\n  assert.equal(await deployment.services.ticker.stdout().item(), \"tick 0\");\n}\n\nexport const testAlone = async () => {};\n\nasync function test_hidden() {}\n";
    let bad = "export async function test_that_fails(deployment) {\n  const line = await deployment.services.ticker.stdout().item();\n  throw new Error(`it says ${line}`);\n}\n";
    let slow = "export async function test_that_hangs(deployment) {\n  console.log(\"it hangs\");\n  for await (const line of deployment.services.ticker.stderr()) console.log(line);\n}\n";
    let python = "async def test_in_python():\n    pass\n";
    let toml = "[deployment]\nname = \"tested\"\n\n[services.ticker]\nsrc = \"src/ticker.hf\"\n";
    let files = [
        ("tests/good.hydro.mjs", good),
        ("tests/bad.hydro.mjs", bad),
        ("tests/slow.hydro.mjs", slow),
        ("tests/broken.hydro.mjs", "export async function test_a(: {}\n"),
        ("tests/other.hydro.py", python),
    ];
    let deployed = programs().with(toml, &files);
    let mark = Mark::new();
    let output = mark.on(deployed.hydro(["test", "--timeout", "10"])).run().exits(100);
    mark.all_gone(GONE);
    output.says(&[
        "tests/good.hydro.mjs:9: `test_hidden` is not run, as it is not exported",
        "] tests/good.hydro.mjs::test_ticks_come\n",
        "] tests/good.hydro.mjs::testAlone\n",
        "] tests/other.hydro.py::test_in_python\n",
        "Error: it says tick 0",
        "at test_that_fails (tests/bad.hydro.mjs:3:9)",
        "---- ticker (running), last lines:",
        "it hangs\n",
        "at test_that_hangs (tests/slow.hydro.mjs:3:20)",
        "did not end within 10 s",
        "tests/broken.hydro.mjs:1\n    export async function test_a(: {}",
        "6 tests run: 3 passed, 3 failed",
    ]);
}

/// Begins a run of a script by node itself; the package is installed beside it, and `hydro` is on PATH.
fn plain(file: &str, text: &str) -> Hydro {
    let workspace = programs().workspace();
    let package = workspace.hydro(["sdk", "javascript"]).run().exits(0).stdout;
    workspace.write(&format!("javascript/plain/{file}"), text);
    let installed = workspace.path("javascript/plain/node_modules/hydro");
    std::fs::create_dir_all(installed.parent().expect("has a folder")).expect("can be made");
    if std::fs::read_link(&installed).ok().is_none_or(|there| there != Path::new(package.trim())) {
        let _ = std::fs::remove_file(&installed);
        // Another test of these may have been faster.
        let _ = std::os::unix::fs::symlink(package.trim(), &installed);
    }
    let hydro = program(env!("CARGO_BIN_EXE_hydro"));
    let others = std::env::var_os("PATH").unwrap_or_default();
    let folders = hydro.parent().map(Path::to_owned).into_iter().chain(std::env::split_paths(&others));
    let path = std::env::join_paths(folders).expect("has no colon");
    Hydro::named("node").argument(format!("javascript/plain/{file}")).env("PATH", path).directory(workspace.root())
}

#[test]
fn plain_node_runs_scripts_too() {
    if !node_is_there() {
        return;
    }
    let mark = Mark::new();
    // A script that exports `main` is handed to `hydro run` as a whole.
    let text = "import { Deployment } from \"hydro\";\n\nconsole.log(\"once\");\n\nexport async function main() {\n  const deployment = new Deployment();\n  const ticker = deployment.Hydroflow({ src: \"src/ticker.hf\" });\n  await deployment.deploy();\n  console.log(await ticker.stdout().item(), process.argv[2]);\n  process.exit(5);\n}\n";
    let output = mark.on(plain("plain-main.hydro.mjs", text).argument("--word")).run().exits(5);
    assert_eq!(output.stdout, "once\ntick 0 --word\n");
    // Any other gets an engine of its own, which ends with it.
    let text = with_ticker("console.log(await ticker.stdout().item());\n");
    assert_eq!(mark.on(plain("plain-top.hydro.mjs", &text)).run().exits(0).stdout, "tick 0\n");
    mark.all_gone(GONE);
    let text = with_ticker("for await (const line of ticker.stdout()) console.log(line);\n");
    let running = mark.on(plain("plain-endless.hydro.mjs", &text)).start();
    running.prints("tick 2\n");
    running.interrupt();
    running.finish(Duration::from_secs(30));
    mark.all_gone(Duration::from_secs(10));
}
