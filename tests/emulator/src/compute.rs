//! The API: instances, firewall rules, operations, and what a zone has. Its words are those of the real one.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::guest::Slot;
use super::http::{Answer, Asked};
use super::{Host, PROJECT};

/// The zones, with their machine types.
const ZONES: [(&str, &[&str]); 2] = [
    ("us-west1-a", &["e2-micro", "e2-small", "n2-standard-4", "t2a-standard-1"]),
    ("europe-west4-b", &["e2-micro", "n2-standard-4"]),
];

/// Families of Debian's images.
const IMAGES: [(&str, &str); 4] =
    [("debian-12", "X86_64"), ("debian-12-arm64", "ARM64"), ("debian-13", "X86_64"), ("debian-13-arm64", "ARM64")];

/// The longest that a question for an operation is held.
const HELD: Duration = Duration::from_secs(120);

/// A project.
pub(super) struct Compute {
    operations_take: Duration,
    hosts: Vec<Host>,
    /// Guests that are no instance yet.
    pub(super) slots: Vec<Slot>,
    /// Those that are.
    pub(super) powered: BTreeMap<(String, String), Slot>,
    /// By zone and name.
    pub(super) instances: BTreeMap<(String, String), Value>,
    pub(super) firewalls: BTreeMap<String, Value>,
    operations: BTreeMap<String, Running>,
    /// Changes by the names that their requests had.
    requests: BTreeMap<String, String>,
    failing: BTreeMap<String, (String, String)>,
    quotas: BTreeMap<String, u32>,
    pub(super) page: usize,
}

struct Running {
    value: Value,
    due: Instant,
    change: Change,
}

#[derive(Clone)]
enum Change {
    Nothing,
    Ready(String, String),
    Gone(String, String),
    NoRule(String),
}

impl Compute {
    pub(super) fn new(operations_take: Duration) -> Self {
        let quotas = [("INSTANCES", 24), ("CPUS", 72), ("IN_USE_ADDRESSES", 8)];
        Self {
            operations_take,
            hosts: Vec::new(),
            slots: Vec::new(),
            powered: BTreeMap::new(),
            instances: BTreeMap::new(),
            firewalls: BTreeMap::new(),
            operations: BTreeMap::new(),
            requests: BTreeMap::new(),
            failing: BTreeMap::new(),
            quotas: quotas.map(|(metric, limit)| (metric.to_owned(), limit)).into(),
            page: 500,
        }
    }

    pub(super) fn add_hosts(&mut self, hosts: Vec<Host>) {
        self.hosts.extend(hosts);
    }

    pub(super) fn add_instance(&mut self, zone: &str, mut instance: Value) {
        instance["zone"] = zone_link(zone).into();
        self.instances.insert((zone.to_owned(), text(&instance["name"])), instance);
    }

    pub(super) fn add_firewall(&mut self, rule: Value) {
        self.firewalls.insert(text(&rule["name"]), rule);
    }

    pub(super) fn fail_operations(&mut self, kind: &str, wrong: Option<(&str, &str)>) {
        match wrong {
            Some((code, words)) => self.failing.insert(kind.to_owned(), (code.to_owned(), words.to_owned())),
            None => self.failing.remove(kind),
        };
    }

    pub(super) fn set_quota(&mut self, metric: &str, limit: u32) {
        self.quotas.insert(metric.to_owned(), limit);
    }

    pub(super) fn instance_names(&mut self) -> Vec<String> {
        self.settle();
        self.instances.keys().map(|(_, name)| name.clone()).collect()
    }

    pub(super) fn instance_named(&mut self, name: &str) -> Option<Value> {
        self.settle();
        self.instances.iter().find(|((_, known), _)| known == name).map(|(_, instance)| instance.clone())
    }

    pub(super) fn firewall_named(&mut self, name: &str) -> Option<Value> {
        self.settle();
        self.firewalls.get(name).cloned()
    }

