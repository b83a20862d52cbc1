//! Whose an instance is, and until when: two labels that each instance of ours has, two words that each firewall rule has, so that what was left behind is found.
//!
//! Knows no clock; whoever asks says what time it is.

use std::collections::BTreeMap;

use crate::firewall::Firewall;
use crate::instance::{Instance, RunDuration, Scheduling};

/// The label that names the deployment.
const DEPLOYMENT: &str = "hydro-deployment";
/// The label that says until when, in seconds since 1970.
const EXPIRES: &str = "hydro-expires";
/// The longest value of a label.
const LONGEST: usize = 63;

/// Whose something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The deployment.
    pub deployment: String,
    /// When it may go, in seconds since 1970; none: when somebody says so.
    pub expires: Option<u64>,
}

impl Owner {
    /// Makes an owner of a deployment's id, with what a label cannot hold made so that it can: lower case, digits, `-` and `_`, 63 of them at most.
    #[must_use]
    pub fn new(deployment: &str, expires: Option<u64>) -> Self {
        let letter = |letter: char| match letter.to_ascii_lowercase() {
            letter if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_') => letter,
            _ => '-',
        };
        Self { deployment: deployment.chars().map(letter).take(LONGEST).collect(), expires }
    }

    /// Marks an instance as the owner's. Google itself ends one that expires, counted from `now`, whoever else is still there.
    pub fn mark(&self, instance: &mut Instance, now: u64) {
        instance.labels.insert(DEPLOYMENT.to_owned(), self.deployment.clone());
        let Some(expires) = self.expires else { return };
        instance.labels.insert(EXPIRES.to_owned(), expires.to_string());
        let scheduling = instance.scheduling.get_or_insert_with(Scheduling::default);
        scheduling.instance_termination_action = Some("DELETE".to_owned());
        scheduling.automatic_restart = Some(false);
        // The API takes 30 seconds at least.
        let seconds = expires.saturating_sub(now).max(30).to_string();
        scheduling.max_run_duration = Some(RunDuration { seconds });
    }

    /// What the names of all firewall rules of ours begin with.
    pub const RULES: &str = "hydro-";

    /// Marks a firewall rule as the owner's. Rules have no labels, so their descriptions say it.
    pub fn mark_rule(&self, rule: &mut Firewall) {
        rule.description = match self.expires {
            Some(expires) => format!("{DEPLOYMENT}={} {EXPIRES}={expires}", self.deployment),
            None => format!("{DEPLOYMENT}={}", self.deployment),
        };
    }

    /// Returns the owner that a firewall rule's description tells; none: it is none of ours.
    #[must_use]
    pub fn of_rule(rule: &Firewall) -> Option<Self> {
        let pairs = rule.description.split_whitespace().filter_map(|word| word.split_once('='));
        Self::of(&pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    /// Returns the owner that labels tell; none: it is none of ours.
    #[must_use]
    pub fn of(labels: &BTreeMap<String, String>) -> Option<Self> {
        let expires = labels.get(EXPIRES).and_then(|text| text.parse().ok());
        Some(Self { deployment: labels.get(DEPLOYMENT)?.clone(), expires })
    }

    /// Whether its time is over.
    #[must_use]
    pub fn has_expired(&self, now: u64) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Returns the filter for a deployment's instances; none: those of all deployments.
    #[must_use]
    pub fn filter(deployment: Option<&Self>) -> String {
        match deployment {
            Some(owner) => format!("labels.{DEPLOYMENT}={}", owner.deployment),
            None => format!("labels.{DEPLOYMENT}:*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_read_as_it_was_written() {
        let mut instance = Instance::default();
        let owner = Owner::new("Echo Test/7", Some(1_000_100));
        owner.mark(&mut instance, 1_000_000);
        assert_eq!(Owner::of(&instance.labels), Some(owner.clone()));
        assert_eq!(owner.deployment, "echo-test-7");
        let scheduling = instance.scheduling.unwrap();
        assert_eq!(scheduling.max_run_duration.unwrap().seconds, "100");
        assert_eq!(scheduling.instance_termination_action.as_deref(), Some("DELETE"));
        assert!(!owner.has_expired(1_000_099) && owner.has_expired(1_000_100));
        assert!(!Owner::new("a", None).has_expired(u64::MAX));
        assert_eq!(Owner::of(&BTreeMap::new()), None);
        let mut rule = Firewall::default();
        assert_eq!(Owner::of_rule(&rule), None);
        owner.mark_rule(&mut rule);
        assert_eq!(Owner::of_rule(&rule), Some(owner.clone()));
        assert_eq!(Owner::new(&"x".repeat(100), None).deployment.len(), 63);
        assert_eq!(Owner::filter(Some(&owner)), "labels.hydro-deployment=echo-test-7");
    }
}
