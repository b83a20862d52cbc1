//! The schemas of `docs/schema` hold for what the command really prints, and for every `Hydro.toml` that it takes.

use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Mark, Output, Workspace, eventually, programs, repository};

/// Returns a schema as the command prints it.
fn schema(name: &str) -> jsonschema::Validator {
    let printed = crate::support::Hydro::new().arguments(["schema", name]).run().exits(0).stdout;
    let schema: Value = serde_json::from_str(&printed).expect(name);
    let committed = std::fs::read_to_string(repository().join(format!("docs/schema/{name}.json"))).expect(name);
    assert_eq!(printed.trim(), committed.trim(), "{name}");
    jsonschema::draft202012::new(&schema).expect(name)
}

#[track_caller]
fn holds(schema: &jsonschema::Validator, value: &Value) {
    let problems: Vec<String> =
        schema.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(problems.is_empty(), "{}\n{value:#}", problems.join("\n"));
}

/// Asserts that each line is as the schema says, and that there are some.
#[track_caller]
fn each_holds(schema: &str, output: &Output) {
    let (schema, lines) = (self::schema(schema), output.events());
    assert!(!lines.is_empty(), "{output}");
    lines.iter().for_each(|line| holds(&schema, line));
}

#[test]
fn what_is_printed_is_as_the_schemas_say() {
    let toml = "[deployment]\nname = \"schemas\"\n[services.server]\nsrc = \"src/server.hf\"\n\
        [services.ann]\nsrc = \"src/client.hf\"\nparams = { name = \"ann\" }\n\
        [services.brief]\ncommand = [\"sh\", \"-c\", \"echo once; exit 3\"]\nrestart = \"temporary\"\n\
        [[links]]\nfrom = \"ann.outbound\"\nto = \"server.inbound\"\n[[links]]\nfrom = \"server.outbound\"\nto = \"ann.inbound\"\n";
    let deployed = programs().with(toml, &[]);
    let mark = Mark::new();
    let run = |arguments: &[&str]| mark.on(deployed.hydro(arguments.iter().copied())).run();
    each_holds("ps", &run(&["ps", "--json"]).exits(0));
    each_holds("plan", &run(&["plan", "--json"]).exits(2));
    let first = run(&["deploy", "-d", "--message-format", "json"]).exits(0);
    assert_eq!(first.events()[0]["reason"], "hydro-format");
    each_holds("message", &first);
    eventually("ann is answered", || run(&["logs", "ann"]).stdout.contains("heard ANN 1"));
    eventually("the brief one has ended", || run(&["ps"]).stdout.contains("exited with code 3"));
    each_holds("ps", &run(&["ps", "--json"]).exits(0));
    each_holds("status", &run(&["status", "--json"]).exits(0));
    each_holds("logs", &run(&["logs", "--json"]).exits(0));
    each_holds("metrics", &run(&["metrics", "--format", "json"]).exits(0));
    each_holds("plan", &run(&["plan", "--json"]).exits(0));
    each_holds("message", &run(&["scale", "brief", "2", "--message-format", "json"]).exits(0));
    each_holds("message", &run(&["resolve", "servr", "--message-format", "json"]).exits(4));
    each_holds("message", &run(&["check", "--message-format", "json"]).exits(0));
    run(&["down"]).exits(0);
    mark.all_gone(std::time::Duration::from_secs(10));
}

#[test]
fn schemas_are_found_by_name() {
    let list = crate::support::Hydro::new().arguments(["schema"]).run().exits(0);
    let names: Vec<&str> = list.stdout.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(
        names,
        ["doctor", "hydro.toml", "logs", "message", "metrics", "orphans", "plan", "ps", "script-protocol", "status"],
        "{list}"
    );
    let wrong = crate::support::Hydro::new().arguments(["schema", "metric"]).run().exits(4);
    wrong.says(&["error: there is no schema `metric`", "a similar name exists: `metrics`"]);
}

fn read(text: &str) -> Value {
    let table: toml::Table = toml::from_str(text).expect(text);
    serde_json::to_value(table).expect("JSON says what TOML says")
}

/// Returns the TOML blocks of the docs that are about deployments.
fn documented() -> Vec<String> {
    let text = std::fs::read_to_string(repository().join("docs/deployments.md")).expect("is there");
    let blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.map(str::to_owned).collect()
}