    pub(super) fn firewall_names(&mut self) -> Vec<String> {
        self.settle();
        self.firewalls.keys().cloned().collect()
    }

    /// Returns how long a question is held before it is answered.
    pub(super) fn pause(&self, asked: &Asked) -> Option<Duration> {
        let name = asked.path.strip_suffix("/wait")?.rsplit('/').next()?;
        let left = self.operations.get(name)?.due.saturating_duration_since(Instant::now());
        Some(left.min(HELD))
    }

    pub(super) fn answer(&mut self, asked: &Asked) -> Answer {
        self.settle();
        let Some(path) = asked.path.strip_prefix("/compute/v1/projects/") else {
            return Answer::error(404, "notFound", "Not Found");
        };
        let parts: Vec<&str> = path.split('/').collect();
        let known = asked.query.get("requestId").and_then(|id| self.requests.get(id));
        if let Some(known) = known.and_then(|name| self.operations.get(name)) {
            return Answer::json(200, &known.value);
        }
        let answer = match (asked.method.as_str(), parts.as_slice()) {
            ("GET", [_, "global", "images", "family", family]) => image(parts[0], family),
            (_, [project, ..]) if *project != PROJECT => not_found(&format!("projects/{project}")),
            ("POST", [_, "zones", zone, "instances"]) => self.insert_instance(zone, asked),
            ("GET", [_, "zones", zone, "instances", name]) => self.instance(zone, name),
            ("GET", [_, "zones", zone, "instances", name, "getGuestAttributes"]) => self.host_keys(zone, name),
            ("POST", [_, "zones", zone, "instances", name, "start"]) => self.start_instance(zone, name),
            ("DELETE", [_, "zones", zone, "instances", name]) => self.delete_instance(zone, name),
            ("GET", [_, "aggregated", "instances"]) => self.list_instances(asked),
            ("POST", [_, "global", "firewalls"]) => self.insert_firewall(asked),
            ("GET", [_, "global", "firewalls"]) => self.list_firewalls(asked),
            ("GET", [_, "global", "firewalls", name]) => thing(self.firewalls.get(*name), "firewalls", name),
            ("PUT", [_, "global", "firewalls", name]) => self.update_firewall(name, asked),
            ("DELETE", [_, "global", "firewalls", name]) => self.delete_firewall(name),
            ("POST", [_, "zones", _, "operations", name, "wait"] | [_, "global", "operations", name, "wait"])
            | ("GET", [_, "zones", _, "operations", name] | [_, "global", "operations", name]) => {
                thing(self.operations.get(*name).map(|running| &running.value), "operations", name)
            }
            ("GET", [_, "global", "networks", name]) => network(name),
            ("GET", [_, "zones", zone]) => one_zone(zone),
            ("GET", [_, "zones", zone, "machineTypes", name]) => machine_type(zone, name),
            ("GET", [_, "regions", region]) => self.region(region),
            _ => Answer::error(404, "notFound", &format!("no such method: {} {path}", asked.method)),
        };
        if let (Some(id), Ok(value)) = (asked.query.get("requestId"), serde_json::from_str::<Value>(&answer.body))
            && let (200, Some(name)) = (answer.status, value["name"].as_str())
        {
            self.requests.insert(id.clone(), name.to_owned());
        }
        answer
    }

    /// Carries out what is due.
    fn settle(&mut self) {
        self.see_who_is_off();
        let now = Instant::now();
        let mut changes = Vec::new();
        for running in self.operations.values_mut().filter(|running| running.value["status"] != "DONE") {
            if running.due <= now {
                running.value["status"] = "DONE".into();
                running.value["progress"] = 100.into();
                changes.push(running.change.clone());
            }
        }
        for change in changes {
            match change {
                Change::Nothing => {}
                Change::Ready(zone, name) => {
                    let key = (zone, name);
                    if let Some(instance) = self.instances.get_mut(&key) {
                        instance["status"] = "RUNNING".into();
                        self.power_on(&key);
                    }
                }
                Change::Gone(zone, name) => {
                    let key = (zone, name);
                    self.instances.remove(&key);
                    self.power_gone(&key);
                }
                Change::NoRule(name) => {
                    self.firewalls.remove(&name);
                    self.close_off();
                }
            }
        }
    }

