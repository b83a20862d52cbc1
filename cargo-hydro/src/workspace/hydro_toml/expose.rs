//! `[expose.NAME]` → [`RawExposure`]: a port that is reached from outside, and where.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::raw::RawExposure;
use super::read::{BAD_VALUE, Keys, Reader};

/// Where something listens, as far as it matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListenAt {
    /// The address; none: what is usual there.
    pub ip: Option<IpAddr>,
    /// The port; none: any that is free.
    pub port: Option<u16>,
}

impl ListenAt {
    /// Reads `8080`, `0.0.0.0:8080`, `[::]:8080` or an IP address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number = |port: u16| (port > 0).then_some(port);
        if let Ok(port) = text.parse() {
            return Some(Self { ip: None, port: number(port) });
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Some(Self { ip: Some(address.ip()), port: number(address.port()) });
        }
        text.parse().ok().map(|ip| Self { ip: Some(ip), port: None })
    }
}

const EXPOSURE: Keys = Keys { of: "an exposed port", known: &["port", "listen"], later: &["cert", "key", "from"] };

impl Reader {
    pub(super) fn exposure(&mut self, name: &Spanned<Cow<'_, str>>, table: &DeTable<'_>) -> Option<RawExposure> {
        let (mut port, mut listen) = (None, None);
        for (key, value) in self.known(table, &EXPOSURE) {
            match &**key.get_ref() {
                "port" => port = self.string(key, value).map(|text| self.port(&text)),
                _ => listen = self.listen(key, value),
            }
        }
        if port.is_none() {
            self.missing(table, name, "port", "say which port it is: `port = \"SERVICE.PORT\"`");
        }
        Some(RawExposure { port: port??, listen })
    }

    /// Reads a port number, an IP address or both.
    fn listen(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Option<ListenAt> {
        let text = match value.get_ref() {
            DeValue::Integer(_) => Spanned::new(value.span(), self.port_number(key, value)?.to_string()),
            _ => self.string(key, value)?,
        };
        let at = ListenAt::parse(text.get_ref());
        if at.is_none() {
            let error = self.error(BAD_VALUE, format!("`{}` is no place to listen at", text.get_ref()), text.span());
            error.hint = Some("write a port number, or an IP address, or both: `\"0.0.0.0:8080\"`".to_owned());
        }
        at
    }
}
