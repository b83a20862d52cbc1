//! Services that share a process: what they print, how they are told of, how they end, and what is said of their mistakes.

use std::time::Duration;

use crate::support::{Mark, Output, Workspace, programs};

const END: Duration = Duration::from_secs(30);
const GONE: Duration = Duration::from_secs(2);

const MANIFEST: &str =
    "[workspace]\nresolver = \"3\"\n\n[package]\nname = \"near\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";

fn link(from: &str, to: &str) -> String {
    format!("\n[[links]]\nfrom = \"{from}\"\nto = \"{to}\"\n")
}

fn service(name: &str, rest: &str) -> String {
    format!("[services.{name}]\ncolocate = true\n{rest}\n\n")
}

fn words() -> String {
    let services = [
        service("server", "src = \"src/server.hf\""),
        service("ann", "src = \"src/client.hf\"\nparams = { name = \"ann\" }"),
        service("bob", "src = \"src/client.hf\"\nparams = { name = \"bob\", count = 2 }"),
    ];
    let links = ["ann", "bob"].map(|client| {
        link(&format!("{client}.outbound"), "server.inbound") + &link("server.outbound", &format!("{client}.inbound"))
    });
    format!("[deployment]\nname = \"words\"\n\n{}{}", services.concat(), links.concat())
}