    fn operation(&mut self, kind: &str, target: &str, zone: Option<&str>, change: Change) -> Answer {
        let id = 1_000_000 + self.operations.len();
        let name = format!("operation-{id}");
        let mut value = json!({
            "kind": "compute#operation", "id": id.to_string(), "name": name, "operationType": kind, "status": "RUNNING", "progress": 0,
            "targetLink": format!("https://www.googleapis.com/compute/v1/projects/{PROJECT}/{target}"),
        });
        if let Some(zone) = zone {
            value["zone"] = zone_link(zone).into();
        }
        let mut change = change;
        if let Some((code, words)) = self.failing.get(kind) {
            value["error"] = json!({ "errors": [{ "code": code, "message": words }] });
            change = match change {
                Change::Ready(zone, name) => Change::Gone(zone, name),
                _ => Change::Nothing,
            };
        }
        let answer = Answer::json(200, &value);
        self.operations.insert(name, Running { value, due: Instant::now() + self.operations_take, change });
        answer
    }

    fn insert_instance(&mut self, zone: &str, asked: &Asked) -> Answer {
        let Some((_, types)) = ZONES.iter().find(|(known, _)| *known == zone) else {
            return Answer::error(400, "invalid", &format!("Invalid value for field 'zone': '{zone}'. Unknown zone."));
        };
        let mut instance = match named(asked, "instances") {
            Ok(instance) => instance,
            Err(answer) => return answer,
        };
        if let Some(answer) = missing(&instance) {
            return answer;
        }
        let name = text(&instance["name"]);
        let machine_type = text(&instance["machineType"]);
        if !types.iter().any(|known| machine_type == format!("zones/{zone}/machineTypes/{known}")) {
            let words = format!(
                "Invalid value for field 'resource.machineType': '{machine_type}'. The referenced machineType resource cannot be found."
            );
            return Answer::error(400, "invalid", &words);
        }
        if self.instances.contains_key(&(zone.to_owned(), name.clone())) {
            return exists(&format!("zones/{zone}/instances/{name}"));
        }
        let limit = self.quotas.get("INSTANCES").copied().unwrap_or(u32::MAX);
        if self.instances.len() >= limit as usize {
            let words = format!("Quota 'INSTANCES' exceeded. Limit: {limit}.0 in region {}.", region_of(zone));
            return Answer::error(403, "quotaExceeded", &words);
        }
        let number = u8::try_from(self.instances.len() + 2).unwrap_or(255);
        let somewhere = Host {
            internal: [10, 138, 0, number].into(),
            public: [203, 0, 113, number].into(),
            host_keys: vec!["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI".to_owned()],
        };
        let mut host = if self.hosts.is_empty() { somewhere } else { self.hosts.remove(0) };
        if let Some(slot) = self.take_slot(&(zone.to_owned(), name.clone())) {
            (host.internal, host.public) = (slot.internal, slot.public);
        }
        instance["status"] = "PROVISIONING".into();
        instance["zone"] = zone_link(zone).into();
        instance["creationTimestamp"] = "2026-01-01T00:00:00.000-08:00".into();
        instance["hostKeys"] = host.host_keys.clone().into();
        for interface in instance["networkInterfaces"].as_array_mut().into_iter().flatten() {
            interface["networkIP"] = host.internal.to_string().into();
            for way in interface["accessConfigs"].as_array_mut().into_iter().flatten() {
                way["natIP"] = host.public.to_string().into();
            }
        }
        self.instances.insert((zone.to_owned(), name.clone()), instance);
        let change = Change::Ready(zone.to_owned(), name.clone());
        self.operation("insert", &format!("zones/{zone}/instances/{name}"), Some(zone), change)
    }

