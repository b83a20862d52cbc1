//! What is asked of Compute Engine, one method each.
//!
//! Knows the API's paths; how a request is sent and tried again is `request`'s affair.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::auth::Credentials;
use crate::error::{Error, Kind};
use crate::firewall::Firewall;
use crate::instance::Instance;
use crate::operation::{Operation, last};
use crate::place::{Image, MachineType, Network, Region, Zone};
use crate::request::{Ask, Sender};

/// Where Google answers.
const ENDPOINT: &str = "https://compute.googleapis.com/compute/v1";
/// The pause before a second try.
const PAUSE: Duration = Duration::from_secs(1);

/// What a client needs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The project.
    pub project: String,
    /// Who asks.
    pub credentials: Credentials,
    /// Where the API answers, up to `/compute/v1`; none: at Google's.
    pub endpoint: Option<String>,
    /// The pause before a second try, and between two looks at an operation; none: a second.
    pub pause: Option<Duration>,
}

/// One project of Compute Engine.
#[derive(Clone, Debug)]
pub struct Client {
    sender: Sender,
    project: String,
}

/// A page of a list. Aggregated lists have an object in the list's place.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: DeserializeOwned")]
struct Page<T> {
    #[serde(default)]
    items: Option<T>,
    #[serde(default)]
    next_page_token: Option<String>,
}

/// What an aggregated list has of a zone.
#[derive(Deserialize)]
struct OfZone {
    #[serde(default)]
    instances: Vec<Instance>,
}

