//! A virtual machine at Google Cloud as it is wished for, and as it is written down before it is made.
//!
//! Values only, also in a command that was built without Google Cloud.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::report::Failure;

/// The longest that a deployment's or a machine's name is within a name at Google.
const PART: usize = 16;

/// What a virtual machine is made of, and how long it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudMachine {
    /// The project.
    pub project: String,
    /// The zone.
    pub zone: String,
    /// The machine type.
    pub machine_type: String,
    /// The image: a family of Debian's, `PROJECT/FAMILY`, or `projects/…`; none: Debian.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The size of its disk in GB; none: the image's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<u32>,
    /// Whether Google may take it away, for a lower price.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub spot: bool,
    /// `NETWORK` or `NETWORK/SUBNETWORK`; none: `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// Google deletes it after so many seconds, whoever is still there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
    /// It stops itself when nobody was connected for so many seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autostop: Option<u64>,
    /// By which of its addresses it is reached from here.
    #[serde(skip_serializing_if = "is_external")]
    pub address: Reached,
}

/// Which of a machine's addresses counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reached {
    /// The public one.
    #[default]
    External,
    /// The one within its network: whoever deploys is in there, too. The machine has no public one.
    Internal,
}

impl Reached {
    /// Returns what this word says.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "external" => Some(Self::External),
            "internal" => Some(Self::Internal),
            _ => None,
        }
    }
}

/// A virtual machine that is about to be made, or was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudRecord {
    /// What it is made of.
    pub wish: CloudMachine,
    /// What it is called at Google: chosen before it is made, so that it is found whatever happens meanwhile.
    pub instance: String,
    /// Whose it is, as its labels say.
    pub owner: String,
}

impl CloudMachine {
    /// Returns the network's name.
    #[must_use]
    pub fn network(&self) -> &str {
        let whole = self.network.as_deref().unwrap_or("default");
        whole.split_once('/').map_or(whole, |(network, _)| network)
    }

    /// Returns the subnetwork's name, where one is wished for.
    #[must_use]
    pub fn subnetwork(&self) -> Option<&str> {
        self.network.as_deref()?.split_once('/').map(|(_, subnetwork)| subnetwork)
    }

    /// Returns the region of its zone.
    #[must_use]
    pub fn region(&self) -> &str {
        self.zone.rsplit_once('-').map_or(&self.zone, |(region, _)| region)
    }

    /// Whether both can reach each other within one network.
    #[must_use]
    pub fn is_beside(&self, other: &Self) -> bool {
        (&self.project, self.network()) == (&other.project, other.network())
    }
}

impl CloudRecord {
    /// Names a machine of a deployment. `token` tells apart what is called alike and belongs to others.
    #[must_use]
    pub fn new(wish: CloudMachine, (deployment, machine): (&str, &str), token: &str) -> Self {
        let owner = owner(deployment, token);
        let hash = short(&[token, deployment, machine]);
        let instance = format!("hydro-{}-{}-{hash}", part(deployment), part(machine));
        Self { wish, instance, owner }
    }

    /// Returns the name of the firewall rule that lets us in.
    #[must_use]
    pub fn entrance(&self) -> String {
        format!("{}-ssh", self.instance)
    }

    /// Returns the name of the firewall rule that lets everybody in, to ports that are exposed.
    #[must_use]
    pub fn exposed(&self) -> String {
        format!("{}-open", self.instance)
    }

    /// Returns the name of the firewall rule that lets its peers in.
    #[must_use]
    pub fn links(&self) -> String {
        format!("{}-links", self.instance)
    }
}

/// Returns what machines of a deployment are labelled with.
fn owner(deployment: &str, token: &str) -> String {
    format!("{}-{}", part(deployment), short(&[token, deployment]))
}

/// Names at Google have lower case, digits and `-`.
fn part(name: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    name.chars().map(letter).take(PART).collect::<String>().trim_matches('-').to_owned()
}

fn short(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update(&[0]);
    }
    hasher.finalize().to_hex()[..8].to_owned()
}

fn is_external(reached: &Reached) -> bool {
    *reached == Reached::External
}

/// A machine that is up.
#[derive(Clone, Debug)]
pub struct Up {
    /// Where it is reached from here.
    pub address: IpAddr,
    /// Its address within its network.
    pub internal: Option<IpAddr>,
    /// Its host keys, as `ssh-ed25519 AAAA…`.
    pub host_keys: Vec<String>,
    /// Whether there was none before.
    pub is_new: bool,
}

/// Why a machine is not up.
#[derive(Clone, Debug)]
pub struct NotReady {
    /// What went wrong.
    pub failure: Failure,
    /// Whether something may have been made all the same.
    pub left: bool,
}

/// Who may come to a machine, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// Ports.
    pub ports: Vec<u16>,
    /// Machines of the same network, by their names at Google.
    pub machines: Vec<String>,
    /// Others, by their addresses.
    pub addresses: Vec<IpAddr>,
    /// Whoever wishes.
    pub everybody: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_googles_and_nobody_elses() {
        let named = |deployment: &str, machine: &str, token: &str| {
            CloudRecord::new(CloudMachine::default(), (deployment, machine), token)
        };
        let one = named("Echo Test, with a very long name", "gcp_2", "token");
        assert!(one.instance.starts_with("hydro-echo-test--with-gcp-2-"), "{}", one.instance);
        assert!(one.links().len() <= 63 && one.owner.starts_with("echo-test--with-"), "{one:?}");
        assert_eq!(one, named("Echo Test, with a very long name", "gcp_2", "token"), "the same each time");
        for other in [named("echo", "gcp_2", "token"), named("echo", "gcp_3", "token"), named("echo", "gcp_2", "other")]
        {
            assert_ne!(one.instance, other.instance);
        }
    }

    #[test]
    fn a_network_may_have_a_part() {
        let wish =
            CloudMachine { network: Some("wide/near".into()), zone: "us-west1-a".into(), ..CloudMachine::default() };
        assert_eq!((wish.network(), wish.subnetwork(), wish.region()), ("wide", Some("near"), "us-west1"));
        let plain = CloudMachine::default();
        assert_eq!((plain.network(), plain.subnetwork()), ("default", None));
        assert!(!plain.is_beside(&wish));
    }
}
