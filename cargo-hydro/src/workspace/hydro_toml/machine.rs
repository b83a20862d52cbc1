//! `[machines.NAME]`: the kinds of machines and what each needs.
//!
//! Knows nothing of how a machine comes about.

use std::borrow::Cow;

use hydro_host::words::Services;
use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::raw::{RawKind, RawMachine, RawSsh};
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
    ],
    later: &["image"],
};

/// What is written of a machine, whichever kind it is.
#[derive(Default)]
struct Written {
    kind: Option<Spanned<String>>,
    project: Option<Spanned<String>>,
    zone: Option<Spanned<String>>,
    machine_type: Option<Spanned<String>>,
    host: Option<Spanned<String>>,
    ssh: RawSsh,
    target: RawTarget,
}

impl Reader {
    pub(super) fn machine(&mut self, name: &Spanned<Cow<'_, str>>, table: &DeTable<'_>) -> Option<RawMachine> {
        let mut written = Written::default();
        for (key, value) in self.known(table, &MACHINE) {
            self.machine_key(key, value, &mut written);
        }
        let Written { kind, project, zone, machine_type, host, ssh, target } = written;
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
                RawKind::Ssh(RawSsh { host: need(host, "host", hint)?, ..ssh })
            }
            "gcp" => {
                let hint = "a gcp machine needs `project`, `zone` and `type`";
                let (project, zone) = (need(project, "project", hint), need(zone, "zone", hint));
                let machine_type = need(machine_type, "type", hint);
                RawKind::Gcp { project: project?, zone: zone?, machine_type: machine_type? }
            }
            other => {
                let error = self.error(BAD_VALUE, format!("there is no kind of machine called `{other}`"), kind.span());
                error.hint = Some("the kinds of machines are `localhost`, `ssh` and `gcp`".to_owned());
                return None;
            }
        };
        Some(RawMachine { kind, target })
    }

    fn machine_key(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>, written: &mut Written) {
        match &**key.get_ref() {
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
                    "services" => match Services::of(text.get_ref()) {
                        Some(services) => written.ssh.services = services,
                        None => {
                            let what = format!("`services` cannot be `{}`", text.get_ref());
                            let error = self.error(BAD_VALUE, what, text.span());
                            let hint = "services are kept up by `systemd`, or `plain` without it; `auto` takes systemd where it is";
                            error.hint = Some(hint.to_owned());
                        }
                    },
                    _ => match text.get_ref().parse() {
                        Ok(address) => written.ssh.address = Some(address),
                        Err(_) => {
                            let what = format!("`{}` is no IP address", text.get_ref());
                            self.error(BAD_VALUE, what, text.span());
                        }
                    },
                }
            }
        }
    }

    fn port_number(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Option<u16> {
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