/// What a machine tells of itself.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GuestAttributes {
    query_value: Attributes,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Attributes {
    items: Vec<Attribute>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Attribute {
    key: String,
    value: String,
}

impl Client {
    /// Makes a client. Nothing is asked yet.
    ///
    /// # Errors
    /// The endpoint is none, or would have tokens sent in the clear; the project's name cannot be one.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let Settings { project, credentials, endpoint, pause } = settings;
        name("the project", &project)?;
        let endpoint = endpoint.as_deref().unwrap_or(ENDPOINT);
        Ok(Self { sender: Sender::new(endpoint, credentials, pause.unwrap_or(PAUSE))?, project })
    }

    /// Returns the project.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.project
    }

    /// Makes an instance; it is there when the operation is done.
    ///
    /// # Errors
    /// Google refuses: there is one of that name, a quota is used up, …
    pub async fn insert_instance(&self, zone: &str, instance: &Instance) -> Result<Operation, Error> {
        name("the zone", zone)?;
        let what = format!("create the machine `{}`", instance.name);
        self.insert(what, format!("zones/{zone}/instances"), instance).await
    }

    /// Returns an instance; none: there is none of that name.
    ///
    /// # Errors
    /// Google refuses, or is not reached.
    pub async fn instance(&self, zone: &str, instance: &str) -> Result<Option<Instance>, Error> {
        let path = instance_path(zone, instance)?;
        found(self.get(format!("look at the machine `{instance}`"), &path).await)
    }

    /// Deletes an instance; none: there is none of that name.
    ///
    /// # Errors
    /// Google refuses, or is not reached.
    pub async fn delete_instance(&self, zone: &str, instance: &str) -> Result<Option<Operation>, Error> {
        let path = instance_path(zone, instance)?;
        self.delete(format!("delete the machine `{instance}`"), &path).await
    }

    /// Starts an instance that was stopped; none: there is none of that name.
    ///
    /// # Errors
    /// Google refuses, or is not reached.
    pub async fn start_instance(&self, zone: &str, instance: &str) -> Result<Option<Operation>, Error> {
        let path = format!("{}/start", instance_path(zone, instance)?);
        let what = format!("start the machine `{instance}`");
        found(self.send(&self.ask(what, Method::POST, &path).once()).await)
    }

    /// Returns the instances of all zones that a filter takes, as [`Owner::filter`](crate::Owner::filter) makes one.
    ///
    /// # Errors
    /// Google refuses, or is not reached.
    pub async fn instances(&self, filter: &str) -> Result<Vec<Instance>, Error> {
        let zones: Vec<BTreeMap<String, OfZone>> =
            self.pages("list the project's machines", "aggregated/instances", filter).await?;
        Ok(zones.into_iter().flat_map(BTreeMap::into_values).flat_map(|zone| zone.instances).collect())
    }

    /// Returns the public host keys that a machine has told Google of, as in `known_hosts`: `ssh-ed25519 AAAA…`. None: it has not told yet. Its metadata has to
    /// have `enable-guest-attributes = TRUE`.
    ///
    /// # Errors
    /// Google refuses, or is not reached.
    pub async fn host_keys(&self, zone: &str, instance: &str) -> Result<Vec<String>, Error> {
        let path = format!("{}/getGuestAttributes", instance_path(zone, instance)?);
        let ask = self.ask(format!("ask for the host keys of `{instance}`"), Method::GET, &path);
        let told = found::<GuestAttributes>(self.send(&ask.query("queryPath", "hostkeys/")).await)?.unwrap_or_default();
        Ok(told.query_value.items.into_iter().map(|item| format!("{} {}", item.key, item.value)).collect())
    }

    /// Waits until an operation is over. Google holds each question until it is, or for two minutes; in between there is a pause.
    ///
    /// # Errors
    /// The change failed, or Google is not reached.
    pub async fn wait(&self, operation: &Operation) -> Result<(), Error> {
        let mut now = operation.clone();
        while !now.is_done() {
            let place = now.zone_name().map_or("global".to_owned(), |zone| format!("zones/{zone}"));
            let ask = self.ask(now.what(), Method::POST, &format!("{place}/operations/{}/wait", now.name));
            now = self.send(&ask).await?;
            if !now.is_done() {
                tokio::time::sleep(self.sender.pause()).await;
            }
        }
        now.outcome().map_err(|error| error.of_project(&self.project))
    }

    /// Makes a firewall rule.
    ///
    /// # Errors
    /// As [`Client::insert_instance`].
    pub async fn insert_firewall(&self, firewall: &Firewall) -> Result<Operation, Error> {
        let what = format!("create the firewall rule `{}`", firewall.name);
        self.insert(what, "global/firewalls".to_owned(), firewall).await
    }

    /// Returns a firewall rule; none: there is none of that name.
    ///
    /// # Errors
    /// Google refuses, or is not reached.
    pub async fn firewall(&self, firewall: &str) -> Result<Option<Firewall>, Error> {
        name("the firewall rule", firewall)?;
        let what = format!("look at the firewall rule `{firewall}`");
        found(self.get(what, &format!("global/firewalls/{firewall}")).await)
    }

    /// Puts a firewall rule in the place of the one that has its name; none: there is none of that name.
    ///
    /// # Errors
    /// As [`Client::insert_instance`].
    pub async fn update_firewall(&self, firewall: &Firewall) -> Result<Option<Operation>, Error> {
        name("the firewall rule", &firewall.name)?;
        let what = format!("change the firewall rule `{}`", firewall.name);
        let body =
            serde_json::to_string(firewall).map_err(|error| Error::new(Kind::Invalid, &what, error.to_string()))?;
        let path = format!("global/firewalls/{}", firewall.name);
        let ask = Ask { body: Some(body), ..self.ask(what, Method::PUT, &path).once() };
        found(self.send(&ask).await)
    }

    /// Deletes a firewall rule; none: there is none of that name.
    ///
    /// # Errors
    /// Google refuses, or is not reached.
    pub async fn delete_firewall(&self, firewall: &str) -> Result<Option<Operation>, Error> {
        name("the firewall rule", firewall)?;
        let what = format!("delete the firewall rule `{firewall}`");
        self.delete(what, &format!("global/firewalls/{firewall}")).await
    }

    /// Returns the firewall rules whose names begin so.
    ///
    /// # Errors
    /// Google refuses, or is not reached.
    pub async fn firewalls(&self, beginning: &str) -> Result<Vec<Firewall>, Error> {
        let filter = format!("name eq \"{beginning}.*\"");
        let pages: Vec<Vec<Firewall>> =
            self.pages("list the project's firewall rules", "global/firewalls", &filter).await?;
        // Whatever the filter lets through: what is deleted later must be ours.
        Ok(pages.into_iter().flatten().filter(|rule| rule.name.starts_with(beginning)).collect())
    }

    /// Returns a network; none: there is none of that name.
    ///
    /// # Errors
    /// Google refuses, or is not reached.
    pub async fn network(&self, network: &str) -> Result<Option<Network>, Error> {
        name("the network", network)?;
        found(self.get(format!("look at the network `{network}`"), &format!("global/networks/{network}")).await)
    }

    /// Returns the newest image of a family, which may be another project's (`debian-cloud`); none: there is none.
    ///
    /// # Errors
    /// Google refuses, or is not reached.
    pub async fn image_of_family(&self, project: &str, family: &str) -> Result<Option<Image>, Error> {
        name("the project", project)?;
        name("the family", family)?;
        let path = format!("projects/{project}/global/images/family/{family}");
        let ask = Ask::new(format!("find the image `{family}` of `{project}`"), Method::GET, path);
        found(self.send(&ask).await)
    }

    /// Returns a zone; none: there is none of that name.
    ///
    /// # Errors
    /// Google refuses, or is not reached.
    pub async fn zone(&self, zone: &str) -> Result<Option<Zone>, Error> {
        name("the zone", zone)?;
        found(self.get(format!("look at the zone `{zone}`"), &format!("zones/{zone}")).await)
    }

    /// Returns a region with its quotas; none: there is none of that name.
    ///
    /// # Errors
    /// Google refuses, or is not reached.
    pub async fn region(&self, region: &str) -> Result<Option<Region>, Error> {
        name("the region", region)?;
        found(self.get(format!("look at the quotas of `{region}`"), &format!("regions/{region}")).await)
    }

    /// Returns a machine type of a zone; none: the zone has none of that name.
    ///
    /// # Errors
    /// Google refuses, or is not reached.
    pub async fn machine_type(&self, zone: &str, machine_type: &str) -> Result<Option<MachineType>, Error> {
        name("the zone", zone)?;
        name("the machine type", machine_type)?;
        let what = format!("look at the machine type `{machine_type}`");
        found(self.get(what, &format!("zones/{zone}/machineTypes/{machine_type}")).await)
    }

    fn ask(&self, what: impl Into<String>, method: Method, path: &str) -> Ask {
        Ask::new(what, method, format!("projects/{}/{path}", self.project))
    }

    async fn send<T: DeserializeOwned>(&self, ask: &Ask) -> Result<T, Error> {
        self.sender.send(ask).await.map_err(|error| error.of_project(&self.project))
    }

    async fn get<T: DeserializeOwned>(&self, what: String, path: &str) -> Result<T, Error> {
        self.send(&self.ask(what, Method::GET, path)).await
    }

    async fn insert<T: Serialize>(&self, what: String, path: String, thing: &T) -> Result<Operation, Error> {
        let body = serde_json::to_string(thing).map_err(|error| Error::new(Kind::Invalid, &what, error.to_string()))?;
        let ask = Ask { body: Some(body), ..self.ask(what, Method::POST, &path).once() };
        self.send(&ask).await
    }

    async fn delete(&self, what: String, path: &str) -> Result<Option<Operation>, Error> {
        found(self.send(&self.ask(what, Method::DELETE, path).once()).await)
    }

    /// Reads all pages of a list.
    async fn pages<T: DeserializeOwned>(&self, what: &str, path: &str, filter: &str) -> Result<Vec<T>, Error> {
        let mut pages = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let mut ask = self.ask(what, Method::GET, path).query("filter", filter);
            if let Some(token) = next {
                ask = ask.query("pageToken", token);
            }
            let page: Page<T> = self.send(&ask).await?;
            pages.extend(page.items);
            next = page.next_page_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(pages);
            }
        }
    }
}

/// What is not there is an answer too.
fn found<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(thing) => Ok(Some(thing)),
        Err(error) if error.kind() == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn instance_path(zone: &str, instance: &str) -> Result<String, Error> {
    name("the zone", zone)?;
    name("the machine", instance)?;
    Ok(format!("zones/{zone}/instances/{instance}"))
}

/// Names become parts of paths, so they must not lead elsewhere.
fn name(of: &str, text: &str) -> Result<(), Error> {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | ':');
    if text.is_empty() || text.starts_with('.') || !text.chars().all(is_letter) {
        let words = "a name has letters, digits, `-` and `_`";
        return Err(Error::new(Kind::Invalid, format!("use `{text}` as the name of {}", last(of)), words));
    }
    Ok(())
}