/// The lines after the name of the process, which all of them share.
fn printed(output: &Output) -> Vec<&str> {
    let mut lines: Vec<&str> =
        output.stdout.lines().map(|line| line.trim_start().trim_start_matches("server+ann+bob │ ")).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn services_in_one_process_print_what_they_print_in_three() {
    let deployed = programs().with(&words(), &[]);
    let mark = Mark::new();
    let running = mark.on(deployed.hydro(["deploy"])).start();
    running.until("all answers come", |output| {
        output.stdout.contains("heard ANN 2") && output.stdout.contains("heard BOB 1")
    });
    running.interrupt();
    let output = running.finish(END).exits(130);
    mark.all_gone(GONE);
    assert_eq!(
        printed(&output),
        ["heard ANN 0", "heard ANN 1", "heard ANN 2", "heard BOB 0", "heard BOB 1"],
        "{output}"
    );
    let started: Vec<&str> = output.stderr.lines().filter_map(|line| line.trim().strip_prefix("Started ")).collect();
    let pids: Vec<&str> = started.iter().filter_map(|line| line.split("(pid ").nth(1)).collect();
    assert!(pids.len() == 3 && pids.iter().all(|pid| *pid == pids[0]), "one process\n{output}");
    let stopped: Vec<&str> = output.stderr.lines().filter_map(|line| line.trim().strip_prefix("Stopped ")).collect();
    assert_eq!(stopped, ["bob", "ann", "server"], "senders end first\n{output}");
}

#[test]
fn members_of_one_service_share_a_process_too() {
    let member = "use std::time::Duration;\n\nuse hydro_runtime_shim::{MemberId, this_process};\n\nmodule main(input heard: (u32, MemberId), output said: u32) {\n    source_interval(Duration::from_millis(20)) -> filter_map(|_| this_process()) -> map(|own| own.member.0) -> said;\n    heard -> unique::<'static>() -> for_each(|(number, member)| println!(\"heard {number} from {member:?}\"));\n}\n";
    let toml = "[deployment]\nname = \"members\"\n\n".to_owned()
        + &service("member", "src = \"src/member.hf\"\ncount = 3")
        + &link("member.said", "member.heard");
    let files =
        [("Cargo.toml", MANIFEST), ("Hydro.toml", &toml), ("src/lib.rs", "//! Nothing.\n"), ("src/member.hf", member)];
    let workspace = Workspace::new("near-members", &files);
    let running = workspace.hydro(["deploy"]).start();
    running.until("each has heard both others", |output| output.stdout.matches("heard ").count() == 6);
    running.interrupt();
    let output = running.finish(END).exits(130);
    let heard = |number: u32| output.stdout.matches(&format!("heard {number} from MemberId({number})")).count();
    assert_eq!([0, 1, 2].map(heard), [2, 2, 2], "{output}");
}

#[test]
fn a_script_stops_one_and_the_others_go_on_and_killing_one_kills_them_all() {
    let script = r#"from hydro import Deployment


async def main():
    deployment = Deployment()
    near = lambda name: deployment.Hydroflow(src="src/ticker.hf", params={"period_ms": 5}, name=name, colocate=True)
    one, other = near("one"), near("other")
    await deployment.deploy()
    print(one.address != other.address)
    await one.stop()
    print(await one.exit_code())
    ticks = 0
    async for line in other.stdout():
        ticks += line.startswith("tick")
        if ticks == 50:
            break
    metrics = await other.metrics()
    print(metrics[0]["service"] if isinstance(metrics[0], dict) else metrics[0].service)
    await other.kill()
    print(await other.exit_code())
"#;
    let mark = Mark::new();
    let output = mark.on(programs().script("near", script)).run().exits(0);
    mark.all_gone(GONE);
    assert_eq!(output.stdout, "True\n0\nother\n-9\n", "{output}");
}

#[test]
fn a_panic_of_one_names_its_line_and_ends_them_all() {
    let toml = "[deployment]\nname = \"panic\"\n\n".to_owned()
        + &service("ticker", "src = \"src/ticker.hf\"")
        + &service("divides", "src = \"src/divides.hf\"");
    let deployed = programs().with(&toml, &[]);
    let mark = Mark::new();
    let output = mark.on(deployed.hydro(["deploy"])).run();
    mark.all_gone(GONE);
    assert_ne!(output.code, 0, "{output}");
    let output = output.says(&[
        "thread 'divides'",
        "panicked at src/divides.hf:5:13:",
        "attempt to divide by zero",
        "exited with code 101",
    ]);
    assert!(!output.stderr.contains("/gen-"), "{output}");
}

fn near(name: &str, server: &str, client: &str, links: &str) -> Workspace {
    let toml = "[deployment]\nname = \"near\"\n\n".to_owned()
        + &service("server", "src = \"src/server.hf\"")
        + &service("client", "src = \"src/client.hf\"")
        + links;
    let lib = "//! Nothing.\n";
    let common = "pub fn twice(n: u64) -> u64 {\n    2 * n\n}\n";
    let files = [
        ("Cargo.toml", MANIFEST),
        ("Hydro.toml", &toml),
        ("src/lib.rs", lib),
        ("src/common.hf", common),
        ("src/server.hf", server),
        ("src/client.hf", client),
    ];
    Workspace::new(name, &files)
}

#[test]
fn a_file_that_both_programs_use_and_errors_in_either_are_the_users_own() {
    let server = "mod common;\n\nmodule main(input asked: u64) {\n    asked -> for_each(|n| println!(\"twice {}\", common::twice(n)));\n}\n";
    let client = "mod common;\n\nmodule main(output ask: u64) {\n    source_iter([common::twice(10)]) -> ask;\n}\n";
    let links = link("client.ask", "server.asked");
    let workspace = near("near-common", server, client, &links);
    let running = workspace.hydro(["deploy"]).start();
    running.prints("server+client │ twice 40");
    running.interrupt();
    running.finish(END).exits(130);
    // The same mistake at the second program's place, and in the text that both have.
    let wrong = client.replace("common::twice(10)", "common::twice(\"10\")");
    let workspace = near("near-common", server, &wrong, &links);
    let output = workspace.hydro(["deploy"]).run();
    assert_ne!(output.code, 0, "{output}");
    let output = output.says(&["error[E0308]", "--> src/client.hf:4:", "common::twice(\"10\")"]);
    assert!(!output.stderr.contains("colocated_") && !output.stderr.contains("./src"), "{output}");
}

#[test]
fn types_that_differ_are_told_at_the_line_of_the_link() {
    let server = "module main(input asked: String) {\n    asked -> null();\n}\n";
    let client = "module main(output ask: u64) {\n    source_iter([1]) -> ask;\n}\n";
    let workspace = near("near-types", server, client, &link("client.ask", "server.asked"));
    let output = workspace.hydro(["deploy"]).run().exits(96);
    output.says(&["`client.ask` and `server.asked` carry different types", "--> Hydro.toml:14"]);
}

#[test]
fn what_cannot_share_a_process_is_told_before_anything_is_built() {
    let toml = "[deployment]\nname = \"near\"\n\n".to_owned()
        + &service("ticker", "src = \"src/ticker.hf\"")
        + &service("sleeper", "command = [\"sleep\", \"60\"]");
    let deployed = programs().with(&toml, &[]);
    let output = deployed.hydro(["deploy"]).run().exits(96);
    output.says(&["a command cannot share a process with others", "--> Hydro.toml:9:1", "help: leave out `colocate`"]);
    let toml = toml.replace("command = [\"sleep\", \"60\"]", "src = \"src/divides.hf\"\nrestart = \"permanent\"");
    drop(deployed);
    let deployed = programs().with(&toml, &[]);
    let output = deployed.hydro(["deploy"]).run().exits(96);
    let output =
        output.says(&["`sleeper` and `ticker` share a process, and are kept up in different ways", "--> Hydro.toml:8"]);
    assert!(!output.stderr.contains("Compiling"), "{output}");
}
