//! Who is let in: exactly the ports that are wired, from exactly the machines at the other ends, as it changes.

use std::time::Duration;

use serde_json::Value;

use crate::lab::Vms;
use crate::support::{eventually, programs};

/// `numbers` on a machine that sends to `counter` on another.
fn wired(numbers: &str) -> String {
    let machine = |name: &str| {
        format!(
            "[machines.{name}]\nkind = \"gcp\"\nproject = \"hydro-1234\"\nzone = \"us-west1-a\"\ntype = \"e2-micro\"\n"
        )
    };
    format!(
        "[deployment]\nname = \"rules\"\n{}{}\
         [services.numbers]\nsrc = \"src/numbers.hf\"\nparams = {{ count = 3 }}\non = \"{numbers}\"\n\
         [services.counter]\nsrc = \"src/counter.hf\"\non = \"two\"\n\
         [services.rest]\ncommand = [\"sleep\", \"600\"]\non = \"one\"\n\
         [[links]]\nfrom = \"numbers.out\"\nto = \"counter.numbers\"\n",
        machine("one"),
        machine("two")
    )
}

#[test]
fn the_firewall_lets_in_who_is_linked_and_follows_what_changes() {
    let Some(vms) = Vms::new(98, 2, Duration::from_millis(40)) else { return };
    let deployed = programs().with(&wired("one"), &[]);
    let root = programs().workspace();
    let run = |arguments: &[&str]| vms.call().arguments(arguments.iter().copied()).directory(root.root()).run();
    let rule = |machine: &str, kind: &str| {
        let of = |name: &String| name.contains(&format!("-{machine}-")) && name.ends_with(kind);
        vms.emulator.firewalls().into_iter().find(of).and_then(|name| vms.emulator.firewall(&name)).unwrap_or_default()
    };
    let port = || {
        let status: Value = serde_json::from_str(run(&["ps", "--json"]).exits(0).stdout.trim()).expect("a status");
        let members = status["members"].as_array().expect("members").clone();
        let counter = members.into_iter().find(|member| member["name"] == "counter").expect("is there");
        counter["address"].as_str().expect("an address").to_owned()
    };
    run(&["deploy", "--detach"]).exits(0);
    eventually("they are linked", || run(&["logs", "counter"]).stdout.contains("3 numbers, sum 3"));
    let address = port();
    let links = rule("two", "-links");
    assert!(address.starts_with("10.98.0."), "within the network: {address}");
    assert_eq!(
        links["allowed"],
        serde_json::json!([{ "IPProtocol": "tcp", "ports": [address.rsplit_once(':').expect("a port").1] }])
    );
    assert!(links["sourceTags"][0].as_str().is_some_and(|tag| tag.contains("-one-")), "{links:#}");
    assert_eq!(links["sourceRanges"], Value::Null, "nobody else");
    assert_eq!(links["sourceTags"].as_array().map(Vec::len), Some(1));

    // One end moves here: its machine is let in by its address, and nobody by a tag.
    run(&["down"]).exits(0);
    root.write("Hydro.toml", &wired("localhost"));
    run(&["deploy", "--detach"]).exits(0);
    eventually("they are linked", || run(&["logs", "counter"]).stdout.contains("3 numbers, sum 3"));
    assert!(port().starts_with("10.98.1."), "from outside: {}", port());
    let links = rule("two", "-links");
    assert_eq!((&links["sourceRanges"], &links["sourceTags"]), (&serde_json::json!(["10.98.1.10/32"]), &Value::Null));
    assert_eq!(rule("one", "-links"), Value::Null, "nothing on it is linked");
    run(&["down"]).exits(0);
    drop(deployed);
    assert_eq!((vms.emulator.instances(), vms.emulator.firewalls()), (Vec::new(), Vec::new()));
}
