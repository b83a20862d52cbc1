//! `limits`, `sandbox` and `systemd` of a service: what it may use and do.
//!
//! Knows nothing of which machines can see to it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hydro_host::words::Bounds;
use serde_spanned::Spanned;
use toml::de::DeValue;

use super::read::{BAD_VALUE, Keys, Reader};
use super::value::param_text;
use crate::workspace::bounds::{not_yours, processors, size};

/// Keys of a service that are read here.
pub(super) const BOUNDS: [&str; 3] = ["limits", "sandbox", "systemd"];

const LIMITS: Keys = Keys { of: "limits", known: &["memory", "cpu", "tasks", "files"], later: &[] };

impl Reader {
    pub(super) fn bounds(&mut self, bounds: &mut Bounds, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) {
        match &**key.get_ref() {
            "sandbox" => bounds.sandbox = self.truth(key, value).unwrap_or_default(),
            "systemd" => bounds.properties = self.properties(key, value),
            _ => {
                let Some(table) = self.table(key, value) else { return };
                for (key, value) in self.known(table, &LIMITS) {
                    match &**key.get_ref() {
                        "memory" => bounds.memory = self.size(key, value),
                        "cpu" => bounds.cpu = self.processors(key, value),
                        "tasks" => bounds.tasks = self.number(key, value),
                        _ => bounds.files = self.number(key, value),
                    }
                }
            }
        }
    }

    fn size(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Option<u64> {
        if matches!(value.get_ref(), DeValue::Integer(_)) {
            return self.number(key, value);
        }
        let text = self.string(key, value)?;
        let bytes = size(text.get_ref());
        if bytes.is_none() {
            let error = self.error(BAD_VALUE, format!("`{}` is no size", text.get_ref()), text.span());
            error.hint = Some("write a number and a unit: `\"512 MiB\"`, `\"2 GiB\"`".to_owned());
        }
        bytes
    }

    fn processors(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Option<u32> {
        let number = match value.get_ref() {
            DeValue::Integer(_) | DeValue::Float(_) => param_text(value.get_ref()).ok(),
            _ => {
                self.wrong_kind(key, value, "a number");
                return None;
            }
        };
        let hundredths = number.and_then(|number| processors(number.parse().ok()?));
        if hundredths.is_none() {
            let error = self.error(BAD_VALUE, "that is no number of processors", value.span());
            error.hint = Some("`0.5` is half of one processor's time, `2` all of two".to_owned());
        }
        hundredths
    }

    fn number(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Option<u64> {
        let DeValue::Integer(integer) = value.get_ref() else {
            self.wrong_kind(key, value, "an integer");
            return None;
        };
        let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|number| *number > 0);
        if number.is_none() {
            self.error(BAD_VALUE, format!("`{}` is 1 or more", key.get_ref()), value.span());
        }
        number
    }

    fn properties(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> BTreeMap<String, String> {
        let Some(table) = self.table(key, value) else { return BTreeMap::new() };
        let mut properties = BTreeMap::new();
        for (name, value) in table {
            if let Some(hint) = not_yours(name.get_ref()) {
                let message = format!("`{}` cannot be said here", name.get_ref());
                self.error(BAD_VALUE, message, name.span()).hint = Some(hint.to_owned());
                continue;
            }
            let text = match value.get_ref() {
                DeValue::Array(_) | DeValue::Table(_) => None,
                scalar => param_text(scalar).ok().filter(|text| !text.contains(['\0', '\n'])),
            };
            match text {
                Some(text) => drop(properties.insert(name.get_ref().to_string(), text)),
                None => drop(self.wrong_kind(name, value, "a string of one line, a number or a boolean").code),
            }
        }
        properties
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use hydro_host::words::Bounds;

    #[test]
    fn limits_are_read_and_what_is_no_limit_is_told() {
        let text = "[services.a]\ncommand = [\"x\"]\nsandbox = true\nsystemd = { ProtectHome = false, CPUWeight = 50 }\n\
                    [services.a.limits]\nmemory = \"512 MiB\"\ncpu = 1.5\ntasks = 64\nfiles = 1024\n";
        let (file, wrong) = read(text);
        assert_eq!(wrong, []);
        let expected = Bounds {
            memory: Some(512 << 20),
            cpu: Some(150),
            tasks: Some(64),
            files: Some(1024),
            sandbox: true,
            properties: [("CPUWeight", "50"), ("ProtectHome", "false")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        };
        assert_eq!(file.services[0].1.bounds, expected);

        let text = "[services.a]\ncommand = [\"x\"]\nsandbox = 1\nsystemd = { Restart = \"no\", X = [1] }\n\
                    [services.a.limits]\nmemory = \"much\"\ncpu = 0\ntasks = \"x\"\nfiles = -1\nmemry = 1\n";
        let told: Vec<String> = read(text).1.into_iter().map(|wrong| wrong.message).collect();
        let expected = [
            "`sandbox` must be `true` or `false`",
            "`Restart` cannot be said here",
            "`X` must be a string of one line, a number or a boolean",
            "`much` is no size",
            "that is no number of processors",
            "`tasks` must be an integer",
            "`files` is 1 or more",
            "limits has no key `memry`",
        ];
        assert_eq!(told, expected);
    }
}
