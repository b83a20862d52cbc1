//! `[[links]]` → [`RawLink`], and the words for what carries a link.

use std::borrow::Cow;

use hydro_runtime_shim::contract::{Delivery, Policy};
use serde_spanned::Spanned;
use toml::de::DeValue;

use super::raw::{RawLink, RawPort};
use super::read::{BAD_VALUE, Keys, Reader};

/// What `local_links` and `transport` may be.
const LOCAL_WORDS: [&str; 3] = ["shm", "unix", "tcp"];

const LINK: Keys = Keys {
    of: "a link",
    known: &["from", "to", "policy", "delivery", "transport", "insecure"],
    later: &["tls", "buffer"],
};

impl Reader {
    /// Reads all links.
    pub(super) fn links(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Vec<RawLink> {
        let DeValue::Array(tables) = value.get_ref() else {
            self.wrong_kind(key, value, "an array of tables").hint =
                Some("begin each link with `[[links]]`".to_owned());
            return Vec::new();
        };
        let mut links = Vec::new();
        for value in tables {
            let Some(table) = self.table(key, value) else { continue };
            let (mut from, mut to, mut policy, mut delivery) = (None, None, None, None);
            let (mut transport, mut insecure) = (None, false);
            for (key, value) in self.known(table, &LINK) {
                match &**key.get_ref() {
                    "insecure" => insecure = self.truth(key, value).unwrap_or_default(),
                    "transport" => transport = self.local_links(key, value),
                    word => {
                        let Some(text) = self.string(key, value) else { continue };
                        match word {
                            "from" => from = self.port(&text),
                            "to" => to = self.port(&text),
                            "delivery" => delivery = self.delivery(&text),
                            _ => policy = self.policy(&text),
                        }
                    }
                }
            }
            for wanted in ["from", "to"] {
                if !table.keys().any(|key| key.get_ref() == wanted) {
                    let hint = "a link has `from = \"SERVICE.OUTPUT\"` and `to = \"SERVICE.INPUT\"`";
                    self.missing_at(value.span(), "a link", wanted, hint);
                }
            }
            if let (Some(from), Some(to)) = (from, to) {
                links.push(RawLink { from, to, policy, delivery, transport, insecure });
            }
        }
        links
    }

    /// Reads what carries links within a machine.
    pub(super) fn local_links(
        &mut self,
        key: &Spanned<Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<Spanned<String>> {
        let word = self.string(key, value)?;
        if !LOCAL_WORDS.contains(&word.get_ref().as_str()) {
            let message = format!("`{}` cannot be `{}`", key.get_ref(), word.get_ref());
            let error = self.error(BAD_VALUE, message, word.span());
            let hint = "within a machine links go by `\"shm\"` (shared memory, the default), `\"unix\"` or `\"tcp\"`";
            error.hint = Some(hint.to_owned());
            return None;
        }
        Some(word)
    }

    pub(super) fn port(&mut self, text: &Spanned<String>) -> Option<RawPort> {
        match text.get_ref().rsplit_once('.') {
            Some((service, port)) if !service.is_empty() && !port.is_empty() => {
                Some(RawPort { service: service.to_owned(), port: port.to_owned(), span: text.span() })
            }
            _ => {
                let error = self.error(BAD_VALUE, format!("`{}` names no port", text.get_ref()), text.span());
                error.hint = Some("write the service and its port with a dot between: `server.inbound`".to_owned());
                None
            }
        }
    }

    fn policy(&mut self, text: &Spanned<String>) -> Option<Policy> {
        let policy = Policy::parse(text.get_ref());
        if policy.is_none() {
            let error = self.error(BAD_VALUE, format!("there is no policy called `{}`", text.get_ref()), text.span());
            error.hint = Some("the policies are `broadcast` and `round_robin`".to_owned());
        }
        policy
    }

    fn delivery(&mut self, text: &Spanned<String>) -> Option<Delivery> {
        let delivery = Delivery::parse(text.get_ref());
        if delivery.is_none() {
            let error = self.error(BAD_VALUE, format!("there is no delivery called `{}`", text.get_ref()), text.span());
            error.hint = Some("the deliveries are `reliable` (the default) and `lossy`".to_owned());
        }
        delivery
    }
}