    fn instance(&self, zone: &str, name: &str) -> Answer {
        thing(self.instances.get(&(zone.to_owned(), name.to_owned())), &format!("zones/{zone}/instances"), name)
    }

    fn host_keys(&self, zone: &str, name: &str) -> Answer {
        let Some(instance) = self.instances.get(&(zone.to_owned(), name.to_owned())) else {
            return not_found(&format!("projects/{PROJECT}/zones/{zone}/instances/{name}"));
        };
        let items = instance["metadata"]["items"].as_array().into_iter().flatten();
        let is_on = items.into_iter().any(|item| item["key"] == "enable-guest-attributes" && item["value"] == "TRUE");
        if !is_on || instance["status"] != "RUNNING" {
            return not_found("hostkeys/");
        }
        let slot = self.powered.get(&(zone.to_owned(), name.to_owned()));
        let keys = match slot.map(Slot::host_keys) {
            Some(None) => return not_found("hostkeys/"),
            Some(Some(keys)) => keys,
            None => instance["hostKeys"].as_array().into_iter().flatten().map(text).collect(),
        };
        let keys = keys.iter().filter_map(|key| key.split_once(' '));
        let items: Vec<Value> =
            keys.map(|(kind, key)| json!({ "namespace": "hostkeys", "key": kind, "value": key })).collect();
        Answer::json(
            200,
            &json!({ "kind": "compute#guestAttributes", "queryPath": "hostkeys/", "queryValue": { "items": items } }),
        )
    }

    fn delete_instance(&mut self, zone: &str, name: &str) -> Answer {
        let key = (zone.to_owned(), name.to_owned());
        let Some(instance) = self.instances.get_mut(&key) else {
            return not_found(&format!("projects/{PROJECT}/zones/{zone}/instances/{name}"));
        };
        instance["status"] = "STOPPING".into();
        self.operation("delete", &format!("zones/{zone}/instances/{name}"), Some(zone), Change::Gone(key.0, key.1))
    }

    fn start_instance(&mut self, zone: &str, name: &str) -> Answer {
        let key = (zone.to_owned(), name.to_owned());
        let Some(instance) = self.instances.get_mut(&key) else {
            return not_found(&format!("projects/{PROJECT}/zones/{zone}/instances/{name}"));
        };
        instance["status"] = "STAGING".into();
        self.operation("start", &format!("zones/{zone}/instances/{name}"), Some(zone), Change::Ready(key.0, key.1))
    }

    fn list_instances(&self, asked: &Asked) -> Answer {
        let all = self.instances.iter().map(|((zone, _), instance)| (zone, instance));
        let found: Result<Vec<(&String, &Value)>, Answer> = all
            .filter_map(|(zone, value)| matches(asked, value).map(|is| is.then_some((zone, value))).transpose())
            .collect();
        let found = match found {
            Ok(found) => found,
            Err(answer) => return answer,
        };
        let (page, next) = self.page_of(asked, &found);
        let mut items = json!({ "zones/asia-east1-a": { "warning": { "code": "NO_RESULTS_ON_PAGE" } } });
        for (zone, _) in ZONES {
            let of_zone: Vec<&Value> =
                page.iter().filter(|(known, _)| *known == zone).map(|(_, value)| *value).collect();
            items[format!("zones/{zone}")] = if of_zone.is_empty() {
                json!({ "warning": { "code": "NO_RESULTS_ON_PAGE" } })
            } else {
                json!({ "instances": of_zone })
            };
        }
        list(&items, next)
    }

    fn insert_firewall(&mut self, asked: &Asked) -> Answer {
        let firewall = match named(asked, "firewalls") {
            Ok(firewall) => firewall,
            Err(answer) => return answer,
        };
        let name = text(&firewall["name"]);
        if self.firewalls.contains_key(&name) {
            return exists(&format!("global/firewalls/{name}"));
        }
        self.firewalls.insert(name.clone(), firewall);
        self.close_off();
        self.operation("insert", &format!("global/firewalls/{name}"), None, Change::Nothing)
    }