#[test]
fn every_hydro_toml_of_ours_is_as_its_schema_says() {
    let schema = schema("hydro.toml");
    let examples = std::fs::read_dir(repository().join("examples")).expect("is there").flatten();
    let files: Vec<PathBuf> =
        examples.map(|example| example.path().join("Hydro.toml")).filter(|file| file.is_file()).collect();
    assert!(files.len() > 3, "{files:?}");
    let texts = files.iter().map(|file| std::fs::read_to_string(file).expect("is there")).chain(documented());
    texts.for_each(|text| holds(&schema, &read(&text)));
}

/// Every key once, and every kind of value.
const ALL: &str = r#"
[deployment]
name = "all"
tls = "always"
local_links = "unix"
[machines.here]
kind = "localhost"
[machines.there]
kind = "gcp"
project = "p"
zone = "z"
type = "t"
image = "debian-12"
disk = 20
spot = true
network = "wide/near"
ttl = "8h"
autostop = "30m"
address = "internal"
[supervision]
strategy = "rest_for_one"
intensity = 3
period = "1.5s"
auto_shutdown = "never"
[groups.g]
strategy = "one_for_all"
intensity = 0
period = "1h"
auto_shutdown = "any_significant"
restart = "permanent"
significant = true
group = "h"
backoff = { first = "1ms", longest = "2m", reset = "3s" }
[groups.h]
[services.a]
src = "a.hf"
on = "here"
count = 3
params = { n = 1, list = [1, "x"], table = { b = true } }
args = ["x"]
env = { A = "x", B = 1, C = 1.5, D = true }
listen = "127.0.0.1:4000"
colocate = true
restart = "transient"
shutdown = "unlimited"
significant = true
group = "g"
backoff = { first = "1s" }
data = "fresh"
[services.b]
command = ["b", "{port:x}"]
health = { port = "x", timeout = "5s" }
shutdown = "30s"
[services.c]
command = ["c"]
health = { http = "http://{host}:{port:x}/" }
[services.d]
command = ["d"]
health = { command = ["true"] }
data = "kept"
[services.e]
command = ["e"]
health = { log = "up" }
[[links]]
from = "a.o"
to = "a.i"
policy = "round_robin"
delivery = "lossy"
transport = "tcp"
insecure = true
"#;

#[test]
fn the_schema_of_hydro_toml_and_the_command_agree() {
    let schema = schema("hydro.toml");
    holds(&schema, &read(ALL));
    let manifest = "[package]\nname = \"agree\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";
    let workspace = Workspace::new("schemas", &[("Cargo.toml", manifest), ("src/lib.rs", "")]);
    // Each has one thing that the command refuses or warns of, and so does the schema.
    let wrong = [
        ("[services.a]\ncommand = [\"x\"]\ncount = 0\n", "between 1 and 10000"),
        ("[services.a]\ncommand = [\"x\"]\nshutdown = \"soon\"\n", "that is no time"),
        ("[services.a]\ncommand = [\"x\"]\nretsart = \"permanent\"\n", "has no key `retsart`"),
        ("[services.a]\ncommand = [\"x\"]\nrestart = \"always\"\n", "`restart` cannot be `always`"),
        ("[services.a]\ncommand = [\"x\"]\nsrc = \"a.hf\"\n", "has both `src` and `command`"),
        ("[services.a]\ncount = 2\n", "`src`"),
        ("[services.a]\ncommand = \"x y\"\n", "write each word on its own"),
        ("[services.a]\ncommand = [\"x\"]\nhealth = {}\n", "nothing says how to ask"),
        ("[services.a]\ncommand = [\"x\"]\nhealth = { log = \"a\", port = \"b\" }\n", "asked in one way"),
        ("[machines.m]\nkind = \"gcp\"\n", "needs `project`, `zone` and `type`"),
        (
            "[machines.m]\nkind = \"gcp\"\nproject = \"p\"\nzone = \"z\"\ntype = \"t\"\ndisk = 1\n",
            "between 10 and 65536 GB",
        ),
        ("[machines.m]\nkind = \"moon\"\n", "no kind of machine called `moon`"),
        ("[[links]]\nfrom = \"a.x\"\n", "`to`"),
        ("[[links]]\nfrom = \"a\"\nto = \"b.y\"\n", "`a` names no port"),
        ("[deployment]\ntls = \"never\"\n", "`tls` cannot be `never`"),
        ("[supervision]\nintensity = -1\n", "a number of restarts is between"),
    ];
    for (text, told) in wrong {
        assert!(!schema.is_valid(&read(text)), "{text}");
        workspace.write("Hydro.toml", text);
        workspace.hydro(["plan"]).run().says(&[told]);
    }
}
