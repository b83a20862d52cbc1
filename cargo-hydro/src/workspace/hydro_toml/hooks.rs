//! `[hooks]`: the script whose functions are called at turns of a deployment.
//!
//! Knows the words, not what the script holds.

use std::borrow::Cow;
use std::time::Duration;

use serde_spanned::Spanned;
use toml::de::DeValue;

use super::raw::RawHooks;
use super::read::{Keys, MISSING_KEY, Reader};

const HOOKS: Keys = Keys { of: "the hooks", known: &["script", "timeout"], later: &[] };
/// How long a hook may take that does not say it.
const USUAL: Duration = Duration::from_secs(30);

impl Reader {
    pub(super) fn hooks(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Option<RawHooks> {
        let table = self.table(key, value)?;
        let (mut script, mut timeout) = (None, USUAL);
        for (key, value) in self.known(table, &HOOKS) {
            match &**key.get_ref() {
                "script" => script = self.string(key, value),
                _ => timeout = self.duration(key, value).unwrap_or(USUAL),
            }
        }
        if script.is_none() && !table.keys().any(|key| &**key.get_ref() == "script") {
            let error = self.error(MISSING_KEY, "nothing says where the hooks are", key.span());
            error.hint = Some("write `script = \"NAME.hydro.py\"`, relative to this file".to_owned());
        }
        script.map(|script| RawHooks { script, timeout })
    }
}
