//! `[services.NAME.health]`: how it is found out whether a service is well.
//!
//! Knows the words, not how to ask.

use std::borrow::Cow;
use std::time::Duration;

use serde_spanned::Spanned;
use toml::de::DeValue;

use super::raw::{RawCheck, RawHealth};
use super::read::{BAD_VALUE, CONFLICT, Keys, MISSING_KEY, Reader};

const HEALTH: Keys =
    Keys { of: "the health", known: &["command", "http", "log", "port", "timeout", "every", "failures"], later: &[] };
/// Keys that are no way of asking.
const SETTINGS: [&str; 3] = ["timeout", "every", "failures"];
/// How long a start may take that does not say it.
const USUAL: Duration = Duration::from_secs(30);
/// How often in a row a member that does not say it must fail to count as failed.
const FAILURES: u32 = 3;

impl Reader {
    pub(super) fn health(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Option<RawHealth> {
        let table = self.table(key, value)?;
        let mut checks = Vec::new();
        let (mut timeout, mut every, mut failures) = (USUAL, None, None);
        for (key, value) in self.known(table, &HEALTH) {
            let text = |check: fn(String) -> RawCheck| move |text: Spanned<String>| check(text.into_inner());
            let check = match &**key.get_ref() {
                "timeout" => {
                    timeout = self.duration(key, value).unwrap_or(USUAL);
                    continue;
                }
                "every" => {
                    every = self.duration(key, value).map(|every| (key, every));
                    continue;
                }
                "failures" => {
                    failures = self.failures(key, value).map(|failures| (key, failures));
                    continue;
                }
                "command" => self.command(key, value).map(RawCheck::Command),
                "http" => self.string(key, value).and_then(|url| self.url(&url)),
                "log" => self.string(key, value).map(text(RawCheck::Log)),
                _ => self.string(key, value).map(text(RawCheck::Port)),
            };
            checks.extend(check.map(|check| (key, check)));
        }
        if checks.len() > 1 {
            let (key, _) = &checks[1];
            let error = self.error(CONFLICT, "a service is asked in one way whether it is well", key.span());
            error.hint = Some("leave out all but one of `command`, `http`, `log` and `port`".to_owned());
            return None;
        }
        let is_wrong =
            table.keys().any(|key| HEALTH.known.contains(&&**key.get_ref()) && !SETTINGS.contains(&&**key.get_ref()));
        if let (Some((key, _)), None) = (failures, every) {
            let error = self.error(MISSING_KEY, "nothing says how often to ask", key.span());
            error.hint = Some("write `every = \"5s\"`; without it a service is asked when it starts".to_owned());
        }
        if let (Some((key, _)), [(_, RawCheck::Log(_))]) = (every, checks.as_slice()) {
            let error = self.error(CONFLICT, "a line of output cannot be asked for again", key.span());
            error.hint = Some("leave out `every`, or ask by `command`, `http` or `port`".to_owned());
        }
        match checks.pop() {
            Some((_, check)) => {
                let failures = failures.map_or(FAILURES, |(_, failures)| failures);
                Some(RawHealth { check, timeout, every: every.map(|(_, every)| every), failures })
            }
            None if is_wrong => None,
            None => {
                let error = self.error(MISSING_KEY, "nothing says how to ask", key.span());
                error.hint = Some("write one of `command = [\"PROGRAM\"]`, `http = \"http://{host}:{port:NAME}/\"`, `log = \"TEXT\"` or `port = \"NAME\"`".to_owned());
                None
            }
        }
    }

    fn failures(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Option<u32> {
        let DeValue::Integer(integer) = value.get_ref() else {
            self.wrong_kind(key, value, "an integer");
            return None;
        };
        let failures = u32::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|failures| *failures > 0);
        if failures.is_none() {
            self.error(BAD_VALUE, "a service fails at least once before it has failed", value.span());
        }
        failures
    }

    fn url(&mut self, text: &Spanned<String>) -> Option<RawCheck> {
        let rest = text.get_ref().strip_prefix("http://");
        if rest.is_none_or(|rest| !rest.contains(':')) {
            let error = self.error(BAD_VALUE, format!("`{}` cannot be asked", text.get_ref()), text.span());
            error.hint = Some("write host and port: `http://{host}:{port:NAME}/PATH`".to_owned());
            return None;
        }
        Some(RawCheck::Http(text.get_ref().clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    #[test]
    fn a_service_is_asked_in_one_way() {
        let check = |text: &str| {
            let (file, diagnostics) = read(&format!("[services.a]\ncommand = [\"x\"]\nhealth = {text}\n"));
            let told: Vec<String> = diagnostics.into_iter().map(|error| error.message).collect();
            (file.services.first().and_then(|(_, service)| service.health.clone()), told)
        };
        let seconds = Duration::from_secs;
        assert_eq!(
            check("{ log = \"up\", timeout = \"5s\" }").0,
            Some(RawHealth { check: RawCheck::Log("up".into()), timeout: seconds(5), every: None, failures: 3 })
        );
        assert_eq!(
            check("{ port = \"web\" }").0,
            Some(RawHealth { check: RawCheck::Port("web".into()), timeout: USUAL, every: None, failures: 3 })
        );
        assert!(matches!(
            check("{ command = [\"pg_isready\"] }").0,
            Some(RawHealth { check: RawCheck::Command(_), .. })
        ));
        assert!(matches!(
            check("{ http = \"http://{host}:{port:web}/\" }").0,
            Some(RawHealth { check: RawCheck::Http(_), .. })
        ));
        let asked =
            check("{ port = \"web\", every = \"2s\", failures = 1 }").0.map(|health| (health.every, health.failures));
        assert_eq!(asked, Some((Some(seconds(2)), 1)));
        for (text, message) in [
            ("{ log = \"up\", every = \"5s\" }", "a line of output cannot be asked for again"),
            ("{ port = \"web\", failures = 2 }", "nothing says how often to ask"),
            ("{ port = \"web\", every = \"1s\", failures = 0 }", "a service fails at least once before it has failed"),
            ("{ port = \"web\", every = 5 }", "`every` must be a string"),
        ] {
            assert_eq!(check(text).1, [message], "{text}");
        }
        for (text, message) in [
            ("{}", "nothing says how to ask"),
            ("{ timeout = \"1s\" }", "nothing says how to ask"),
            ("{ log = \"a\", port = \"b\" }", "a service is asked in one way whether it is well"),
            ("{ http = \"https://x/\" }", "`https://x/` cannot be asked"),
            ("{ log = 3 }", "`log` must be a string"),
            ("3", "`health` must be a table"),
        ] {
            assert_eq!(check(text), (None, vec![message.to_owned()]), "{text}");
        }
    }
}