    fn update_firewall(&mut self, name: &str, asked: &Asked) -> Answer {
        let firewall = match named(asked, "firewalls") {
            Ok(firewall) => firewall,
            Err(answer) => return answer,
        };
        if !self.firewalls.contains_key(name) {
            return not_found(&format!("projects/{PROJECT}/global/firewalls/{name}"));
        }
        self.firewalls.insert(name.to_owned(), firewall);
        self.close_off();
        self.operation("update", &format!("global/firewalls/{name}"), None, Change::Nothing)
    }

    fn list_firewalls(&self, asked: &Asked) -> Answer {
        let found: Result<Vec<&Value>, Answer> = self
            .firewalls
            .values()
            .filter_map(|value| matches(asked, value).map(|is| is.then_some(value)).transpose())
            .collect();
        let found = match found {
            Ok(found) => found,
            Err(answer) => return answer,
        };
        let (page, next) = self.page_of(asked, &found);
        // A list without anything has no items at all.
        list(&if page.is_empty() { Value::Null } else { json!(page) }, next)
    }

    fn delete_firewall(&mut self, name: &str) -> Answer {
        if !self.firewalls.contains_key(name) {
            return not_found(&format!("projects/{PROJECT}/global/firewalls/{name}"));
        }
        self.operation("delete", &format!("global/firewalls/{name}"), None, Change::NoRule(name.to_owned()))
    }

    fn region(&self, region: &str) -> Answer {
        if !ZONES.iter().any(|(zone, _)| region_of(zone) == region) {
            return not_found(&format!("projects/{PROJECT}/regions/{region}"));
        }
        let used = self.instances.keys().filter(|(zone, _)| region_of(zone) == region).count();
        let quota = |(metric, limit): (&String, &u32)| json!({ "metric": metric, "limit": f64::from(*limit), "usage": if metric == "INSTANCES" { used as f64 } else { 0.0 } });
        let quotas: Vec<Value> = self.quotas.iter().map(quota).collect();
        Answer::json(200, &json!({ "kind": "compute#region", "name": region, "quotas": quotas }))
    }

    fn page_of<'a, T>(&self, asked: &Asked, all: &'a [T]) -> (&'a [T], Option<usize>) {
        let start = asked.query.get("pageToken").and_then(|token| token.parse().ok()).unwrap_or(0).min(all.len());
        let end = (start + self.page).min(all.len());
        (&all[start..end], (end < all.len()).then_some(end))
    }
}

fn list(items: &Value, next: Option<usize>) -> Answer {
    let mut value = json!({ "kind": "compute#list" });
    if !items.is_null() {
        value["items"] = items.clone();
    }
    if let Some(next) = next {
        value["nextPageToken"] = next.to_string().into();
    }
    Answer::json(200, &value)
}

/// Reads a thing that is to be made; its name must be one.
fn named(asked: &Asked, kind: &str) -> Result<Value, Answer> {
    let Ok(value) = serde_json::from_str::<Value>(&asked.body) else {
        return Err(Answer::error(400, "parseError", "Invalid JSON payload received."));
    };
    let name = text(&value["name"]);
    let is_letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    if name.len() > 63 || !name.starts_with(|letter: char| letter.is_ascii_lowercase()) || !name.chars().all(is_letter)
    {
        let rule = "(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)";
        let words =
            format!("Invalid value for field 'resource.name': '{name}'. Must be a match of regex '{rule}' ({kind})");
        return Err(Answer::error(400, "invalid", &words));
    }
    Ok(value)
}

