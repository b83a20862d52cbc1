//! How a machine is reached: what `ssh` is told, on top of the user's configuration.

use std::net::IpAddr;
use std::path::PathBuf;

use hydro_host::words::Services;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SshTarget {
    /// A name or an address, or a `Host` of the user's configuration.
    pub host: String,
    /// The user there; none: as the configuration says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The port; none: as the configuration says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The only key that is tried; none: those of the configuration and the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// A configuration file instead of the user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<PathBuf>,
    /// A file of known hosts instead of the user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_hosts: Option<PathBuf>,
    /// Hosts on the way there, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jump: Vec<String>,
    /// The address at which other machines reach it; none: the one at which it is reached from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The address at which it is reached from everywhere, where that is another one; none: it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside: Option<IpAddr>,
    /// What keeps services up there, where nothing is there yet.
    #[serde(default, skip_serializing_if = "is_auto")]
    pub services: Services,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_auto(services: &Services) -> bool {
    *services == Services::Auto
}

impl SshTarget {
    /// Whether both lead to one machine and one user there, whatever opens it.
    #[must_use]
    pub fn is_same_machine(&self, other: &Self) -> bool {
        (&self.host, &self.user, self.port) == (&other.host, &other.user, other.port)
    }

    /// Returns the command that a person would use to get there.
    #[must_use]
    pub fn command(&self) -> String {
        let mut words = vec!["ssh".to_owned()];
        let files = [("-F", &self.config), ("-i", &self.key)];
        for (flag, file) in files.into_iter().filter_map(|(flag, file)| Some((flag, file.as_ref()?))) {
            words.extend([flag.to_owned(), file.display().to_string()]);
        }
        if let Some(known) = &self.known_hosts {
            words.extend(["-o".to_owned(), format!("UserKnownHostsFile={}", known.display())]);
        }
        words.extend(self.port.iter().flat_map(|port| ["-p".to_owned(), port.to_string()]));
        if !self.jump.is_empty() {
            words.extend(["-J".to_owned(), self.jump.join(",")]);
        }
        words.push(self.to_string());
        words.join(" ")
    }
}

impl std::fmt::Display for SshTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.user {
            Some(user) => write!(f, "{user}@{}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_can_try_the_same_way() {
        let plain = SshTarget { host: "far".into(), ..SshTarget::default() };
        assert_eq!(plain.command(), "ssh far");
        let all = SshTarget {
            user: Some("me".into()),
            port: Some(2222),
            key: Some("id".into()),
            config: Some("conf".into()),
            known_hosts: Some("known".into()),
            jump: vec!["a".into(), "b".into()],
            ..plain
        };
        assert_eq!(all.command(), "ssh -F conf -i id -o UserKnownHostsFile=known -p 2222 -J a,b me@far");
    }
}
