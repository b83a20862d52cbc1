//! Instances whose power comes and goes, and whom the firewall lets in to them.
//!
//! The part of `compute` that knows guests.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::compute::{Compute, text};
use super::guest::{Entry, Slot};

impl Compute {
    pub(super) fn add_slots(&mut self, slots: Vec<Slot>) {
        self.slots.extend(slots);
    }

    /// Gives an instance a guest, if there is one to be had.
    pub(super) fn take_slot(&mut self, key: &(String, String)) -> Option<Slot> {
        let slot = if self.slots.is_empty() { None } else { Some(self.slots.remove(0)) }?;
        self.powered.insert(key.clone(), slot.clone());
        Some(slot)
    }

    pub(super) fn power_on(&self, key: &(String, String)) {
        if let (Some(slot), Some(instance)) = (self.powered.get(key), self.instances.get(key)) {
            slot.admit(self.entries(instance));
            slot.boot(metadata(instance));
        }
    }

    /// Takes the power away for ever; who was the instance can be another.
    pub(super) fn power_gone(&mut self, key: &(String, String)) {
        if let Some(slot) = self.powered.remove(key) {
            slot.halt(true);
            self.slots.push(slot);
        }
    }

    /// Stops an instance, as somebody at the console does.
    pub(super) fn stop_by_hand(&mut self, name: &str) {
        for (key, instance) in self.instances.iter_mut().filter(|((_, known), _)| known == name) {
            instance["status"] = "TERMINATED".into();
            if let Some(slot) = self.powered.get(key) {
                slot.halt(false);
            }
        }
    }

    /// Deletes an instance, as somebody at the console does.
    pub(super) fn delete_by_hand(&mut self, name: &str) {
        let keys: Vec<(String, String)> = self.instances.keys().filter(|(_, known)| known == name).cloned().collect();
        for key in keys {
            self.instances.remove(&key);
            self.power_gone(&key);
        }
    }

    /// Sees who has switched itself off.
    pub(super) fn see_who_is_off(&mut self) {
        for (key, instance) in &mut self.instances {
            if instance["status"] == "RUNNING" && self.powered.get(key).is_some_and(Slot::is_off) {
                instance["status"] = "TERMINATED".into();
                if let Some(slot) = self.powered.get(key) {
                    slot.halt(false);
                }
            }
        }
    }

    /// Has all guests let in whom the rules let in now.
    pub(super) fn close_off(&self) {
        for (key, slot) in &self.powered {
            if let Some(instance) = self.instances.get(key) {
                slot.admit(self.entries(instance));
            }
        }
    }

    fn entries(&self, instance: &Value) -> Vec<Entry> {
        let mut entries = Vec::new();
        let own = tags(instance);
        let of_network = |rule: &&Value| {
            let network = text(&rule["network"]);
            instance["networkInterfaces"].as_array().into_iter().flatten().any(|face| text(&face["network"]) == network)
        };
        for rule in self.firewalls.values().filter(of_network) {
            let targets = texts(&rule["targetTags"]);
            if !targets.is_empty() && targets.is_disjoint(&own) {
                continue;
            }
            let mut from: Vec<String> = texts(&rule["sourceRanges"]).into_iter().collect();
            let tagged = texts(&rule["sourceTags"]);
            let others = self.instances.values().filter(|other| !tags(other).is_disjoint(&tagged));
            from.extend(others.map(|other| format!("{}/32", text(&other["networkInterfaces"][0]["networkIP"]))));
            for allowed in rule["allowed"].as_array().into_iter().flatten() {
                let ports: Vec<String> = texts(&allowed["ports"]).into_iter().collect();
                entries.extend(from.iter().map(|from| Entry { from: from.clone(), ports: ports.clone() }));
            }
        }
        entries
    }
}

fn tags(instance: &Value) -> BTreeSet<String> {
    texts(&instance["tags"]["items"])
}

fn texts(list: &Value) -> BTreeSet<String> {
    list.as_array().into_iter().flatten().map(text).collect()
}

fn metadata(instance: &Value) -> BTreeMap<String, String> {
    let items = instance["metadata"]["items"].as_array().into_iter().flatten();
    items.map(|item| (text(&item["key"]), text(&item["value"]))).collect()
}
