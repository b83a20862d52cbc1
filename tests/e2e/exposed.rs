//! Ports that are reached from outside: where, by whom, and for how long.

use std::time::Duration;

use serde_json::Value;

use crate::support::{Hydro, Mark, eventually, programs, repository};

const GONE: Duration = Duration::from_secs(10);

const DEPLOYMENT: &str = r#"
[deployment]
name = "local"

[services.counter]
src = "src/counter.hf"

[services.other]
src = "src/counter.hf"
env = { HYDRO_INPUT_NUMBERS = "null" }

[services.web]
command = ["python3", "-m", "http.server", "{port:http}", "--bind", "127.0.0.1"]
health = { port = "http" }

[expose.numbers]
port = "counter.numbers"

[expose.page]
port = "web.http"
"#;

#[test]
fn what_is_exposed_is_reached_and_stays_where_it_is() {
    let deployed = programs().with(DEPLOYMENT, &[]);
    let mark = Mark::new();
    let run = |arguments: &[&str]| mark.on(deployed.hydro(arguments.iter().copied())).run();
    let status = || -> Value { serde_json::from_str(run(&["ps", "--json"]).exits(0).stdout.trim()).expect("JSON") };
    let exposed = |name: &str| {
        let status = status();
        let members = status["members"].as_array().expect("members").clone();
        let place = members.iter().find_map(|member| member["exposed"][name]["address"].as_str().map(str::to_owned));
        place.unwrap_or_else(|| panic!("nothing is exposed as {name}: {status:#}"))
    };
    let said = run(&["deploy", "-d"]).exits(0);
    let (numbers, page) = (exposed("numbers"), exposed("page"));
    said.says(&[
        &format!("Exposed numbers at {numbers} (counter.numbers)"),
        &format!("Exposed page at {page} (web.http)"),
    ]);
    run(&["ps"]).exits(0).says(&[&format!("Exposed numbers at {numbers} (counter.numbers)")]);
    let client = repository().join("tests/e2e/wire_client.py");
    let sends = || {
        let arguments = [client.to_str().expect("UTF-8"), "send", &numbers, "2000"];
        Hydro::named("python3").arguments(arguments).run().exits(0).prints(&["everything is acknowledged"]);
    };
    sends();
    eventually("they came", || run(&["logs", "counter"]).stdout.contains("2000 numbers, sum 1999000"));
    run(&["restart", "counter"]).exits(0);
    assert_eq!(exposed("numbers"), numbers);
    sends();
    Hydro::named("python3")
        .arguments(["-c", &format!("import urllib.request as u; print(u.urlopen('http://{page}/').status)")])
        .run()
        .exits(0)
        .prints(&["200"]);

    // What is written in another place is no change; another place is.
    let moved = DEPLOYMENT.replace("\n[expose.page]", "\n\n[expose.page]");
    programs().workspace().write("Hydro.toml", &moved);
    run(&["deploy", "-d"]).exits(0);
    assert_eq!(exposed("numbers"), numbers);
    let other = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let elsewhere = moved.replace("\"counter.numbers\"", &format!("\"counter.numbers\"\nlisten = {}", other.port()));
    programs().workspace().write("Hydro.toml", &elsewhere);
    run(&["deploy", "-d"]).exits(0);
    assert_eq!(exposed("numbers"), other.to_string());
    run(&["down"]).exits(0);
    mark.all_gone(GONE);
}

#[test]
fn what_cannot_be_exposed_is_told_at_its_line() {
    let wrong = DEPLOYMENT
        .replace("[expose.numbers]\nport = \"counter.numbers\"", "[expose.numbers]\nport = \"countr.numbers\"")
        .replace("\"web.http\"", "\"web.http\"\nlisten = \"nowhere\"");
    let deployed = programs().with(&wrong, &[]);
    deployed.hydro(["deploy", "-d"]).run().exits(96).says(&[
        "error[HT0104]: there is no service `countr`",
        "Hydro.toml:17:8",
        "a service with a similar name exists: `counter`",
        "error[HT0006]: `nowhere` is no place to listen at",
        "\"0.0.0.0:8080\"",
    ]);
    let ports = DEPLOYMENT
        .replace("counter.numbers", "counter.nubers")
        .replace("src = \"src/counter.hf\"\n\n[services.o", "src = \"src/counter.hf\"\ncount = 2\n\n[services.o")
        .replace("web.http", "web.htp");
    programs().workspace().write("Hydro.toml", &ports);
    deployed.hydro(["deploy", "-d"]).run().exits(96).says(&[
        "`counter` has no port `nubers`",
        "--> Hydro.toml:18:8",
        "`numbers`",
        "`web` has no port `htp`",
        "--> Hydro.toml:21:8",
    ]);
}