/// Refuses what names an image or a network that is not there.
fn missing(instance: &Value) -> Option<Answer> {
    let invalid = |field: &str, value: &str, what: &str| {
        let words = format!(
            "Invalid value for field 'resource.{field}': '{value}'. The referenced {what} resource cannot be found."
        );
        Answer::error(400, "invalid", &words)
    };
    for disk in instance["disks"].as_array().into_iter().flatten() {
        let source = text(&disk["initializeParams"]["sourceImage"]);
        if !IMAGES.iter().any(|(family, _)| source == format!("projects/debian-cloud/global/images/family/{family}")) {
            return Some(invalid("disks[0].initializeParams.sourceImage", &source, "image"));
        }
    }
    for face in instance["networkInterfaces"].as_array().into_iter().flatten() {
        let network = text(&face["network"]);
        if network != "global/networks/default" {
            return Some(invalid("networkInterfaces[0].network", &network, "network"));
        }
    }
    None
}

/// Whether a filter takes something; of the filters there are, those that are used.
fn matches(asked: &Asked, value: &Value) -> Result<bool, Answer> {
    let Some(filter) = asked.query.get("filter") else { return Ok(true) };
    if let Some((key, wanted)) = filter.strip_prefix("labels.").and_then(|rest| rest.split_once('=')) {
        return Ok(value["labels"][key] == wanted);
    }
    if let Some(key) = filter.strip_prefix("labels.").and_then(|rest| rest.strip_suffix(":*")) {
        return Ok(!value["labels"][key].is_null());
    }
    if let Some(start) = filter.strip_prefix("name eq \"").and_then(|rest| rest.strip_suffix(".*\"")) {
        return Ok(text(&value["name"]).starts_with(start));
    }
    Err(Answer::error(
        400,
        "invalid",
        &format!("Invalid value for field 'filter': '{filter}'. Invalid list filter expression."),
    ))
}

fn thing(value: Option<&Value>, kind: &str, name: &str) -> Answer {
    value.map_or_else(|| not_found(&format!("projects/{PROJECT}/{kind}/{name}")), |value| Answer::json(200, value))
}

fn not_found(what: &str) -> Answer {
    Answer::error(404, "notFound", &format!("The resource '{what}' was not found"))
}

fn exists(what: &str) -> Answer {
    Answer::error(409, "alreadyExists", &format!("The resource 'projects/{PROJECT}/{what}' already exists"))
}

fn network(name: &str) -> Answer {
    let network = json!({ "kind": "compute#network", "name": "default", "autoCreateSubnetworks": true });
    thing((name == "default").then_some(&network), "global/networks", name)
}

fn image(project: &str, family: &str) -> Answer {
    let found = IMAGES.into_iter().find(|(known, _)| project == "debian-cloud" && *known == family);
    let value = found.map(|(family, architecture)| {
        let name = format!("{family}-v20260101");
        let link = format!("https://www.googleapis.com/compute/v1/projects/{project}/global/images/{name}");
        json!({ "kind": "compute#image", "name": name, "selfLink": link, "architecture": architecture, "family": family })
    });
    thing(value.as_ref(), "global/images/family", family)
}

fn one_zone(zone: &str) -> Answer {
    let region = format!("https://www.googleapis.com/compute/v1/projects/{PROJECT}/regions/{}", region_of(zone));
    let value = json!({ "kind": "compute#zone", "name": zone, "status": "UP", "region": region });
    thing(ZONES.iter().any(|(known, _)| *known == zone).then_some(&value), "zones", zone)
}

fn machine_type(zone: &str, name: &str) -> Answer {
    let is_known = ZONES.iter().any(|(known, types)| *known == zone && types.contains(&name));
    let architecture = if name.starts_with("t2a") { "ARM64" } else { "X86_64" };
    let value = json!({ "kind": "compute#machineType", "name": name, "guestCpus": 2, "memoryMb": 1024, "architecture": architecture });
    thing(is_known.then_some(&value), &format!("zones/{zone}/machineTypes"), name)
}

fn zone_link(zone: &str) -> String {
    format!("https://www.googleapis.com/compute/v1/projects/{PROJECT}/zones/{zone}")
}

fn region_of(zone: &str) -> &str {
    zone.rsplit_once('-').map_or(zone, |(region, _)| region)
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
