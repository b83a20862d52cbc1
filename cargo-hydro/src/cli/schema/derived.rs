//! The files of `docs/schema` are what the types give that the command writes. `BLESS=1` writes them anew.

use std::path::Path;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use crate::cli::doctor::Report as Doctor;
use crate::daemon::{LogLine, StatusReport};
use crate::deploy::Changes;
use crate::machine::MetricsMirror;
use crate::report::Message;
use crate::script::protocol::{Happening, HookCall, Reply, Request};

fn schema<T: JsonSchema>(title: &str) -> Schema {
    // What is written, not what could be read: a key that is always there is required.
    let mut schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema
}

/// Both directions of the script protocol in one: a line is a request or a reply.
fn script_protocol() -> Schema {
    let requests = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Request>();
    let replies = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Reply>();
    let events = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Happening>();
    let hooks = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<HookCall>();
    let mut all = Map::new();
    for (name, root) in [("Request", requests), ("Reply", replies), ("Happening", events), ("HookCall", hooks)] {
        let mut root = root.as_object().cloned().unwrap_or_default();
        root.remove("$schema");
        let inner = root.remove("$defs").and_then(|defs| defs.as_object().cloned()).unwrap_or_default();
        for (inner, schema) in inner.into_iter().chain([(name.to_owned(), Value::Object(root))]) {
            let other = all.insert(inner.clone(), schema.clone());
            assert!(other.is_none_or(|other| other == schema), "two types are called `{inner}`");
        }
    }
    let root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line between a script and the engine; items of `deployment.events` are `Happening`s",
        "anyOf": [{ "$ref": "#/$defs/Request" }, { "$ref": "#/$defs/Reply" }],
        "$defs": all,
    });
    Schema::try_from(root).unwrap()
}

fn derived() -> Vec<(&'static str, Schema)> {
    vec![
        ("doctor", schema::<Doctor>("The output of `cargo hydro doctor --json`")),
        ("logs", schema::<LogLine>("A line of `cargo hydro logs --json`")),
        ("message", schema::<Message<'_>>("A line of `--message-format json`, of any command")),
        ("metrics", schema::<Vec<MetricsMirror>>("The output of `cargo hydro metrics --format json`")),
        #[cfg(feature = "gcp")]
        ("orphans", schema::<crate::machine::gcp::Left>("A line of `cargo hydro orphans --json`")),
        ("plan", schema::<Changes>("The output of `cargo hydro plan --json`, and the file of `--out`")),
        ("ps", schema::<StatusReport>("The output of `cargo hydro ps --json`; with `--watch`, each line")),
        ("script-protocol", script_protocol()),
        ("status", schema::<StatusReport>("A line of `cargo hydro status --json`")),
    ]
}

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    #[expect(clippy::disallowed_methods, reason = "asked for by whoever runs the tests")]
    let bless = std::env::var("BLESS").is_ok_and(|value| value == "1");
    for (name, schema) in derived() {
        let path = folder.join(format!("{name}.json"));
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if bless {
            std::fs::write(&path, &text).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == text, "docs/schema/{name}.json is not what the types give; BLESS=1 writes it anew");
    }
}

#[test]
fn each_schema_is_one_and_says_what_it_describes() {
    for name in super::command::names() {
        let schema = serde_json::from_str(&super::command::text(&name).unwrap()).expect(&name);
        jsonschema::draft202012::meta::validate(&schema).expect(&name);
        assert_ne!(super::command::title(&name), "", "{name}");
    }
}
