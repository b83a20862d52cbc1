//! What scripts and the engine say to each other, held beside the protocol's schema.

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::{Value, json};

use crate::support::repository;

/// The schema's parts that lines are held beside.
struct Schema {
    request: jsonschema::Validator,
    reply: jsonschema::Validator,
    happening: jsonschema::Validator,
    methods: BTreeSet<String>,
}

fn schema() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let path = repository().join("docs/schema/script-protocol.json");
        let whole: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("is there")).expect("is JSON");
        let part = |name: &str| {
            let schema = json!({ "$ref": format!("#/$defs/{name}"), "$defs": whole["$defs"] });
            jsonschema::draft202012::new(&schema).expect("is a schema")
        };
        let words = whole["$defs"]["Request"]["oneOf"].as_array().expect("one for each method").iter();
        let methods = words.filter_map(|word| Some(word["properties"]["method"]["const"].as_str()?.to_owned()));
        let methods: BTreeSet<String> = methods.collect();
        assert!(methods.len() > 30, "{methods:?}");
        Schema { request: part("Request"), reply: part("Reply"), happening: part("Happening"), methods }
    })
}

/// Methods that occurred in some trace.
static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Holds a trace beside the schema; `Err` tells the first line that does not fit.
pub(super) fn check(trace: &str) -> Result<(), String> {
    let schema = schema();
    let mut listening = BTreeSet::new();
    if trace.is_empty() {
        return Err("nothing was said".to_owned());
    }
    for line in trace.lines() {
        let (sign, text) = line.split_at_checked(2).ok_or("a line without a sign")?;
        let message: Value = serde_json::from_str(text).map_err(|error| format!("{error}: {line}"))?;
        let id = message["id"].as_u64();
        let validator = if sign == "> " { &schema.request } else { &schema.reply };
        validator.validate(&message).map_err(|error| format!("{error}: {line}"))?;
        if let Some(method) = message["method"].as_str() {
            SEEN.lock().unwrap_or_else(PoisonError::into_inner).insert(method.to_owned());
            if method == "deployment.events" {
                listening.insert(id);
            }
        }
        if let Some(item) = message["item"].as_str().filter(|_| listening.contains(&id)) {
            let event: Value = serde_json::from_str(item).map_err(|error| format!("{error}: {item}"))?;
            schema.happening.validate(&event).map_err(|error| format!("{error}: {item}"))?;
        }
    }
    Ok(())
}

/// Returns the methods that no trace had so far.
pub(super) fn unseen() -> Vec<String> {
    let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    schema().methods.difference(&seen).cloned().collect()
}

#[test]
fn the_schema_refuses_what_is_no_message() {
    assert_eq!(
        check("> {\"id\":1,\"method\":\"service.stop\",\"params\":{\"deployment\":0,\"service\":\"a\"}}\n"),
        Ok(())
    );
    for wrong in [
        "> {\"id\":1,\"method\":\"service.stopp\",\"params\":{\"deployment\":0,\"service\":\"a\"}}",
        "> {\"id\":1,\"method\":\"service.stop\",\"params\":{\"deployment\":\"0\",\"service\":\"a\"}}",
        "> {\"method\":\"service.stop\"}",
        "< {\"id\":1}",
        "< {\"id\":1,\"error\":{\"kind\":\"odd\"}}",
        "",
    ] {
        assert!(check(wrong).is_err(), "{wrong}");
    }
}
