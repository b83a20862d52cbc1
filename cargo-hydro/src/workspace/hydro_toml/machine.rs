//! `[machines.NAME]`: the kinds of machines and what each needs.
//!
//! Knows nothing of how a machine comes about.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use hydro_host::words::Services;
use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::raw::{RawCloud, RawKind, RawMachine, RawSsh};
use super::read::{BAD_VALUE, Keys, Reader};
use super::target::RawTarget;

const MACHINE: Keys = Keys {
    of: "a machine",
    known: &[
        "kind",
        "project",
        "zone",
        "type",
        "host",
        "user",
        "port",
        "key",
        "config",
        "known_hosts",
        "jump",
        "address",
        "services",
        "target",
        "builder",
        "libc",
        "image",
        "disk",
        "spot",
        "network",
        "ttl",
        "autostop",
        "closed",
    ],
    later: &[],
};

/// What is written of a machine, whichever kind it is.
#[derive(Default)]
struct Written {
    kind: Option<Spanned<String>>,
    project: Option<Spanned<String>>,
    zone: Option<Spanned<String>>,
    machine_type: Option<Spanned<String>>,
    host: Option<Spanned<String>>,
    address: Option<Spanned<String>>,
    ssh: RawSsh,
    cloud: RawCloud,
    /// Keys that only some kind of machine has, as they were written.
    special: Vec<Spanned<String>>,
    target: RawTarget,
    closed: bool,
}

/// Keys that only machines over ssh have.
const OF_SSH: [&str; 8] = ["host", "user", "port", "key", "config", "known_hosts", "jump", "services"];
/// Keys that only machines of Google Cloud have.
const OF_GCP: [&str; 9] = ["project", "zone", "type", "image", "disk", "spot", "network", "ttl", "autostop"];
/// The longest that a virtual machine may be wished to live: Google's own bound.
const LONGEST: Duration = Duration::from_secs(120 * 24 * 3600);
/// The shortest.
const SHORTEST: Duration = Duration::from_secs(30);

impl Reader {
    pub(super) fn machine(&mut self, name: &Spanned<Cow<'_, str>>, table: &DeTable<'_>) -> Option<RawMachine> {
        let mut written = Written::default();
        for (key, value) in self.known(table, &MACHINE) {
            self.machine_key(key, value, &mut written);
        }
        let Written { kind, project, zone, machine_type, host, address, ssh, cloud, special, target, closed } = written;
        let Some(kind) = kind else {
            self.missing(table, name, "kind", "say what it is: `kind = \"ssh\"`, `\"gcp\"` or `\"localhost\"`");
            return None;
        };
        let mut need = |word: Option<Spanned<String>>, key: &str, hint: &str| match word {
            Some(word) => Some(word.into_inner()),
            None => {
                self.missing(table, name, key, hint);
                None
            }
        };
        let kind = match kind.get_ref().as_str() {
            "localhost" => RawKind::Localhost,
            "ssh" => {
                let hint = "say where it is: a name or an address, or a `Host` of your ssh configuration";
                let host = need(host, "host", hint)?;
                RawKind::Ssh(RawSsh { host, address: address.and_then(|text| self.ip_address(&text)), ..ssh })
            }
            "gcp" => {
                let hint = "a gcp machine needs `project`, `zone` and `type`";
                let (project, zone) = (need(project, "project", hint), need(zone, "zone", hint));
                let machine_type = need(machine_type, "type", hint);
                let is_internal = address.is_some_and(|text| self.is_internal(&text));
                let (project, zone, machine_type) = (project?, zone?, machine_type?);
                RawKind::Gcp(RawCloud { project, zone, machine_type, is_internal, ..cloud })
            }
            other => {
                let error = self.error(BAD_VALUE, format!("there is no kind of machine called `{other}`"), kind.span());
                error.hint = Some("the kinds of machines are `localhost`, `ssh` and `gcp`".to_owned());
                return None;
            }
        };
        self.special(&kind, special);
        Some(RawMachine { closed, kind, target })
    }

