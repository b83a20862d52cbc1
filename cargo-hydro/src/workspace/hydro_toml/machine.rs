//! `[machines.NAME]`: the kinds of machines and what each needs.
//!
//! Knows nothing of how a machine comes about.

use std::borrow::Cow;

use serde_spanned::Spanned;
use toml::de::DeTable;

use super::raw::{RawKind, RawMachine};
use super::read::{BAD_VALUE, Keys, Reader};

const MACHINE: Keys =
    Keys { of: "a machine", known: &["kind", "project", "zone", "type"], later: &["address", "user", "key", "image"] };

impl Reader {
    pub(super) fn machine(&mut self, name: &Spanned<Cow<'_, str>>, table: &DeTable<'_>) -> Option<RawMachine> {
        let (mut kind, mut project, mut zone, mut machine_type) = (None, None, None, None);
        for (key, value) in self.known(table, &MACHINE) {
            let text = self.string(key, value);
            match &**key.get_ref() {
                "kind" => kind = text,
                "project" => project = text,
                "zone" => zone = text,
                _ => machine_type = text,
            }
        }
        let Some(kind) = kind else {
            self.missing(table, name, "kind", "say what it is: `kind = \"localhost\"` or `kind = \"gcp\"`");
            return None;
        };
        let kind = match kind.get_ref().as_str() {
            "localhost" => RawKind::Localhost,
            "gcp" => {
                let mut need = |word: Option<Spanned<String>>, key: &str| match word {
                    Some(word) => Some(word.into_inner()),
                    None => {
                        self.missing(table, name, key, "a gcp machine needs `project`, `zone` and `type`");
                        None
                    }
                };
                let (project, zone, machine_type) =
                    (need(project, "project"), need(zone, "zone"), need(machine_type, "type"));
                RawKind::Gcp { project: project?, zone: zone?, machine_type: machine_type? }
            }
            "ssh" => {
                let error = self.error(BAD_VALUE, "ssh machines are not supported yet", kind.span());
                error.hint = Some("the kinds of machines are `localhost` and `gcp`".to_owned());
                return None;
            }
            other => {
                let error = self.error(BAD_VALUE, format!("there is no kind of machine called `{other}`"), kind.span());
                error.hint = Some("the kinds of machines are `localhost` and `gcp`".to_owned());
                return None;
            }
        };
        Some(RawMachine { kind })
    }
}
