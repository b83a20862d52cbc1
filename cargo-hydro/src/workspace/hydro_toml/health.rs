//! `[services.NAME.health]`: how it is found out whether a service is well.
//!
//! Knows the words, not how to ask.

use std::borrow::Cow;
use std::time::Duration;

use serde_spanned::Spanned;
use toml::de::DeValue;

use super::raw::{RawCheck, RawHealth};
use super::read::{BAD_VALUE, CONFLICT, Keys, MISSING_KEY, Reader};

const HEALTH: Keys = Keys { of: "the health", known: &["command", "http", "log", "port", "timeout"], later: &[] };
/// How long a start may take that does not say it.
const USUAL: Duration = Duration::from_secs(30);

impl Reader {
    pub(super) fn health(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Option<RawHealth> {
        let table = self.table(key, value)?;
        let mut checks = Vec::new();
        let mut timeout = USUAL;
        for (key, value) in self.known(table, &HEALTH) {
            let text = |check: fn(String) -> RawCheck| move |text: Spanned<String>| check(text.into_inner());
            let check = match &**key.get_ref() {
                "timeout" => {
                    timeout = self.duration(key, value).unwrap_or(USUAL);
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
            table.keys().any(|key| HEALTH.known.contains(&&**key.get_ref()) && &**key.get_ref() != "timeout");
        match checks.pop() {
            Some((_, check)) => Some(RawHealth { check, timeout }),
            None if is_wrong => None,
            None => {
                let error = self.error(MISSING_KEY, "nothing says how to ask", key.span());
                error.hint = Some("write one of `command = [\"PROGRAM\"]`, `http = \"http://{host}:{port:NAME}/\"`, `log = \"TEXT\"` or `port = \"NAME\"`".to_owned());
                None
            }
        }
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
            Some(RawHealth { check: RawCheck::Log("up".into()), timeout: seconds(5) })
        );
        assert_eq!(
            check("{ port = \"web\" }").0,
            Some(RawHealth { check: RawCheck::Port("web".into()), timeout: USUAL })
        );
        assert!(matches!(
            check("{ command = [\"pg_isready\"] }").0,
            Some(RawHealth { check: RawCheck::Command(_), .. })
        ));
        assert!(matches!(
            check("{ http = \"http://{host}:{port:web}/\" }").0,
            Some(RawHealth { check: RawCheck::Http(_), .. })
        ));
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