    fn machine_key(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>, written: &mut Written) {
        let word: &str = key.get_ref();
        if OF_SSH.contains(&word) || OF_GCP.contains(&word) {
            written.special.push(Spanned::new(key.span(), word.to_owned()));
        }
        match word {
            "disk" => written.cloud.disk = self.gigabytes(key, value),
            "closed" => written.closed = self.truth(key, value).unwrap_or_default(),
            "spot" => written.cloud.spot = self.truth(key, value).unwrap_or_default(),
            "ttl" => written.cloud.ttl = self.lifetime(key, value),
            "autostop" => written.cloud.autostop = self.lifetime(key, value),
            "port" => written.ssh.port = self.port_number(key, value),
            "jump" => written.ssh.jump = self.strings(key, value).unwrap_or_default(),
            word => {
                let Some(text) = self.string(key, value) else { return };
                match word {
                    "kind" => written.kind = Some(text),
                    "project" => written.project = Some(text),
                    "zone" => written.zone = Some(text),
                    "type" => written.machine_type = Some(text),
                    "target" | "builder" | "libc" => self.target(&mut written.target, word, text),
                    "host" => written.host = Some(text),
                    "user" => written.ssh.user = Some(text.into_inner()),
                    "key" => written.ssh.key = Some(text.into_inner()),
                    "config" => written.ssh.config = Some(text.into_inner()),
                    "known_hosts" => written.ssh.known_hosts = Some(text.into_inner()),
                    "image" => written.cloud.image = Some(text.into_inner()),
                    "network" => written.cloud.network = Some(text.into_inner()),
                    "services" => match Services::of(text.get_ref()) {
                        Some(services) => written.ssh.services = services,
                        None => {
                            let what = format!("`services` cannot be `{}`", text.get_ref());
                            let error = self.error(BAD_VALUE, what, text.span());
                            let hint = "services are kept up by `systemd`, or `plain` without it; `auto` takes systemd where it is";
                            error.hint = Some(hint.to_owned());
                        }
                    },
                    _ => written.address = Some(text),
                }
            }
        }
    }

    /// Says which keys another kind of machine has.
    fn special(&mut self, kind: &RawKind, special: Vec<Spanned<String>>) {
        let (name, known): (&str, &[&str]) = match kind {
            RawKind::Localhost => ("localhost", &[]),
            RawKind::Ssh(_) => ("ssh", &OF_SSH),
            RawKind::Gcp(_) => ("gcp", &OF_GCP),
        };
        for key in special.into_iter().filter(|key| !known.contains(&key.get_ref().as_str())) {
            let other = if OF_SSH.contains(&key.get_ref().as_str()) { "ssh" } else { "gcp" };
            let what =
                format!("`{}` is a key of the kind `{other}`, and this machine is of the kind `{name}`", key.get_ref());
            self.error(BAD_VALUE, what, key.span()).hint = Some("leave it out".to_owned());
        }
    }

    fn ip_address(&mut self, text: &Spanned<String>) -> Option<IpAddr> {
        let address = text.get_ref().parse().ok();
        if address.is_none() {
            self.error(BAD_VALUE, format!("`{}` is no IP address", text.get_ref()), text.span());
        }
        address
    }

    fn is_internal(&mut self, text: &Spanned<String>) -> bool {
        if !matches!(text.get_ref().as_str(), "internal" | "external") {
            let what = format!("`{}` is neither `external` nor `internal`", text.get_ref());
            self.error(BAD_VALUE, what, text.span());
        }
        text.get_ref() == "internal"
    }

    fn lifetime(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Option<Duration> {
        let lifetime = self.duration(key, value)?;
        if !(SHORTEST..=LONGEST).contains(&lifetime) {
            self.error(BAD_VALUE, "a virtual machine lives between 30 seconds and 120 days", value.span());
            return None;
        }
        Some(lifetime)
    }

    fn gigabytes(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Option<u32> {
        let DeValue::Integer(integer) = value.get_ref() else {
            self.wrong_kind(key, value, "an integer");
            return None;
        };
        let size =
            u32::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|size| (10..=65_536).contains(size));
        if size.is_none() {
            self.error(BAD_VALUE, "a disk has between 10 and 65536 GB", value.span());
        }
        size
    }

    pub(super) fn port_number(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Option<u16> {
        let DeValue::Integer(integer) = value.get_ref() else {
            self.wrong_kind(key, value, "an integer");
            return None;
        };
        let port = u16::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|port| *port > 0);
        if port.is_none() {
            self.error(BAD_VALUE, "a port is between 1 and 65535", value.span());
        }
        port
    }
}
