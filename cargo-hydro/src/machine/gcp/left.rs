//! What of ours is in a project: machines and firewall rules, with whose they are and until when.
//!
//! Does not know which of it is still wanted.

use hydro_gcp::{Client, Error, Owner};
use serde::Serialize;

use super::account::failure;
use crate::report::Failure;

/// What sort of thing it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// A virtual machine.
    Machine,
    /// A firewall rule.
    Firewall,
}

/// A thing of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Left {
    /// What sort of thing it is.
    pub what: What,
    /// Its name.
    pub name: String,
    /// Its project.
    pub project: String,
    /// Its zone; none: it is one of the whole project.
    pub zone: Option<String>,
    /// The deployment it was made for.
    pub deployment: String,
    /// How Google says that it is: `RUNNING`, …; none: it is nothing that runs.
    pub status: Option<String>,
    /// When it may go, in seconds since 1970; none: when somebody says so.
    pub expires: Option<u64>,
}

impl Left {
    /// Finds what is in a project: of one deployment, or of all.
    ///
    /// # Errors
    /// Google refuses, or is not reached.
    pub async fn find(client: &Client, deployment: Option<&str>) -> Result<Vec<Self>, Failure> {
        let wanted = deployment.map(|name| Owner::new(name, None));
        let is_wanted = |owner: &Owner| wanted.as_ref().is_none_or(|wanted| wanted.deployment == owner.deployment);
        let all = async {
            let instances = client.instances(&Owner::filter(wanted.as_ref())).await?;
            Ok::<_, Error>((instances, client.firewalls(Owner::RULES).await?))
        };
        let (instances, rules) = all.await.map_err(|error| failure(&error))?;
        let project = client.project();
        let of = |what: What, name: String, owner: Owner| Self {
            what,
            name,
            project: project.to_owned(),
            zone: None,
            deployment: owner.deployment,
            status: None,
            expires: owner.expires,
        };
        let machines = instances.into_iter().filter_map(|instance| {
            let owner = Owner::of(&instance.labels).filter(is_wanted)?;
            let zone = Some(instance.zone_name().to_owned());
            Some(Self { zone, status: Some(instance.status), ..of(What::Machine, instance.name, owner) })
        });
        let rules = rules.into_iter().filter_map(|rule| {
            let owner = Owner::of_rule(&rule).filter(is_wanted)?;
            Some(of(What::Firewall, rule.name, owner))
        });
        Ok(machines.collect::<Vec<_>>().into_iter().chain(rules).collect())
    }

    /// Deletes it, and waits until it is gone. That it is gone already is as good.
    ///
    /// # Errors
    /// Google refuses, or is not reached.
    pub async fn delete(&self, client: &Client) -> Result<(), Failure> {
        let operation = match (&self.zone, self.what) {
            (Some(zone), What::Machine) => client.delete_instance(zone, &self.name).await,
            _ => client.delete_firewall(&self.name).await,
        };
        let deleted = async {
            match operation? {
                Some(operation) => client.wait(&operation).await,
                None => Ok(()),
            }
        };
        deleted.await.map_err(|error| failure(&error))
    }

    /// Whether its time is over.
    #[must_use]
    pub fn has_expired(&self, now: u64) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}
